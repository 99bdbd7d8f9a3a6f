"""Temporal attention over the sessions before a decision: the encoder of a Transformer (Vaswani et al., NeurIPS 2017), and a line from all its steps to the score.

Each step looks at all that are there; a session without a row is looked at by none, and counts nothing in the score. Sums are normalised before each part, not after it
(Xiong et al., ICML 2020), so that it can be trained without a rate that warms up.

The score is a line of all steps, as in PatchTST (Nie et al., ICLR 2023), not of the last one: what matters at which age is then learnt at once, where attention would have to find it by two products that
each begin without it. A pattern that is a hundredth of the noise is lost on that way. The line begins at zero: random weights say far more than a weak signal does, and would have to be unlearnt first.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from pydantic import Field, model_validator

from ats_assets.models.nets.net import Drop, uniform
from ats_assets.models.nets.net_file import Tensors
from ats_assets.models.nets.net_kernels import affine, attended, normalised
from ats_assets.models.nets.net_learner import NetLearner
from ats_assets.models.nets.net_settings import NET_SPACE, NetSettings
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, SearchRange


class TransformerSettings(NetSettings):
    """Temporal attention."""

    width: Positive = Field(default=32, description="numbers of a step")
    heads: Positive = Field(default=4, description="parts of a step that look around each for itself")
    layers: Positive = Field(default=1, le=12)
    inner_width: Positive = Field(default=64, description="numbers between the two lines that each step passes")

    @model_validator(mode="after")
    def _whole_heads(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width ({self.width}) must be a multiple of heads ({self.heads})")
        return self


class TemporalAttention:
    """An encoder of steps, and a line from all of them to the score."""

    def __init__(self, settings: TransformerSettings) -> None:
        self._width, self._heads, self._layers, self._inner = settings.width, settings.heads, settings.layers, settings.inner_width

    def initial(self, length: int, channels: int, random: np.random.Generator) -> Tensors:
        """Lines uniform within one over the root of what they add up, what is added to a step less with more layers; positions as large as what is seen, so that attention can tell ages apart from the start."""
        d, inner = self._width, self._inner
        made: Tensors = {"in.weight": uniform(random, channels**-0.5, channels, d), "in.bias": np.zeros(d, np.float32)}
        made["position"] = uniform(random, 1.0, length, d)
        for layer in range(self._layers):
            shapes = {"attend": (d, 3 * d), "mix": (d, d), "widen": (d, inner), "narrow": (inner, d)}
            for name, (given, taken) in shapes.items():
                part = (2.0 * self._layers) ** -0.5 if name in {"mix", "narrow"} else 1.0
                made[f"{name}.{layer}.weight"] = uniform(random, part * given**-0.5, given, taken)
                made[f"{name}.{layer}.bias"] = np.zeros(taken, np.float32)
            for name in (f"norm1.{layer}", f"norm2.{layer}"):
                made |= {f"{name}.weight": np.ones(d, np.float32), f"{name}.bias": np.zeros(d, np.float32)}
        made |= {"norm.weight": np.ones(d, np.float32), "norm.bias": np.zeros(d, np.float32)}
        return made | {"out.weight": np.zeros((length * d, 1), np.float32), "out.bias": np.zeros(1, np.float32)}

    def forward(self, torch: Any, weights: Mapping[str, Any], x: Any, drop: Drop) -> Any:
        """By PyTorch."""
        n, length, _ = x.shape
        d, heads, size = self._width, self._heads, self._width // self._heads
        absent = (x[:, :, -1] <= 0)[:, None, None, :]

        def line(values: Any, name: str) -> Any:
            return values @ weights[f"{name}.weight"] + weights[f"{name}.bias"]

        def norm(values: Any, name: str) -> Any:
            return torch.nn.functional.layer_norm(values, (d,), weights[f"{name}.weight"], weights[f"{name}.bias"])

        steps = drop(line(x, "in") + weights["position"])
        for layer in range(self._layers):
            qkv = line(norm(steps, f"norm1.{layer}"), f"attend.{layer}").reshape(n, length, 3, heads, size)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            near = (q @ k.transpose(2, 3) * size**-0.5).masked_fill(absent, -1e30)
            found = (near.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, length, d)
            steps = steps + drop(line(found, f"mix.{layer}"))
            inner = torch.relu(line(norm(steps, f"norm2.{layer}"), f"widen.{layer}"))
            steps = steps + drop(line(inner, f"narrow.{layer}"))
        return line((norm(steps, "norm") * x[:, :, -1:]).reshape(n, length * d), "out")[:, 0]

    def score(self, weights: Tensors, x: np.ndarray) -> np.ndarray:
        """By kernels."""
        n, length, _ = x.shape
        d = self._width
        present = np.ascontiguousarray(x[:, :, -1])

        def line(values: np.ndarray, name: str) -> np.ndarray:
            return affine(values, weights[f"{name}.weight"], weights[f"{name}.bias"])

        def norm(values: np.ndarray, name: str) -> np.ndarray:
            out = np.empty_like(values)
            normalised.compiled(values.reshape(-1, d), weights[f"{name}.weight"], weights[f"{name}.bias"], out.reshape(-1, d))
            return out

        steps = line(x, "in") + weights["position"]
        for layer in range(self._layers):
            found = np.empty((n, length, d), np.float32)
            attended.compiled(line(norm(steps, f"norm1.{layer}"), f"attend.{layer}"), present, self._heads, found)
            steps = steps + line(found, f"mix.{layer}")
            inner = np.maximum(line(norm(steps, f"norm2.{layer}"), f"widen.{layer}"), np.float32(0.0))
            steps = steps + line(inner, f"narrow.{layer}")
        return line((norm(steps, "norm") * present[:, :, None]).reshape(n, length * d), "out")[:, 0]


class Transformer(NetLearner):
    """Temporal attention."""

    net = TemporalAttention


PLUGIN = Plugin(
    settings=TransformerSettings,
    make=Transformer,
    needs=("torch", "torch"),
    quick={"width": 4, "heads": 2, "layers": 1, "inner_width": 4, "min_epochs": 1, "max_epochs": 1, "sequence_sessions": 3},
    space=NET_SPACE | {"layers": SearchRange(low=1, high=4), "inner_width": SearchRange(low=32, high=256, step=32)},
)

"""A recurrent net over the sessions before a decision: an LSTM (Hochreiter and Schmidhuber, Neural Computation 9, 1997), whose last state tells the score.

Of features, prices or returns (`inputs`); see `ats_assets.models.nets`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from ats_assets.models.nets.net import Drop, uniform
from ats_assets.models.nets.net_file import Tensors
from ats_assets.models.nets.net_kernels import affine, recur
from ats_assets.models.nets.net_learner import NetLearner
from ats_assets.models.nets.net_settings import NET_SPACE, NetSettings
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, SearchRange


class LstmSettings(NetSettings):
    """A recurrent net."""

    hidden: Positive = Field(default=64, description="numbers of a state")
    layers: Positive = Field(default=2, le=8)


class Recurrence:
    """Layers of an LSTM, and a line from the last state to the score."""

    def __init__(self, settings: LstmSettings) -> None:
        self._hidden, self._layers = settings.hidden, settings.layers

    def initial(self, length: int, channels: int, random: np.random.Generator) -> Tensors:  # noqa: ARG002 - as long as it may be
        """Uniform within one over the root of the size of a state."""
        h, bound = self._hidden, self._hidden**-0.5
        made: Tensors = {}
        for layer in range(self._layers):
            made[f"input.{layer}"] = uniform(random, bound, 4 * h, h if layer else channels)
            made[f"state.{layer}"] = uniform(random, bound, 4 * h, h)
            made[f"gates.{layer}"] = uniform(random, bound, 4 * h)
        return made | {"out.weight": uniform(random, bound, 1, h), "out.bias": uniform(random, bound, 1)}

    def forward(self, torch: Any, weights: Mapping[str, Any], x: Any, drop: Drop) -> Any:
        """By PyTorch's own LSTM, layer by layer."""
        for layer in range(self._layers):
            flat = [
                weights[f"input.{layer}"],
                weights[f"state.{layer}"],
                weights[f"gates.{layer}"],
                torch.zeros_like(weights[f"gates.{layer}"]),
            ]
            begin = torch.zeros((1, len(x), self._hidden), dtype=x.dtype, device=x.device)
            x, *_ = torch.lstm(drop(x) if layer else x, (begin, begin), flat, True, 1, 0.0, False, False, True)
        return torch.nn.functional.linear(drop(x[:, -1]), weights["out.weight"], weights["out.bias"])[:, 0]

    def score(self, weights: Tensors, x: np.ndarray) -> np.ndarray:
        """By kernels, step by step."""
        steps = np.ascontiguousarray(x.transpose(1, 0, 2))
        for layer in range(self._layers):
            gates = affine(steps, np.ascontiguousarray(weights[f"input.{layer}"].T), weights[f"gates.{layer}"])
            steps = np.empty((*gates.shape[:2], self._hidden), np.float32)
            recur.compiled(gates, np.ascontiguousarray(weights[f"state.{layer}"].T), steps)
        return affine(steps[-1], np.ascontiguousarray(weights["out.weight"].T), weights["out.bias"])[:, 0]


class Lstm(NetLearner):
    """A recurrent net."""

    net = Recurrence


PLUGIN = Plugin(
    settings=LstmSettings,
    make=Lstm,
    needs=("torch", "torch"),
    quick={"hidden": 4, "layers": 1, "min_epochs": 1, "max_epochs": 1, "sequence_sessions": 3},
    space=NET_SPACE | {"hidden": SearchRange(low=16, high=128, step=16), "layers": SearchRange(low=1, high=3)},
)

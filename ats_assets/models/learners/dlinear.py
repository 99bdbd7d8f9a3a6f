"""The honest simple net of sequences, DLinear (Zeng, Chen, Zhang and Xu, AAAI 2023): a moving mean and what is left of it, and a line over all steps of each.

What a larger net gains over it is what its size is worth.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pydantic import Field

from ats_assets.models.nets.net import Drop
from ats_assets.models.nets.net_file import Tensors
from ats_assets.models.nets.net_kernels import affine
from ats_assets.models.nets.net_learner import NetLearner
from ats_assets.models.nets.net_settings import NET_SPACE, NetSettings
from ats_assets.plugins import Plugin
from ats_assets.settings import SearchRange


class DlinearSettings(NetSettings):
    """A line over the trend of each channel and what is left of it."""

    trend_sessions: int = Field(
        default=5, ge=1, le=61, description="steps of the moving mean, at whose ends the first and the last step are repeated"
    )


class Decomposition:
    """A line over trend and remainder of each channel."""

    def __init__(self, settings: DlinearSettings) -> None:
        self._window = settings.trend_sessions

    def initial(self, length: int, channels: int, random: np.random.Generator) -> Tensors:  # noqa: ARG002 - a line needs no luck to begin
        """Zero: what a weak signal asks for is far smaller than random weights are."""
        return {name: np.zeros(size, np.float32) for name, size in (("trend", length * channels), ("rest", length * channels), ("bias", 1))}

    def forward(self, torch: Any, weights: Mapping[str, Any], x: Any, drop: Drop) -> Any:
        """Trend and rest are lines of the steps, so the whole is one: no tensor of the trends is made, which would be as large as `x`."""
        n, length, channels = x.shape
        mean = torch.from_numpy(self._mean(length)).to(x.device)
        trend, rest = (weights[name].reshape(length, channels) for name in ("trend", "rest"))
        line = rest + mean.T @ (trend - rest)
        return drop(x).reshape(n, -1) @ line.reshape(-1) + weights["bias"]

    def score(self, weights: Tensors, x: np.ndarray) -> np.ndarray:
        """By the same line."""
        n, length, channels = x.shape
        mean = self._mean(length).astype(np.float64)
        trend, rest = (weights[name].astype(np.float64).reshape(length, channels) for name in ("trend", "rest"))
        line = (rest + (mean[:, :, None] * (trend - rest)[:, None, :]).sum(axis=0)).astype(np.float32)
        return affine(x.reshape(n, -1), line.reshape(-1, 1), weights["bias"])[:, 0]

    def _mean(self, length: int) -> np.ndarray:
        """The moving mean as a matrix: float32 of shape (length, length)."""
        made, before = np.zeros((length, length)), (self._window - 1) // 2
        for step in range(length):
            for at in range(step - before, step - before + self._window):
                made[step, min(max(at, 0), length - 1)] += 1.0 / self._window
        return made.astype(np.float32)


class Dlinear(NetLearner):
    """A line over trend and remainder of the steps."""

    net = Decomposition


PLUGIN = Plugin(
    settings=DlinearSettings,
    make=Dlinear,
    needs=("torch", "torch"),
    quick={"min_epochs": 1, "max_epochs": 1, "sequence_sessions": 3},
    space=NET_SPACE | {"trend_sessions": SearchRange(low=3, high=15, step=2)},
)

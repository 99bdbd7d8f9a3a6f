"""What a net must be able to do: begin, be trained by PyTorch, and score without it."""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from ats_assets.models.nets.net_file import Tensors

Drop = Callable[[Any], Any]
"""Leaves out some of a tensor's values while a net is trained, and none afterwards."""


class Net(Protocol):
    """A kind of net, made of its settings."""

    def initial(self, length: int, channels: int, random: np.random.Generator) -> Tensors:
        """The tensors that training begins with, by their names, for steps of shape (length, channels)."""
        ...

    def forward(self, torch: Any, weights: Mapping[str, Any], x: Any, drop: Drop) -> Any:
        """By PyTorch: of tensors, and steps of shape (n, length, channels), the scores, of shape (n,)."""
        ...

    def score(self, weights: Tensors, x: np.ndarray) -> np.ndarray:
        """The same by kernels, of float32 arrays; a row's score depends on that row alone."""
        ...


def uniform(random: np.random.Generator, bound: float, *shape: int) -> np.ndarray:
    """Numbers that a tensor begins with: float32 from -bound to bound."""
    return random.uniform(-bound, bound, size=shape).astype(np.float32)

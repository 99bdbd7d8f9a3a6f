"""Working memory that is used again: to touch fresh pages takes longer than what is computed in them."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", np.float32, np.float64, np.uint8)

KEPT_BYTES: Final = 2**23
"""Larger ones are given back."""

_KEPT: Final = deque[NDArray[np.uint8]](maxlen=8)
"""Those that no thread uses now."""


@contextmanager
def scratch(rows: int, columns: int, kind: type[_Number]) -> Iterator[NDArray[_Number]]:
    """An array of shape (rows, columns) with anything in it, for as long as the context lasts."""
    size = rows * columns * np.dtype(kind).itemsize
    try:
        memory = _KEPT.pop()
    except IndexError:
        memory = np.empty(0, np.uint8)
    if memory.size < size:
        memory = np.empty(size, np.uint8)
    yield memory[:size].view(kind).reshape(rows, columns)
    if memory.size <= KEPT_BYTES:
        _KEPT.append(memory)

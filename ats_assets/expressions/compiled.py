"""How the machine's kernels are compiled."""

from collections.abc import Callable
from typing import TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., object])


def inlined(function: _Function) -> _Function:
    """Compile as part of the caller; IEEE division, no reordering of floating point, the GIL released."""
    return cast(_Function, numba.njit(error_model="numpy", nogil=True)(function))

"""What plain and compiled kernels do in different ways, and come to the same bits: sums of floats, the order of rows, rounding of one number."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel, kernel_as, kernel_of


def _pairwise() -> Callable[..., float]:
    from ats_assets.kernels.running_sums import pairwise  # noqa: PLC0415 - it imports numba, which a process that compiles nothing need not

    return pairwise


@kernel_of(_pairwise)
def total(values: NDArray[np.float64]) -> float:
    """The sum of floats of shape (n,)."""
    return float(values.sum())


@kernel
def total_of_products(values: NDArray[np.float64], factors: NDArray[np.float64]) -> float:
    """The sum of values times factors, both of shape (n,)."""
    return total(values * factors)


@kernel
def total_size(values: NDArray[np.float64], which: NDArray[np.bool_]) -> float:
    """The sum of |value| over those `which`, both of shape (n,)."""
    return total(np.abs(values[which]))


def _by_rows(keys):
    """Stable, from the last key to the first; a key that all share orders nothing."""
    order = np.arange(keys.shape[1])
    for k in range(len(keys) - 1, -1, -1):
        key = np.where(np.isnan(keys[k]), np.inf, keys[k])
        if len(key) and key.min() != key.max():
            order = order[np.argsort(key[order], kind="mergesort")]
    return order


@kernel_as(_by_rows)
def order_by(keys: NDArray[np.float64]) -> NDArray[np.intp]:
    """The order of columns by rows of shape (n_keys, n), the first before the others; NaN comes last, and what is equal in all stays as it is."""
    return np.lexsort(keys[::-1])


def _rint(value):
    return np.rint(value)


@kernel_as(_rint)
def nearest(value: float) -> float:
    """The nearest whole number, of two the even one, as `np.rint` has it; what is not finite stays."""
    return float(round(value)) if math.isfinite(value) else value

"""Cholesky's method in kernels: single numbers in one order, where libraries for matrices add up by threads and processor."""

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]
LEAST_PIVOT = 1e-14
"""Of what is left of a variance when the others are known, as a share of it: less is rounding."""


def solution(matrix: Floats, right: Floats) -> Floats:
    """The x with matrix x = right, of shape (n,).

    Raises
    ------
    PortfolioError
        If the matrix is not positive definite.

    Examples
    --------
    >>> solution(np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([3.0, 3.0])).round(9).tolist()
    [1.0, 1.0]
    """
    factor, found = np.array(matrix, np.float64), np.array(right, np.float64)
    if not factored.compiled(factor):
        raise PortfolioError("a covariance is not positive definite: shrink it, or give more sessions")
    substituted.compiled(factor, found)
    return found


def product(matrix: Floats, vector: Floats) -> Floats:
    """A matrix times a vector, of shape (n,), added up in one order."""
    return (matrix * vector).sum(axis=1)


@kernel
def factored(system: Floats) -> bool:
    """Cholesky's factor in place of a matrix, row by row; False where there is none."""
    m = len(system)
    for i in range(m):
        for j in range(i + 1):
            rest = system[i, j]
            for k in range(j):
                rest -= system[i, k] * system[j, k]
            if i > j:
                system[i, j] = rest / system[j, j]
            elif rest > LEAST_PIVOT * system[i, i]:
                system[i, i] = np.sqrt(rest)
            else:
                return False
    return True


@kernel
def substituted(factor: Floats, right: Floats) -> None:
    """The solution in place of the right-hand side."""
    m = len(right)
    for i in range(m):
        rest = right[i]
        for k in range(i):
            rest -= factor[i, k] * right[k]
        right[i] = rest / factor[i, i]
    for i in range(m - 1, -1, -1):
        rest = right[i]
        for k in range(i + 1, m):
            rest -= factor[k, i] * right[k]
        right[i] = rest / factor[i, i]

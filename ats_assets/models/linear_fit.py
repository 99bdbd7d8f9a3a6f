"""Linear models by any objective, whose bits depend on no number of threads and on no machine.

1. The loss of each row is bounded from above by a parabola that holds for all scores: its slope is the objective's, its curvature a number of the row. So one matrix of sums of products is
   made for a fit, whatever its penalties, and each step goes to the lowest point of the bound, which never raises the loss (Böhning and Lindsay, 1988; Hunter and Lange, 2004).
2. With a penalty on squares that point is the solution of a linear system, by Cholesky's method; with one on sizes, too, it is found feature by feature (Friedman, Hastie and Tibshirani,
   Journal of Statistical Software 33, 2010).
3. Until no weight moves by more than `TOLERANCE` of the largest.

Libraries for matrices add in an order of their own, by threads and processor. Here it can't matter: what is added are products of numbers that have few bits. Distances are multiples of
2^-12 (`linear_table`), slopes of 2^-18 of the largest, weights of 2^-26 of the largest; with those bounds sums of 8 million rows are exact in float64. Cholesky's method is done column by
column, in operations on single numbers.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.models.linear_table import STEP, Floats

ROWS_AT_ONCE: Final = 32_768
SLOPE_BITS: Final = 18
WEIGHT_BITS: Final = 26
TOLERANCE: Final = 1e-5
MOST_STEPS: Final = 100
MOST_SWEEPS: Final = 100

Rows = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class RowLoss:
    """The loss of rows by their scores.

    Parameters
    ----------
    slopes
        Scores to the derivative of each row's loss, weights of rows included; float64 of shape (n_rows,).
    curvature
        Never below the second derivative, whatever the scores; of shape (n_rows,).
    start
        The best score that is the same for all rows, or near it.
    """

    slopes: Callable[[Floats], Floats]
    curvature: Floats
    start: float


@dataclass(frozen=True, kw_only=True)
class LinearFit:
    """Weights of shape (n_features,), the intercept, and how many steps it took."""

    weight: Floats
    intercept: float
    steps: int

    def scores(self, z: Rows) -> Floats:
        """The scores of rows, to the bits of `weight`."""
        return _products(z, self.weight) + self.intercept


class LinearProblem:
    """Rows and their loss, with the matrix that all penalties share.

    Parameters
    ----------
    z
        From `linear_table.distances`, of shape (n_rows, n_features).
    """

    def __init__(self, z: Rows, loss: RowLoss) -> None:
        self._z, self._loss = z, loss
        self._matrix = curvature_matrix(z, loss.curvature)
        self.start = LinearFit(weight=np.zeros(z.shape[1]), intercept=loss.start, steps=0)

    def largest_slope(self) -> float:
        """Of a weight at the start, of the mean loss: a penalty on sizes above it leaves all weights at 0."""
        return float(np.abs(self._slope(self.start)[:-1]).max(initial=0.0))

    def solved(self, *, squares: float, sizes: float = 0.0, start: LinearFit | None = None) -> LinearFit:
        """The weights of the least mean loss plus `squares` / 2 times the sum of their squares plus `sizes` times that of their sizes; the intercept is free of both.

        Parameters
        ----------
        start
            Where to begin, such as the fit of a stronger penalty.
        """
        found, penalty = start or self.start, np.full(len(self._matrix), squares)
        penalty[-1] = 0.0
        factor = None if sizes else cholesky_factor(self._matrix + np.diag(penalty))
        for steps in range(1, MOST_STEPS + 1):
            before = np.append(found.weight, found.intercept)
            slope = self._slope(found)
            if factor is None:
                after = _swept(self._matrix, (self._matrix * before).sum(axis=1) - slope, before, penalty, sizes)
            else:
                after = before - cholesky_solution(factor, slope + penalty * before)
            after = few_bits(after, WEIGHT_BITS)
            found = LinearFit(weight=after[:-1], intercept=float(after[-1]), steps=steps)
            if np.abs(after - before).max() <= TOLERANCE * np.abs(after).max():
                break
        return found

    def _slope(self, at: LinearFit) -> Floats:
        """The derivatives of the mean loss by the weights and, last, the intercept."""
        slopes = few_bits(self._loss.slopes(at.scores(self._z)), SLOPE_BITS)
        total = np.zeros(self._z.shape[1] + 1)
        for first, part in _parts(self._z):
            own = slopes[first : first + len(part)]
            total[:-1] += own @ part
            total[-1] += own.sum()
        return total / len(slopes)


def curvature_matrix(z: Rows, curvature: Floats) -> Floats:
    """The mean over rows of curvature times the products of each two features, a column of ones last: of shape (n_features + 1, n_features + 1)."""
    size = z.shape[1] + 1
    total, root = np.zeros((size, size)), np.sqrt(curvature)
    unit = 2.0 ** np.ceil(np.log2(root.max()))
    for first, part in _parts(z):
        own = np.ones((len(part), size))
        own[:, :-1] = part
        own *= (root[first : first + len(part)] / unit)[:, None]
        own = np.round(own / STEP) * STEP
        total += own.T @ own
    return total * unit**2 / len(z)


def few_bits(values: Floats, bits: int) -> Floats:
    """Values as multiples of a power of two, 2^-bits of the largest or a little more.

    Examples
    --------
    >>> few_bits(np.array([1.0, 0.3, -1e-9]), 2).tolist()
    [1.0, 0.25, -0.0]
    """
    largest = np.abs(values).max(initial=0.0)
    if not largest:
        return values
    step = 2.0 ** (np.ceil(np.log2(largest)) - bits)
    return np.round(values / step) * step


def cholesky_factor(matrix: Floats) -> Floats:
    """The lower triangle whose product with itself turned is the matrix, which is symmetric and positive; column by column, each number for itself.

    Examples
    --------
    >>> cholesky_factor(np.array([[4.0, 2.0], [2.0, 5.0]])).tolist()
    [[2.0, 0.0], [1.0, 2.0]]
    """
    found = matrix.copy()
    least = 1e-12 * np.diag(matrix).max()
    for at in range(len(found)):
        found[at:, at] /= np.sqrt(max(found[at, at], least))  # below: a feature that others make up, to what float64 tells
        below = found[at + 1 :, at]
        found[at + 1 :, at + 1 :] -= below[:, None] * below[None, :]
    return np.tril(found)


def cholesky_solution(factor: Floats, right: Floats) -> Floats:
    """The solution of factor times factor turned times it is `right`."""
    found = right.copy()
    for at in range(len(found)):
        found[at] /= factor[at, at]
        found[at + 1 :] -= factor[at + 1 :, at] * found[at]
    for at in reversed(range(len(found))):
        found[at] /= factor[at, at]
        found[:at] -= factor[at, :at] * found[at]
    return found


def _swept(matrix: Floats, right: Floats, start: Floats, squares: Floats, sizes: float) -> Floats:
    """The lowest point of  w' matrix w / 2 - right' w + penalties, feature by feature; of the intercept, the last, without the one on sizes."""
    found = start.copy()
    sweeps.compiled(matrix, right - (matrix * found).sum(axis=1), squares, sizes, found)
    return found


@kernel
def sweeps(matrix: Floats, rest: Floats, squares: Floats, sizes: float, found: Floats) -> None:
    """Go through the weights until none moves by more than a tenth of `TOLERANCE` of the largest; `rest` is the slope at `found`, and both are written to."""
    for _ in range(MOST_SWEEPS):
        moved, largest = 0.0, 0.0
        for at in range(len(found)):
            own = rest[at] + matrix[at, at] * found[at]
            kept = own if at == len(found) - 1 else np.sign(own) * max(abs(own) - sizes, 0.0)
            bend = matrix[at, at] + squares[at]
            step = (kept / bend if bend > 0.0 else 0.0) - found[at]
            if step != 0.0:
                found[at] += step
                for other in range(len(rest)):
                    rest[other] -= matrix[at, other] * step
                moved = max(moved, abs(step))
        for at in range(len(found)):
            largest = max(largest, abs(found[at]))
        if moved <= TOLERANCE / 10 * largest:
            return


def _products(z: Rows, weight: Floats) -> Floats:
    return np.concatenate([part @ weight for _, part in _parts(z)] or [np.empty(0)])


def _parts(z: Rows) -> Iterator[tuple[int, Floats]]:
    """Some rows at once, as float64, with the place of the first."""
    for first in range(0, len(z), ROWS_AT_ONCE):
        yield first, z[first : first + ROWS_AT_ONCE].astype(np.float64)

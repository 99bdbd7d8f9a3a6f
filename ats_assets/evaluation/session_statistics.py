"""Figures of many sessions at once: ranks and correlations along the rows of matrices of shape (n_sessions, n_series), of which NaN is missing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.evaluation.schema import QUANTILES
from ats_assets.evaluation.skill import MIN_SYMBOLS

Matrix = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Centred:
    """Distances from the mean of each row, of shape (n_sessions, n_series), 0 where there is no value.

    `norm` has shape (n_sessions,): their length; NaN for fewer than 3 values, and where all are equal.
    """

    values: Matrix
    norm: Matrix

    def correlation(self, other: "Centred") -> Matrix:
        """Pearson correlation of each row with that of another, of the same missing values: shape (n_sessions,), NaN where undefined."""
        return np.clip(np.einsum("ij,ij->i", self.values, other.values) / (self.norm * other.norm), -1.0, 1.0)


def session_ranks(values: Matrix) -> Matrix:
    """The rank of each value in its row, from 1; equal ones share the mean of theirs, and NaN stays.

    Examples
    --------
    >>> session_ranks(np.array([[0.3, np.nan, 0.3, -0.1], [4.0, 3.0, 2.0, 1.0]]))
    array([[2.5, nan, 2.5, 1. ],
           [4. , 3. , 2. , 1. ]])
    """
    order = np.argsort(values, axis=1)  # NaN comes last
    ordered = np.take_along_axis(values, order, axis=1)
    first = np.ones(values.shape, dtype=np.bool_)  # of a run of equal values; no run goes on in the next row
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=values.size)
    shared = starts % max(1, values.shape[1]) + (lengths + 1) / 2.0
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, np.repeat(shared, lengths).reshape(values.shape), axis=1)
    ranks[np.isnan(values)] = np.nan
    return ranks


def session_quantiles(ranks: Matrix) -> NDArray[np.int8]:
    """The quantile of each rank in its row, 0 (lowest) to 4, as `skill.quantile_of` has it; -1 where there is no value.

    Examples
    --------
    >>> session_quantiles(session_ranks(np.array([[0.1, 0.2, np.nan, 0.3, 0.4, 0.5]])))
    array([[ 0,  1, -1,  2,  3,  4]], dtype=int8)
    """
    there = ~np.isnan(ranks)
    with np.errstate(invalid="ignore"):
        share = (ranks - 0.5) / np.maximum(there.sum(axis=1), 1)[:, None]
        found = np.minimum(np.where(there, share * QUANTILES, 0.0), QUANTILES - 1)
    return np.where(there, found.astype(np.int8), np.int8(-1))


def centred(values: Matrix) -> Centred:
    """Each row less its mean; in units of a power of two where its squares are beyond what a float can hold."""
    there = ~np.isnan(values)
    count = there.sum(axis=1)
    equal = np.where(there, values, np.inf).min(axis=1, initial=np.inf) >= np.where(there, values, -np.inf).max(axis=1, initial=-np.inf)
    defined = (count >= MIN_SYMBOLS) & ~equal
    distances, norm = _distances(values, there, count)
    beyond = np.flatnonzero(defined & ~(np.isfinite(norm) & (norm > 0)))
    if len(beyond):
        exponents = np.frexp(np.where(there, np.abs(values), 0.0)[beyond].max(axis=1))[1] + 32  # so that a sum stays far below 1, too
        distances[beyond], norm[beyond] = _distances(np.ldexp(values[beyond], -exponents[:, None]), there[beyond], count[beyond])
    return Centred(values=distances, norm=np.where(defined & (norm > 0), norm, np.nan))


def _distances(values: Matrix, there: Mask, count: np.ndarray) -> tuple[Matrix, Matrix]:
    with np.errstate(over="ignore", invalid="ignore"):
        mean = np.where(there, values, 0.0).sum(axis=1) / np.maximum(count, 1)
        distances = np.where(there, values - mean[:, None], 0.0)
        return distances, np.sqrt(np.einsum("ij,ij->i", distances, distances))


def means_by_quantile(quantiles: NDArray[np.int8], values: Matrix) -> Matrix:
    """The mean value of each quantile of each row, of shape (n_sessions, 5); NaN where one is empty. Both have the same missing values."""
    members = [quantiles == q for q in range(QUANTILES)]
    filled = np.where(np.isnan(values), 0.0, values)
    sums = np.stack([np.einsum("ij,ij->i", one, filled) for one in members], axis=1)
    return quotient(sums, np.stack([one.sum(axis=1) for one in members], axis=1))


def quotient(a: np.ndarray, b: np.ndarray) -> Matrix:
    """The quotient, NaN where `b` is 0."""
    return np.divide(a, b, out=np.full(np.broadcast_shapes(a.shape, b.shape), np.nan), where=b != 0)

"""Values by bin, and how far two distributions lie from each other: the bins are quantiles of one of them, and what is missing has one of its own."""

import numpy as np
from numpy.typing import NDArray

BINS = 10
"""Of the values; what is missing is in one more."""
ROWS_FOR_EDGES = 20_000
"""More rows move an edge by less than a hundredth of a bin."""
SMOOTHED = 0.5
"""Added to the count of each bin before a logarithm is taken of its share (Jeffreys' prior), so that an empty bin is not infinitely far away."""

Counts = NDArray[np.int64]


def bin_edges(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """The inner edges of each feature's bins, shape (n_features, BINS - 1): quantiles of `x`, (n_rows, n_features), NaN = missing; +inf of a feature that has no value.

    Of many rows every k-th is taken, in their order: nothing is drawn.
    """
    if not len(x):
        return np.full((x.shape[1], BINS - 1), np.inf, np.float32)
    some = np.sort(x[:: max(1, len(x) // ROWS_FOR_EDGES)], axis=0)  # NaN is last
    there = (~np.isnan(some)).sum(axis=0)
    at = np.minimum((np.arange(1, BINS)[:, None] * there / BINS).astype(np.int64), np.maximum(there - 1, 0))
    found = np.take_along_axis(some, at, axis=0)
    return np.ascontiguousarray(np.where(there > 0, found, np.float32(np.inf)).T)


def population_stability(expected: Counts, actual: Counts) -> NDArray[np.float64]:
    """The population stability index of counts by bin, (..., n_bins) both: the sum of (a - e) ln(a / e) over the shares of the bins; 0 where they are the same.

    Examples
    --------
    >>> even, moved = np.array([500, 500]), np.array([700, 300])
    >>> round(float(population_stability(even, moved)), 3)  # 0.2 ln(0.7 / 0.5) - 0.2 ln(0.3 / 0.5)
    0.169
    """
    e, a = bin_shares(expected, SMOOTHED), bin_shares(actual, SMOOTHED)
    return ((a - e) * np.log(a / e)).sum(axis=-1)


def bin_shares(counts: Counts, added: float = 0.0) -> NDArray[np.float64]:
    """The share of each bin, of counts (..., n_bins); nothing where there is no row."""
    total = counts.sum(axis=-1, keepdims=True) + added * counts.shape[-1]
    return (counts + added) / np.where(total > 0, total, 1.0)

"""Values counted by session and bin: what the distribution of a feature is, of any window of sessions, without its rows.

Edges are quantiles of a reference, so a bin holds about the same share of it; what is missing has a bin of its own, after the highest. Of counts by session the counts of each window are one
subtraction, so that hundreds of windows of the past cost as much as one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel

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


def counts_by_session(x: NDArray[np.float32], sizes: NDArray[np.int64], edges: NDArray[np.float32]) -> Counts:
    """How many rows of each session are in each bin, shape (n_sessions, n_features, BINS + 1).

    Parameters
    ----------
    x
        Rows by session, shape (n_rows, n_features).
    sizes
        Rows of each session, which add up to n_rows.
    edges
        From `bin_edges`; a value that is an edge belongs to the bin above it.
    """
    counts = np.zeros((len(sizes), x.shape[1], BINS + 1), np.int64)
    if x.size:
        _count.compiled(np.ascontiguousarray(x, np.float32), np.repeat(np.arange(len(sizes)), sizes), edges, counts)
    return counts


@kernel
def _count(x: Any, session: Any, edges: Any, counts: Any) -> None:
    """Add each value to its bin."""
    n_rows, n_features = x.shape
    bins = edges.shape[1] + 1
    for row in range(n_rows):
        of = session[row]
        for feature in range(n_features):
            value = x[row, feature]
            if value != value:  # noqa: PLR0124 - NaN
                counts[of, feature, bins] += 1
                continue
            place = 0
            for edge in range(bins - 1):
                if value >= edges[feature, edge]:
                    place += 1
            counts[of, feature, place] += 1


def population_stability(expected: Counts, actual: Counts) -> NDArray[np.float64]:
    """The population stability index of counts by bin, (..., n_bins) both: the sum of (a - e) ln(a / e) over the shares of the bins; 0 where they are the same.

    Examples
    --------
    >>> even, moved = np.array([500, 500]), np.array([700, 300])
    >>> round(float(population_stability(even, moved)), 3)  # 0.2 ln(0.7 / 0.5) - 0.2 ln(0.3 / 0.5)
    0.169
    """
    e, a = _shares(expected, SMOOTHED), _shares(actual, SMOOTHED)
    return ((a - e) * np.log(a / e)).sum(axis=-1)


def kolmogorov_smirnov(expected: Counts, actual: Counts) -> NDArray[np.float64]:
    """The largest distance of the two distribution functions at the edges of the bins, of counts (..., n_bins) both; 0 where one has no rows.

    Examples
    --------
    >>> round(float(kolmogorov_smirnov(np.array([500, 500]), np.array([700, 300]))), 3)
    0.2
    """
    there = (expected.sum(axis=-1) > 0) & (actual.sum(axis=-1) > 0)
    return np.where(there, np.abs(np.cumsum(_shares(actual) - _shares(expected), axis=-1)).max(axis=-1), 0.0)


def _shares(counts: Counts, added: float = 0.0) -> NDArray[np.float64]:
    total = counts.sum(axis=-1, keepdims=True) + added * counts.shape[-1]
    return (counts + added) / np.where(total > 0, total, 1.0)

"""Values counted by session and bin: what the distribution of a feature is, of any window of sessions, without its rows.

Edges are quantiles of a reference, so a bin holds about the same share of it; what is missing has a bin of its own, after the highest. Of counts by session the counts of each window are one
subtraction, so that hundreds of windows of the past cost as much as one.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.features.value_bins import BINS, Counts, bin_shares
from ats_assets.kernels.kernel import kernel


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


def kolmogorov_smirnov(expected: Counts, actual: Counts) -> NDArray[np.float64]:
    """The largest distance of the two distribution functions at the edges of the bins, of counts (..., n_bins) both; 0 where one has no rows.

    Examples
    --------
    >>> round(float(kolmogorov_smirnov(np.array([500, 500]), np.array([700, 300]))), 3)
    0.2
    """
    there = (expected.sum(axis=-1) > 0) & (actual.sum(axis=-1) > 0)
    return np.where(there, np.abs(np.cumsum(bin_shares(actual) - bin_shares(expected), axis=-1)).max(axis=-1), 0.0)

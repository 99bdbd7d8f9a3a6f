"""Kernels across the symbols of a session: ranks, z-scores and distances from the mean of a group.

Rows come by session. Sums go from the smallest value to the largest, so that the bits depend on the session's values alone, not on what the symbols are called. Missing
and infinite values do not count and give missing values. Sums run over distances from the smallest value, in float64: they are exactly zero where all values are equal.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

import numba
import numpy as np


@numba.njit(error_model="numpy", nogil=True, cache=True)
def rank(values, groups, starts, first, last, result):  # noqa: ARG001 - the kernels are called alike
    """Share of the values that are no larger, ties at the mean of their ranks: (below + (equal + 1) / 2) / count."""
    for session in range(first, last):
        rows = np.arange(starts[session], starts[session + 1])
        rows = rows[np.isfinite(values[rows])]
        ordered = np.sort(values[rows])
        for row in rows:
            below = np.searchsorted(ordered, values[row], side="left")
            up_to = np.searchsorted(ordered, values[row], side="right")
            result[row] = (below + up_to + 1.0) / (2.0 * rows.size)


@numba.njit(error_model="numpy", nogil=True, cache=True)
def zscore(values, groups, starts, first, last, result):  # noqa: ARG001 - the kernels are called alike
    """Distance from the mean in sample standard deviations; missing where the values are fewer than two, or all equal."""
    for session in range(first, last):
        rows = np.arange(starts[session], starts[session + 1])
        rows = rows[np.isfinite(values[rows])]
        if rows.size < 2:
            continue
        rows = rows[np.argsort(values[rows])]
        origin = np.float64(values[rows[0]]) + 0.0  # of -0.0 and 0.0 either may come first
        total, squares = 0.0, 0.0
        for row in rows:
            total += values[row] - origin
        mean = total / rows.size
        for row in rows:
            squares += (values[row] - origin - mean) ** 2
        if squares > 0.0:
            for row in rows:
                result[row] = (values[row] - origin - mean) / np.sqrt(squares / (rows.size - 1.0))


@numba.njit(error_model="numpy", nogil=True, cache=True)
def neutralize(values, groups, starts, first, last, result):
    """The value less the mean of the values of its group; missing where the group is."""
    for session in range(first, last):
        rows = np.arange(starts[session], starts[session + 1])
        rows = rows[np.isfinite(values[rows]) & np.isfinite(groups[rows])]
        rows = rows[np.argsort(values[rows])]
        rows = rows[np.argsort(groups[rows], kind="mergesort")]
        begin = 0
        while begin < rows.size:
            end = begin
            total = 0.0
            origin = np.float64(values[rows[begin]]) + 0.0
            while end < rows.size and groups[rows[end]] == groups[rows[begin]]:
                total += values[rows[end]] - origin
                end += 1
            mean = total / (end - begin)
            for row in rows[begin:end]:
                result[row] = values[row] - origin - mean
            begin = end


STATISTICS = {"rank": rank, "zscore": zscore, "neutralize": neutralize}
"""The name of a statistic to its kernel."""

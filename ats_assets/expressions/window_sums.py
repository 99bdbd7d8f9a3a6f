"""Kernels of sums and variances over windows.

All kernels take float64 arrays in which NaN is missing (infinities are turned into NaN before), and `reach`: how many rows back each row's window
begins. They go through the window lag by lag, from the oldest row to the newest, for a tile of rows at a time: the order of summation depends on
nothing but the window, and neighbouring rows fill the lanes of a vector. The first `window - 1` rows are left missing: they precede every row of
interest (see `Block`).

Values are taken relative to the newest one of the window (`anchors`), so that a flat window gives exactly zero, and no digits are lost where the
spread is small against the level.

No kernel calls one of another file: numba's cache on disk watches a kernel's own file alone, and would keep the old machine code of the other.
"""

import numpy as np
from numba import njit

from ats_assets.expressions.arrays import Floats

TILE = 512
"""Rows whose accumulators stay in the first-level cache."""


@njit(cache=True, nogil=True)
def window_sums(x: Floats, reach: Floats, window: int) -> Floats:
    """Sum (missing where nothing is summed) and number of values; shape (2, n_rows)."""
    result = np.full((2, x.size), np.nan)
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        total, count, bound = result[0, start : start + size], result[1, start : start + size], reach[start : start + size]
        total[:] = 0.0
        count[:] = 0.0
        for lag in range(window - 1, -1, -1):
            values = x[start - lag : start - lag + size]
            for i in range(size):
                used = (values[i] == values[i]) & (lag <= bound[i])
                total[i] += values[i] if used else 0.0
                count[i] += 1.0 if used else 0.0
        for i in range(size):
            total[i] = total[i] if count[i] > 0.0 else np.nan
    return result


@njit(cache=True, nogil=True)
def anchors(x: Floats) -> Floats:
    """The newest value up to each row: where a window has values, the newest of them."""
    result = np.zeros(x.size)
    newest = 0.0
    for i in range(x.size):
        if x[i] == x[i]:
            newest = x[i]
        result[i] = newest
    return result


@njit(cache=True, nogil=True)
def window_variance(x: Floats, anchor: Floats, reach: Floats, window: int) -> Floats:
    """Sample variance (ddof 1), missing where fewer than two values are; shape (n_rows,)."""
    result = np.full(x.size, np.nan)
    count, total = np.empty(TILE), np.empty(TILE)
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        squares, bound, origin = result[start : start + size], reach[start : start + size], anchor[start : start + size]
        count[:] = 0.0
        total[:] = 0.0
        squares[:] = 0.0
        for lag in range(window - 1, -1, -1):
            values = x[start - lag : start - lag + size]
            for i in range(size):
                used = (values[i] == values[i]) & (lag <= bound[i])
                deviation = values[i] - origin[i] if used else 0.0
                count[i] += 1.0 if used else 0.0
                total[i] += deviation
                squares[i] += deviation * deviation
        for i in range(size):
            centred = max(squares[i] - total[i] * total[i] / max(count[i], 1.0), 0.0)
            squares[i] = centred / (count[i] - 1.0) if count[i] > 1.0 else np.nan
    return result

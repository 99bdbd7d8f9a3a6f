"""Kernels that compare the values of a window: extrema, ranks, quantiles. See `window_sums` for the conventions."""

import numpy as np
from numba import njit

from ats_assets.expressions.arrays import Floats
from ats_assets.expressions.window_sums import TILE


@njit(cache=True, nogil=True)
def window_maximum(x: Floats, reach: Floats, window: int) -> Floats:
    """Largest value, missing where the window has none; shape (n_rows,)."""
    result = np.full(x.size, np.nan)
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        largest, bound = result[start : start + size], reach[start : start + size]
        largest[:] = -np.inf
        for lag in range(window - 1, -1, -1):
            values = x[start - lag : start - lag + size]
            for i in range(size):
                larger = (values[i] > largest[i]) & (lag <= bound[i])
                largest[i] = values[i] if larger else largest[i]
        for i in range(size):
            largest[i] = largest[i] if largest[i] > -np.inf else np.nan
    return result


@njit(cache=True, nogil=True)
def window_argmax(x: Floats, reach: Floats, window: int) -> Floats:
    """Place of the largest value, 1 = oldest row of the window, the oldest of equals; shape (n_rows,).

    As in qlib, where NumPy's argmax does it, the first row with a missing value counts as the largest. Missing where the window has no value at all.
    """
    result = np.full(x.size, np.nan)
    sums = np.empty((2, TILE))
    largest, count = sums[0], sums[1]
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        place, bound = result[start : start + size], reach[start : start + size]
        place[:] = 0.0
        largest[:] = -np.inf
        count[:] = 0.0
        for lag in range(window - 1, -1, -1):
            values = x[start - lag : start - lag + size]
            for i in range(size):
                known = values[i] == values[i]
                value = values[i] if known else np.inf
                inside = lag <= bound[i]
                larger = (value > largest[i]) & inside
                largest[i] = value if larger else largest[i]
                place[i] = bound[i] - lag + 1.0 if larger else place[i]
                count[i] += 1.0 if known & inside else 0.0
        for i in range(size):
            place[i] = place[i] if count[i] > 0.0 else np.nan
    return result


@njit(cache=True, nogil=True)
def window_rank(x: Floats, reach: Floats, window: int) -> Floats:
    """Rank of the newest row's value among the values of its window as a share of their number, equals averaged; shape (n_rows,)."""
    result = np.full(x.size, np.nan)
    sums = np.empty((3, TILE))
    count, smaller, equal = sums[0], sums[1], sums[2]
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        newest, bound = x[start : start + size], reach[start : start + size]
        sums[:] = 0.0
        for lag in range(window - 1, -1, -1):
            values = x[start - lag : start - lag + size]
            for i in range(size):
                inside = lag <= bound[i]
                count[i] += 1.0 if (values[i] == values[i]) & inside else 0.0
                smaller[i] += 1.0 if (values[i] < newest[i]) & inside else 0.0
                equal[i] += 1.0 if (values[i] == newest[i]) & inside else 0.0
        for i in range(size):
            if newest[i] == newest[i] and equal[i] > 0.0:
                result[start + i] = (smaller[i] + 0.5 * (equal[i] + 1.0)) / count[i]
    return result


@njit(cache=True, nogil=True)
def window_quantile(x: Floats, reach: Floats, window: int, quantile: float) -> Floats:
    """Quantile with linear interpolation between neighbours, missing where the window has no value; shape (n_rows,).

    The values of the window are kept in order while it moves: what they are depends on the window alone.
    """
    result = np.full(x.size, np.nan)
    ordered = np.empty(window)
    count = 0
    oldest = 0
    for row in range(x.size):
        first = row - int(reach[row]) if reach[row] >= 0.0 else row + 1
        while oldest < min(first, row):
            if x[oldest] == x[oldest]:
                place = np.searchsorted(ordered[:count], x[oldest])
                for i in range(place, count - 1):
                    ordered[i] = ordered[i + 1]
                count -= 1
            oldest += 1
        if first > row:
            oldest = row + 1
            count = 0
        elif x[row] == x[row]:
            place = np.searchsorted(ordered[:count], x[row])
            for i in range(count, place, -1):
                ordered[i] = ordered[i - 1]
            ordered[place] = x[row]
            count += 1
        if count > 0:
            position = quantile * (count - 1)
            below = int(position)
            result[row] = ordered[below]
            if position > below:
                result[row] += (ordered[below + 1] - ordered[below]) * (position - below)
    return result

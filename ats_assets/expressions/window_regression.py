"""Kernels of least squares over windows: on time, and between two series. See `window_sums` for the conventions."""

import numpy as np
from numba import njit

from ats_assets.expressions.arrays import Floats
from ats_assets.expressions.window_sums import TILE


@njit(cache=True, nogil=True)
def window_regression(x: Floats, anchor: Floats, reach: Floats, window: int) -> Floats:
    """Least-squares line through the values over time (rows): slope a row, R², and the residual of the newest row; shape (3, n_rows).

    Rows with missing values keep their place in time. The slope is missing below two values, the residual also where the newest value is missing,
    R² also where the values do not vary.
    """
    result = np.full((3, x.size), np.nan)
    sums = np.empty((6, TILE))
    count, times, squared_times, total, squares, products = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        bound, origin = reach[start : start + size], anchor[start : start + size]
        sums[:] = 0.0
        for lag in range(window - 1, -1, -1):
            values = x[start - lag : start - lag + size]
            time = float(-lag)
            for i in range(size):
                used = (values[i] == values[i]) & (lag <= bound[i])
                deviation = values[i] - origin[i] if used else 0.0
                weight = 1.0 if used else 0.0
                count[i] += weight
                times[i] += weight * time
                squared_times[i] += weight * (time * time)
                total[i] += deviation
                squares[i] += deviation * deviation
                products[i] += deviation * time
        for i in range(size):
            n = count[i]
            if n < 2.0:
                continue
            time_spread = n * squared_times[i] - times[i] * times[i]
            value_spread = n * squares[i] - total[i] * total[i]
            joint = n * products[i] - times[i] * total[i]
            slope = joint / time_spread
            result[0, start + i] = slope
            if value_spread > 0.0:
                result[1, start + i] = joint / time_spread * (joint / value_spread)
            if x[start + i] == x[start + i]:
                result[2, start + i] = slope * (times[i] / n) - total[i] / n
    return result


@njit(cache=True, nogil=True)
def window_covariance(x: Floats, y: Floats, x_anchor: Floats, y_anchor: Floats, reach: Floats, window: int) -> Floats:  # noqa: PLR0917 - compiled code has no keywords
    """Correlation and sample covariance (ddof 1) of the rows where both have values; shape (2, n_rows). `x` and `y` are missing on the same rows."""
    result = np.full((2, x.size), np.nan)
    sums = np.empty((6, TILE))
    count, x_total, y_total, x_squares, y_squares, products = sums[0], sums[1], sums[2], sums[3], sums[4], sums[5]
    for start in range(window - 1, x.size, TILE):
        size = min(TILE, x.size - start)
        bound, x_origin, y_origin = reach[start : start + size], x_anchor[start : start + size], y_anchor[start : start + size]
        sums[:] = 0.0
        for lag in range(window - 1, -1, -1):
            xs, ys = x[start - lag : start - lag + size], y[start - lag : start - lag + size]
            for i in range(size):
                used = (xs[i] == xs[i]) & (lag <= bound[i])
                dx = xs[i] - x_origin[i] if used else 0.0
                dy = ys[i] - y_origin[i] if used else 0.0
                count[i] += 1.0 if used else 0.0
                x_total[i] += dx
                y_total[i] += dy
                x_squares[i] += dx * dx
                y_squares[i] += dy * dy
                products[i] += dx * dy
        for i in range(size):
            n = count[i]
            if n < 2.0:
                continue
            joint = products[i] - x_total[i] * y_total[i] / n
            x_spread = x_squares[i] - x_total[i] * x_total[i] / n
            y_spread = y_squares[i] - y_total[i] * y_total[i] / n
            result[1, start + i] = joint / (n - 1.0)
            if x_spread > 0.0 and y_spread > 0.0:
                result[0, start + i] = joint / (np.sqrt(x_spread) * np.sqrt(y_spread))
    return result

"""Kernels of averages whose weights depend on a value's age, and of the mean distance from the mean."""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import Final

import numpy as np

from ats_assets.expressions.compiled import inlined
from ats_assets.expressions.vectors import stretch

SMALLEST_WEIGHT: Final = 1e-300
"""Divides in place of no weight at all."""


@inlined
def weight_merge(d, newer, older, decay):
    """Weights of a newer and an older part; the older one's have shrunk by `decay` since it was the newest."""
    for i in range(d.size):
        d[i] = newer[i] + decay * older[i]


@inlined
def faded_merge(d, newer, older, weight, older_weight, decay):
    """Weighted mean of both parts. As a step from the newer mean towards the older one it is exact where the values are equal."""
    for i in range(d.size):
        faded = decay * older_weight[i]
        d[i] = newer[i] + (older[i] - newer[i]) * (faded / max(weight[i] + faded, SMALLEST_WEIGHT))


@inlined
def linear_average(d, total, aged, count, started, rows):
    """Qlib's WMA: weights 1, 2, … from the oldest row of the window on, their sum made 1; the *mean*, not the sum, of weight times value."""
    for i in range(d.size):
        length = min(rows, started[i])
        weights = length * (length + 1.0) / 2.0
        d[i] = (length * total[i] - aged[i]) / weights / count[i] if count[i] > 0.0 else np.nan


@inlined
def mean_distance(d, registers, source, low, lanes, rows, mean, count):
    """Mean absolute distance of the window's values from their mean, the newest value first."""
    n = d.size
    d[:] = 0.0
    for distance in range(rows):
        start = low - distance * lanes
        x = stretch(registers, source, start, start + n)
        for i in range(n):
            d[i] += abs(x[i] - mean[i]) if abs(x[i]) < np.inf else 0.0
    for i in range(n):
        d[i] = d[i] / count[i] if count[i] > 0.0 else np.nan

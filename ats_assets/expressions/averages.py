"""Averages whose weights depend on a value's age, and the mean distance from the mean, as trees of instructions."""

import math
from typing import Final

from ats_assets.expressions.builder import Builder
from ats_assets.expressions.opcodes import Op
from ats_assets.expressions.windows import count, halves, once, rolling_mean, weighted, window_sum

REMAINING_WEIGHT: Final = 1e-8
"""An exponential average's window ends where the older values would weigh no more than this, together."""

MARGIN_SESSIONS: Final = 10
"""Sessions added to that window: the bound holds after so many missing values, too."""

SMALLEST_DECAY: Final = 1e-18
"""In place of 0, which would lose the newest value where it is not in the newest session."""


@once
def _weight(builder: Builder, x: int, rows: int, decay: float) -> int:
    """Sum of the weights of the values; a value's weight shrinks by `decay` each session."""
    if rows == 1:
        return builder.emit(Op.IS_FINITE, x)
    newer, older = halves(rows)
    parts = _weight(builder, x, newer, decay), _weight(builder, x, older, decay)
    return builder.emit(Op.WEIGHT_MERGE, *parts, lag=newer, constant=decay**newer)


@once
def _faded(builder: Builder, x: int, rows: int, decay: float) -> int:
    """Mean of the values under those weights, 0 where there is none."""
    if rows == 1:
        return builder.emit(Op.FINITE_OR_ZERO, x)
    newer, older = halves(rows)
    means = _faded(builder, x, newer, decay), _faded(builder, x, older, decay)
    weights = _weight(builder, x, newer, decay), _weight(builder, x, older, decay)
    return builder.emit(Op.FADED_MERGE, *means, *weights, lag=newer, constant=decay**newer)


def memory(span: float) -> tuple[int, float]:
    """Sessions of an exponential average's window, and by how much a weight shrinks each session.

    A span of 1 or more means alpha = 2 / (span + 1); a number between 0 and 1 is alpha itself.
    """
    alpha = span if span < 1 else 2 / (span + 1)
    decay = max(1 - alpha, SMALLEST_DECAY)
    return math.ceil(math.log(REMAINING_WEIGHT) / math.log(decay)) + MARGIN_SESSIONS, decay


def rolling_ema(builder: Builder, x: int, rows: int, decay: float) -> int:
    """Exponential average of a finite window; while values are missing it stays at the mean of those before."""
    return builder.emit(Op.SUM, _faded(builder, x, rows, decay), _weight(builder, x, rows, decay))


def rolling_wma(builder: Builder, x: int, rows: int) -> int:
    """Qlib's linearly weighted average; see `weighting.linear_average`."""
    sums = window_sum(builder, x, rows), weighted(builder, x, rows), count(builder, x, rows)
    return builder.emit(Op.LINEAR_AVERAGE, *sums, builder.started, rows=rows)


def rolling_mad(builder: Builder, x: int, rows: int) -> int:
    """Mean absolute distance from the mean."""
    return builder.emit(Op.MEAN_DISTANCE, x, rolling_mean(builder, x, rows), count(builder, x, rows), rows=rows)

"""Skewness and kurtosis as trees of instructions."""

from ats_assets.expressions.builder import Builder
from ats_assets.expressions.opcodes import Op
from ats_assets.expressions.windows import count, halves, once, squared_deviations, window_sum


@once
def _cubed_deviations(builder: Builder, x: int, rows: int) -> int:
    if rows == 1:
        return builder.zero
    new, old = halves(rows)
    thirds = _cubed_deviations(builder, x, new), _cubed_deviations(builder, x, old)
    seconds = squared_deviations(builder, x, new), squared_deviations(builder, x, old)
    return builder.emit(Op.THIRD_MERGE, *thirds, *seconds, *_sizes(builder, x, new, old), lag=new)


@once
def _fourth_deviations(builder: Builder, x: int, rows: int) -> int:
    if rows == 1:
        return builder.zero
    new, old = halves(rows)
    fourths = _fourth_deviations(builder, x, new), _fourth_deviations(builder, x, old)
    thirds = _cubed_deviations(builder, x, new), _cubed_deviations(builder, x, old)
    seconds = squared_deviations(builder, x, new), squared_deviations(builder, x, old)
    sizes = _sizes(builder, x, new, old)
    partial = builder.emit(Op.FOURTH_MERGE, *fourths, *thirds, *sizes, lag=new)
    return builder.emit(Op.FOURTH_COMPLETE, partial, *seconds, *sizes, lag=new)


def _sizes(builder: Builder, x: int, new: int, old: int) -> tuple[int, int, int, int]:
    """Counts, then sums, of the newer and the older part."""
    return count(builder, x, new), count(builder, x, old), window_sum(builder, x, new), window_sum(builder, x, old)


def rolling_skew(builder: Builder, x: int, rows: int) -> int:
    """Sample skewness."""
    sums = _cubed_deviations(builder, x, rows), squared_deviations(builder, x, rows), count(builder, x, rows), window_sum(builder, x, rows)
    return builder.emit(Op.SKEWNESS, *sums, constant=builder.qlib_flat)


def rolling_kurt(builder: Builder, x: int, rows: int) -> int:
    """Sample excess kurtosis."""
    sums = _fourth_deviations(builder, x, rows), squared_deviations(builder, x, rows), count(builder, x, rows), window_sum(builder, x, rows)
    return builder.emit(Op.KURTOSIS, *sums, constant=builder.qlib_flat)

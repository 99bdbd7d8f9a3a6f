"""Rolling statistics as trees of instructions.

A window of n rows is made of a newer and an older part by a rule that knows n alone (5 → 10 → 20, 15 + 15 → 30 → 60), so that windows of different
lengths share their parts, each costs a few operations whatever its length, and the order of summation never depends on where the data begin.
Sums of squared deviations are merged as such (Chan, Golub & LeVeque 1979): nothing cancels, and a flat window has a variance of exactly zero.

Missing and infinite values do not count, min_periods is 1 and ddof 1, as in qlib.
"""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from ats_assets.expressions.builder import Builder
from ats_assets.expressions.opcodes import Op

P = ParamSpec("P")


def once(part: Callable[Concatenate[Builder, P], int]) -> Callable[Concatenate[Builder, P], int]:
    """Remember the parts that a builder has: a tree of a long window would ask for them again and again."""

    @wraps(part)
    def remembered(builder: Builder, *args: P.args, **kwargs: P.kwargs) -> int:
        key = (part.__name__, *args)
        known = builder.parts.get(key)
        if known is None:
            known = builder.parts[key] = part(builder, *args, **kwargs)
        return known

    return remembered


def halves(rows: int) -> tuple[int, int]:
    """The lengths of the newer and the older part of a window of two rows or more. Multiples of five are cut at multiples of five."""
    unit = 5 if rows % 5 == 0 and rows > 5 else 1
    newer = (rows // unit + 1) // 2 * unit
    return newer, rows - newer


def _pattern(builder: Builder, x: int) -> int:
    """A node with values in the same rows as x: series that are missing together are counted once."""
    node = builder.nodes[x]
    if node.op in (Op.NEGATE, Op.ABSOLUTE, Op.FINITE, Op.TRIM):
        return _pattern(builder, node.sources[0])
    if node.op is Op.BOTH_FINITE:
        return builder.emit(Op.BOTH_FINITE, *sorted(node.sources))
    return x


@once
def count(builder: Builder, x: int, rows: int) -> int:
    """Number of values."""
    x = _pattern(builder, x)
    if rows == 1:
        return builder.emit(Op.IS_FINITE, x)
    newer, older = halves(rows)
    return builder.emit(Op.SUM_MERGE, count(builder, x, newer), count(builder, x, older), lag=newer)


@once
def window_sum(builder: Builder, x: int, rows: int) -> int:
    """Sum of the values, 0 where there is none."""
    if rows == 1:
        return builder.emit(Op.FINITE_OR_ZERO, x)
    newer, older = halves(rows)
    return builder.emit(Op.SUM_MERGE, window_sum(builder, x, newer), window_sum(builder, x, older), lag=newer)


@once
def ages(builder: Builder, x: int, rows: int) -> int:
    """Sum of the ages (sessions back from the current one) of the values."""
    if rows == 1:
        return builder.zero
    newer, older = halves(rows)
    return builder.emit(Op.AGE_MERGE, ages(builder, x, newer), ages(builder, x, older), count(builder, x, older), lag=newer)


@once
def squared_ages(builder: Builder, x: int, rows: int) -> int:
    """Sum of the squared ages of the values."""
    if rows == 1:
        return builder.zero
    new, old = halves(rows)
    parts = squared_ages(builder, x, new), squared_ages(builder, x, old)
    return builder.emit(Op.AGE_SQUARED_MERGE, *parts, ages(builder, x, old), count(builder, x, old), lag=new)


@once
def weighted(builder: Builder, x: int, rows: int) -> int:
    """Sum of age times value."""
    if rows == 1:
        return builder.zero
    newer, older = halves(rows)
    return builder.emit(Op.AGE_MERGE, weighted(builder, x, newer), weighted(builder, x, older), window_sum(builder, x, older), lag=newer)


@once
def squared_deviations(builder: Builder, x: int, rows: int) -> int:
    """Sum of squared deviations from the mean."""
    if rows == 1:
        return builder.zero
    new, old = halves(rows)
    parts = squared_deviations(builder, x, new), squared_deviations(builder, x, old)
    counts = count(builder, x, new), count(builder, x, old)
    return builder.emit(Op.DEVIATION_MERGE, *parts, *counts, window_sum(builder, x, new), window_sum(builder, x, old), lag=new)


@once
def codeviations(builder: Builder, x: int, y: int, rows: int) -> int:
    """Sum of products of deviations; x and y have the same missing rows."""
    if rows == 1:
        return builder.zero
    new, old = halves(rows)
    parts = codeviations(builder, x, y, new), codeviations(builder, x, y, old)
    counts = count(builder, x, new), count(builder, x, old)
    sums = window_sum(builder, x, new), window_sum(builder, x, old), window_sum(builder, y, new), window_sum(builder, y, old)
    return builder.emit(Op.CODEVIATION_MERGE, *parts, *counts, *sums, lag=new)


@once
def _largest(builder: Builder, leaf: int, rows: int) -> int:
    if rows == 1:
        return leaf
    newer, older = halves(rows)
    return builder.emit(Op.MAX_MERGE, _largest(builder, leaf, newer), _largest(builder, leaf, older), lag=newer)


@once
def _age_of_largest(builder: Builder, leaf: int, rows: int) -> int:
    if rows == 1:
        return builder.zero
    new, old = halves(rows)
    values = _largest(builder, leaf, new), _largest(builder, leaf, old)
    return builder.emit(Op.ARG_MERGE, *values, _age_of_largest(builder, leaf, new), _age_of_largest(builder, leaf, old), lag=new)


def rolling_sum(builder: Builder, x: int, rows: int) -> int:
    """Sum."""
    return builder.emit(Op.SUM, window_sum(builder, x, rows), count(builder, x, rows))


def rolling_mean(builder: Builder, x: int, rows: int) -> int:
    """Arithmetic mean."""
    return builder.emit(Op.MEAN, window_sum(builder, x, rows), count(builder, x, rows))


def rolling_count(builder: Builder, x: int, rows: int) -> int:
    """Number of values, infinite ones included; missing only before the symbol's first row."""
    return builder.emit(Op.STARTED, window_sum(builder, builder.emit(Op.EQ, x, x), rows), builder.started)


def rolling_variance(builder: Builder, x: int, rows: int) -> int:
    """Sample variance."""
    return builder.emit(Op.VARIANCE, squared_deviations(builder, x, rows), count(builder, x, rows))


def rolling_deviation(builder: Builder, x: int, rows: int) -> int:
    """Sample standard deviation."""
    return builder.emit(Op.DEVIATION, squared_deviations(builder, x, rows), count(builder, x, rows))


def _regression(builder: Builder, op: Op, x: int, rows: int, extra: int) -> int:
    sums = window_sum(builder, x, rows), weighted(builder, x, rows), count(builder, x, rows)
    qlib = builder.qlib_flat if op is Op.RSQUARE else 0.0
    return builder.emit(op, *sums, ages(builder, x, rows), squared_ages(builder, x, rows), extra, constant=qlib)


def rolling_slope(builder: Builder, x: int, rows: int) -> int:
    """Slope of the least-squares line on the session's number, for one session."""
    return _regression(builder, Op.SLOPE, x, rows, builder.zero)


def rolling_rsquare(builder: Builder, x: int, rows: int) -> int:
    """Coefficient of determination of that line; missing where the values are flat."""
    return _regression(builder, Op.RSQUARE, x, rows, squared_deviations(builder, x, rows))


def rolling_residual(builder: Builder, x: int, rows: int) -> int:
    """The current value less that line's."""
    return _regression(builder, Op.RESIDUAL, x, rows, x)


def rolling_max(builder: Builder, x: int, rows: int) -> int:
    """Maximum."""
    return builder.emit(Op.MAXIMUM, _largest(builder, builder.emit(Op.FINITE_OR_LOWEST, x), rows))


def rolling_min(builder: Builder, x: int, rows: int) -> int:
    """Minimum."""
    return builder.emit(Op.NEGATE, rolling_max(builder, builder.emit(Op.NEGATE, x), rows))


def rolling_argmax(builder: Builder, x: int, rows: int) -> int:
    """Place of the first maximum, 1 for the oldest row; as numpy's argmax, it stops at the first missing row."""
    leaf = builder.emit(Op.ARG_LEAF, x, builder.started)
    return builder.emit(Op.ARG_MAXIMUM, _age_of_largest(builder, leaf, rows), count(builder, x, rows), builder.started, rows=rows)


def rolling_argmin(builder: Builder, x: int, rows: int) -> int:
    """Place of the first minimum, in the same manner."""
    return rolling_argmax(builder, builder.emit(Op.NEGATE, x), rows)


def rolling_rank(builder: Builder, x: int, rows: int) -> int:
    """Rank of the current value among the window's, as a share of their number; ties have the mean of their ranks."""
    value = builder.emit(Op.FINITE, x)
    return builder.emit(Op.RANK, _rank_count(builder, value, rows), count(builder, x, rows), value)


def _rank_count(builder: Builder, value: int, rows: int) -> int:
    """Values below the current one and half of the equal ones. All are multiples of a half: exact in any order."""
    newer = halves(rows)[0] if rows > 5 else 0
    before = _rank_count(builder, value, newer) if newer else builder.zero
    return builder.emit(Op.RANK_COUNT, value, before, lag=newer, rows=rows)


def rolling_quantile(builder: Builder, x: int, rows: int, share: float) -> int:
    """Quantile by linear interpolation."""
    return builder.emit(Op.QUANTILE, x, lag=rows - 1, rows=rows, constant=share)


def rolling_covariance(builder: Builder, x: int, y: int, rows: int) -> int:
    """Sample covariance of the rows where both have a value."""
    left, right = builder.emit(Op.BOTH_FINITE, x, y), builder.emit(Op.BOTH_FINITE, y, x)
    return builder.emit(Op.COVARIANCE, codeviations(builder, left, right, rows), count(builder, left, rows))


def rolling_correlation(builder: Builder, x: int, y: int, rows: int) -> int:
    """Pearson's correlation of the rows where both have a value; missing where either is flat in them (with qlib's rule: flat by itself)."""
    left, right = builder.emit(Op.BOTH_FINITE, x, y), builder.emit(Op.BOTH_FINITE, y, x)
    products = codeviations(builder, left, right, rows)
    squares = squared_deviations(builder, left, rows), squared_deviations(builder, right, rows)
    if builder.qlib_flat:
        apart = rolling_deviation(builder, x, rows), rolling_deviation(builder, y, rows)
        return builder.emit(Op.QLIB_CORRELATION, products, *squares, *apart)
    sums = window_sum(builder, left, rows), window_sum(builder, right, rows)
    return builder.emit(Op.CORRELATION, products, *squares, *sums, count(builder, left, rows))


def rolling_median(builder: Builder, x: int, rows: int) -> int:
    """Median."""
    return rolling_quantile(builder, x, rows, 0.5)

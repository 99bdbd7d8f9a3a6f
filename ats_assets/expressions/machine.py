"""The machine that runs a plan: numba kernels over registers.

A register is a row of float64 values laid out by time and lane (`value[t * lanes + lane]`, a lane is a symbol), so that every kernel is one plain loop
whatever the number of lanes, and a lag of n sessions is a distance of n * lanes. Missing is NaN. No kernel carries anything along time: a value is
made of the rows of its window in an order that depends on the length of the window alone, so it has the same bits wherever the block begins.
"""

# ruff: noqa: C901, PLR0912, PLR0917, PLR1714, FURB136 - kernels take arrays by position, choose by plain branches and test for NaN as numba does best

from typing import Final

import numpy as np

from ats_assets.expressions import moments, sorted_windows, weighted_averages
from ats_assets.expressions.compiled import inlined
from ats_assets.expressions.opcodes import AFTER, FIRST, LAG, OP, ROUND, ROWS, SOURCES, TARGET, Op
from ats_assets.expressions.vectors import stretch

FLAT: Final = 2e-5
"""qlib calls a window flat, and its correlation and R² missing, up to this standard deviation. It depends on the unit: it is an option (`Builder.qlib_flat`)."""


@inlined
def _elementwise(op, d, a, b, c):
    """Element-wise instructions. NaN propagates but through comparisons, as in numpy."""
    n = d.size
    if op == Op.ADD:
        for i in range(n):
            d[i] = a[i] + b[i]
    elif op == Op.SUBTRACT:
        for i in range(n):
            d[i] = a[i] - b[i]
    elif op == Op.MULTIPLY:
        for i in range(n):
            d[i] = a[i] * b[i]
    elif op == Op.DIVIDE:
        for i in range(n):
            d[i] = a[i] / b[i]
    elif op == Op.POWER:
        for i in range(n):
            d[i] = a[i] ** b[i]
    elif op == Op.GREATER:
        for i in range(n):
            d[i] = a[i] if (a[i] >= b[i] or a[i] != a[i]) else b[i]
    elif op == Op.LESS:
        for i in range(n):
            d[i] = a[i] if (a[i] <= b[i] or a[i] != a[i]) else b[i]
    elif op == Op.ABSOLUTE:
        for i in range(n):
            d[i] = abs(a[i])
    elif op == Op.NEGATE:
        for i in range(n):
            d[i] = -a[i]
    elif op == Op.LOG:
        for i in range(n):
            d[i] = np.log(a[i])
    elif op == Op.SIGN:
        for i in range(n):
            d[i] = 1.0 if a[i] > 0.0 else (-1.0 if a[i] < 0.0 else a[i])
    else:
        _logical(op, d, a, b, c)


@inlined
def _logical(op, d, a, b, c):
    """Comparisons and conditions: 1, 0, or NaN before the symbol's first row."""
    n = d.size
    if op == Op.GT:
        for i in range(n):
            d[i] = 1.0 if a[i] > b[i] else 0.0
    elif op == Op.GE:
        for i in range(n):
            d[i] = 1.0 if a[i] >= b[i] else 0.0
    elif op == Op.EQ:
        for i in range(n):
            d[i] = 1.0 if a[i] == b[i] else 0.0
    elif op == Op.NE:
        for i in range(n):
            d[i] = 1.0 if a[i] != b[i] else 0.0
    elif op == Op.AND:
        for i in range(n):
            d[i] = a[i] * b[i]
    elif op == Op.OR:
        for i in range(n):
            d[i] = a[i] + b[i] - a[i] * b[i]
    elif op == Op.NOT:
        for i in range(n):
            d[i] = 1.0 - a[i]
    elif op == Op.IF:
        for i in range(n):
            d[i] = b[i] if a[i] == 1.0 else (c[i] if a[i] == 0.0 else np.nan)
    elif op == Op.STARTED:  # a: value, b: rows since the start
        for i in range(n):
            d[i] = a[i] if b[i] > 0.0 else np.nan


@inlined
def _leaf(op, d, a, b, rows):
    """What a window is made of: its values one by one, the missing ones replaced by what does not count."""
    n = d.size
    if op == Op.LAGGED:
        for i in range(n):
            d[i] = a[i]
    elif op == Op.SUPPORTED:  # a: value, b: rows since the last present row
        for i in range(n):
            d[i] = a[i] if b[i] <= rows else np.nan
    elif op == Op.FINITE:
        for i in range(n):
            d[i] = a[i] if abs(a[i]) < np.inf else np.nan
    elif op == Op.BOTH_FINITE:
        for i in range(n):
            d[i] = a[i] if (abs(a[i]) < np.inf and abs(b[i]) < np.inf) else np.nan
    elif op == Op.IS_FINITE:
        for i in range(n):
            d[i] = 1.0 if abs(a[i]) < np.inf else 0.0
    elif op == Op.FINITE_OR_ZERO:  # + 0.0 makes -0.0 positive, so that adding nothing never changes a bit
        for i in range(n):
            d[i] = (a[i] if abs(a[i]) < np.inf else 0.0) + 0.0
    elif op == Op.FINITE_OR_LOWEST:
        for i in range(n):
            d[i] = a[i] if abs(a[i]) < np.inf else -np.inf
    elif op == Op.ARG_LEAF:  # a missing row wins, as numpy's argmax stops there; b: rows since the start
        for i in range(n):
            d[i] = (a[i] if abs(a[i]) < np.inf else np.inf) if b[i] > 0.0 else -np.inf


@inlined
def _sum_merge(d, newer, older):
    for i in range(d.size):
        d[i] = newer[i] + older[i]


@inlined
def _age_merge(d, newer, older, older_weight, lag):
    """Sum of age * weight; the older half is `lag` sessions older."""
    for i in range(d.size):
        d[i] = (newer[i] + older[i]) + lag * older_weight[i]


@inlined
def _age_squared_merge(d, newer, older, older_age, older_count, lag):
    for i in range(d.size):
        d[i] = (newer[i] + older[i]) + (2.0 * lag * older_age[i] + lag * lag * older_count[i])


@inlined
def _deviation_merge(d, newer, older, n, m, s, r):
    """Sum of squared deviations of a union (Chan, Golub & LeVeque 1979); n, m counts and s, r sums of the newer and the older half."""
    for i in range(d.size):
        gap = r[i] * n[i] - s[i] * m[i]
        pairs = n[i] * m[i] * (n[i] + m[i])
        d[i] = (newer[i] + older[i]) + gap * gap / max(pairs, 1.0)


@inlined
def _codeviation_merge(d, newer, older, n, m, s, r, u, v):
    """The same for products of deviations; s, r the sums of the left, u, v those of the right series."""
    for i in range(d.size):
        gap = (r[i] * n[i] - s[i] * m[i]) * (v[i] * n[i] - u[i] * m[i])
        pairs = n[i] * m[i] * (n[i] + m[i])
        d[i] = (newer[i] + older[i]) + gap / max(pairs, 1.0)


@inlined
def _max_merge(d, newer, older):
    for i in range(d.size):
        d[i] = newer[i] if newer[i] > older[i] else older[i]


@inlined
def _arg_merge(d, newer, older, newer_age, older_age, lag):
    """Age of the maximum; among equals the oldest, which numpy's argmax meets first."""
    for i in range(d.size):
        d[i] = older_age[i] + lag if older[i] >= newer[i] else newer_age[i]


@inlined
def _rank_count(d, x, registers, source, low, lanes, first, last):
    """Add the values below the current one, and half the equal ones, among those `first` to `last - 1` rows back."""
    n = d.size
    for distance in range(first, last):
        start = low - distance * lanes
        y = stretch(registers, source, start, start + n)
        for i in range(n):
            d[i] += (1.0 if y[i] < x[i] else 0.0) + (0.5 if y[i] == x[i] else 0.0)


@inlined
def _finish(op, d, a, b, c, e, f, g, rows):
    """From the sums of a window to its statistic."""
    n = d.size
    if op == Op.SUM:  # sum, count
        for i in range(n):
            d[i] = a[i] if b[i] > 0.0 else np.nan
    elif op == Op.MEAN:  # sum, count
        for i in range(n):
            d[i] = a[i] / b[i] if b[i] > 0.0 else np.nan
    elif op == Op.VARIANCE:  # squared deviations, count
        for i in range(n):
            d[i] = a[i] / (b[i] - 1.0) if b[i] > 1.0 else np.nan
    elif op == Op.DEVIATION:  # squared deviations, count
        for i in range(n):
            d[i] = np.sqrt(a[i] / (b[i] - 1.0)) if b[i] > 1.0 else np.nan
    elif op == Op.MAXIMUM:
        for i in range(n):
            d[i] = a[i] if a[i] > -np.inf else np.nan
    elif op == Op.COVARIANCE:  # products of deviations, count
        for i in range(n):
            d[i] = a[i] / (b[i] - 1.0) if b[i] > 1.0 else np.nan
    elif op == Op.CORRELATION:  # products of deviations, squared deviations left and right, sums left and right, count
        for i in range(n):
            least = moments.FLAT_SQUARED * (g[i] - 1.0) / (g[i] * g[i])
            known = b[i] > least * (e[i] * e[i]) and c[i] > least * (f[i] * f[i])
            d[i] = a[i] / np.sqrt(b[i] * c[i]) if known else np.nan
    elif op == Op.QLIB_CORRELATION:  # products of deviations, squared deviations left and right, standard deviations left and right
        for i in range(n):
            scale = np.sqrt(b[i] * c[i])
            known = scale > 0.0 and not e[i] <= FLAT and not f[i] <= FLAT
            d[i] = a[i] / scale if known else np.nan
    elif op == Op.ARG_MAXIMUM:  # age of the maximum, count, rows since the start
        for i in range(n):
            d[i] = (c[i] if c[i] < rows else rows) - a[i] if b[i] > 0.0 else np.nan
    elif op == Op.RANK:  # count below, count, value
        for i in range(n):
            d[i] = (a[i] + 0.5) / b[i] if c[i] == c[i] else np.nan


@inlined
def _regression(op, d, sums, weighted, count, age, age2, extra, qlib):
    """Least squares on time. Ages count backwards, hence the sign of the slope. extra: squared deviations for R², the value for the residual; qlib: 1 for its rule of flat windows."""
    n = d.size
    if op == Op.SLOPE:
        for i in range(n):
            d[i] = (age[i] * sums[i] - count[i] * weighted[i]) / (count[i] * age2[i] - age[i] * age[i])
    elif op == Op.RSQUARE:
        for i in range(n):
            top = age[i] * sums[i] - count[i] * weighted[i]
            below = (count[i] * age2[i] - age[i] * age[i]) * (count[i] * extra[i])
            if qlib == 1.0:
                known = np.sqrt(extra[i] / (count[i] - 1.0)) > FLAT
            else:
                known = extra[i] > moments.FLAT_SQUARED * (count[i] - 1.0) / (count[i] * count[i]) * (sums[i] * sums[i])
            d[i] = top * top / below if known else np.nan
    else:
        for i in range(n):
            slope = (age[i] * sums[i] - count[i] * weighted[i]) / (count[i] * age2[i] - age[i] * age[i])
            value = extra[i] if abs(extra[i]) < np.inf else np.nan
            d[i] = value - sums[i] / count[i] - slope * (age[i] / count[i])


@inlined
def execute(code, constants, first, last, registers, ordered, rows, lanes):
    """Run the instructions `first` to `last - 1`.

    Parameters
    ----------
    code : int32 array of shape (n_instructions, INSTRUCTION_WIDTH)
    constants : float64 array of shape (n_instructions,)
        The share of a quantile, by how much a weight has shrunk, or 1 for qlib's rule of flat windows.
    registers : float64 array of shape (n_registers, >= rows * lanes)
    ordered : float64 array
        Scratch for the longest window of a quantile.
    """
    for k in range(first, last):
        op = code[k, OP]
        low, end = code[k, FIRST] * lanes, (rows - code[k, AFTER]) * lanes
        back = code[k, LAG] * lanes
        d = stretch(registers, code[k, TARGET], low, end)
        a = stretch(registers, code[k, SOURCES], low, end)
        b = stretch(registers, code[k, SOURCES + 1], low, end)
        if op == Op.SUM_MERGE:  # a third of most plans
            _sum_merge(d, a, stretch(registers, code[k, SOURCES + 1], low - back, end - back))
        elif op > Op.QUANTILE:
            _further(code[k], constants[k], registers, low, end, lanes, d, a, b)
        elif op <= Op.STARTED:
            _elementwise(op, d, a, b, stretch(registers, code[k, SOURCES + 2], low, end))
        elif op <= Op.ARG_LEAF:
            _leaf(op, d, stretch(registers, code[k, SOURCES], low - back, end - back), b, code[k, ROWS])
        elif op == Op.RANK_COUNT:
            d[:] = b
            _rank_count(d, a, registers, code[k, SOURCES], low, lanes, code[k, LAG], code[k, ROWS])
        elif op == Op.QUANTILE:
            if code[k, SOURCES + 1] > 0:
                sorted_windows.quantiles(code, constants, k, registers, low, end, lanes, ordered)
        elif op <= Op.ARG_MERGE:
            _merge(code, k, registers, low, end, back, d, a)
        else:
            c = stretch(registers, code[k, SOURCES + 2], low, end)
            e = stretch(registers, code[k, SOURCES + 3], low, end)
            f = stretch(registers, code[k, SOURCES + 4], low, end)
            g = stretch(registers, code[k, SOURCES + 5], low, end)
            if op == Op.SLOPE or op == Op.RSQUARE or op == Op.RESIDUAL:
                _regression(op, d, a, b, c, e, f, g, constants[k])
            else:
                _finish(op, d, a, b, c, e, f, g, 1.0 * code[k, ROWS])
        if code[k, ROUND] == 1:
            for i in range(d.size):
                d[i] = np.float64(np.float32(d[i]))


@inlined
def _merge(code, k, registers, low, end, back, d, newer):
    """Make a window of its newer half and its older half, which ends `back` values before."""
    op = code[k, OP]
    lag = 1.0 * code[k, LAG]
    begin, until = low - back, end - back
    older = stretch(registers, code[k, SOURCES + 1], begin, until)
    if op == Op.MAX_MERGE:
        _max_merge(d, newer, older)
    elif op == Op.AGE_MERGE:
        _age_merge(d, newer, older, stretch(registers, code[k, SOURCES + 2], begin, until), lag)
    else:
        fourth = stretch(registers, code[k, SOURCES + 3], begin, until)
        if op == Op.AGE_SQUARED_MERGE:
            _age_squared_merge(d, newer, older, stretch(registers, code[k, SOURCES + 2], begin, until), fourth, lag)
            return
        third = stretch(registers, code[k, SOURCES + 2], low, end)
        if op == Op.ARG_MERGE:
            _arg_merge(d, newer, older, third, fourth, lag)
            return
        s, r = stretch(registers, code[k, SOURCES + 4], low, end), stretch(registers, code[k, SOURCES + 5], begin, until)
        if op == Op.DEVIATION_MERGE:
            _deviation_merge(d, newer, older, third, fourth, s, r)
        else:
            u, v = stretch(registers, code[k, SOURCES + 6], low, end), stretch(registers, code[k, SOURCES + 7], begin, until)
            _codeviation_merge(d, newer, older, third, fourth, s, r, u, v)


@inlined
def _further(instruction, constant, registers, low, end, lanes, d, a, b):
    """Averages by age and higher moments."""
    op = instruction[OP]
    begin, until = low - instruction[LAG] * lanes, end - instruction[LAG] * lanes
    sources = instruction[SOURCES:LAG]
    older = stretch(registers, sources[1], begin, until)
    third, fourth = stretch(registers, sources[2], low, end), stretch(registers, sources[3], low, end)
    if op == Op.WEIGHT_MERGE:
        weighted_averages.weight_merge(d, a, older, constant)
    elif op == Op.FADED_MERGE:
        weighted_averages.faded_merge(d, a, older, third, stretch(registers, sources[3], begin, until), constant)
    elif op == Op.LINEAR_AVERAGE:
        weighted_averages.linear_average(d, a, b, third, fourth, 1.0 * instruction[ROWS])
    elif op == Op.MEAN_DISTANCE:
        weighted_averages.mean_distance(d, registers, sources[0], low, lanes, instruction[ROWS], b, third)
    elif op == Op.TRIM:
        moments.trim(d, a)
    elif op == Op.SKEWNESS:
        moments.window_skewness(d, a, b, third, fourth, constant)
    elif op == Op.KURTOSIS:
        moments.window_kurtosis(d, a, b, third, fourth, constant)
    elif op == Op.FOURTH_COMPLETE:
        older, m, r = (
            stretch(registers, sources[2], begin, until),
            stretch(registers, sources[4], begin, until),
            stretch(registers, sources[6], begin, until),
        )
        moments.fourth_complete(d, a, b, older, fourth, m, stretch(registers, sources[5], low, end), r)
    else:
        older_power = stretch(registers, sources[3], begin, until)
        n, s = stretch(registers, sources[4], low, end), stretch(registers, sources[6], low, end)
        m, r = stretch(registers, sources[5], begin, until), stretch(registers, sources[7], begin, until)
        if op == Op.THIRD_MERGE:
            moments.third_merge(d, a, older, third, older_power, n, m, s, r)
        else:
            moments.fourth_merge(d, a, older, third, older_power, n, m, s, r)

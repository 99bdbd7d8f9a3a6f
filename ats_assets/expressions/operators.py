"""The operators of the language: one table of their names, arguments, kinds and nodes. Names and meanings are qlib's.

Types follow qlib on float32 data. A column is *single*; arithmetic of singles and numbers is rounded to float32 after each step; a window's statistic is
*double*, and so is what is made of it. A comparison is a *condition*: 1 or 0, and 0 where a side is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

import numpy as np

from ats_assets.expressions import across, averages, shape, windows
from ats_assets.expressions.builder import Builder, WindowRecipe
from ats_assets.expressions.opcodes import Op
from ats_assets.expressions.series import Operand, Series, ValueKind


@dataclass(frozen=True, kw_only=True)
class Operator:
    """How an operator is called, and the nodes that it stands for.

    Attributes
    ----------
    operands
        The kind of each operand: "number", "condition", "either", "symbol" or "group" (a number, or a column of the panel of any type).
    parameters
        The kind of each literal after them: "window", "lag", "share" (0 to 1) or "span" (of an exponential average, or its alpha below 1).
    build
        Adds the nodes: `build(builder, *operands, *parameters)`.
    meaning
        One line for people.
    shortest
        Rows of the shortest window.
    across
        It takes its operands from beyond the symbol's past by itself.
    """

    operands: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    build: Callable[..., Series]
    meaning: str
    shortest: int = 1
    across: bool = False


def number(builder: Builder, value: float, kind: ValueKind) -> int:
    """A constant beside a series of that kind; beside float32 it is rounded to float32, as numpy does."""
    with np.errstate(over="ignore"):
        return builder.number(float(np.float32(value)) if kind is not ValueKind.DOUBLE else value)


def _operands(builder: Builder, *values: Operand) -> tuple[list[int], ValueKind, list[Series]]:
    """The nodes of the operands, the kind of the result, and those that are series."""
    series = [value for value in values if isinstance(value, Series)]
    kind = ValueKind.DOUBLE if any(s.kind is ValueKind.DOUBLE for s in series) else ValueKind.SINGLE
    return [value.node if isinstance(value, Series) else number(builder, value, kind) for value in values], kind, series


def _elementwise(op: Op, builder: Builder, *values: Operand, rounded: bool = False, through: bool = True) -> Series:
    """An operation in which NaN propagates (but for `through`)."""
    nodes, kind, series = _operands(builder, *values)
    node = builder.emit(op, *nodes, rounded=rounded and kind is ValueKind.SINGLE)
    return Series(
        node, kind, through and any(s.missing_without_row for s in series), through and any(s.missing_without_rows for s in series)
    )


def _compared(op: Op, builder: Builder, left: Operand, right: Operand) -> Series:
    nodes, _, _ = _operands(builder, left, right)
    return Series(builder.emit(Op.STARTED, builder.emit(op, *nodes), builder.started), ValueKind.CONDITION, False, False)


def _swapped(op: Op, builder: Builder, left: Operand, right: Operand) -> Series:
    return _compared(op, builder, right, left)


def _logical(op: Op, builder: Builder, *conditions: Series) -> Series:
    return Series(builder.emit(op, *(c.node for c in conditions)), ValueKind.CONDITION, False, False)


def _if(builder: Builder, condition: Series, left: Operand, right: Operand) -> Series:
    nodes, kind, _ = _operands(builder, left, right)
    return Series(builder.emit(Op.IF, condition.node, *nodes), kind, False, False)


def _ref(builder: Builder, x: Series, lag: int) -> Series:
    node = x.node
    if not x.missing_without_rows:  # what it is where the symbol has no rows at all must not depend on rows farther back
        node = builder.emit(Op.SUPPORTED, node, builder.present, rows=builder.lookbacks[node])
    return Series(builder.emit(Op.LAGGED, node, lag=lag), x.kind, False, True)


def _delta(builder: Builder, x: Series, lag: int) -> Series:
    return _elementwise(Op.SUBTRACT, builder, x, _ref(builder, x, lag), rounded=True)


def _rolled(
    build: Callable[..., int],
    builder: Builder,
    *arguments: Series | float,
    counts_rows: bool = False,
    sure: bool = True,
    spread: bool = False,
) -> Series:
    """A window's statistic; the last series of the arguments is followed by the length of the window, then by parameters.

    spread: it measures how the values differ, and is exactly zero where they don't.
    """
    series = [a for a in arguments if isinstance(a, Series)]
    rows, *parameters = (a for a in arguments if not isinstance(a, Series))
    inputs = tuple(builder.emit(Op.TRIM, s.node) if spread and s.kind is ValueKind.DOUBLE else s.node for s in series)

    def lower(into: Builder, sources: tuple[int, ...]) -> int:
        return build(into, *sources, int(rows), *parameters)

    node = lower(builder, inputs)
    if counts_rows or not all(s.missing_without_row for s in series):
        builder.windows[node] = WindowRecipe(node, inputs, int(rows), lower)
    return Series(node, ValueKind.DOUBLE, False, sure)


def _ema(builder: Builder, x: Series, span: float) -> Series:
    return _rolled(averages.rolling_ema, builder, x, *averages.memory(span))


def negated(builder: Builder, x: Series) -> Series:
    """-x."""
    return _elementwise(Op.NEGATE, builder, x)


def _across(name: str, *operands: str, meaning: str) -> Operator:
    return Operator(operands=operands, build=partial(across.cross_section, name), meaning=meaning, across=True)


_spread = partial(_rolled, spread=True)
_number = partial(Operator, operands=("number",))
_numbers = partial(Operator, operands=("number", "number"))
_rolling = partial(Operator, operands=("number",), parameters=("window",))
_pair_rolling = partial(Operator, operands=("number", "number"), parameters=("window",))

OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {
        "Abs": _number(build=partial(_elementwise, Op.ABSOLUTE), meaning="absolute value"),
        "Sign": _number(build=partial(_elementwise, Op.SIGN), meaning="-1, 0 or 1"),
        "Log": _number(build=partial(_elementwise, Op.LOG, rounded=True), meaning="natural logarithm"),
        "Power": _numbers(build=partial(_elementwise, Op.POWER, rounded=True, through=False), meaning="left to the power of right"),
        "Add": _numbers(build=partial(_elementwise, Op.ADD, rounded=True), meaning="left + right"),
        "Sub": _numbers(build=partial(_elementwise, Op.SUBTRACT, rounded=True), meaning="left - right"),
        "Mul": _numbers(build=partial(_elementwise, Op.MULTIPLY, rounded=True), meaning="left * right"),
        "Div": _numbers(build=partial(_elementwise, Op.DIVIDE, rounded=True), meaning="left / right"),
        "Greater": _numbers(build=partial(_elementwise, Op.GREATER), meaning="the larger one; missing if one is"),
        "Less": _numbers(build=partial(_elementwise, Op.LESS), meaning="the smaller one; missing if one is"),
        "Gt": _numbers(build=partial(_compared, Op.GT), meaning="left > right; false if one is missing"),
        "Ge": _numbers(build=partial(_compared, Op.GE), meaning="left >= right; false if one is missing"),
        "Lt": _numbers(build=partial(_swapped, Op.GT), meaning="left < right; false if one is missing"),
        "Le": _numbers(build=partial(_swapped, Op.GE), meaning="left <= right; false if one is missing"),
        "Eq": _numbers(build=partial(_compared, Op.EQ), meaning="left = right; false if one is missing"),
        "Ne": _numbers(build=partial(_compared, Op.NE), meaning="left is not right; true if one is missing"),
        "And": Operator(operands=("condition", "condition"), build=partial(_logical, Op.AND), meaning="both hold"),
        "Or": Operator(operands=("condition", "condition"), build=partial(_logical, Op.OR), meaning="one holds at least"),
        "Not": Operator(operands=("condition",), build=partial(_logical, Op.NOT), meaning="does not hold"),
        "If": Operator(operands=("condition", "number", "number"), build=_if, meaning="the second where the first holds, else the third"),
        "Ref": Operator(operands=("number",), parameters=("lag",), build=_ref, meaning="the value that number of sessions ago"),
        "Delta": Operator(operands=("number",), parameters=("lag",), build=_delta, meaning="the change over that number of sessions"),
        "Sum": _rolling(build=partial(_rolled, windows.rolling_sum), meaning="sum over the window"),
        "Mean": _rolling(build=partial(_rolled, windows.rolling_mean), meaning="mean over the window"),
        "Count": _rolling(build=partial(_rolled, windows.rolling_count, sure=False), meaning="number of values in the window"),
        "Var": _rolling(build=partial(_spread, windows.rolling_variance), meaning="sample variance over the window"),
        "Std": _rolling(build=partial(_spread, windows.rolling_deviation), meaning="sample standard deviation over the window"),
        "Max": _rolling(build=partial(_rolled, windows.rolling_max), meaning="largest of the window"),
        "Min": _rolling(build=partial(_rolled, windows.rolling_min), meaning="smallest of the window"),
        "IdxMax": _rolling(
            build=partial(_rolled, windows.rolling_argmax, counts_rows=True), meaning="place of the largest in the window, 1 = oldest"
        ),
        "IdxMin": _rolling(
            build=partial(_rolled, windows.rolling_argmin, counts_rows=True), meaning="place of the smallest in the window, 1 = oldest"
        ),
        "Rank": _rolling(build=partial(_rolled, windows.rolling_rank), meaning="rank of the newest value in the window, as a share"),
        "Med": _rolling(build=partial(_rolled, windows.rolling_median), meaning="median of the window"),
        "Quantile": Operator(
            operands=("number",),
            parameters=("window", "share"),
            build=partial(_rolled, windows.rolling_quantile),
            meaning="quantile of the window",
        ),
        "Skew": _rolling(build=partial(_spread, shape.rolling_skew), shortest=3, meaning="sample skewness over the window"),
        "Kurt": _rolling(build=partial(_spread, shape.rolling_kurt), shortest=4, meaning="sample excess kurtosis over the window"),
        "Mad": _rolling(build=partial(_spread, averages.rolling_mad), meaning="mean absolute distance from the window's mean"),
        "WMA": _rolling(
            build=partial(_rolled, averages.rolling_wma, counts_rows=True),
            meaning="linearly weighted average, divided by the number of values, as qlib does",
        ),
        "EMA": Operator(
            operands=("number",),
            parameters=("span",),
            build=_ema,
            meaning="exponential average of a span of sessions, or of alpha below 1; over a finite window",
        ),
        "Slope": _rolling(build=partial(_spread, windows.rolling_slope), meaning="slope of the line through the window, a session"),
        "Rsquare": _rolling(build=partial(_spread, windows.rolling_rsquare), meaning="R² of the line through the window"),
        "Resi": _rolling(build=partial(_spread, windows.rolling_residual), meaning="newest value less that of the line through the window"),
        "Corr": _pair_rolling(build=partial(_spread, windows.rolling_correlation), meaning="correlation over the window"),
        "Cov": _pair_rolling(build=partial(_spread, windows.rolling_covariance), meaning="sample covariance over the window"),
        "Mask": Operator(operands=("either", "symbol"), build=across.masked, meaning="the same of another symbol", across=True),
        "ChangeInstrument": Operator(operands=("symbol", "either"), build=across.mask_of, meaning="Mask, the symbol first", across=True),
        "CSRank": _across("rank", "number", meaning="rank among the symbols of the session, as a share"),
        "CSZScore": _across("zscore", "number", meaning="distance from the session's mean, in standard deviations"),
        "CSNeutralize": _across("neutralize", "number", "group", meaning="the value less the mean of its group in the session"),
    }
)
"""Operator name to what it does."""

SIGNS: Mapping[str, str] = {
    "+": "Add",
    "-": "Sub",
    "*": "Mul",
    "/": "Div",
    "**": "Power",
    ">": "Gt",
    ">=": "Ge",
    "<": "Lt",
    "<=": "Le",
    "==": "Eq",
    "!=": "Ne",
    "&": "And",
    "|": "Or",
}
"""Sign to the operator that it stands for."""

"""The operators of the language: one table of their names, arguments, kinds and steps.

Names and meanings are qlib's. An operator takes operands (expressions) first and parameters (literals: windows, lags, quantiles) after them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from ats_assets.expressions import elementwise, rolling
from ats_assets.expressions.steps import Operand, PlanBuilder, Reference

Window = Callable[..., Reference]


@dataclass(frozen=True, kw_only=True)
class Operator:
    """How an operator is called, and the steps that it stands for.

    Attributes
    ----------
    operands
        The kind of each operand: "number" or "condition".
    parameters
        The kind of each literal after them: "window", "lag" or "share" (0 to 1).
    build
        Adds the steps: `build(builder, *operands, *parameters)`.
    meaning
        One line for people.
    """

    operands: tuple[str, ...]
    parameters: tuple[str, ...] = ()
    build: Callable[..., Reference]
    meaning: str


def _rowwise(function: Callable[..., np.ndarray], *operands: str, meaning: str, gives: str = "number") -> Operator:
    step = elementwise.rowwise(function)

    def build(builder: PlanBuilder, *values: Operand) -> Reference:
        return builder.add(step, *values, is_condition=gives == "condition")

    return Operator(operands=operands, build=build, meaning=meaning)


def _windowed(step: Callable[..., np.ndarray], *settings: float) -> Window:
    """The value of a window kernel over one operand."""

    def build(builder: PlanBuilder, value: Reference, window: int, *parameters: float) -> Reference:
        seen = builder.add(elementwise.window_input, value)
        return builder.add(step, seen, parameters=(window, *settings, *parameters), reach=window - 1)

    return build


def _row(table: Window, row: int) -> Window:
    def build(builder: PlanBuilder, *arguments: Reference | int) -> Reference:
        return builder.add(rolling.row_of, table(builder, *arguments), parameters=(row,))

    return build


_sums, _variance, _regression = _windowed(rolling.sums), _windowed(rolling.variance), _windowed(rolling.regression)


def _mean(builder: PlanBuilder, value: Reference, window: int) -> Reference:
    return builder.add(rolling.mean_of, _sums(builder, value, window))


def _deviation(builder: PlanBuilder, value: Reference, window: int) -> Reference:
    return builder.add(rolling.root_of, _variance(builder, value, window))


def _count(builder: PlanBuilder, value: Reference, window: int) -> Reference:
    return _row(_sums, 0)(builder, builder.add(elementwise.is_known, value), window)


def _rsquare(builder: PlanBuilder, value: Reference, window: int) -> Reference:
    return builder.add(rolling.unless_flat, _regression(builder, value, window), _variance(builder, value, window), parameters=(1,))


def _covariances(builder: PlanBuilder, left: Reference, right: Reference, window: int) -> Reference:
    seen = (builder.add(elementwise.window_input, left), builder.add(elementwise.window_input, right))
    return builder.add(rolling.covariance, *seen, parameters=(window,), reach=window - 1)


def _correlation(builder: PlanBuilder, left: Reference, right: Reference, window: int) -> Reference:
    spreads = (_variance(builder, left, window), _variance(builder, right, window))
    return builder.add(rolling.unless_either_flat, _covariances(builder, left, right, window), *spreads, parameters=(0,))


def _shift(builder: PlanBuilder, value: Reference, lag: int) -> Reference:
    return builder.add(elementwise.shift, value, parameters=(lag, value.lookback), reach=lag)


def _delta(builder: PlanBuilder, value: Reference, lag: int) -> Reference:
    return builder.add(_SUBTRACT, value, _shift(builder, value, lag))


def _median(builder: PlanBuilder, value: Reference, window: int) -> Reference:
    return _windowed(rolling.quantile)(builder, value, window, 0.5)


_SUBTRACT = elementwise.rowwise(np.subtract)
_number = partial(_rowwise, gives="number")
_condition = partial(_rowwise, gives="condition")
_rolling = partial(Operator, operands=("number",), parameters=("window",))

OPERATORS: Mapping[str, Operator] = {
    "Abs": _number(np.abs, "number", meaning="absolute value"),
    "Sign": _number(np.sign, "number", meaning="-1, 0 or 1"),
    "Log": _number(np.log, "number", meaning="natural logarithm"),
    "Power": _number(np.power, "number", "number", meaning="left to the power of right"),
    "Add": _number(np.add, "number", "number", meaning="left + right"),
    "Sub": Operator(operands=("number", "number"), build=lambda builder, *values: builder.add(_SUBTRACT, *values), meaning="left - right"),
    "Mul": _number(np.multiply, "number", "number", meaning="left * right"),
    "Div": _number(np.divide, "number", "number", meaning="left / right"),
    "Greater": _number(np.maximum, "number", "number", meaning="the larger one; missing if one is"),
    "Less": _number(np.minimum, "number", "number", meaning="the smaller one; missing if one is"),
    "Gt": _condition(np.greater, "number", "number", meaning="left > right; false if one is missing"),
    "Ge": _condition(np.greater_equal, "number", "number", meaning="left >= right; false if one is missing"),
    "Lt": _condition(np.less, "number", "number", meaning="left < right; false if one is missing"),
    "Le": _condition(np.less_equal, "number", "number", meaning="left <= right; false if one is missing"),
    "Eq": _condition(np.equal, "number", "number", meaning="left = right; false if one is missing"),
    "Ne": _condition(np.not_equal, "number", "number", meaning="left is not right; true if one is missing"),
    "And": _condition(np.logical_and, "condition", "condition", meaning="both hold"),
    "Or": _condition(np.logical_or, "condition", "condition", meaning="one holds at least"),
    "Not": _condition(np.logical_not, "condition", meaning="does not hold"),
    "If": _number(np.where, "condition", "number", "number", meaning="the second where the first holds, else the third"),
    "Ref": Operator(operands=("number",), parameters=("lag",), build=_shift, meaning="the value so many sessions ago"),
    "Delta": Operator(operands=("number",), parameters=("lag",), build=_delta, meaning="the change over so many sessions"),
    "Sum": _rolling(build=_row(_sums, 0), meaning="sum over the window"),
    "Mean": _rolling(build=_mean, meaning="mean over the window"),
    "Count": _rolling(build=_count, meaning="number of values in the window"),
    "Var": _rolling(build=_variance, meaning="sample variance over the window"),
    "Std": _rolling(build=_deviation, meaning="sample standard deviation over the window"),
    "Max": _rolling(build=_windowed(rolling.maximum, 1), meaning="largest of the window"),
    "Min": _rolling(build=_windowed(rolling.maximum, -1), meaning="smallest of the window"),
    "IdxMax": _rolling(build=_windowed(rolling.argmax, 1), meaning="place of the largest in the window, 1 = oldest"),
    "IdxMin": _rolling(build=_windowed(rolling.argmax, -1), meaning="place of the smallest in the window, 1 = oldest"),
    "Rank": _rolling(build=_windowed(rolling.rank), meaning="rank of the newest value in the window, as a share"),
    "Med": _rolling(build=_median, meaning="median of the window"),
    "Quantile": Operator(
        operands=("number",), parameters=("window", "share"), build=_windowed(rolling.quantile), meaning="quantile of the window"
    ),
    "Slope": _rolling(build=_row(_regression, 0), meaning="slope of the line through the window, a session"),
    "Rsquare": _rolling(build=_rsquare, meaning="R² of the line through the window"),
    "Resi": _rolling(build=_row(_regression, 2), meaning="newest value less that of the line through the window"),
    "Corr": Operator(operands=("number", "number"), parameters=("window",), build=_correlation, meaning="correlation over the window"),
    "Cov": Operator(
        operands=("number", "number"), parameters=("window",), build=_row(_covariances, 1), meaning="sample covariance over the window"
    ),
}
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

"""Whole expressions from scratch, by NumPy from the definitions, one window at a time: the judge where qlib and the engine differ.

Columns are float32, arithmetic of them is float32, windows are float64, as in qlib. `Shaken` and `Coarse` compute the same with rounding errors of their
own: what then changes is made of rounding and of nothing else, whoever computes it.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ats_assets.expressions.averages import memory
from ats_assets.expressions.parser import parse
from ats_assets.expressions.syntax import Binary, Call, Field, Literal, Negation, Symbol, SyntaxNode
from ats_assets_tests.expressions.window_oracle import QLIB_ORACLE, ema, of_known, pair_statistic

NAN = float("nan")
ROUNDING, SINGLE_ROUNDING = 2.0**-39, 2.0**-23
"""Errors relative to what is computed with: of a window's statistic and of a function in float32."""

EXACT = {"Count", "Max", "Min", "IdxMax", "IdxMin", "Med", "Quantile", "Rank"}
OF_DISTANCES = {"Var", "Std", "Skew", "Kurt", "Mad", "Slope", "Rsquare", "Resi", "Corr", "Cov"}
"""Statistics that stay the same when a number is added to all values; of distances from the first one they are exact where all values are equal."""
OF_SHAPE = {"Skew", "Kurt", "Corr", "Rsquare"}
"""Statistics without unit."""

Value = np.ndarray | float

ARITHMETIC: dict[str, Callable[[Value, Value], np.ndarray]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    ">": np.greater,
    ">=": np.greater_equal,
    "<": np.less,
    "<=": np.less_equal,
    "==": np.equal,
    "!=": np.not_equal,
    "&": np.logical_and,
    "|": np.logical_or,
}
NAMED = {
    "Add": "+",
    "Sub": "-",
    "Mul": "*",
    "Div": "/",
    "Power": "**",
    "Gt": ">",
    "Ge": ">=",
    "Lt": "<",
    "Le": "<=",
    "Eq": "==",
    "Ne": "!=",
}
NAMED |= {"And": "&", "Or": "|"}
ELEMENTS: dict[str, Callable[..., np.ndarray]] = {
    "Abs": np.abs,
    "Sign": np.sign,
    "Log": np.log,
    "Greater": np.maximum,
    "Less": np.minimum,
    "Not": np.logical_not,
    "If": np.where,
}


def _number(value: Value) -> Value:
    return value.astype(np.float32) if isinstance(value, np.ndarray) and value.dtype == bool else value


@dataclass(frozen=True)
class Rows:
    """The rows of a symbol: the number of the first one's session, and float32 columns without gaps."""

    first: int
    columns: dict[str, np.ndarray]


class Exact:
    """Evaluates expressions over the rows of symbols."""

    def __init__(self, panel: dict[str, Rows]) -> None:
        self.panel = panel
        self.known: dict[tuple[str, str], Value] = {}

    def column(self, text: str, symbol: str) -> np.ndarray:
        """The expression's values for a symbol, as float32."""
        with np.errstate(all="ignore"):
            value = self.value(parse(text), symbol)
        assert isinstance(value, np.ndarray)
        return value.astype(np.float32)

    def value(self, node: SyntaxNode, symbol: str) -> Value:
        key = (str(node), symbol)
        if key not in self.known:
            self.known[key] = self.made(node, symbol)
        return self.known[key]

    def made(self, node: SyntaxNode, symbol: str) -> Value:
        match node:
            case Literal(value):
                return float(value)
            case Field(name):
                return self.panel[symbol].columns[name]
            case Negation(operand):
                return -_number(self.value(operand, symbol))
            case Binary(sign, left, right):
                return self.signed(sign, self.value(left, symbol), self.value(right, symbol))
            case Call():
                return self.called(node, symbol)
        raise AssertionError(node)

    def signed(self, sign: str, left: Value, right: Value) -> np.ndarray:
        if sign in "&|":
            return ARITHMETIC[sign](left, right)
        if sign in {"==", "!="}:
            return self.equal(_number(left), _number(right)) == (sign == "==")
        left, right = _number(left), _number(right)
        if (
            sign == "**"
        ):  # NumPy takes a root where the exponent is the number 0.5, even of an infinite value; IEEE 754 has a rule for powers
            right = np.full_like(left, right) if isinstance(left, np.ndarray) and not isinstance(right, np.ndarray) else right
            return self.rounded(np.power(left, right), left)
        return ARITHMETIC[sign](left, right)

    def equal(self, left: Value, right: Value) -> np.ndarray:
        return np.equal(left, right)

    def rounded(self, result: np.ndarray, source: Value) -> np.ndarray:
        """The result of a function of `source` that is not exact in IEEE arithmetic."""
        return result

    def statistic(self, name: str, result: float, window: np.ndarray) -> float:
        """The result of a window, of shape (n_series, n_rows)."""
        return result

    def of_another(self, node: SyntaxNode, other: SyntaxNode, symbol: str) -> np.ndarray:
        """The values of a symbol that has rows throughout, for the rows of this one."""
        assert isinstance(other, Symbol)
        value = self.value(node, other.name)
        rows, start = self.panel[symbol], self.panel[symbol].first - self.panel[other.name].first
        assert isinstance(value, np.ndarray)
        return value[start : start + len(rows.columns["close"])]

    def called(self, node: Call, symbol: str) -> Value:
        name = node.name
        if name == "Mask":
            return self.of_another(node.arguments[0], node.arguments[1], symbol)
        if name == "ChangeInstrument":
            return self.of_another(node.arguments[1], node.arguments[0], symbol)
        values = [self.value(argument, symbol) for argument in node.arguments]
        if name in NAMED:
            return self.signed(NAMED[name], values[0], values[1])
        if name in ELEMENTS:
            numbers = [value if name in {"Not", "If"} and place == 0 else _number(value) for place, value in enumerate(values)]
            return self.rounded(ELEMENTS[name](*numbers), numbers[0]) if name == "Log" else ELEMENTS[name](*numbers)
        *series, n = values if name != "Quantile" else values[:2]
        columns = [np.asarray(_number(column)) for column in series]
        if name in {"Ref", "Delta"}:
            lagged = np.concatenate([np.full(min(int(n), columns[0].size), NAN, columns[0].dtype), columns[0][: -int(n)]])
            return lagged if name == "Ref" else columns[0] - lagged
        return self.rolled(name, columns, float(n), node)

    def rolled(self, name: str, columns: list[np.ndarray], n: float, node: Call) -> np.ndarray:
        columns = [column.astype(np.float64) for column in columns]
        if name != "Count":
            columns = [np.where(np.isfinite(column), column, NAN) for column in columns]
        rows, judge = int(n), QLIB_ORACLE.get(f"{name}($x, {{n}})")
        if name == "EMA":
            rows, decay = memory(n)
            judge = ema(decay)
        elif name == "Quantile":
            judge = of_known(lambda known: np.quantile(known, float(str(node.arguments[2]))))
        windows = [np.stack(columns)[:, max(0, row - rows + 1) : row + 1] for row in range(columns[0].size)]
        seen = [window - _first_known(window) for window in windows] if name in OF_DISTANCES else windows
        if judge is None:
            results = [pair_statistic(*window, correlation=name == "Corr", qlib=True) for window in seen]
        else:
            results = [judge(window[0]) for window in seen]
        return np.array([self.statistic(name, result, window) for result, window in zip(results, windows, strict=True)])


def _first_known(window: np.ndarray) -> np.ndarray:
    """The first value of each row that is not missing."""
    return np.take_along_axis(window, np.argmin(np.isnan(window), axis=1)[:, None], axis=1)


def margin(name: str, result: float, window: np.ndarray) -> float:
    """The rounding error to be expected of a statistic, over the rounding error of the machine; none where the values are equal."""
    if name in EXACT or not np.isfinite(result):
        return 0.0
    if name in OF_DISTANCES and (np.nanmax(window, axis=1) == np.nanmin(window, axis=1)).any():
        return 0.0
    largest = np.nanmax(np.abs(window), axis=1)
    unit = 1.0 if name in OF_SHAPE else largest[0] ** 2 if name == "Var" else np.prod(largest)
    return max(abs(result), float(unit))


class Shaken(Exact):
    """With errors drawn from what is computed with, so that equal calculations give equal results."""

    def __init__(self, panel: dict[str, Rows], seed: int) -> None:
        super().__init__(panel)
        self.seed, self.sign = seed // 2, 1 - 2 * (seed % 2)

    def rounded(self, result: np.ndarray, source: Value) -> np.ndarray:
        bits = np.asarray(source).astype(np.float64).view(np.uint64) ^ np.uint64(self.seed * 0x2545F4914F6CDD1D % 2**64)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)  # a step of splitmix64
        error = np.where(bits >> np.uint64(63), self.sign, -self.sign) * (SINGLE_ROUNDING if result.dtype == np.float32 else ROUNDING)
        return (result * (1 + error)).astype(result.dtype)

    def statistic(self, name: str, result: float, window: np.ndarray) -> float:
        error = self.sign * (zlib.crc32(window.tobytes(), self.seed) / 2**31 - 1)
        return result + error * ROUNDING * margin(name, result, window)


class Coarse(Exact):
    """With results on a grid as wide as the errors, so that results that should be equal are."""

    def __init__(self, panel: dict[str, Rows], shift: float) -> None:
        super().__init__(panel)
        self.shift = shift

    def equal(self, left: Value, right: Value) -> np.ndarray:
        return np.isclose(left, right, rtol=ROUNDING, atol=0)

    def statistic(self, name: str, result: float, window: np.ndarray) -> float:
        size = margin(name, result, window)
        grid = 2.0 ** np.ceil(np.log2(size)) * ROUNDING if size else 0.0
        return float(np.round(result / grid + self.shift) * grid) if grid else result

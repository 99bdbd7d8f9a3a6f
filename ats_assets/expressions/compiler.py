"""From syntax trees to a plan: names, arguments, windows and kinds are checked, literals among themselves are folded."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, NoReturn

from ats_assets.errors import ExpressionError, LookAheadError
from ats_assets.expressions import across
from ats_assets.expressions.averages import memory
from ats_assets.expressions.builder import GROUP, Builder, Flat
from ats_assets.expressions.complaints import complaint, pointed
from ats_assets.expressions.operators import OPERATORS, SIGNS, Operator, negated
from ats_assets.expressions.parser import parse
from ats_assets.expressions.series import Operand, Series
from ats_assets.expressions.staged_plan import StagedPlan, plan_stages
from ats_assets.expressions.syntax import Binary, Call, Field, Literal, Negation, Symbol, SyntaxNode

MAX_WINDOW = 10_000
"""Sessions of the longest window or lag."""

MAX_LOOKBACK = 100_000
"""Sessions that an expression may look back in all, windows within windows included."""

MAX_SCRATCH_BYTES = 2**30
"""Working memory of a thread."""

UNSUPPORTED: Final[Mapping[str, str]] = {
    "TResample": "`TResample` is not supported: a panel has one row a session; resample it before it is given",
    "P": "`P` is not supported: give the panel a column of what was known in each session",
    "PRef": "`PRef` is not supported: give the panel a column of what was known in each session",
}
"""Operators of qlib that the language does not have, and what to do instead."""

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


def compile_expressions(expressions: Mapping[str, str], *, look_ahead: bool = False, flat: Flat = "relative") -> StagedPlan:
    """Compile expressions, output name to text, to one plan in which common parts are computed once.

    Parameters
    ----------
    look_ahead
        Allow `Ref` and `Delta` with a negative lag: what is computed are labels, and not features.
    flat
        Which windows count as flat in `Corr`, `Rsquare`, `Skew` and `Kurt`; see `compute`.

    Raises
    ------
    ExpressionError
        If an expression can't be parsed, or its operators and arguments don't fit.
    LookAheadError
        If an expression refers to a later session, and may not.

    Examples
    --------
    >>> from ats_assets.expressions import compile_expressions
    >>> plan = compile_expressions({"a": "Mean($close, 5)", "b": "$close / Mean($close, 5)"})
    >>> plan.lookback, plan.fields
    (4, ('close',))
    >>> compile_expressions({"a": "Meen($close, 5)"})
    Traceback (most recent call last):
    ...
    ats_assets.errors.ExpressionError: a: there is no operator `Meen`; did you mean `Mean`? (at character 1)
      Meen($close, 5)
      ^
    """
    return _compiled(tuple(expressions.items()), look_ahead, flat)


def named_symbols(expressions: Mapping[str, str]) -> list[str]:
    """The symbols that features name (`Mask`), sorted.

    Examples
    --------
    >>> from ats_assets.expressions import named_symbols
    >>> named_symbols({"beside_the_market": "$close / Mask($close, SPY)"})
    ['SPY']
    """
    return compile_expressions(expressions).symbols


def lookback(expressions: Mapping[str, str], *, look_ahead: bool = False) -> int:
    """Sessions before the current one that the expressions need; known without any data.

    Examples
    --------
    >>> from ats_assets.expressions import lookback
    >>> lookback({"momentum": "$close / Ref($close, 20) - 1", "calm": "Mean(Std($close, 5), 10)"})
    20
    """
    return compile_expressions(expressions, look_ahead=look_ahead).lookback


def lookbacks(expressions: Mapping[str, str]) -> dict[str, int]:
    """Sessions before the current one that each of the expressions needs; they are compiled once, together.

    Examples
    --------
    >>> from ats_assets.expressions import lookbacks
    >>> lookbacks({"momentum": "$close / Ref($close, 20) - 1", "calm": "Mean(Std($close, 5), 10)"})
    {'momentum': 20, 'calm': 13}
    """
    return dict(zip(expressions, compile_expressions(expressions).lookbacks, strict=True))


def lookahead(expressions: Mapping[str, str]) -> int:
    """Sessions after the current one that labels need; known without any data.

    Examples
    --------
    >>> from ats_assets.expressions import lookahead
    >>> lookahead({"next": "Ref($close, -5) / $close - 1"})
    5
    """
    return compile_expressions(expressions, look_ahead=True).lookahead


@lru_cache(maxsize=64)
def _compiled(expressions: tuple[tuple[str, str], ...], look_ahead: bool, flat: Flat) -> StagedPlan:
    builder = Builder(qlib_flat=float(flat == "qlib"))
    results: list[int] = []
    for name, text in expressions:
        try:
            results.append(_Compiler(text, builder, look_ahead=look_ahead).whole(name).node)
        except (ExpressionError, LookAheadError) as error:
            raise type(error)(f"{name}: {error}") from None
    staged = plan_stages(builder, results)
    needed = max(plan.scratch_bytes for plan in staged.plans)
    if needed > MAX_SCRATCH_BYTES:
        raise ExpressionError(
            f"these {len(expressions)} expressions together would need {needed / 2**30:.1f} GiB of working memory a thread, "
            f"{MAX_SCRATCH_BYTES / 2**30:.0f} GiB are the most; compute them in several parts, or shorten the longest windows"
        )
    return staged


class _Compiler:
    """One expression on its way into a plan."""

    def __init__(self, text: str, builder: Builder, *, look_ahead: bool) -> None:
        self.text = text
        self.builder = builder
        self.look_ahead = look_ahead

    def fail(self, message: str, node: SyntaxNode) -> NoReturn:
        raise complaint(message, self.text, node.position)

    def whole(self, name: str) -> Series:
        node = parse(self.text)
        value = self.value(node)
        if not isinstance(value, Series):
            self.fail("an expression needs a field, like $close; this is one number for all sessions", node)
        value = across.in_place(self.builder, value)
        sessions = self.builder.backs[value.node]
        if sessions > MAX_LOOKBACK:
            self.fail(f"`{name}` looks back {sessions} sessions in all; {MAX_LOOKBACK} are the most. Shorten its windows", node)
        return value

    def value(self, node: SyntaxNode) -> Operand:  # noqa: RET503 - every node is of one of these types
        match node:
            case Literal(value):
                return self.constant(value, node)
            case Field(name):
                return across.field_of(self.builder, name)
            case Symbol(name):
                self.fail(f"`{name[:40]}` is a symbol here; a field is `$` and a name, like $close", node)
            case Negation(operand):
                value = self.number(operand)
                return self.applied(negated, [value]) if isinstance(value, Series) else -value
            case Binary():
                return self.binary(node)
            case Call():
                return self.call(node)

    def constant(self, value: float, node: SyntaxNode) -> float:
        """A number; there is one zero, so that equal numbers are one operand."""
        if isinstance(value, complex) or not math.isfinite(float(value)):
            self.fail("these numbers have no finite result", node)
        return float(value) + 0.0

    def number(self, node: SyntaxNode) -> Operand:
        value = self.value(node)
        return value.as_number() if isinstance(value, Series) else value

    def condition(self, node: SyntaxNode) -> Series:
        value = self.value(node)
        if not isinstance(value, Series) or not value.is_condition:
            self.fail("expected a condition here, like $close > $open", node)
        return value

    def binary(self, node: Binary) -> Operand:
        chosen = OPERATORS[SIGNS[node.sign]]
        values = [self.operand(kind, side) for kind, side in zip(chosen.operands, (node.left, node.right), strict=True)]
        left, right = values
        if isinstance(left, float) and isinstance(right, float):
            return self.folded(node, left, right)
        return self.applied(chosen.build, values)

    def folded(self, node: Binary, left: float, right: float) -> float:
        if node.sign not in _ARITHMETIC:
            self.fail("two numbers are compared here, and no field", node)
        try:
            return self.constant(_ARITHMETIC[node.sign](left, right), node)
        except ZeroDivisionError:
            self.fail("a number is divided by zero here", node)
        except OverflowError:
            self.fail("these numbers have no finite result", node)

    def operand(self, kind: str, node: SyntaxNode) -> Operand:
        return self.condition(node) if kind == "condition" else self.number(node)

    def applied(self, build: Callable[..., Series], operands: Sequence[Operand], parameters: Sequence[float] = ()) -> Series:
        """The operator on operands of the same symbol's rows and of the same session.

        What is of one other symbol is computed on that symbol's rows, and what is some sessions ahead at that later session.
        """
        series = [operand for operand in operands if isinstance(operand, Series)]
        symbols = {one.symbol for one in series}
        if len(symbols) > 1:
            ahead = max(one.ahead for one in series if one.symbol is None or None not in symbols)
            operands = [across.own(self.builder, one, ahead) if isinstance(one, Series) else one for one in operands]
        ahead = max(one.ahead for one in operands if isinstance(one, Series))
        operands = [self.later(one, ahead) if isinstance(one, Series) else one for one in operands]
        result = build(self.builder, *operands, *parameters)
        return replace(result, symbol=symbols.pop() if len(symbols) == 1 else None, ahead=ahead)

    def later(self, series: Series, ahead: int) -> Series:
        """The same series, seen from so many sessions ahead."""
        lag = ahead - series.ahead
        return replace(OPERATORS["Ref"].build(self.builder, series, lag), symbol=series.symbol) if lag else series

    def call(self, node: Call) -> Series:
        chosen = OPERATORS.get(node.name)
        if chosen is None:
            similar = get_close_matches(node.name, OPERATORS, n=1)
            advice = f"did you mean `{similar[0]}`?" if similar else f"known are {', '.join(sorted(OPERATORS))}"
            self.fail(UNSUPPORTED.get(node.name, f"there is no operator `{node.name[:40]}`; {advice}"), node)
        expected = len(chosen.operands) + len(chosen.parameters)
        if len(node.arguments) != expected:
            wanted = ", ".join((*chosen.operands, *chosen.parameters))
            self.fail(f"`{node.name}` takes {expected} arguments ({wanted}), found {len(node.arguments)}", node)
        if chosen.across:
            return self.beyond(node, chosen)
        values = [self.operand(kind, argument) for kind, argument in zip(chosen.operands, node.arguments, strict=False)]
        self.check_constants(node, chosen, values)
        literals = list(zip(chosen.parameters, node.arguments[len(chosen.operands) :], strict=True))
        if self.look_ahead and chosen.parameters == ("lag",) and isinstance(lag := literals[0][1], Literal) and lag.value < 0:
            return self.ahead(node, lag, values[0])
        parameters = [self.parameter(kind, argument, node.name, chosen.shortest) for kind, argument in literals]
        if node.name == "Ref":
            return self.lagged(values[0], int(parameters[0]))
        return self.applied(chosen.build, values, parameters)

    def lagged(self, value: Operand, lag: int) -> Series:
        """Back by some sessions: first from those ahead."""
        assert isinstance(value, Series)
        nearer = replace(value, ahead=max(0, value.ahead - lag))
        rest = lag - (value.ahead - nearer.ahead)
        return self.applied(OPERATORS["Ref"].build, [nearer], [rest]) if rest else nearer

    def beyond(self, node: Call, chosen: Operator) -> Series:
        """An operator that takes its operands from other symbols."""
        values: list[Operand | str] = []
        for kind, argument in zip(chosen.operands, node.arguments, strict=True):
            if kind == "symbol":
                if not isinstance(argument, Symbol):
                    self.fail(f"`{node.name}` needs a symbol here, like SPY or 'BRK.B'", argument)
                values.append(argument.name)
            elif kind == "group":
                values.append(
                    across.field_of(self.builder, GROUP + argument.name) if isinstance(argument, Field) else self.number(argument)
                )
            else:
                values.append(self.value(argument) if kind == "either" else self.number(argument))
                if not isinstance(values[-1], Series):
                    self.fail(f"`{node.name}` needs a field here, like $close, not only numbers", argument)
        return chosen.build(self.builder, *values)

    def ahead(self, node: Call, lag: Literal, value: Operand) -> Series:
        """A label: the value or the change some sessions later."""
        sessions = -self.whole_number(lag, "lag", node.name)
        assert isinstance(value, Series)
        if sessions > MAX_WINDOW:
            self.fail(f"the lag of `{node.name}` has to be from -{MAX_WINDOW} sessions on, found {lag}", lag)
        later = replace(value, ahead=value.ahead + sessions)
        return later if node.name == "Ref" else self.applied(OPERATORS["Sub"].build, [value, later])

    def check_constants(self, node: Call, chosen: Operator, values: list[Operand]) -> None:
        """Windows need fields in each operand, other operators in one."""
        for value, argument in zip(values, node.arguments, strict=False):
            if isinstance(value, float) and (chosen.parameters or all(isinstance(other, float) for other in values)):
                self.fail(f"`{node.name}` needs a field here, like $close, not only numbers", argument)

    def parameter(self, kind: str, node: SyntaxNode, name: str, shortest: int) -> int | float:
        if not isinstance(node, Literal):
            self.fail(f"the {kind} of `{name}` has to be written as a number", node)
        if kind == "share":
            if not 0 <= node.value <= 1:
                self.fail(f"the quantile of `{name}` lies between 0 and 1, found {node}", node)
            return float(node.value)
        if kind == "span":
            return self.span(node, name)
        sessions = self.whole_number(node, kind, name)
        if kind == "lag" and sessions < 0:
            message = f"`{name}` with a lag of {node} looks into the future; a feature may use only what was known: write a positive lag"
            raise LookAheadError(pointed(message, self.text, node.position))
        if not shortest <= sessions <= MAX_WINDOW:
            self.fail(f"the {kind} of `{name}` has to be from {shortest} to {MAX_WINDOW} sessions, found {node}", node)
        return sessions

    def whole_number(self, node: Literal, kind: str, name: str) -> int:
        if not isinstance(node.value, int):
            self.fail(f"the {kind} of `{name}` is a whole number of sessions, found {node}", node)
        return node.value

    def span(self, node: Literal, name: str) -> float:
        if node.value <= 0:
            self.fail(f"the span of `{name}` is 1 session or more, or its alpha between 0 and 1, found {node}", node)
        value = float(node.value)
        if value > MAX_WINDOW or (value < 1 and value * MAX_WINDOW < 1) or memory(value)[0] > MAX_WINDOW:
            self.fail(f"`{name}` would need more than {MAX_WINDOW} sessions until the older ones hardly count; shorten its span", node)
        return value

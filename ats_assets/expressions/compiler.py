"""From syntax trees to a plan: names, arguments, windows and kinds are checked, literals among themselves are folded."""

import operator
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import NoReturn

import numpy as np

from ats_assets.errors import ExpressionError, LookAheadError
from ats_assets.expressions.complaints import complaint, pointed
from ats_assets.expressions.operators import OPERATORS, SIGNS, Kind, Operand, Operator, Series, negated
from ats_assets.expressions.parser import parse
from ats_assets.expressions.plan import Builder, Plan, assemble
from ats_assets.expressions.syntax import Binary, Call, Field, Literal, Negation, Node
from ats_assets.expressions.windows import memory

MAX_WINDOW = 10_000
"""Sessions of the longest window or lag."""

MAX_LOOKBACK = 100_000
"""Sessions that an expression may look back in all, windows within windows included."""

_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}


def compile_expressions(expressions: Mapping[str, str]) -> Plan:
    """Compile expressions, output name to text, to one plan in which common parts are computed once.

    Raises
    ------
    ExpressionError
        If an expression can't be parsed, or its operators and arguments don't fit.
    LookAheadError
        If an expression refers to a later session.
    """
    return _compiled(tuple(expressions.items()))


def lookback(expressions: Mapping[str, str]) -> int:
    """Sessions before the current one that the expressions need; known without any data."""
    return compile_expressions(expressions).lookback


@lru_cache(maxsize=64)
def _compiled(expressions: tuple[tuple[str, str], ...]) -> Plan:
    builder = Builder()
    results: list[int] = []
    for name, text in expressions:
        try:
            results.append(_Compiler(text, builder).whole(name).node)
        except (ExpressionError, LookAheadError) as error:
            raise type(error)(f"{name}: {error}") from None
    return assemble(builder, results)


class _Compiler:
    """One expression on its way into a plan."""

    def __init__(self, text: str, builder: Builder) -> None:
        self.text = text
        self.builder = builder

    def fail(self, message: str, node: Node) -> NoReturn:
        raise complaint(message, self.text, node.position)

    def whole(self, name: str) -> Series:
        node = parse(self.text)
        value = self.value(node)
        if not isinstance(value, Series):
            self.fail("an expression needs a field, like $close; this is one number for all sessions", node)
        sessions = self.builder.lookbacks[value.node]
        if sessions > MAX_LOOKBACK:
            self.fail(f"`{name}` looks back {sessions} sessions in all; {MAX_LOOKBACK} are the most. Shorten its windows", node)
        return value

    def value(self, node: Node) -> Operand:
        match node:
            case Literal(value):
                return self.constant(value, node)
            case Field(name):
                return Series(self.builder.field(name), Kind.SINGLE, missing_without_row=True, missing_without_rows=True)
            case Negation(operand):
                value = self.number(operand)
                return negated(self.builder, value) if isinstance(value, Series) else -value
            case Binary():
                return self.binary(node)
            case Call():
                return self.call(node)

    def constant(self, value: float, node: Node) -> float:
        """A number; there is one zero, so that equal numbers are one operand."""
        if isinstance(value, complex) or not np.isfinite(value):
            self.fail("these numbers have no finite result", node)
        return float(value) + 0.0

    def number(self, node: Node) -> Operand:
        value = self.value(node)
        return value.as_number() if isinstance(value, Series) else value

    def condition(self, node: Node) -> Series:
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
        return chosen.build(self.builder, left, right)

    def folded(self, node: Binary, left: float, right: float) -> float:
        if node.sign not in _ARITHMETIC:
            self.fail("two numbers are compared here, and no field", node)
        try:
            return self.constant(_ARITHMETIC[node.sign](left, right), node)
        except ZeroDivisionError:
            self.fail("a number is divided by zero here", node)
        except OverflowError:
            self.fail("these numbers have no finite result", node)

    def operand(self, kind: str, node: Node) -> Operand:
        return self.condition(node) if kind == "condition" else self.number(node)

    def call(self, node: Call) -> Series:
        chosen = OPERATORS.get(node.name)
        if chosen is None:
            similar = get_close_matches(node.name, OPERATORS, n=1)
            advice = f"did you mean `{similar[0]}`?" if similar else f"known are {', '.join(sorted(OPERATORS))}"
            self.fail(f"there is no operator `{node.name[:40]}`; {advice}", node)
        expected = len(chosen.operands) + len(chosen.parameters)
        if len(node.arguments) != expected:
            wanted = ", ".join((*chosen.operands, *chosen.parameters))
            self.fail(f"`{node.name}` takes {expected} arguments ({wanted}), found {len(node.arguments)}", node)
        values = [self.operand(kind, argument) for kind, argument in zip(chosen.operands, node.arguments, strict=False)]
        self.check_constants(node, chosen, values)
        literals = zip(chosen.parameters, node.arguments[len(chosen.operands) :], strict=True)
        return chosen.build(
            self.builder, *values, *(self.parameter(kind, argument, node.name, chosen.shortest) for kind, argument in literals)
        )

    def check_constants(self, node: Call, chosen: Operator, values: list[Operand]) -> None:
        """Windows need fields in each operand, other operators in one."""
        for value, argument in zip(values, node.arguments, strict=False):
            if isinstance(value, float) and (chosen.parameters or all(isinstance(other, float) for other in values)):
                self.fail(f"`{node.name}` needs a field here, like $close, not only numbers", argument)

    def parameter(self, kind: str, node: Node, name: str, shortest: int) -> int | float:
        if not isinstance(node, Literal):
            self.fail(f"the {kind} of `{name}` has to be written as a number", node)
        if kind == "share":
            if not 0 <= node.value <= 1:
                self.fail(f"the quantile of `{name}` lies between 0 and 1, found {node}", node)
            return float(node.value)
        if kind == "span":
            return self.span(node, name)
        if not isinstance(node.value, int):
            self.fail(f"the {kind} of `{name}` is a whole number of sessions, found {node}", node)
        if kind == "lag" and node.value < 0:
            message = f"`{name}` with a lag of {node} looks into the future; a feature may use only what was known: write a positive lag"
            raise LookAheadError(pointed(message, self.text, node.position))
        if not shortest <= node.value <= MAX_WINDOW:
            self.fail(f"the {kind} of `{name}` has to be from {shortest} to {MAX_WINDOW} sessions, found {node}", node)
        return node.value

    def span(self, node: Literal, name: str) -> float:
        if node.value <= 0:
            self.fail(f"the span of `{name}` is 1 session or more, or its alpha between 0 and 1, found {node}", node)
        value = float(node.value)
        if value > MAX_WINDOW or (value < 1 and value * MAX_WINDOW < 1) or memory(value)[0] > MAX_WINDOW:
            self.fail(f"`{name}` would need more than {MAX_WINDOW} sessions until the older ones hardly count; shorten its span", node)
        return value

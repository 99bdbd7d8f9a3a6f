"""The parser of qlib's expression language: recursive descent by binding strength, no `eval`.

Signs bind as in Python, because qlib lets Python evaluate them; from loose to tight: comparisons, `|`, `&`, `+ -`, `* /`, unary minus, `**`.
So `$close > 5 & $open > 3` means `$close > (5 & $open) > 3` to Python; a chain of comparisons is refused here, with advice.
"""

from functools import lru_cache

from ats_assets.errors import ExpressionError
from ats_assets.expressions.complaints import complaint
from ats_assets.expressions.syntax import Binary, Call, Field, Literal, Negation, Symbol, SyntaxNode, walk
from ats_assets.expressions.tokens import Token, literal_value, tokenize

MAX_DEPTH = 100
"""Levels of nesting. Alpha158 needs 6; a few hundred would reach Python's recursion limit."""

MAX_LENGTH = 100_000
"""Characters of an expression."""

_COMPARISON = 1
_BINDING = {"|": 2, "&": 3, "+": 4, "-": 4, "*": 5, "/": 5} | dict.fromkeys(("<", "<=", ">", ">=", "==", "!="), _COMPARISON)


@lru_cache(maxsize=2_048)
def parse(text: str) -> SyntaxNode:
    """Read an expression such as `($close - Ref($close, 1)) / Std($close, 20)`.

    Raises
    ------
    ExpressionError
        If the text is no expression; the message points at the place.

    Examples
    --------
    >>> from ats_assets.expressions import parse
    >>> parse("Mean($close, 5)").name
    'Mean'
    """
    if len(text) > MAX_LENGTH:
        raise complaint(f"the expression has {len(text)} characters; {MAX_LENGTH} are the most", text, MAX_LENGTH)
    parser = _Parser(text)
    node = parser.expression()
    parser.end()
    for part, depth in walk(node):
        if depth > MAX_DEPTH:
            raise _too_deep(text, part.position)
    return node


def _too_deep(text: str, position: int) -> ExpressionError:
    return complaint(f"nested deeper than {MAX_DEPTH} levels; write parts of it as expressions of their own", text, position)


class _Parser:
    """A place among the words of one expression."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokenize(text)
        self.next = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.next]

    def take(self) -> Token:
        token = self.token
        self.next += token.kind != "end"
        return token

    def expect(self, sign: str, why: str) -> None:
        if self.token.text != sign:
            found = f"found `{self.token.text}`" if self.token.text else "the expression ends"
            raise complaint(f"expected `{sign}` {why}, {found}", self.text, self.token.position)
        self.take()

    def end(self) -> None:
        if self.token.kind != "end":
            surplus = "closes no bracket" if self.token.text == ")" else "was not expected after a complete expression"
            raise complaint(f"`{self.token.text}` {surplus}", self.text, self.token.position)

    def expression(self, binding: int = _COMPARISON) -> SyntaxNode:
        """Operands joined by signs that bind at least as tightly as `binding`."""
        left = self.signed()
        compared = False
        while (strength := _BINDING.get(self.token.text, 0)) >= binding:
            sign = self.take()
            if strength == _COMPARISON and compared:
                raise complaint("comparisons can't be chained; put each in brackets, like ($a < $b) & ($b < $c)", self.text, sign.position)
            compared = strength == _COMPARISON
            left = Binary(sign.text, left, self.expression(strength + 1), sign.position)
        return left

    def signed(self) -> SyntaxNode:
        """An operand with any minus signs before it, and any power after it."""
        if self.token.text == "-":
            sign = self.take()
            operand = self.nested(sign)
            if isinstance(operand, Literal):
                return Literal(-operand.value, sign.position)
            return Negation(operand, sign.position)
        operand = self.operand()
        if self.token.text == "**":
            sign = self.take()
            return Binary("**", operand, self.nested(sign), sign.position)
        return operand

    def nested(self, opening: Token) -> SyntaxNode:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _too_deep(self.text, opening.position)
        node = self.expression() if opening.text == "(" else self.signed()
        self.depth -= 1
        return node

    def operand(self) -> SyntaxNode:
        token = self.take()
        if token.kind == "number":
            return Literal(literal_value(token, self.text), token.position)
        if token.kind == "field":
            return Field(token.text[1:], token.position)
        if token.kind == "name":
            return self.call(token)
        if token.text == "(":
            node = self.nested(token)
            self.expect(")", "to close the bracket")
            return node
        found = f"`{token.text}`" if token.text else "the end of the expression"
        raise complaint(f"expected a field, a number, an operator or a bracket, found {found}", self.text, token.position)

    def symbol(self) -> Symbol | None:
        """A symbol of the panel: a whole argument, in quotes or a bare name."""
        token = self.token
        if token.kind == "symbol":
            self.take()
            return Symbol(token.text[1:-1], token.position)
        if token.kind == "name" and self.tokens[self.next + 1].text in {",", ")"}:
            self.take()
            return Symbol(token.text, token.position)
        return None

    def call(self, name: Token) -> SyntaxNode:
        opening = self.token
        self.expect("(", f"after the operator `{name.text}` (a field is written ${name.text})")
        arguments = []
        while True:
            arguments.append(self.symbol() or self.nested(opening))
            if self.token.text != ",":
                break
            self.take()
        self.expect(")", f"to close the arguments of `{name.text}`")
        return Call(name.text, tuple(arguments), name.position)

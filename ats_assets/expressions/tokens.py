"""The words of the expression language."""

import math
import re
from dataclasses import dataclass

from ats_assets.expressions.complaints import complaint

LONGEST_NUMBER = 40
"""Characters of a numeric literal; more is a mistake, and Python refuses to convert whole numbers of thousands of digits."""

_WORD = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<field>\$[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<symbol>'[^'\n]*'|\"[^\"\n]*\")"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/<>&|(),])"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word with its place. `kind` is number, field, name, symbol (in quotes), sign or end."""

    kind: str
    text: str
    position: int


def tokenize(text: str) -> list[Token]:
    """Cut an expression into words; the last one is of the kind `end`.

    Raises
    ------
    ExpressionError
        If a character has no meaning in the language.
    """
    tokens = []
    position = 0
    while position < len(text):
        match = _WORD.match(text, position)
        if match is None or match.lastgroup is None:
            raise complaint(_unread(text, position), text, position)
        if match.lastgroup != "space":
            tokens.append(Token(match.lastgroup, match.group(), position))
        position = match.end()
    return [*tokens, Token("end", "", len(text))]


def _unread(text: str, position: int) -> str:
    letter = text[position]
    if letter in "'\"":
        return "the quote is not closed"
    if text.startswith("$$", position):
        return "point-in-time fields ($$) are not supported; give the panel a column of what was known in each session"
    hint = "; a field is `$` and a name, like $close" if letter == "$" else ""
    return f"{letter!r} has no meaning here{hint}"


def literal_value(token: Token, text: str) -> int | float:
    """The value of a numeric literal: whole where it is written so."""
    if len(token.text) > LONGEST_NUMBER:
        raise complaint(f"a number of {len(token.text)} characters; {LONGEST_NUMBER} are the most", text, token.position)
    if token.text.isdigit():
        return int(token.text)
    value = float(token.text)
    if not math.isfinite(value):
        raise complaint(f"{token.text} is too large for a number", text, token.position)
    return value

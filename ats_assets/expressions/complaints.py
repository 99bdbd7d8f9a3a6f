"""Errors that point at their place in the expression."""

from ats_assets.errors import ExpressionError

EXCERPT = 60
"""Characters that are shown on each side of the place."""


def pointed(message: str, text: str, position: int) -> str:
    """The message, the expression around the place, and a caret under it."""
    start, stop = max(0, position - EXCERPT), position + EXCERPT
    before, after = "…" if start else "", "…" if stop < len(text) else ""
    line = "".join(letter if letter.isprintable() else " " for letter in text[start:stop])
    return f"{message} (at character {position + 1})\n  {before}{line}{after}\n  {' ' * (len(before) + position - start)}^"


def complaint(message: str, text: str, position: int) -> ExpressionError:
    """An error about the character at `position`, counted from 0."""
    return ExpressionError(pointed(message, text, position))

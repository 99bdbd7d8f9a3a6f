"""What a command is given, checked before it runs: symbols, numbers, words of a list, days, the rest of a line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Literal

from ats_assets.errors import BotError

SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-/_^]{0,31}")
_ID = re.compile(r"[A-Za-z0-9][\w.:\-]{0,127}", re.ASCII)
_LONGEST_TEXT = 200


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One argument of a command.

    Attributes
    ----------
    kind
        symbol: upper case; count: a whole number from 1 to `most`; amount: an exact positive decimal; choice: one of `choices`; day: a session as YYYY-MM-DD; id: an
        order's, a request's or a person's; text: the rest of the line.
    """

    name: str
    help: str
    kind: Literal["symbol", "count", "amount", "choice", "day", "id", "text"]
    required: bool = True
    choices: tuple[str, ...] = ()
    most: int = 100

    @property
    def shown(self) -> str:
        """As a synopsis has it.

        Examples
        --------
        >>> Argument(name="symbol", help="", kind="symbol").shown, Argument(name="side", help="", kind="choice", choices=("buy", "sell")).shown
        ('SYMBOL', 'buy|sell')
        """
        word = "|".join(self.choices) if self.choices else self.name.upper()
        return word if self.required else f"[{word}]"

    def parsed(self, text: str) -> str:
        """The argument as commands get it.

        Raises
        ------
        BotError
            If it is none.

        Examples
        --------
        >>> Argument(name="symbol", help="", kind="symbol").parsed("brk.b")
        'BRK.B'
        """
        text = text.strip()
        return getattr(self, f"_{self.kind}")(text)

    def _symbol(self, text: str) -> str:
        if not SYMBOL.fullmatch(text.upper()):
            raise BotError(f"{_quoted(text)} is no symbol: write one such as AAPL")
        return text.upper()

    def _count(self, text: str) -> str:
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.most and len(text) <= 9):
            raise BotError(f"{_quoted(text)} is no {self.name}: write a whole number from 1 to {self.most}")
        return str(int(text))

    def _amount(self, text: str) -> str:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not (re.fullmatch(r"[0-9]*\.?[0-9]+", text, re.ASCII) and number.is_finite() and number > 0 and len(text) <= 24):
            raise BotError(f"{_quoted(text)} is no {self.name}: write a number above 0, such as 10 or 0.5, without commas")
        return text

    def _choice(self, text: str) -> str:
        if text.lower() not in self.choices:
            raise BotError(f"{_quoted(text)} is none of {', '.join(self.choices)}")
        return text.lower()

    def _day(self, text: str) -> str:
        try:
            return date.fromisoformat(text).isoformat()
        except ValueError:
            raise BotError(f"{_quoted(text)} is no day: write it as 2024-03-01") from None

    def _id(self, text: str) -> str:
        if not _ID.fullmatch(text):
            raise BotError(f"{_quoted(text)} is no {self.name}")
        return text

    def _text(self, text: str) -> str:
        return text[:_LONGEST_TEXT]


def parsed_line(arguments: Sequence[Argument], line: str) -> dict[str, str]:
    """The arguments of a line of text, by name; those that are left out are missing.

    Raises
    ------
    BotError
        If one is missing, wrong or too much; the message ends with what is expected.
    """
    expected = " ".join(argument.shown for argument in arguments) or "nothing"
    words = line.split()
    found: dict[str, str] = {}
    for argument in arguments:
        if argument.kind == "text":
            found |= {argument.name: " ".join(words)} if words else {}
            words = []
        elif words:
            found[argument.name] = words.pop(0)
    if words:
        raise BotError(f"{_quoted(words[0])} is too much: expected {expected}")
    return checked_arguments(arguments, found)


def checked_arguments(arguments: Sequence[Argument], given: Mapping[str, str]) -> dict[str, str]:
    """Arguments by name, each checked.

    Raises
    ------
    BotError
        If one is missing or wrong.
    """
    expected = " ".join(argument.shown for argument in arguments) or "nothing"
    if missing := [argument.name for argument in arguments if argument.required and not given.get(argument.name, "").strip()]:
        raise BotError(f"{missing[0]} is missing: expected {expected}")
    return {argument.name: argument.parsed(given[argument.name]) for argument in arguments if given.get(argument.name, "").strip()}


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}...")

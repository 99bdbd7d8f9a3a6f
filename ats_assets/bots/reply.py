"""What a command answers, for every front: a title, lines, a table, a picture, buttons. A front renders it, a command knows none."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Align = Literal["left", "right"]


@dataclass(frozen=True)
class ReplyTable:
    """A small table, to be read on a phone: few columns.

    Attributes
    ----------
    more
        How many rows there are beyond those here.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: int = 0


@dataclass(frozen=True)
class Picture:
    """A PNG and what it shows in words."""

    content: bytes
    name: str
    shows: str


@dataclass(frozen=True)
class Button:
    """A button; `data` comes back when it is pressed: the verb and a nonce, at most 64 bytes."""

    label: str
    data: str
    style: Literal["plain", "go", "danger"] = "plain"


@dataclass(frozen=True, kw_only=True)
class ReplyInvoice:
    """Something to pay for in the chat, where a front can; the amount is in the currency's smallest unit.

    Attributes
    ----------
    payload
        The order's id, which comes back with the payment.
    """

    payload: str
    title: str
    text: str
    amount: int
    currency: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer.

    Attributes
    ----------
    replaces_buttons
        Whether the message whose button was pressed becomes this reply; otherwise it is told to whoever pressed, and the message stays.
    """

    title: str = ""
    lines: tuple[str, ...] = ()
    table: ReplyTable | None = None
    picture: Picture | None = None
    buttons: tuple[Button, ...] = field(default=())
    invoice: ReplyInvoice | None = None
    replaces_buttons: bool = True

    def with_lines(self, *lines: str) -> "Reply":
        """The same with more lines."""
        return replace(self, lines=(*self.lines, *lines))


def said(title: str, *lines: str, **more: Any) -> Reply:
    """A reply of text.

    Examples
    --------
    >>> said("Version", "ats 0.1.0").lines
    ('ats 0.1.0',)
    """
    return Reply(title=title, lines=lines, **more)


def tabled(columns: Sequence[str], rows: Sequence[Sequence[object]], limit: int = 20) -> ReplyTable:
    """A table of the first rows; missing cells are shown as a dash.

    Examples
    --------
    >>> tabled(("symbol", "shares"), [("AAPL", 3), ("MSFT", None)], limit=1)
    ReplyTable(columns=('symbol', 'shares'), rows=(('AAPL', '3'),), more=1)
    """
    shown = tuple(tuple("-" if cell is None else str(cell) for cell in row) for row in rows[:limit])
    return ReplyTable(columns=tuple(columns), rows=shown, more=max(0, len(rows) - limit))

"""Replies as texts: Telegram's HTML and Discord's Markdown, in parts that each fit one message, with everything escaped that a name or an error might bring.

A table is a block of fixed width. Rows that fit no message any more are counted, not dropped in silence.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass

from ats_assets.bots.reply import Reply, ReplyTable

PARTS = 3
"""At most so many messages for one answer."""
_MARKDOWN = re.compile(r"([\\*_~`|<>\[\]]|^[#-])", re.MULTILINE)


@dataclass(frozen=True)
class Dialect:
    """How a front writes."""

    longest: int
    escape: Callable[[str], str]
    bold: Callable[[str], str]
    block: Callable[[str], str]


def _fenced(text: str) -> str:
    return "```\n" + text.replace("```", "'''") + "\n```"


TELEGRAM = Dialect(
    4096,
    lambda text: html.escape(text, quote=False),
    lambda text: f"<b>{text}</b>",
    lambda text: f"<pre>{html.escape(text, quote=False)}</pre>",
)
DISCORD = Dialect(2000, lambda text: _MARKDOWN.sub(r"\\\1", text), lambda text: f"**{text}**", _fenced)
_ROOM = 40
"""For what tells of lines that are left out."""


def rendered(reply: Reply, dialect: Dialect) -> list[str]:
    r"""The texts of a reply, each at most as long as the front takes; empty where there is a picture alone.

    Examples
    --------
    >>> from ats_assets.bots.reply import said
    >>> rendered(said("A & B", "x < y"), TELEGRAM), rendered(said("Up", "a_b"), DISCORD)
    (['<b>A &amp; B</b>\nx &lt; y'], ['**Up**\na\\_b'])
    """
    pieces = [_fitting(line, dialect.escape, dialect.longest // 2) for line in reply.lines]
    if reply.title:
        pieces.insert(0, dialect.bold(_fitting(reply.title, dialect.escape, 300)))
    parts = pieces[:1]
    for number, piece in enumerate(pieces[1:], 1):
        if _length(parts[-1]) + 1 + _length(piece) <= dialect.longest - _ROOM:
            parts[-1] += f"\n{piece}"
        elif len(parts) < PARTS:
            parts.append(piece)
        else:
            parts[-1] += "\n" + dialect.escape(f"... {len(pieces) - number} more lines")
            break
    return _with_table(parts, reply.table, dialect) if reply.table else parts


def plain_reply(reply: Reply) -> str:
    """A reply as plain text, for places without any marks: pop-ups and logs."""
    return "\n".join([reply.title, *reply.lines] if reply.title else reply.lines)


def table_text(table: ReplyTable, rows: int | None = None) -> str:
    """A table in columns of fixed width; numbers are aligned to the right.

    Examples
    --------
    >>> print(table_text(ReplyTable(("symbol", "shares"), (("AAPL", "3"), ("MSFT", "12")))))
    symbol shares
    AAPL        3
    MSFT       12
    """
    shown = table.rows if rows is None else table.rows[:rows]
    widths = [max(len(cell) for cell in column) for column in zip(table.columns, *shown, strict=True)]
    right = [bool(shown) and all(_is_number(row[at]) for row in shown) for at in range(len(table.columns))]
    lines = [
        " ".join(
            cell.rjust(width) if number else cell.ljust(width) for cell, width, number in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (table.columns, *shown)
    ]
    more = table.more + len(table.rows) - len(shown)
    return "\n".join([*lines, f"... {more} more"] if more else lines)


def _with_table(parts: list[str], table: ReplyTable, dialect: Dialect) -> list[str]:
    """The table as a block after the last text, or as a message of its own; with as many rows as fit one message."""
    for rows in range(len(table.rows), -1, -1):
        block = dialect.block(table_text(table, rows))
        if parts and _length(parts[-1]) + 1 + _length(block) <= dialect.longest and rows == len(table.rows):
            return [*parts[:-1], f"{parts[-1]}\n{block}"]
        if _length(block) <= dialect.longest:
            return [*parts, block]
    return parts


def _is_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?%?|-", cell))


def _length(text: str) -> int:
    """As both fronts may count: in units of UTF-16."""
    return len(text.encode("utf-16-le")) // 2


def _fitting(text: str, escape: Callable[[str], str], longest: int) -> str:
    """A text, escaped, and cut where it is too long: before it is escaped, since half an entity is none."""
    whole = escape(text)
    while _length(whole) > longest:
        text = text[: len(text) * 9 // 10]
        whole = escape(f"{text}...")
    return whole

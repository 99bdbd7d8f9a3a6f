"""How commands write: tables on standard output, messages on standard error. Does not import Dagster, which takes seconds."""

import contextlib
import os
import sys
import textwrap
import threading
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

PLAIN_WIDTH = 2000
"""Columns of what is not written to a terminal: no line is broken."""
SLOW_SECONDS = 5.0


def console(*, stderr: bool = False, whole_lines: bool = False) -> Console:
    """Where to write; without control characters unless it is a terminal.

    Parameters
    ----------
    whole_lines
        Break no line on a terminal either, which does it at its edge: so that a path in it can be copied.
    """
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() and not whole_lines else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=stderr)


def bar_console() -> Console:
    """Standard error, for bars that are drawn while Dagster runs steps: it captures the stream during each, which is no terminal then, so that bars stood still."""
    out = console(stderr=True)
    if not out.is_terminal:
        return out
    terminal = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
    return Console(file=terminal, force_terminal=True, highlight=False, soft_wrap=True)


def require_writable(output: Path | None) -> None:
    """Refuse a file that can't be written, before the work whose result it is to hold.

    Raises
    ------
    BadParameter
        If it is a folder, or would lie in none.
    """
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        why = "is a folder" if output.is_dir() else f"would lie in {output.parent}, which is no folder"
        raise typer.BadParameter(f"{output} {why}: make the folder, or name another file", param_hint="--output")


def write_line(out: Console, text: Text) -> None:
    """A line, broken at spaces where a terminal is narrow, never inside a word."""
    for line in _broken(text, out.width if out.is_terminal else PLAIN_WIDTH):
        out.print(line, soft_wrap=True)


def write_rows(out: Console, rows: Sequence[Sequence[Text]]) -> None:
    """Rows whose last cell is text, beneath each other in columns. On a terminal the text is broken at spaces, never inside a word: a table would break a path."""
    first = [max(row[i].cell_len for row in rows) for i in range(len(rows[0]) - 1)] if rows else []
    indent = sum(first) + 2 * len(first)
    room = max(out.width - indent, 24) if out.is_terminal else PLAIN_WIDTH
    for *cells, last in rows:
        head = Text.assemble(
            *(part for cell, width in zip(cells, first, strict=True) for part in (cell, " " * (width + 2 - cell.cell_len)))
        )
        for n, line in enumerate(_broken(last, room)):
            out.print(Text.assemble(" " * indent if n else head, line), soft_wrap=True)


def _broken(text: Text, room: int) -> list[Text]:
    """The lines of a text of one style; a word longer than `room` is a line that is too long."""
    lines = (textwrap.wrap(part, room, break_long_words=False, break_on_hyphens=False) or [""] for part in text.plain.split("\n"))
    return [Text(line, style=text.style) for of_part in lines for line in of_part]


def write_table(out: Console, table: Table) -> None:
    """A table, without spaces at the ends of its lines where it is not written to a terminal."""
    if out.is_terminal:
        out.print(table)
        return
    with out.capture() as capture:
        out.print(table)
    out.file.write("\n".join(line.rstrip() for line in capture.get().splitlines()) + "\n")


def say(text: str) -> None:
    """One line about what is being done, on standard error."""
    typer.echo(text, err=True)


@contextlib.contextmanager
def said_if_slow(text: str, seconds: float = SLOW_SECONDS) -> Iterator[None]:
    """Say something where a block takes longer than so many seconds: of commands that have no time to import a bar."""
    timer = threading.Timer(seconds, say, [text])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def parse_day(text: str | None, option: str) -> date | None:
    """A date given as an option; a usage error where it is none."""
    return None if text is None else required_day(text, option)


def required_day(text: str, option: str) -> date:
    """A date given as an argument; a usage error where it is none."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a date: write YYYY-MM-DD", param_hint=option) from None


def required_time(text: str, option: str) -> datetime:
    """A time given as an option, in UTC unless it names its offset; a date alone is the end of that day in UTC. A usage error where it is none."""
    try:
        if len(text) == len("YYYY-MM-DD"):
            return datetime.combine(date.fromisoformat(text) + timedelta(days=1), time(), UTC)
        moment = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is not a time: write YYYY-MM-DDTHH:MM in UTC, with an offset such as +02:00, or YYYY-MM-DD", param_hint=option
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)

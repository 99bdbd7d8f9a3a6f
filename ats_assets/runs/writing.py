"""How commands write: tables on standard output, messages on standard error. Does not import Dagster, which takes seconds."""

import sys
from datetime import UTC, date, datetime, time, timedelta

import typer
from rich.console import Console
from rich.table import Table

PLAIN_WIDTH = 2000
"""Columns of what is not written to a terminal: no line is broken."""


def console(*, stderr: bool = False) -> Console:
    """Where to write; without control characters unless it is a terminal."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else PLAIN_WIDTH, highlight=False, soft_wrap=stderr)


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

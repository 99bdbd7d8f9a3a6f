"""The state of all components as a table."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.text import Text

from ats_assets.monitoring.components import Component, verdict_of, worst_first
from ats_assets.runs.writing import console, write_rows

STYLES = {"failed": "bold red", "late": "bold red", "warning": "yellow", "ok": "green", "off": "dim"}


def show_components(found: Sequence[Component], now: datetime) -> None:
    """The verdict, then a row a component: what needs a person first."""
    out = console()
    worst = worst_first(found)
    out.print(Text(verdict_of(found), style=STYLES[worst[0].state] if worst else ""))
    out.print()
    rows: list[list[Text]] = []
    for one in worst:
        late = f", late by {in_words(one.late_by)}" if one.late_by is not None else ""
        advice = f"\n→ {one.what_to_do}" if one.what_to_do and one.state != "ok" else ""
        ago = "" if one.since is None else f"{in_words(now - one.since)} ago" if one.since <= now else f"{one.since:%Y-%m-%d %H:%M}Z"
        rows.append([Text(one.state, style=STYLES[one.state]), Text(one.name), Text(ago), Text(one.text + late + advice)])
    write_rows(out, rows)


def in_words(span: timedelta) -> str:
    """A span of time to its largest unit or two.

    Examples
    --------
    >>> in_words(timedelta(seconds=42)), in_words(timedelta(minutes=150)), in_words(timedelta(days=3, hours=2))
    ('42 s', '2 h 30 min', '3 days')
    """
    seconds = round(span.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86_400
    if minutes < 60:
        return f"{minutes} min"
    if hours < 48:
        return f"{hours} h {minutes % 60} min" if hours < 10 else f"{hours} h"
    return f"{days} days"

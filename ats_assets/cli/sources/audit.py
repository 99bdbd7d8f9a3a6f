"""`ats sources audit`: what was asked of vendors and brokers, with which key."""

import csv
import json
import re
import sys
from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta

from rich.table import Table
from rich.text import Text

from ats_assets.runs.writing import console, required_time, say, write_table
from ats_assets.settings import load_settings
from ats_assets.vendors.call_log import LoggedCall
from ats_assets.vendors.open_vendor import open_state

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def show_audit(*, since: str, vendor: str | None, limit: int | None, form: str) -> None:
    """Write a line a request to standard output, the newest last."""
    settings = load_settings()
    first = since_when(since, datetime.now(UTC))
    state = settings.vendors.state
    calls = open_state(settings).calls(first, vendor=vendor, limit=limit) if state.is_file() else []
    if form == "json":
        sys.stdout.write(json.dumps([asdict(call) for call in calls], indent=2, default=str, ensure_ascii=False) + "\n")
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow([field.name for field in fields(LoggedCall)])
        writer.writerows([call.at.isoformat(), *list(asdict(call).values())[1:]] for call in calls)
    elif not calls:
        say(f"nothing was asked{f' of {vendor}' if vendor else ''} since {first:%Y-%m-%d %H:%M}Z, by {state}")
    else:
        table = Table("time", "vendor", "key", "request", "outcome", "status", "seconds", "bytes", box=None, padding=(0, 2, 0, 0))
        for call in calls:
            table.add_row(*map(Text, _cells(call)))
        write_table(console(), table)


def since_when(text: str, now: datetime) -> datetime:
    """A span before now, the beginning of a day, or a time.

    Examples
    --------
    >>> now = datetime(2024, 3, 12, 21, 0, tzinfo=UTC)
    >>> [str(since_when(text, now)) for text in ("90m", "7d", "2024-03-01", "2024-03-01T14:30")]
    ['2024-03-12 19:30:00+00:00', '2024-03-05 21:00:00+00:00', '2024-03-01 00:00:00+00:00', '2024-03-01 14:30:00+00:00']
    """
    if span := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    return required_time(f"{text}T00:00" if len(text) == len("YYYY-MM-DD") else text, "--since")


def _cells(call: LoggedCall) -> tuple[str, ...]:
    return (
        f"{call.at:%Y-%m-%d %H:%M:%S.%f}"[:-3],
        call.vendor,
        call.key,
        f"{call.method} {call.host}{call.path}{f' (attempt {call.attempt})' if call.attempt > 1 else ''}",
        call.outcome,
        "-" if call.status is None else str(call.status),
        "-" if call.seconds is None else f"{call.seconds:.3f}",
        "-" if call.n_bytes is None else f"{call.n_bytes:,}",
    )

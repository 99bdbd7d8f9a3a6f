"""`ats sources inspect`: what would be read of files, and how."""

import json
import math
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl
import typer
from rich.table import Table
from rich.text import Text

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.errors import how_many
from ats_assets.intraday.tick_source import What
from ats_assets.plugins import SOURCES
from ats_assets.runs.chain_inspection import inspected_chains
from ats_assets.runs.progress import LongJob
from ats_assets.runs.tick_inspection import InspectedSession, inspected_ticks
from ats_assets.runs.writing import console, write_line, write_table
from ats_assets.settings import Settings, load_settings
from ats_assets.sources import MEASURES, BarSource, SourcePlugin, recognised_by
from ats_assets.sources.respelling import respelled
from ats_assets.sources.told_reading import tell_reading


def inspect_files(*, path: Path, n_rows: int, changes: Sequence[str], form: str) -> None:
    """Write what was recognised, and the first rows as they would be delivered, to standard output.

    Parameters
    ----------
    changes
        Settings to try, as NAME=VALUE.

    Raises
    ------
    SourceError
        If the files can't be read as bars; it says why, and what to set.
    """
    settings = load_settings()
    calendar = session_calendar(settings.calendar.exchange, settings.calendar.first_session)
    with LongJob(f"reading {path}", 0, "files") as job:
        source = _source(settings, calendar, path, changes)
        tell_reading(source, job.reach)
        symbols, first, last = source.symbols(), source.first_session(), source.latest_session()
        rows = _first_rows(source, calendar, n_rows)
    if form == "json":
        facts = {"symbols": symbols, "first_session": str(first), "latest_session": str(last), "recognised": recognised_by(source)}
        cells = [{name: _plain(cell) for name, cell in row.items()} for row in rows.to_dicts()]
        sys.stdout.write(json.dumps({**facts, "rows": cells}, indent=2, ensure_ascii=False) + "\n")
        return
    out = console()
    for line in source.describe().splitlines():
        write_line(out, Text(line))
    if n_rows:
        out.print()
        write_table(out, _table(rows))


def inspect_ticks(*, path: Path, what: What, n_rows: int, changes: Sequence[str], form: str) -> None:
    """Likewise of a file or folder of trades or quotes, with what would be rejected of its first session.

    Raises
    ------
    SourceError, SettingsError
        If the files can't be read as ticks; it says why, and what to set.
    """
    with LongJob(f"reading {path}", 0, "files") as job:
        found = inspected_ticks(load_settings(), path, what, _parsed(changes), n_rows, reach=job.reach)
    _write_session(found, what.removesuffix("s"), n_rows, form)


def inspect_chains(*, path: Path, n_rows: int, changes: Sequence[str], form: str) -> None:
    """Likewise of a file or folder of option chains.

    Raises
    ------
    SourceError, SettingsError
        If the files can't be read as chains; it says why, and what to set.
    """
    with LongJob(f"reading {path}", 0, "files") as job:
        found = inspected_chains(load_settings(), path, _parsed(changes), n_rows, reach=job.reach)
    _write_session(found, "contract", n_rows, form)


def _write_session(found: InspectedSession, what: str, n_rows: int, form: str) -> None:
    if form == "json":
        cells = [{name: _plain(cell) for name, cell in row.items()} for row in found.rows.to_dicts()]
        facts = {"recognised": found.recognised, "session": str(found.session), "accepted": found.accepted, "rejected": found.rejected}
        sys.stdout.write(json.dumps({**facts, "rows": cells}, indent=2, ensure_ascii=False) + "\n")
        return
    out = console()
    rejected = ", ".join(f"{reason} {count:,}" for reason, count in found.rejected.items()) or "none"
    for line in (*found.recognised, f"{found.session}: {how_many(found.accepted, what)} accepted; rejected: {rejected}"):
        write_line(out, Text(line))
    if n_rows:
        out.print()
        table = Table(box=None, padding=(0, 2, 0, 0))
        for name in found.rows.columns:
            table.add_column(name)
        for row in found.rows.iter_rows():
            table.add_row(*("" if cell is None else f"{cell:,.10g}" if isinstance(cell, float) else str(cell) for cell in row))
        write_table(out, table)


def _source(settings: Settings, calendar: SessionCalendar, path: Path, changes: Sequence[str]) -> BarSource:
    """The files at a path, by the settings in use and those to try."""
    plugin = SOURCES.find("files")
    if not isinstance(plugin, SourcePlugin) or plugin.at is None:
        raise TypeError("the source of files can't be opened at a path")
    written = settings.source.files.model_dump(mode="json", exclude_defaults=True) | _parsed(changes)
    own = SOURCES.checked("files", {name: value for name, value in written.items() if name != "path"}, setting="--set")
    return respelled(plugin.at(path, own, calendar), plugin.spelling(own))


def _parsed(changes: Sequence[str]) -> dict[str, Any]:
    """The settings to try: a value is TOML, or text where it is none."""
    found: dict[str, Any] = {}
    for change in changes:
        name, equals, value = change.partition("=")
        if not equals:
            raise typer.BadParameter(f"{change!r} is no setting: write NAME=VALUE, such as symbol=AAPL", param_hint="--set")
        try:
            found[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            found[name.strip()] = value
    return found


def _first_rows(source: BarSource, calendar: SessionCalendar, n_rows: int) -> pl.DataFrame:
    """Of the first sessions, as they would be delivered."""
    rows = source.bars([])
    for session in calendar.sessions(source.first_session(), source.latest_session()):
        if rows.height >= n_rows:
            break
        rows = pl.concat([rows, source.bars([session])])
    return rows.head(n_rows).select("symbol", "session", "date", *MEASURES, "defects")


def _plain(cell: object) -> object:
    """A cell as JSON has it: days as text, and what is no number as null."""
    return (cell if math.isfinite(cell) else None) if isinstance(cell, float) else None if cell is None else str(cell)


def _table(rows: pl.DataFrame) -> Table:
    shown = [name for name in rows.columns if name not in ("vwap", "defects", "date") or rows[name].null_count() < rows.height]
    if "date" in shown and rows["date"].equals(rows["session"]):
        shown.remove("date")
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in shown:
        table.add_column(name, justify="right" if name in MEASURES else "left")
    for row in rows.select(shown).iter_rows(named=True):
        table.add_row(*("" if cell is None else f"{cell:,.10g}" if isinstance(cell, float) else str(cell) for cell in row.values()))
    return table

"""The corporate actions of files under their ex-session."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.action_files import read_actions
from ats_assets.sources.adapters.files.kept_folder import KeptFolder
from ats_assets.sources.adapters.files.kept_rows import Asked
from ats_assets.sources.adapters.files.stamps import StampReader
from ats_assets.sources.adapters.files.table_files import find_data_files
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA
from ats_assets.sources.session_index import SessionIndex
from ats_assets.sources.symbol_names import symbol_in_name


def placed_actions(
    path: Path, settings: FilesSettings, calendar: SessionCalendar, kept: KeptFolder | None, *, latest: Callable[[], date]
) -> SessionIndex:
    """Actions under their ex-session; what is beyond the calendar is left out.

    Parameters
    ----------
    latest
        The latest session, which takes those without a readable date.

    Raises
    ------
    SourceError
        If they can't be read, or the prices are adjusted already.
    """
    if settings.adjusted:
        raise SourceError(
            "source.files.adjusted scales the prices by adj_close / close, so that the actions of source.files.actions would be applied twice: unset one of them"
        )
    rows = pl.concat(_tables(path, settings, calendar, kept))
    rows = rows.filter(pl.col("date").is_between(calendar.first, calendar.last).fill_null(value=True))
    days = rows["date"].drop_nulls().unique().to_list()
    to = pl.DataFrame({"date": days, "session": [calendar.on_or_after(day) for day in days]}, schema={"date": pl.Date, "session": pl.Date})
    placed = rows.join(to, on="date", how="left", maintain_order="left").with_columns(pl.col("session").fill_null(latest()))
    return SessionIndex(placed.select(RAW_ACTIONS_SCHEMA.names()), RAW_ACTIONS_SCHEMA)


def _tables(path: Path, settings: FilesSettings, calendar: SessionCalendar, kept: KeptFolder | None) -> list[pl.DataFrame]:
    found = find_data_files(path, "source.files.actions").tables
    asked = [Asked(file=file, symbol=None if len(found) == 1 else symbol_in_name(file.stem).symbol) for file in found]
    stamps = StampReader(calendar=calendar, timezone=settings.timezone, stamp="open")

    def read(one: Asked) -> pl.DataFrame:
        return read_actions(one.file, stamps, calendar, symbol=one.symbol, date_format=settings.date_format)

    return kept.tables(path, asked, read) if kept else [read(one) for one in asked]

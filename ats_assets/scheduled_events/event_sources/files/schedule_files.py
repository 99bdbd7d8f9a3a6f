"""Scheduled events from files: CSV or Parquet, one or a folder of them, all rows of all together.

`symbol` (or `*` for all), `date` and `kind` must be there. `known_from` is the day from which on a row was known, that is at the close of its session, or an instant with its
offset; without it a row was always known. `event` names an event whose day may move: a newer row of the same name replaces the older one. `timing` is bmo, during or amc.
"""

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.scheduled_events.schema import TOLD_EVENTS_SCHEMA
from ats_assets.sources.wire_frames import instants, unread

_NEEDED: Final = ("symbol", "date", "kind")
_MAY_HAVE: Final = ("known_from", "timing", "event", "status")
_ENDINGS: Final = (".csv", ".parquet")
_DAY: Final = r"^\d{4}-\d{2}-\d{2}$"


class ScheduleFiles:
    """Files as an `EventSource`.

    Parameters
    ----------
    path
        A file, or a folder of files.
    """

    remote = False

    def __init__(self, path: Path, calendar: SessionCalendar) -> None:
        self._path = path
        self._calendar = calendar

    def told(self, first: date, last: date) -> pl.DataFrame:  # noqa: ARG002
        """All rows, whatever days are asked for: an event may have moved to one of them from any other."""
        return pl.concat([TOLD_EVENTS_SCHEMA.to_frame(), *(self._rows(file) for file in self._files())])

    def describe(self) -> str:
        """The files with their rows, and the days of the events in them."""
        lines = [f"scheduled events of {self._path}:"]
        for file in self._files():
            days = self._rows(file)["date"]
            span = "none with a day" if days.null_count() == len(days) else f"{days.min()} to {days.max()}"
            lines.append(f"  {file.name}: {len(days)} rows, {span}")
        return "\n".join(lines)

    def _files(self) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        found = sorted(file for file in self._path.rglob("*") if file.suffix.lower() in _ENDINGS and file.is_file())
        if not found:
            raise SourceError(
                f"scheduled_events.source.path: {self._path} is no CSV or Parquet file and no folder that has one: correct it"
            )
        return found

    def _rows(self, file: Path) -> pl.DataFrame:
        table = _as_texts(file)
        if missing := [name for name in _NEEDED if name not in table.columns]:
            raise SourceError(
                f"{file} has no column {missing[0]}: it needs {', '.join(_NEEDED)}, and may have {', '.join(_MAY_HAVE)}; it has {', '.join(table.columns)}"
            )
        texts = table.select(
            pl.col(name) if name in table.columns else pl.lit(None, pl.String).alias(name) for name in (*_NEEDED, *_MAY_HAVE)
        ).with_columns(pl.when(pl.col(name).str.strip_chars() != "").then(name).alias(name) for name in ("date", *_MAY_HAVE))
        day, known = pl.col("date").str.strip_chars().str.to_date("%Y-%m-%d", strict=False), self._known_at(texts["known_from"])
        read = texts.with_columns(day=day, known_at=known)
        defects = [unread(pl.col("date"), pl.col("day"), "date"), unread(pl.col("known_from"), pl.col("known_at"), "known_from")]
        told = pl.concat_str(defects, separator="; ", ignore_nulls=True)
        return read.select(
            "symbol",
            "kind",
            date="day",
            timing=pl.col("timing").str.strip_chars().str.to_lowercase(),
            event="event",
            status=pl.col("status").str.strip_chars().str.to_lowercase(),
            known_at="known_at",
            defects=pl.when(told != "").then(told),
        ).cast(dict(TOLD_EVENTS_SCHEMA))  # pyright: ignore[reportArgumentType]

    def _known_at(self, written: pl.Series) -> pl.Series:
        """When each row was known; null where that can't be read, or is not said."""
        texts = written.str.strip_chars()
        days = texts.filter(texts.str.contains(_DAY).fill_null(value=False)).unique().to_list()
        closes = {text: self._close_of(text) for text in days}
        of_day = texts.replace_strict(closes, default=None, return_dtype=TOLD_EVENTS_SCHEMA["known_at"])
        exact = pl.select(instants(pl.lit(texts).str.replace(" ", "T"))).to_series().cast(TOLD_EVENTS_SCHEMA["known_at"])
        return pl.select(pl.coalesce(pl.lit(of_day), pl.lit(exact))).to_series()

    def _close_of(self, text: str) -> datetime | None:
        """The close of the session that a day is, or is before; of one that the calendar does not have, the beginning of the day."""
        try:
            day = date.fromisoformat(text)
        except ValueError:
            return None
        if self._calendar.first <= day <= self._calendar.last:
            return self._calendar.closes_at(self._calendar.on_or_after(day))
        return datetime.combine(day, time(), UTC)


def _as_texts(file: Path) -> pl.DataFrame:
    """The cells of a file as a CSV file has them."""
    try:
        if file.suffix.lower() == ".csv":
            return pl.read_csv(file, infer_schema=False)
        table = pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SourceError(f"{file} can't be read as a table of scheduled events: {str(error).splitlines()[0]}") from None
    return table.select(_as_text(name, dtype) for name, dtype in table.schema.items())


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    column = pl.col(name)
    if isinstance(dtype, pl.Datetime):
        aware = dtype.time_zone is not None
        moment = column.dt.convert_time_zone("UTC") if aware else column
        return moment.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("Z" if aware else ""))
    return column.cast(pl.String)

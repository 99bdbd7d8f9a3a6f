"""Trades or quotes from files, a session at a time.

1. Files are found below the path and looked at: columns by the header or the footer, times by the statistics of row groups or, of Dukascopy's hours, by the path.
2. A text, and a Parquet file whose times are no times, is read once, a block at a time, and kept as Parquet (`kept_ticks`).
3. The ticks of a session are those parts of files that can hold some of it, a batch at a time: what is in memory is a session and a batch, however long the files are.

A row belongs to the session that its time and the hours of its instrument name (`session_hours`); without a readable time to the last session of its file.
"""

import hashlib
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ats_assets.errors import SourceError, how_many
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import What
from ats_assets.intraday.tick_sources.files.bi5 import hour_file
from ats_assets.intraday.tick_sources.files.kept_ticks import forget_others, forget_unused, keep, kept_name
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.intraday.tick_sources.files.text_ticks import text_blocks, text_layout
from ats_assets.intraday.tick_sources.files.tick_columns import TickColumns, tick_columns, tick_symbol
from ats_assets.intraday.tick_sources.files.tick_groups import BATCH_ROWS, Group, HourTicks, ParquetTicks, row_groups, unreadable
from ats_assets.intraday.tick_sources.files.tick_rows import ORDER, RAW_SCHEMAS, RowReader
from ats_assets.sources.dump_names import dump
from ats_assets.sources.missing_days import missing_days
from ats_assets.sources.told_reading import FileReading
from ats_assets.sources.zipped_table import ZIP, is_left_out

PARQUET: Final = (".parquet", ".pq")
TEXTS: Final = (".csv", ".csv.gz", ".txt", ".txt.gz", ZIP)
HOURS: Final = (".bi5",)
SUFFIXES: Final = (*PARQUET, *TEXTS, *HOURS)


class TickFiles:
    """Ticks from files as a `TickSource`.

    Parameters
    ----------
    keep
        A folder in which the rows of texts are kept; None: a temporary one.
    now
        This machine's clock; another one in tests.
    """

    def __init__(
        self,
        settings: TickFilesSettings,
        what: What,
        hours: SessionHours,
        keep: Path | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._what: What = what
        self._hours = hours
        self._keep = keep
        self._now = now
        self._columns: dict[Path, TickColumns] = {}
        self.reading = FileReading()

    @property
    def path(self) -> Path:
        """Where the files lie."""
        if self._settings.path is None:
            raise SourceError(
                f"intraday.{self._what}.kind is files, but no path is set: set intraday.{self._what}.path to a file or folder"
            )
        return self._settings.path.expanduser().absolute()

    def sessions(self) -> list[date]:
        """Those that can have ticks and whose hours are over, ascending."""
        now = self._now()
        spans = [
            (group.first, group.last) for file in self._files for group in file.groups if group.first is not None and group.last is not None
        ]
        days = {day for first, last in spans if first is not None and last is not None for day in self._hours.sessions_between(first, last)}
        return sorted(day for day in days if self._hours.known_at(day) <= now)

    def ticks(self, session: date) -> pl.DataFrame:
        """As `TickSource.ticks`."""
        first, last = self._hours.span(session)
        schema = RAW_SCHEMAS[self._what]
        parts: list[pl.DataFrame] = []
        for file, bounds, last_of_file in self._index:
            untimed = last_of_file == session
            if not untimed and (bounds is None or bounds[0] >= last or bounds[1] < first):
                continue
            batches = [self._of_session(rows, session) for rows in file.rows(first, last, untimed=untimed)]
            of_file = [rows for rows in batches if rows.height]
            if of_file:
                parts.append(pl.concat(of_file).with_columns(part=pl.lit(len(parts), pl.Int32)))
        if not parts:
            return schema.to_frame()
        order = ["symbol", ORDER] if any(rows[ORDER].null_count() < rows.height for rows in parts) else ["symbol"]
        rows = pl.concat(parts).sort(order, nulls_last=True, maintain_order=True)
        return rows.with_columns(session=pl.lit(session, pl.Date), sequence=pl.int_range(pl.len()).over("symbol")).select(schema.names())

    def known_at(self, session: date) -> datetime:
        """The end of the session's hours, or of the day of the vintage if that is later; in UTC."""
        ends, vintage = self._hours.known_at(session), self._settings.vintage
        return ends if vintage is None else max(ends, datetime.combine(vintage + timedelta(days=1), time(), UTC))

    def describe(self) -> str:
        """What was found, as a few lines."""
        days = self.sessions()
        span = f"{days[0]} to {days[-1]}" if days else "none that has ended"
        lines = [f"{self._what}: {self.path} ({how_many(len(self._files), 'file')})", f"sessions: {span}"]
        kinds = {(tuple(one.names.items()), one.unused): one for one in self._columns.values()}
        for one in list(kinds.values())[:3]:
            names = ", ".join(f"{name} = {column!r}" for name, column in one.names.items())
            lines.append(f"columns: {names}" + (f"; unused: {', '.join(map(repr, one.unused))}" if one.unused else ""))
        if missing := self._missing():
            lines.append(f"warning: days of which there is no dump, so that nothing is known of them: {'; '.join(missing)}")
        return "\n".join(lines)

    def _missing(self) -> list[str]:
        """The days that Binance's dumps lack."""
        found = [dump(stem_of(file.shown)) for file in self._files]
        there: dict[str, list[date]] = {}
        for one in found:
            if one is not None:
                there.setdefault(f"{one.symbol} {one.what}", []).extend(one.days)
        return missing_days(there)

    def _of_session(self, rows: pl.DataFrame, session: date) -> pl.DataFrame:
        if self._settings.symbols:
            rows = rows.filter(pl.col("symbol").is_in(list(self._settings.symbols)))
        placed = self._hours.placed(rows)
        return placed.filter(pl.col("session").is_null() | (pl.col("session") == session)).drop("session", "inside")

    @cached_property
    def _index(self) -> list[tuple[ParquetTicks | HourTicks, tuple[int, int] | None, date | None]]:
        """Each file, the first and last time in it, and the session of its rows without a time, if it has some."""
        found: list[tuple[ParquetTicks | HourTicks, tuple[int, int] | None, date | None]] = []
        for file in self._files:
            groups = file.groups
            times = [one for group in groups for one in (group.first, group.last) if one is not None]
            untimed = any(group.untimed for group in groups)
            found.append((file, (min(times), max(times)) if times else None, self._last_session(groups) if untimed else None))
        return found

    def _last_session(self, groups: Sequence[Group]) -> date | None:
        """The session of rows without a time: the last one of their file, or of all files where none of its rows has one."""
        every = [group for file in self._files for group in file.groups]
        lasts = [group.last for group in groups if group.last is not None] or [group.last for group in every if group.last is not None]
        return next(iter(self._hours.sessions_between(max(lasts), max(lasts))), None) if lasts else None

    @cached_property
    def _files(self) -> list[ParquetTicks | HourTicks]:
        paths = self._found()
        kept: set[str] = set()
        files: list[ParquetTicks | HourTicks] = []
        for path in self.reading.each(paths):
            if path.suffix.lower() in HOURS:
                if self._what == "trades":
                    raise SourceError(f"{path} holds quotes: Dukascopy has no trades. Set intraday.quotes.path instead")
                files.append(HourTicks(file=hour_file(path), points=dict(self._settings.points)))
                continue
            files.append(self._as_it_is(path) or self._converted(path, kept))
        if self._keep is not None:
            forget_others(self._folder, kept)
            forget_others(self._folder.parent, set())  # of versions that kept all of them together
            forget_unused(self._folder)
        if self._settings.symbols:
            files = [file for file in files if not isinstance(file, HourTicks) or file.file.symbol in self._settings.symbols]
        return files

    @cached_property
    def _folder(self) -> Path:
        if self._keep is not None:
            of_vendor = repr((str(self.path), sorted(self._settings.where.items())))  # of several vendors each its own, of one file too
            return self._keep / self._what / hashlib.sha256(of_vendor.encode()).hexdigest()[:16]
        aside = tempfile.mkdtemp(prefix="ats-ticks-")
        weakref.finalize(self, shutil.rmtree, aside, ignore_errors=True)
        return Path(aside)

    def _found(self) -> list[Path]:
        path, setting = self.path, f"intraday.{self._what}.path"
        if path.is_file():
            found = [path] if path.name.lower().endswith(SUFFIXES) else []
        elif path.is_dir():
            inside = (one.relative_to(path) for one in path.rglob("*") if one.is_file() and one.name.lower().endswith(SUFFIXES))
            visible = [path / one for one in sorted(inside) if not any(part.startswith((".", "_")) for part in one.parts)]
            found = [one for one in visible if not is_left_out(one)]
        else:
            raise SourceError(f"there is no file or folder {path}: correct {setting}")
        if not found:
            raise SourceError(f"{path} has no file of ticks ({', '.join(SUFFIXES)}): put the data there, or correct {setting}")
        return found

    def _as_it_is(self, path: Path) -> ParquetTicks | None:
        """A Parquet file whose times can be found by its row groups; None of any other file."""
        if path.suffix.lower() not in PARQUET:
            return None
        reader = self._reader(path, _parquet_columns(path))
        groups = None if "clock" in reader.columns.names else row_groups(path, reader.columns.names["at"], reader.zone)
        return None if groups is None else ParquetTicks(path=path, shown=path, groups=groups, reader=reader)

    def _converted(self, path: Path, kept: set[str]) -> ParquetTicks:
        """A file whose rows are kept, read now if they are not yet."""
        settings = self._settings.model_copy(update={"path": None}).model_dump_json()
        folder = self._folder
        name = kept_name(path, settings + str(self._hours.calendar.timezone), self._what)
        kept.add(name)
        if path.suffix.lower() in PARQUET:
            reader = self._reader(path, _parquet_columns(path))
            blocks = _parquet_blocks(path, reader.needed)
        else:
            layout = text_layout(path, self._what, self._settings)
            reader = self._reader(path, layout.columns)
            blocks = text_blocks(path, layout, reader.needed)
        if not (folder / name).is_file():
            rows = (reader.rows(block) for block in blocks)
            chosen = list(self._settings.symbols)
            keep(folder / name, (one.filter(pl.col("symbol").is_in(chosen)) if chosen else one for one in rows), self._what)
        groups = row_groups(folder / name, "at", "UTC")
        return ParquetTicks(path=folder / name, shown=path, groups=groups or (), reader=None)

    def _reader(self, path: Path, columns: Sequence[str]) -> RowReader:
        settings = self._settings
        found = self._columns[path] = tick_columns(columns, self._what, settings, str(path))
        absent = [name for name in settings.where if name not in columns]
        if absent:
            raise SourceError(
                f"intraday.{self._what}.where names {absent[0]!r}, which {path} does not have: its columns are {', '.join(columns)}"
            )
        stem = stem_of(path)
        named = next((part.removeprefix("symbol=") for part in path.parts if part.startswith("symbol=")), None)
        symbol = None if "symbol" in found.names else settings.symbol or named or tick_symbol(stem, settings.symbol_pattern)
        zone = settings.timezone or ("UTC" if found.is_utc else str(self._hours.calendar.timezone))
        return RowReader(what=self._what, columns=found, zone=zone, time_format=settings.time_format, symbol=symbol, where=settings.where)


def stem_of(path: Path) -> str:
    """The name of a file without its suffixes."""
    return re.sub(r"(?i)\.(?:parquet|pq|csv|txt|zip)(?:\.gz)?$", "", path.name)


def _parquet_columns(path: Path) -> list[str]:
    try:
        return pq.read_schema(path).names
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error


def _parquet_blocks(path: Path, needed: list[str]) -> Iterator[pl.DataFrame]:
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, columns=needed):
                yield pl.DataFrame(pl.from_arrow(pa.table(batch)))
    except (pa.ArrowException, OSError) as error:
        raise unreadable(path, error) from error

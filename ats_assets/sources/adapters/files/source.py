"""Daily bars from files: one Parquet or CSV file, or a folder of them (hive layout, or one file a symbol)."""

import hashlib
import logging
import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.action_files import read_actions
from ats_assets.sources.adapters.files.day_facts import day_facts, refuse_intraday
from ats_assets.sources.adapters.files.delivery import Delivery, read_delivery
from ats_assets.sources.adapters.files.file_rows import FileFacts, FileRows, ReadRows, count_days
from ats_assets.sources.adapters.files.kept_rows import Asked, DamagedRowsError, KeptRows
from ats_assets.sources.adapters.files.kept_tables import kept_tables
from ats_assets.sources.adapters.files.placement import Placement, place, unfinished, without_unfinished
from ats_assets.sources.adapters.files.stamps import StampReader
from ats_assets.sources.adapters.files.table_files import DataFile, file_stamps, find_data_files
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.session_index import SessionIndex
from ats_assets.sources.source import Capabilities
from ats_assets.storage.versions import code_version

SETTLED = timedelta(seconds=3)
"""A file that was changed less than this ago may change again within the resolution of its time."""
_log = logging.getLogger(__name__)


class FileSource:
    """Daily bars from files as a `BarSource`.

    The files are read once for an instance, at its first use; with a folder to keep rows in, only those that have changed since. What a row's columns, day and session are is decided row by row: a cell that can't be
    converted becomes null and is named in the row's `defects`, and every row is delivered, but those dated before the calendar's first session.

    When the data were known: a vintage (`source.files.vintage`, `vintage=YYYY-MM-DD` in the path, or a column `vintage`) says it, at the end of that day in UTC. Without one
    each session counts as known from its close; a file's modification time never says it, for a copy would change it.

    A bar of a session that has not closed is no bar yet: such rows wait until the session has closed, and the file has been written after that.

    Parameters
    ----------
    settings
        Path, columns, time zone, stamps, selection.
    calendar
        The sessions that rows are placed in.
    now
        This machine's clock; another one in tests.
    keep
        A folder in which what was read is kept (`kept_rows`); none: all files are read.

    Raises
    ------
    SourceError
        At first use: there is no such path, nothing or nothing readable in it, a column is missing, the bars are not daily, or all of them are from
        before the calendar's first session.
    """

    def __init__(
        self,
        settings: FilesSettings,
        calendar: SessionCalendar,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        keep: Path | None = None,
    ) -> None:
        self._settings = settings
        self._calendar = calendar
        self._now = now
        self._keep = keep
        self._waiting: list[str] = []

    @property
    def name(self) -> str:
        """Of this source: files."""
        return "files"

    @property
    def path(self) -> Path:
        """Where the files lie."""
        if self._settings.path is None:
            raise SourceError(
                "source.kind is files, but no path is set: set source.path (ATS_SOURCE__PATH) to a Parquet or CSV file or folder"
            )
        return self._settings.path

    @property
    def clock_remark(self) -> str | None:
        """Which rows wait, since their session had not closed when they were read or written."""
        _ = self._placement
        return "; ".join(self._waiting) or None

    @property
    def capabilities(self) -> Capabilities:
        """What was found in the files; how prices are adjusted they do not say, unless the setting does it here."""
        facts = self._facts.join(self._placement.days, on="date", how="semi", nulls_equal=True)
        return Capabilities(
            has_vwap=bool(facts["has_vwap"].any()),
            adjustment="split_and_dividend" if self._settings.adjusted else "unknown",
            fractional_volume=not facts["is_whole"].all(),
        )

    def state(self) -> str | None:
        """What the bars and actions follow from, by names, sizes and times alone: while it is the same, so are they. None while files are being written."""
        now = self._now()
        paths = [path for path in (self.path, self._settings.actions) if path is not None]
        stamps = sorted(stamp for path in paths for stamp in file_stamps(path))
        settled = (now - SETTLED).timestamp() * 1e9
        if not stamps or any(max(stamp[2:4]) > settled for stamp in stamps):
            return None
        settings, clock = self._settings.model_dump_json(), (self._calendar.exchange, str(self._calendar.last_closed(now)))
        return hashlib.sha256(repr((settings, clock, stamps)).encode()).hexdigest()

    def symbols(self) -> list[str]:
        """Every symbol that has a row, sorted."""
        return sorted(self._symbols)

    def first_session(self) -> date:
        """The first session that has a row."""
        return self._placement.sessions_with_rows[0]

    def latest_session(self) -> date:
        """The latest session that has a row."""
        return self._placement.sessions_with_rows[-1]

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of `sessions`; see `BarSource.bars`."""
        placed = self._placement.placed(self._rows_of(self._placement.dates(sessions)))
        found = placed.match_to_schema(RAW_BARS_SCHEMA).sort("session", "symbol", maintain_order=True)
        return found if symbols is None else found.filter(pl.col("symbol").is_in(list(symbols)))

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The actions of `sessions` in `source.files.actions`, none without that setting; see `BarSource.actions`."""
        return self._actions.rows(sessions, symbols)

    def known_at(self, session: date) -> datetime:
        """The later of the session's close and the end of the vintage's day, in UTC."""
        close, vintage = self._calendar.closes_at(session), self.vintage
        return close if vintage is None else max(close, datetime.combine(vintage + timedelta(days=1), time(), UTC))

    @cached_property
    def vintage(self) -> date | None:
        """The day on which these data were known, or None where neither the settings nor the path nor a column `vintage` says so."""
        if self._settings.vintage is not None:
            return self._settings.vintage
        return self._vintage_of_path or self._one_vintage({value for file in self._rows.files for value in file.vintages})

    @cached_property
    def _vintage_of_path(self) -> date | None:
        return self._one_vintage({file.keys["vintage"] or "" for file in self._files if "vintage" in file.keys})

    def _one_vintage(self, values: set[str]) -> date | None:
        named = sorted(values)
        if len(named) > 1:
            raise SourceError(
                f"{self.path} holds {len(named)} vintages ({named[0]} to {named[-1]}): choose one, by source.files.path or by "
                f'source.files.where = {{vintage = "{named[-1]}"}}'
            )
        try:
            return date.fromisoformat(named[0][:10]) if named else None
        except ValueError as error:
            raise SourceError(
                f"{self.path}: vintage={named[0]} is not a day like 2018-02-09: rename it, or set source.files.vintage"
            ) from error

    def describe(self) -> str:
        """What was read, and what was recognised in it, as a few lines for people."""
        s, placed = self._settings, self._placement
        kinds: dict[tuple[tuple[str, str], ...], list[FileFacts]] = {}
        for file in self._rows.files:
            kinds.setdefault(tuple(file.recognition.columns.items()), []).append(file)
        n_delivered = sum(file.n_rows for file in self._rows.files)
        lines = [
            f"files: {self.path} ({len(self._files)} file{'' if len(self._files) == 1 else 's'}, {n_delivered:,} rows)",
            f"{placed.days['rows'].sum():,} rows of {len(self._symbols)} symbols in {len(placed.sessions_with_rows)} sessions of {self._calendar.exchange}, "
            f"{self.first_session()} to {self.latest_session()}",
            f"known: {f'since the end of {self.vintage}' if self.vintage else 'each session since its close (no vintage in the path, the settings or a column)'}",
            f"stamps: the bar's {s.stamp}; naive ones in {s.timezone or self._calendar.timezone}{'' if s.timezone else ' (the exchange)'}",
        ]
        if s.where:
            lines.append("selected: " + ", ".join(f"{key} = {value}" for key, value in s.where.items()))
        for columns, files in kinds.items():
            unused = [name for name in files[0].recognition.unused if name not in {"vintage", *s.where}]
            lines.append(
                f"columns{f' of {len(files)} files' if len(kinds) > 1 else ''}: {', '.join(f'{c} = {n!r}' for c, n in columns)}; "
                f"{'prices scaled by adj_close / close, volumes by its inverse; ' if s.adjusted else ''}unused: {', '.join(map(repr, unused)) or 'none'}"
            )
        if not s.adjusted and s.actions is None:
            lines.append(
                "adjustment: none is made, and none is known: if these prices are adjusted for splits and the volumes are not, volumes and dollar volumes break at "
                "each split; deliver a column adj_close beside prices as traded (source.files.adjusted), or prices as traded and their actions"
            )
        if s.actions is not None:
            lines.append(f"corporate actions: {s.actions}, {self._actions.frame.height:,} rows")
        return "\n".join([*lines, *self._waiting, *placed.remarks, f"rows with defects: {self._n_defects:,}"])

    @property
    def _n_defects(self) -> int:
        """The rows of which something can't be read, or that are dated after the last day."""
        facts = self._facts.join(self._placement.days, on="date", how="semi", nulls_equal=True)
        late = (pl.col("date") > self._placement.last).fill_null(value=False)
        return int(facts.select(pl.when(late).then("rows").otherwise("defects").sum()).item() or 0)

    @cached_property
    def _files(self) -> list[DataFile]:
        found = find_data_files(self.path)
        keys = {key: value for key, value in self._settings.where.items() if all(key in file.keys for file in found)}
        chosen = [file for file in found if all(file.keys[key] == value for key, value in keys.items())]
        if not chosen:
            offered = {key: sorted({file.keys[key] or "" for file in found}) for key in keys}
            raise SourceError(f"no file in {self.path} has {keys}, which source.files.where asks for: there are {offered}")
        return chosen

    @cached_property
    def _rows(self) -> FileRows:
        _ = self._settings.vintage or self._vintage_of_path  # several of them are refused before anything is read
        asked = [Asked(file=file, symbol=self._symbol_of(file)) for file in self._files]
        rows = self._kept(asked) or self._read_anew()
        if not any(file.n_rows for file in rows.files):
            with_ = f" with {self._settings.where}" if self._settings.where else ""
            raise SourceError(
                f"{self.path} has columns but no rows{with_}: deliver it again, or correct source.files.path and source.files.where"
            )
        return rows

    def _read_anew(self) -> FileRows:
        return ReadRows([self._read(Asked(file=file, symbol=self._symbol_of(file))) for file in self._files])

    def _read(self, asked: Asked) -> Delivery:
        stamps = StampReader(calendar=self._calendar, timezone=self._settings.timezone, stamp=self._settings.stamp)
        return read_delivery(asked.file, self._settings, stamps, symbol=asked.symbol)

    def _kept(self, asked: Sequence[Asked]) -> FileRows | None:
        """The rows from what was kept of them; None where nothing can be kept."""
        if self._keep is None:
            return None
        for _ in range(2):  # what was kept may be damaged: then once more, from nothing
            try:
                return KeptRows(self._folder_kept, self._kept_under, self._calendar.first, asked, self._read)
            except DamagedRowsError as error:
                self._forget_kept(error)
            except (OSError, sqlite3.Error) as error:
                _log.warning("what is read of %s can't be kept in %s, so all files are read: %s", self.path, self._folder_kept, error)
                return None
        return None

    @property
    def _folder_kept(self) -> Path:
        return (self._keep or Path()) / hashlib.sha256(str(self.path.absolute()).encode()).hexdigest()[:16]

    @property
    def _kept_under(self) -> str:
        """What the rows of a file follow from beside it."""
        changed = {"path": None, "vintage": None, "actions": None}
        settings = self._settings.model_copy(update=changed).model_dump_json()
        return hashlib.sha256(
            repr((settings, self._calendar.digest, code_version("ats_assets.sources"), pl.__version__)).encode()
        ).hexdigest()

    def _forget_kept(self, error: DamagedRowsError) -> None:
        _log.warning("what was kept of %s is not what was written (%s): it is removed, and all files are read", self.path, error)
        shutil.rmtree(self._folder_kept, ignore_errors=True)

    def _rows_of(self, dates: Sequence[date | None]) -> pl.DataFrame:
        """The rows of some days but those that wait, by file, with its place."""
        waiting = [self._complete[day] for day in dates if day and day in self._complete]
        others = [day for day in dates if day not in self._complete]
        try:
            rows = self._rows.rows(others)
        except DamagedRowsError as error:
            self._forget_kept(error)
            self.__dict__["_rows"] = self._read_anew()
            rows = self._rows.rows(others)
        return pl.concat([rows, *waiting]).sort("file", "date", maintain_order=True) if waiting else rows

    def _symbol_of(self, file: DataFile) -> str | None:
        """The symbol of a file without a symbol column: the setting, or the file's name; but in a hive layout that says nothing ("part-0")."""
        if self._settings.symbol is not None and len(self._files) == 1:
            return self._settings.symbol
        hive = set(file.keys) - {"vintage", *self._settings.where}
        return None if hive or "=" in file.stem else file.stem

    @cached_property
    def _complete(self) -> Mapping[date, pl.DataFrame]:
        """Of each day some of whose rows wait, since their session had not closed: the others."""
        files = self._rows.files
        running = unfinished(self._calendar, self._now(), written=False)
        times = [datetime.fromtimestamp(one.file.path.stat().st_mtime, UTC) for one in files]
        written = [unfinished(self._calendar, time, written=True) for time in times]
        late = [one.session for one, file in zip(written, files, strict=True) if one.session and file.newest and file.newest >= one.session]
        kept: dict[date, list[pl.DataFrame]] = {day: [] for day in [running.session, *late] if day}
        for (number,), rows in self._rows.rows(kept).partition_by("file", as_dict=True, maintain_order=True).items():
            complete, remarks = without_unfinished(rows, (running, written[number]), str(files[number].file.path))
            self._waiting += remarks
            for (day,), of_day in complete.partition_by("date", as_dict=True, maintain_order=True).items():
                kept[day].append(of_day)
        empty = self._rows.rows([])
        return {day: pl.concat(found) if found else empty for day, found in kept.items()}

    @cached_property
    def _facts(self) -> pl.DataFrame:
        """Of the days of rows that are complete."""
        days = self._rows.days
        refuse_intraday(days, str(self.path))
        complete = [day_facts(rows) for rows in self._complete.values()]
        others = days.filter(~pl.col("date").is_in(list(self._complete)).fill_null(value=False))
        facts = pl.concat([others, *complete]).sort("date")
        if facts.is_empty():
            raise SourceError(f"{self.path} has no bar that is complete: {'; '.join(self._waiting)}")
        return facts

    @cached_property
    def _placement(self) -> Placement:
        running = unfinished(self._calendar, self._now(), written=False).session
        return place(self._facts, self._calendar, self.vintage, str(self.path), running=running)

    @cached_property
    def _symbols(self) -> frozenset[str]:
        """Those that have a row which is complete, from the calendar's first session on."""
        _ = self._placement  # no such row is an error
        first = self._calendar.first
        days = dict(self._rows.days_of_symbols(first))
        for rows, sign in [(self._rows.rows(self._complete), -1), *((rows, 1) for rows in self._complete.values())]:
            for symbol, by in count_days(rows, first).items():
                days[symbol] = days.get(symbol, 0) + sign * by
        return frozenset(symbol for symbol, count in days.items() if count > 0)

    @cached_property
    def _actions(self) -> SessionIndex:
        """Actions under their ex-session. Without a readable date they are in the latest session; what is beyond the calendar is left out."""
        path, calendar = self._settings.actions, self._calendar
        if path is None:
            return SessionIndex(RAW_ACTIONS_SCHEMA.to_frame(), RAW_ACTIONS_SCHEMA)
        if self._settings.adjusted:
            raise SourceError(
                "source.files.adjusted scales the prices by adj_close / close, so that the actions of source.files.actions would be applied twice: unset one of them"
            )
        rows = pl.concat(self._tables_of_actions(path))
        rows = rows.filter(pl.col("date").is_between(calendar.first, calendar.last).fill_null(value=True))
        days = rows["date"].drop_nulls().unique().to_list()
        to = pl.DataFrame(
            {"date": days, "session": [calendar.on_or_after(day) for day in days]}, schema={"date": pl.Date, "session": pl.Date}
        )
        placed = rows.join(to, on="date", how="left", maintain_order="left").with_columns(
            pl.col("session").fill_null(self.latest_session())
        )
        return SessionIndex(placed.select(RAW_ACTIONS_SCHEMA.names()), RAW_ACTIONS_SCHEMA)

    def _tables_of_actions(self, path: Path) -> list[pl.DataFrame]:
        """The actions of each file, from what was kept of them where that can be."""
        found = find_data_files(path, "source.files.actions")
        asked = [Asked(file=file, symbol=None if len(found) == 1 else file.stem) for file in found]
        stamps = StampReader(calendar=self._calendar, timezone=self._settings.timezone, stamp="open")

        def read(one: Asked) -> pl.DataFrame:
            return read_actions(one.file, stamps, self._calendar, symbol=one.symbol)

        if self._keep is not None:
            try:
                return kept_tables(self._folder_kept, self._kept_under, asked, read)
            except (OSError, sqlite3.Error) as error:
                _log.warning("what is read of %s can't be kept in %s, so all files are read: %s", path, self._folder_kept, error)
        return [read(one) for one in asked]

"""Daily bars from files: one Parquet or CSV file, or a folder of them (hive layout, or one file a symbol)."""

import contextlib
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.day_facts import day_facts, refuse_intraday
from ats_assets.sources.adapters.files.delivery import Delivery, read_delivery
from ats_assets.sources.adapters.files.description import FilesFacts, description, recognition_lines
from ats_assets.sources.adapters.files.dump_holes import dump_holes
from ats_assets.sources.adapters.files.file_rows import FileRows, ReadRows, count_days
from ats_assets.sources.adapters.files.file_state import SETTLED_SECONDS
from ats_assets.sources.adapters.files.kept_folder import KeptFolder
from ats_assets.sources.adapters.files.kept_rows import Asked, DamagedRowsError
from ats_assets.sources.adapters.files.named_vintage import named_vintage
from ats_assets.sources.adapters.files.placed_actions import placed_actions
from ats_assets.sources.adapters.files.placement import Placement, place, unfinished, without_unfinished
from ats_assets.sources.adapters.files.stamps import StampReader
from ats_assets.sources.adapters.files.table_files import DataFile, FoundFiles, file_stamps, find_data_files
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.session_index import SessionIndex
from ats_assets.sources.source import Capabilities
from ats_assets.sources.symbol_names import symbol_in_name
from ats_assets.sources.told_reading import FileReading


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
        At first use: there is nothing that can be read at the path, a column is missing, the bars are not daily, or all are from before the calendar's first session.
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
        self.reading = FileReading()

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
        stamps = sorted(stamp for path in (self.path, self._settings.actions) if path is not None for stamp in file_stamps(path))
        settled = (now.timestamp() - SETTLED_SECONDS) * 1e9
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
        return self._vintage_of_path or named_vintage({value for file in self._rows.files for value in file.vintages}, self.path)

    @cached_property
    def _vintage_of_path(self) -> date | None:
        return named_vintage({file.keys["vintage"] or "" for file in self._files if "vintage" in file.keys}, self.path)

    def recognised(self) -> list[str]:
        """What was taken of the files, what was left, and what would change it, a line each."""
        return recognition_lines(self._described)

    def describe(self) -> str:
        """What was read, and what was recognised in it, as a few lines for people."""
        n_actions = 0 if self._settings.actions is None else self._actions.frame.height
        return description(self._described, n_actions=n_actions, waiting=self._waiting, defects=self._defects)

    @property
    def _described(self) -> FilesFacts:
        files = self._rows.files
        unnamed = [one.file.stem for one in files if "symbol" not in one.recognition.columns]
        given = self._settings.symbol is not None and len(files) == 1
        return FilesFacts(
            path=self.path,
            settings=self._settings,
            calendar=self._calendar,
            files=files,
            named=[] if given else [symbol_in_name(stem, self._settings.symbol_pattern) for stem in unnamed],
            notes=self._found.notes,
            symbols=self.symbols(),
            placement=self._placement,
            vintage=self.vintage,
            holes=dump_holes(files, self._rows),
        )

    @property
    def _defects(self) -> tuple[int, str | None]:
        """How many rows there are of which something can't be read, or that are dated after the last day, and what one of them says."""
        facts = self._facts.join(self._placement.days, on="date", how="semi", nulls_equal=True)
        late = (pl.col("date") > self._placement.last).fill_null(value=False)
        count = int(facts.select(pl.when(late).then("rows").otherwise("defects").sum()).item() or 0)
        return count, next(iter(facts.sort("date", nulls_last=True)["complaint"].drop_nulls()), None)

    @cached_property
    def _found(self) -> FoundFiles:
        return find_data_files(self.path)

    @cached_property
    def _files(self) -> list[DataFile]:
        found = self._found.tables
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
        rows = (None if self._kept is None else self._kept.rows(asked, self._read)) or self._read_anew()
        if not any(file.n_rows for file in rows.files):
            with_ = f" with {self._settings.where}" if self._settings.where else ""
            raise SourceError(
                f"{self.path} has columns but no rows{with_}: deliver it again, or correct source.files.path and source.files.where"
            )
        return rows

    @cached_property
    def _kept(self) -> KeptFolder | None:
        return None if self._keep is None else KeptFolder(self._keep, self.path, self._settings, self._calendar)

    def _read_anew(self) -> FileRows:
        return ReadRows([self._read(Asked(file=file, symbol=self._symbol_of(file))) for file in self.reading.each(self._files)])

    def _read(self, asked: Asked) -> Delivery:
        stamps = StampReader(calendar=self._calendar, timezone=self._settings.timezone, stamp=self._settings.stamp)
        return read_delivery(asked.file, self._settings, stamps, symbol=asked.symbol)

    def _rows_of(self, dates: Sequence[date | None]) -> pl.DataFrame:
        """The rows of some days but those that wait, by file, with its place."""
        waiting = [self._complete[day] for day in dates if day and day in self._complete]
        others = [day for day in dates if day not in self._complete]
        try:
            rows = self._rows.rows(others)
        except DamagedRowsError as error:
            if self._kept is not None:
                self._kept.forget(error)
            self.__dict__["_rows"] = self._read_anew()
            rows = self._rows.rows(others)
        return pl.concat([rows, *waiting]).sort("file", "date", maintain_order=True) if waiting else rows

    def _symbol_of(self, file: DataFile) -> str | None:
        """The symbol of a file without a symbol column: the setting, or the file's name; but in a hive layout that says nothing ("part-0")."""
        if self._settings.symbol is not None and len(self._files) == 1:
            return self._settings.symbol
        if set(file.keys) - {"vintage", *self._settings.where} or "=" in file.stem:
            return None
        with contextlib.suppress(SourceError):  # no symbol in the name matters only where the rows have none
            return symbol_in_name(file.stem, self._settings.symbol_pattern).symbol
        return None

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
        if (path := self._settings.actions) is None:
            return SessionIndex(RAW_ACTIONS_SCHEMA.to_frame(), RAW_ACTIONS_SCHEMA)
        return placed_actions(path, self._settings, self._calendar, self._kept, latest=self.latest_session)

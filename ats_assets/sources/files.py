"""Daily bars from files: one Parquet or CSV file, or a folder of them (hive layout, or one file a symbol)."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.action_files import read_actions
from ats_assets.sources.delivery import Delivery, read_delivery
from ats_assets.sources.placement import Placement, place, refuse_intraday, unfinished, without_unfinished
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA
from ats_assets.sources.session_index import SessionIndex
from ats_assets.sources.source import Capabilities
from ats_assets.sources.stamps import StampReader
from ats_assets.sources.tables import DataFile, file_stamps, find_data_files

SETTLED = timedelta(seconds=3)
"""A file that was changed less than this ago may change again within the resolution of its time."""


class FileSource:
    """Daily bars from files as a `BarSource`.

    The files are read once for an instance, at its first use. What a row's columns, day and session are is decided row by row: a cell that can't be
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

    Raises
    ------
    SourceError
        At first use: there is no such path, nothing or nothing readable in it, a column is missing, the bars are not daily, or all of them are from
        before the calendar's first session.
    """

    def __init__(
        self, settings: FilesSettings, calendar: SessionCalendar, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._settings = settings
        self._calendar = calendar
        self._now = now
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
        rows = self._index.frame
        volume = pl.col("volume")
        whole = rows.filter(volume.is_finite()).select((volume == volume.round(0)).all()).item()
        return Capabilities(
            has_vwap=rows["vwap"].null_count() < rows.height,
            adjustment="split_and_dividend" if self._settings.adjusted else "unknown",
            fractional_volume=not whole,
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
        return self._index.symbols

    def first_session(self) -> date:
        """The first session that has a row."""
        return self._index.sessions[0]

    def latest_session(self) -> date:
        """The latest session that has a row."""
        return self._index.sessions[-1]

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of `sessions`; see `BarSource.bars`."""
        return self._index.rows(sessions, symbols)

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
        return self._vintage_of_path or self._one_vintage({value for delivery in self._deliveries for value in delivery.vintages})

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
        s, frame, placed = self._settings, self._index.frame, self._placement
        kinds: dict[tuple[tuple[str, str], ...], list[Delivery]] = {}
        for delivery in self._deliveries:
            kinds.setdefault(tuple(delivery.recognition.columns.items()), []).append(delivery)
        lines = [
            f"files: {self.path} ({len(self._files)} file{'' if len(self._files) == 1 else 's'}, {placed.n_delivered:,} rows)",
            f"{frame.height:,} rows of {len(self.symbols())} symbols in {len(self._index.sessions)} sessions of {self._calendar.exchange}, "
            f"{self.first_session()} to {self.latest_session()}",
            f"known: {f'since the end of {self.vintage}' if self.vintage else 'each session since its close (no vintage in the path, the settings or a column)'}",
            f"stamps: the bar's {s.stamp}; naive ones in {s.timezone or self._calendar.timezone}{'' if s.timezone else ' (the exchange)'}",
        ]
        if s.where:
            lines.append("selected: " + ", ".join(f"{key} = {value}" for key, value in s.where.items()))
        for columns, deliveries in kinds.items():
            unused = [name for name in deliveries[0].recognition.unused if name not in {"vintage", *s.where}]
            lines.append(
                f"columns{f' of {len(deliveries)} files' if len(kinds) > 1 else ''}: {', '.join(f'{c} = {n!r}' for c, n in columns)}; "
                f"{'prices scaled by adj_close / close, volumes by its inverse; ' if s.adjusted else ''}unused: {', '.join(map(repr, unused)) or 'none'}"
            )
        if not s.adjusted and s.actions is None:
            lines.append(
                "adjustment: none is made, and none is known: if these prices are adjusted for splits and the volumes are not, volumes and dollar volumes break at "
                "each split; deliver a column adj_close beside prices as traded (source.files.adjusted), or prices as traded and their actions"
            )
        if s.actions is not None:
            lines.append(f"corporate actions: {s.actions}, {self._actions.frame.height:,} rows")
        return "\n".join([*lines, *placed.remarks, f"rows with defects: {frame['defects'].count():,}"])

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
    def _deliveries(self) -> list[Delivery]:
        _ = self._settings.vintage or self._vintage_of_path  # several of them are refused before anything is read
        stamps = StampReader(calendar=self._calendar, timezone=self._settings.timezone, stamp=self._settings.stamp)
        deliveries = [read_delivery(file, self._settings, stamps, symbol=self._symbol_of(file)) for file in self._files]
        if not any(delivery.rows.height for delivery in deliveries):
            asked = f" with {self._settings.where}" if self._settings.where else ""
            raise SourceError(
                f"{self.path} has columns but no rows{asked}: deliver it again, or correct source.files.path and source.files.where"
            )
        return deliveries

    def _symbol_of(self, file: DataFile) -> str | None:
        """The symbol of a file without a symbol column: the setting, or the file's name; but in a hive layout that says nothing ("part-0")."""
        if self._settings.symbol is not None and len(self._files) == 1:
            return self._settings.symbol
        hive = set(file.keys) - {"vintage", *self._settings.where}
        return None if hive or "=" in file.stem else file.stem

    @cached_property
    def _placement(self) -> Placement:
        refuse_intraday(pl.concat([delivery.rows for delivery in self._deliveries]), str(self.path))
        running = unfinished(self._calendar, self._now(), written=False)
        kept: list[pl.DataFrame] = []
        for delivery in self._deliveries:
            written = unfinished(self._calendar, datetime.fromtimestamp(delivery.file.path.stat().st_mtime, UTC), written=True)
            rows, remarks = without_unfinished(delivery.rows, (running, written), str(delivery.file.path))
            kept.append(rows)
            self._waiting += remarks
        rows = pl.concat(kept)
        if rows.is_empty():
            raise SourceError(f"{self.path} has no bar that is complete: {'; '.join(self._waiting)}")
        placed = place(rows, self._calendar, self.vintage, str(self.path), running=running.session)
        return replace(placed, remarks=(*self._waiting, *placed.remarks), n_delivered=sum(one.rows.height for one in self._deliveries))

    @cached_property
    def _index(self) -> SessionIndex:
        return SessionIndex(self._placement.rows)

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
        stamps = StampReader(calendar=calendar, timezone=self._settings.timezone, stamp="open")
        found = find_data_files(path, "source.files.actions")
        rows = pl.concat([read_actions(file, stamps, calendar, symbol=None if len(found) == 1 else file.stem) for file in found])
        rows = rows.filter(pl.col("date").is_between(calendar.first, calendar.last).fill_null(value=True))
        days = rows["date"].drop_nulls().unique().to_list()
        to = pl.DataFrame(
            {"date": days, "session": [calendar.on_or_after(day) for day in days]}, schema={"date": pl.Date, "session": pl.Date}
        )
        placed = rows.join(to, on="date", how="left", maintain_order="left").with_columns(
            pl.col("session").fill_null(self.latest_session())
        )
        return SessionIndex(placed.select(RAW_ACTIONS_SCHEMA.names()), RAW_ACTIONS_SCHEMA)

"""Option chains from files, a session at a time.

1. Files are found below the path and looked at: columns by the header or the footer, days by the file's name or by its column of days (`chain_tables`).
2. The rows of a session are those of its day, of days before it without a session, and, in the last session of a file, those whose day can't be read.
3. A row without expiry, strike and right is the underlying itself: its close is the `underlying_price` of its contracts. Quotes and aggregates of Massive's are put together by contract.
"""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from pathlib import Path

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError, how_many
from ats_assets.options.option_source import chain_order
from ats_assets.options.option_sources.files.chain_tables import SUFFIXES, ChainFile, chain_file, rows_of_file
from ats_assets.options.option_sources.files.settings import ChainFilesSettings
from ats_assets.options.schema import RAW_OPTION_CHAINS_SCHEMA
from ats_assets.sources.told_reading import FileReading

_QUOTED = ("quoted_at", "bid", "ask", "bid_size", "ask_size")


class ChainFiles:
    """Chains from files as an `OptionSource`.

    Parameters
    ----------
    underlyings
        Only these are read of files that hold all; none: all.
    now
        This machine's clock; another one in tests.
    """

    def __init__(
        self,
        settings: ChainFilesSettings,
        calendar: SessionCalendar,
        underlyings: tuple[str, ...] = (),
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._calendar = calendar
        self._underlyings = underlyings
        self._now = now
        self.reading = FileReading()

    @property
    def path(self) -> Path:
        """Where the files lie."""
        if self._settings.path is None:
            raise SourceError("options.chains.kind is files, but no path is set: set options.chains.path to a file or folder")
        return self._settings.path.expanduser().absolute()

    def sessions(self) -> list[date]:
        """Those that have rows and have closed, ascending."""
        now = self._now()
        return [day for day in sorted(self._by_session) if self._calendar.closes_at(day) <= now]

    def chains(self, session: date) -> pl.DataFrame:
        """As `OptionSource.chains`."""
        closes = self._calendar.closes_at(session)
        parts: dict[str, list[pl.DataFrame]] = {}
        for file in self._by_session.get(session, ()):
            days = [day for day in file.days if self._session_of(day) == session]
            rows = rows_of_file(file, self._settings, self._zone, self._underlyings, days=days, closes=closes)
            of_session = self._of_session(rows, file, days, session)
            kind = file.columns.format if file.columns else "table"
            parts.setdefault(kind, []).append(of_session)
        tables = [_as_raw(rows) for rows in parts.get("table", [])]
        tables += [_as_raw(rows) for rows in _of_massive(parts.get("massive_aggregates", []), parts.get("massive_quotes", []))]
        if not tables:
            return RAW_OPTION_CHAINS_SCHEMA.to_frame()
        return chain_order(_with_underlyings(pl.concat(tables).with_columns(session=pl.lit(session, pl.Date))))

    def known_at(self, session: date) -> datetime:
        """The session's close, or the end of the day of the vintage if that is later; in UTC."""
        closes, vintage = self._calendar.closes_at(session), self._settings.vintage
        return closes if vintage is None else max(closes, datetime.combine(vintage + timedelta(days=1), time(), UTC))

    def describe(self) -> str:
        """What was found, as a few lines."""
        days = self.sessions()
        span = f"{how_many(len(days), 'session')}, {days[0]} to {days[-1]}" if days else "no session that has ended"
        lines = [f"options: {self.path} ({how_many(len(self._files), 'file')})", span]
        kinds: Counter[tuple[str, str, str]] = Counter()
        for file in self._files:
            found = file.columns
            if found is None:
                kinds["alpaca_snapshots", "", ""] += 1
                continue
            names = ", ".join(f"{name} = {column!r}" for name, column in found.names.items())
            kinds[found.format, names, ", ".join(map(repr, found.unused))] += 1
        for (kind, names, unused), count in kinds.most_common(3):
            lines.append(
                f"{kind} ({how_many(count, 'file')})" + (f": {names}" if names else "") + (f"; unused: {unused}" if unused else "")
            )
        if early := [day for file in self._files for day in file.days if day < self._calendar.first]:
            lines.append(
                f"warning: rows from {min(early)} on are not delivered: set calendar.first_session (now {self._calendar.first}) to that day"
            )
        return "\n".join(lines)

    @property
    def _zone(self) -> str:
        return self._settings.timezone or str(self._calendar.timezone)

    def _of_session(self, rows: pl.DataFrame, file: ChainFile, days: list[date], session: date) -> pl.DataFrame:
        if rows.is_empty() or (file.columns is not None and file.columns.format != "table"):
            return rows  # of a flat file: they are of the day that its name says, whatever a row says
        chosen = pl.col("date").is_in(pl.Series(days, dtype=pl.Date).implode())
        return rows.filter(chosen | pl.col("date").is_null()) if self._undated_in(file) == session else rows.filter(chosen)

    def _session_of(self, day: date) -> date | None:
        """The session of a day: the next one where it is none; None outside of the calendar."""
        return self._calendar.on_or_after(day) if self._calendar.first <= day <= self._calendar.last else None

    def _undated_in(self, file: ChainFile) -> date | None:
        """The session of rows whose day can't be read."""
        if not file.has_undated:
            return None
        days = file.days or tuple(day for other in self._files for day in other.days)
        return self._session_of(max(days)) if days else None

    @cached_property
    def _by_session(self) -> dict[date, list[ChainFile]]:
        found: dict[date, list[ChainFile]] = {}
        for file in self._files:
            sessions = {self._session_of(day) for day in file.days} | {self._undated_in(file)}
            for session in sessions - {None}:
                found.setdefault(session, []).append(file)  # pyright: ignore[reportArgumentType]
        return found

    @cached_property
    def _files(self) -> list[ChainFile]:
        path = self.path
        if path.is_file():
            found = [path]
        elif path.is_dir():
            inside = (one.relative_to(path) for one in path.rglob("*") if one.is_file() and one.name.lower().endswith(SUFFIXES))
            found = [path / one for one in sorted(inside) if not any(part.startswith((".", "_")) for part in one.parts)]
        else:
            raise SourceError(f"there is no file or folder {path}: correct options.chains.path")
        if not found:
            raise SourceError(
                f"{path} has no file of option chains ({', '.join(SUFFIXES)}): put the data there, or correct options.chains.path"
            )
        return [chain_file(one, self._settings, self._zone) for one in self.reading.each(found)]


def _as_raw(rows: pl.DataFrame) -> pl.DataFrame:
    absent = {name: pl.lit(None, dtype) for name, dtype in RAW_OPTION_CHAINS_SCHEMA.items() if name not in rows.columns}
    return rows.with_columns(**absent).select(RAW_OPTION_CHAINS_SCHEMA.names()).cast(dict(RAW_OPTION_CHAINS_SCHEMA))  # pyright: ignore[reportArgumentType]


def _of_massive(aggregates: list[pl.DataFrame], quotes: list[pl.DataFrame]) -> list[pl.DataFrame]:
    """Aggregates with the quotes of their contracts, and quotes of contracts that have not traded."""
    if not (aggregates and quotes):
        return [*aggregates, *quotes]
    bars, quoted = pl.concat(aggregates), pl.concat(quotes)
    traded = bars.join(quoted.select("contract", *_QUOTED), on="contract", how="left", maintain_order="left")
    return [traded, quoted.join(bars.select("contract"), on="contract", how="anti", maintain_order="left")]


def _with_underlyings(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of contracts; those of underlyings give them their price, where it is one."""
    is_underlying = (
        pl.all_horizontal(pl.col(name).is_null() for name in ("expiry", "strike", "right", "contract", "defects"))
        & pl.col("underlying").is_not_null()
    )
    own = rows.filter(is_underlying)
    if own.is_empty():
        return rows
    one = (
        own.select("underlying", close=pl.coalesce("close", "last", (pl.col("bid") + pl.col("ask")) / 2))
        .group_by("underlying")
        .agg(pl.when(pl.col("close").n_unique() == 1).then(pl.col("close").first()).alias("own_close"))
    )
    found = rows.filter(~is_underlying).join(one, on="underlying", how="left", maintain_order="left")
    return found.with_columns(underlying_price=pl.coalesce("underlying_price", "own_close")).drop("own_close")

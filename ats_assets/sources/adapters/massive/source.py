"""Daily bars from Massive, and the corporate actions beside them, as a `BarSource`."""

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError, how_many
from ats_assets.settings import Settings
from ats_assets.sources.adapters.massive.massive_actions import action_frame, change_rows, dividend_rows, split_rows
from ats_assets.sources.adapters.massive.massive_bars import AGGREGATE_COLUMNS, bars_of_file, bars_of_rows, with_ticker
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.source import Capabilities
from ats_assets.vendors.errors import VendorAnswerLostError, VendorRateLimitError, VendorUnreachableError
from ats_assets.vendors.massive.delivery_times import Delivery, delivered_at, latest_delivered
from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_connection import api_keys, flat_files, massive_rest
from ats_assets.vendors.massive.massive_rest import MassiveRest

BARS: Final = "us_stocks_sip/day_aggs_v1"
KEPT_SECONDS: Final = 24 * 3600.0
"""A session of a long backfill is not asked for again for so long, whatever became of the run that asked;"""
SETTLED_SESSIONS: Final = 5
"""but for the newest ones: their bars are still corrected."""
_log = logging.getLogger(__name__)


class MassiveSource:
    """Daily bars of US stocks, as traded: of all stocks with one request a session, or of a few with one request a symbol, whichever are fewer; or from flat files.

    A session is delivered, and known, by what the plan has (`massive.delivery`): from midnight in New York on, or minutes after its close. Symbols are those that were traded under that
    name at the time, so that one that was given to another company later has the bars of both, each under its own days.

    Parameters
    ----------
    rest, files, now
        Massive, its flat files and this machine's clock; other ones in tests.
    """

    name = "massive"

    def __init__(
        self,
        own: MassiveSourceSettings,
        calendar: SessionCalendar,
        settings: Settings,
        *,
        rest: MassiveRest | None = None,
        files: FlatFiles | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if str(calendar.timezone) != "America/New_York":
            raise SourceError(f"source.kind is massive, but calendar.exchange is {calendar.exchange}: set it to XNYS")
        self._own = own
        self._calendar = calendar
        self._settings = settings
        self._given = rest, files
        self._now = now
        self._remarks: dict[str, str] = {}
        self._known: set[str] = set()
        self._changes: dict[str, list[Any]] = {}

    @property
    def capabilities(self) -> Capabilities:
        """Raw prices; with vwap, unless they come from flat files."""
        through_api = self._own.through == "api"
        return Capabilities(has_vwap=through_api, adjustment="raw", fractional_volume=False, remote=through_api)

    def symbols(self) -> list[str]:
        """Those of the settings, else every stock that Massive lists, delisted ones included, or that a flat file has."""
        if self._own.symbols:
            return sorted(set(self._own.symbols))
        if self._own.through == "flat_files":
            days = self._calendar.sessions(self.first_session(), self.latest_session())
            found = (block["ticker"].drop_nulls().unique() for day in days for block in self._files.blocks(BARS, day, ("ticker",)))
            return sorted({name for names in found for name in names})
        rows = [row for active in (True, False) for row in self._rest.tickers(active=active)]
        return sorted({str(row["ticker"]) for row in rows if row.get("ticker")})

    def first_session(self) -> date:
        """The first session from `source.massive.first_session` on, of a folder of flat files the first that it has."""
        begins = max(self._own.first_session, self._calendar.first)
        if self._own.through == "flat_files" and not self._files.downloads:
            begins = max(begins, min(self._days_of_files, default=begins))
        return self._calendar.on_or_after(begins)

    def latest_session(self) -> date:
        """The latest session that is delivered by this machine's clock; of a folder of flat files the last that it has."""
        latest = latest_delivered(self._calendar, self._now(), self._delivery)
        if self._own.through == "flat_files" and not self._files.downloads:
            there = [day for day in self._days_of_files if self._calendar.first <= day <= latest and self._calendar.is_session(day)]
            if not there:
                raise SourceError(
                    f"{self._files.folder} has no file {BARS}/YYYY/MM/YYYY-MM-DD.csv.gz: put the data there, correct massive.flat_files, or set massive.download = true"
                )
            return there[-1]
        return latest

    def known_at(self, session: date) -> datetime:
        """When the session was delivered, in UTC."""
        return delivered_at(self._calendar, session, self._delivery)

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of those sessions that are delivered; see `BarSource.bars`.

        Raises
        ------
        SourceError
            If Massive can't be asked or refuses, a file is damaged, or Massive does not know a symbol.
        """
        asked = self._delivered_ones(sessions)
        names = self._chosen(symbols)
        if not asked or names == []:
            return RAW_BARS_SCHEMA.to_frame()
        frames = list(self._of_files(asked) if self._own.through == "flat_files" else self._asked_for(asked, names))
        found = pl.concat(frames) if frames else RAW_BARS_SCHEMA.to_frame()
        if names is not None:
            found = found.filter(pl.col("symbol").is_in(names) | (pl.col("symbol").is_null() if symbols is None else pl.lit(value=False)))
        if self._own.through == "api":
            self._refuse_unknown(set(names or ()) - set(found["symbol"].drop_nulls().unique().to_list()))
        self._remarks["bars"] = f"{how_many(found.height, 'bar')} in {how_many(len(asked), 'session')}"
        return found.sort("session", "symbol", maintain_order=True)

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The corporate actions of those sessions that are delivered, as told by now. See `BarSource.actions`."""
        return self._actions(self._delivered_ones(sessions), symbols)

    def upcoming_actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The corporate actions of sessions that need not have closed, as far as they are announced by now."""
        return self._actions(sorted(set(sessions)), symbols)

    def describe(self) -> str:
        """What is asked for, by which plan, and what there was to say about the answers."""
        own, massive = self._own, self._settings.massive
        named = (
            how_many(len(set(own.symbols)), "symbol")
            if own.symbols
            else "all stocks" + (", over the counter too" if own.include_otc else "")
        )
        through = f"flat files in {self._files.folder}" if own.through == "flat_files" else f"{massive.url}, plan {massive.delivery}"
        lines = [
            f"massive: daily bars as traded, {named}, through {through}",
            f"known: {_KNOWN[self._delivery]}; symbols as they were named then",
        ]
        if own.through == "api":
            lines += [f"key: {name} is NOT SET" for name, there in api_keys().which_are_set().items() if not there]
        if own.through == "flat_files":
            lines.append("flat files: without an average price; over-the-counter stocks are not in them")
        if not own.corporate_actions:
            lines.append(
                "corporate actions: not asked for (source.massive.corporate_actions is false), so that a split looks like a return"
            )
        elif not (own.ticker_changes and own.symbols):
            lines.append("changes of ticker: not asked for, which takes a request for each of source.massive.symbols")
        return "\n".join([*lines, *self._remarks.values()])

    @property
    def _delivery(self) -> Delivery:
        return "flat_files" if self._own.through == "flat_files" else self._settings.massive.delivery

    def _delivered_ones(self, sessions: Sequence[date]) -> list[date]:
        chosen = sorted(set(sessions))
        latest = self.latest_session() if chosen else None
        return [day for day in chosen if latest and day <= latest]

    def _chosen(self, symbols: Sequence[str] | None) -> list[str] | None:
        """The symbols that are asked for; None: all."""
        if symbols is None:
            return sorted(set(self._own.symbols)) or None
        return sorted(set(symbols) & set(self._own.symbols)) if self._own.symbols else sorted(set(symbols))

    def _asked_for(self, sessions: Sequence[date], names: Sequence[str] | None) -> Iterator[pl.DataFrame]:
        runs = list(self._runs(sessions))
        if names is not None and len(names) * len(runs) < len(sessions):
            for run in runs:
                yield self._of_symbols(names, run)
            return
        latest = self.latest_session()
        newest = set(self._calendar.sessions(self._calendar.first, latest)[-SETTLED_SESSIONS:])
        for k, day in enumerate(sessions, 1):
            ttl = KEPT_SECONDS if len(sessions) > 1 and day not in newest else None  # a single session is asked for again, too
            rows = self._rest.grouped_daily(day, include_otc=self._own.include_otc, ttl_seconds=ttl)
            if not rows and day == latest:  # an empty session that was stored would not be asked for again with others
                raise SourceError(
                    f"massive: there is no bar of any stock in {day} yet, though the plan delivers it by now: ask again later"
                )
            if k % 20 == 0:
                _log.info("massive: %d of %d sessions", k, len(sessions))
            wanted = rows if names is None else [row for row in rows if row.get("T") in set(names) or not row.get("T")]
            yield bars_of_rows(wanted, day, self._calendar.last)

    def _of_symbols(self, names: Sequence[str], run: Sequence[date]) -> pl.DataFrame:
        """The bars of some symbols in neighbouring sessions; those without a time that can be read are the last one's."""
        rows = [
            row
            for name in names
            for row in with_ticker(name, self._rest.aggregates(name, "day", run[0].isoformat(), run[-1].isoformat()))
            if self._own.include_otc or not row.get("otc")
        ]
        made = bars_of_rows(rows, None, self._calendar.last)
        placed = made.with_columns(session=pl.coalesce("date", pl.lit(run[-1])))
        return placed.filter(pl.col("session").is_in(list(run)))

    def _of_files(self, sessions: Sequence[date]) -> Iterator[pl.DataFrame]:
        without = []
        for day in sessions:
            blocks = list(self._files.blocks(BARS, day, AGGREGATE_COLUMNS))
            if not blocks:
                without.append(day)
            yield from (bars_of_file(block, day, self._calendar.last) for block in blocks)
        if without:
            span = f"{without[0]}" + (f" to {without[-1]}" if len(without) > 1 else "")
            self._remarks["files"] = (
                f"no flat file of {how_many(len(without), 'session')} ({span}): deliver it, or set massive.download = true"
            )
            _log.warning("massive: %s", self._remarks["files"])

    def _actions(self, asked: Sequence[date], symbols: Sequence[str] | None) -> pl.DataFrame:
        if not asked or not self._own.corporate_actions:
            return RAW_ACTIONS_SCHEMA.to_frame()
        names = self._chosen(symbols)
        rows: list[dict[str, Any]] = []
        for run in self._runs(asked):
            first, last = self._days_of(run)
            rows += split_rows(self._rest.splits(first, last, names), self._calendar)
            rows += dividend_rows(self._rest.dividends(first, last, names), self._calendar)
        for name in (names or ()) if self._own.ticker_changes and self._own.symbols else ():
            if name not in self._changes:
                self._changes[name] = change_rows(self._rest.ticker_changes(name), self._calendar)
            rows += self._changes[name]
        return action_frame(rows, asked, names)

    def _days_of(self, run: Sequence[date]) -> tuple[date, date]:
        """The days whose actions take effect in neighbouring sessions: one on a day without a session does so in the next."""
        first = run[0] if run[0] == self._calendar.first else self._calendar.offset(run[0], -1) + timedelta(days=1)
        return first, run[-1]

    def _runs(self, sessions: Sequence[date]) -> Iterator[list[date]]:
        run: list[date] = []
        for day in sessions:
            if run and self._calendar.offset(run[-1], 1) != day:
                yield run
                run = []
            run.append(day)
        if run:
            yield run

    def _refuse_unknown(self, without_bars: set[str]) -> None:
        suspects = without_bars - self._known if self._own.symbols else set()
        try:
            unknown = [
                name for name in sorted(suspects) if not any(self._rest.tickers(active=active, ticker=name) for active in (True, False))
            ]
        except (VendorUnreachableError, VendorAnswerLostError, VendorRateLimitError) as error:
            self._remarks["unknown"] = f"without bars, and not looked up ({error}): {', '.join(sorted(suspects))}"
            return
        if unknown:
            raise SourceError(
                f"Massive does not know {', '.join(unknown)}: correct source.massive.symbols (delisted stocks are known to it, share classes are spelled BRK.B)"
            )
        self._known |= suspects

    @cached_property
    def _days_of_files(self) -> list[date]:
        return self._files.days(BARS)

    @cached_property
    def _rest(self) -> MassiveRest:
        return self._given[0] or massive_rest(self._settings)

    @cached_property
    def _files(self) -> FlatFiles:
        return self._given[1] or flat_files(self._settings)


_KNOWN: Final = {
    "end_of_day": "from midnight in New York on, after the session",
    "delayed": "thirty minutes after the close",
    "real_time": "fifteen minutes after the close",
    "flat_files": "from 11:00 in New York on, on the day after the session",
}

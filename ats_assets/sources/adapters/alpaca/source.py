"""Daily bars from Alpaca, and the corporate actions beside them, as a `BarSource`."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import Settings
from ats_assets.sources.adapters.alpaca.announcements import action_rows, questions
from ats_assets.sources.adapters.alpaca.connection import Connection
from ats_assets.sources.adapters.alpaca.daily import daily_rows, stamps_of
from ats_assets.sources.adapters.alpaca.listed_symbols import checked_symbols, listed_symbols, unknown_symbols
from ats_assets.sources.adapters.alpaca.market_clock import SETTLING, Closed, latest_closed, latest_closed_crypto
from ats_assets.sources.adapters.alpaca.spool import Spool
from ats_assets.sources.remarks import Remarks
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.source import Capabilities
from ats_assets.storage.opened_root import opened_root
from ats_assets.storage.stored_calendar import CalendarStore
from ats_assets.storage.warehouse import Warehouse
from ats_assets.vendors.alpaca import AlpacaAnswerLostError, AlpacaRateLimitError, AlpacaUnreachableError
from ats_assets.vendors.backoff import Backoff

SYMBOLS_AT_ONCE = 200
"""In one request: their names fit in a URL."""
SESSIONS_AT_ONCE = 250
"""In one part: with as many symbols five pages, some seconds, and what a crash loses at most."""
FEW_TRADES = 10
_log = logging.getLogger(__name__)


class AlpacaSource:
    """Daily bars of stocks or crypto, as traded, one request for many symbols and sessions.

    Only sessions that have closed by Alpaca's clock are delivered. Symbols are those that were traded under that name at the time (asof is off), so that a later change of name
    never rewrites an earlier partition: a history over such a change needs both names.

    A session is known from its close, fifteen minutes later for stocks: the same for a session that was delivered years later, so that a backfill and a history that grew
    night by night are one.

    Parameters
    ----------
    settings
        `source.alpaca`, `alpaca`, and where it may keep finished parts (`storage.data`).
    backoff, now
        How to wait between attempts, and this machine's clock; other ones in tests.
    """

    name = "alpaca"

    def __init__(
        self,
        settings: Settings,
        calendar: SessionCalendar,
        *,
        backoff: Backoff | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._choice = settings.source.alpaca
        self._calendar = calendar
        self._alpaca = Connection(settings, backoff)
        self._now = now
        self._stamps = stamps_of(self._choice.asset_class, calendar)
        self._spool = Spool(settings.storage.data / "alpaca_spool", fsync=settings.storage.fsync)
        self._closed: Closed | None = None
        self._remarks = Remarks()
        self._known: set[str] = set()
        if self.is_crypto and calendar.exchange != "24/7":
            raise SourceError(
                f"source.alpaca.asset_class is crypto, but calendar.exchange is {calendar.exchange}: set it to 24/7, crypto has no closing hours"
            )
        if not self.is_crypto and str(calendar.timezone) != "America/New_York":
            raise SourceError(f"source.alpaca.asset_class is us_equity, but calendar.exchange is {calendar.exchange}: set it to XNYS")

    @property
    def is_crypto(self) -> bool:
        """Whether bars are of crypto, which needs no keys."""
        return self._choice.asset_class == "crypto"

    @property
    def capabilities(self) -> Capabilities:
        """Raw prices with vwap; crypto in fractions of a coin."""
        return Capabilities(has_vwap=True, adjustment="raw", fractional_volume=self.is_crypto, remote=True)

    @property
    def clock_remark(self) -> str | None:
        """What there is to say about the clock and the calendar that named the latest session."""
        return self._remarks.get("clock")

    def symbols(self) -> list[str]:
        """Those that are asked for: the settings', else every listed asset of the class, delisted ones included."""
        return self._symbols

    def first_session(self) -> date:
        """The first session from `source.alpaca.first_session` on."""
        return self._calendar.on_or_after(max(self._choice.first_session, self._calendar.first))

    def latest_session(self) -> date:
        """The latest session that has closed by Alpaca's clock and calendar, asked again each time."""
        if self.is_crypto:
            self._closed = latest_closed_crypto(self._alpaca.crypto, self._calendar, self._now())
        else:
            self._closed = latest_closed(self._alpaca.trading, self._calendar, self._now())
            self._learn(self._closed)
        self._remarks.say("clock", self._closed.remark)
        return self._closed.session

    def _learn(self, closed: Closed) -> None:
        """Store what Alpaca's calendar says otherwise than ours; whoever asked reloads the calendar."""
        storage = self._settings.storage
        how = {"compression_level": storage.compression_level, "fsync": storage.fsync}
        warehouse = Warehouse(storage.warehouse_folder, **how, root_folder=opened_root(storage, storage.warehouse))
        CalendarStore(warehouse, self._settings.calendar).learn(closed.theirs, closed.now)

    def known_at(self, session: date) -> datetime:
        """When the session's bars were complete, in UTC: at its close, for stocks fifteen minutes later."""
        return self._calendar.closes_at(session) + (timedelta(0) if self.is_crypto else SETTLING)

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of those sessions that have closed; see `BarSource.bars`.

        Raises
        ------
        SourceError
            If Alpaca can't be asked, refuses, or does not know a symbol.
        """
        asked = self._closed_ones(sessions)
        names = self._symbols if symbols is None else sorted(set(symbols) & set(self._symbols))
        if not asked or not names:
            return RAW_BARS_SCHEMA.to_frame()
        parts = list(self._parts(asked, names))
        keep = len(asked) > 1  # a single session is asked again: it may have been corrected
        frames = [self._part(part, batch, keep=keep, k=k, of=len(parts)) for k, (part, batch) in enumerate(parts, 1)]
        found = pl.concat(frames).sort("session", "symbol", maintain_order=True)
        self._refuse_unknown(set(names) - set(found["symbol"].unique().to_list()))
        self._describe_bars(found, len(asked), len(names))
        return found.select(RAW_BARS_SCHEMA.names())

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The corporate actions of those sessions, as announced by now; crypto has none. See `BarSource.actions`."""
        return self._actions(self._closed_ones(sessions), symbols)

    def upcoming_actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The corporate actions of sessions that need not have closed, as far as they are announced by now; crypto has none."""
        return self._actions(sorted(set(sessions)), symbols)

    def _actions(self, asked: Sequence[date], symbols: Sequence[str] | None) -> pl.DataFrame:
        if self.is_crypto or not asked:
            return RAW_ACTIONS_SCHEMA.to_frame()
        names = self._symbols if symbols is None else sorted(set(symbols) & set(self._symbols))
        whole_market = symbols is None and not self._choice.symbols  # then an answer of all symbols is shorter than the questions for each
        batches = [None] if whole_market else list(_batches(names))
        found: dict[str, list[Any]] = {}
        for question in questions(asked, batches, self._calendar, self._choice):
            answer: Any = self._alpaca.corporate_actions.get_corporate_actions(question)
            for kind, announced in answer.items():
                found.setdefault(kind, []).extend(announced)
        return action_rows(found, asked, self._calendar, names)

    def describe(self) -> str:
        """What is asked for, of which feed, and what there was to say about the answers."""
        chosen = self._choice
        what = "crypto, without keys" if self.is_crypto else f"stocks, feed {chosen.feed}"
        named = f"{len(chosen.symbols)} symbols" if chosen.symbols else "all assets, delisted ones included"
        lines = [
            f"alpaca: daily bars of {what}, as traded; {named}, from {self.first_session()}",
            f"known: at the close{'' if self.is_crypto else ' and fifteen minutes'}; symbols as they were named then",
        ]
        if not self.is_crypto and chosen.feed == "iex":
            lines.append("feed iex: the trades of one exchange, a few percent of all; a symbol that did not trade there has no bar")
        return "\n".join([*lines, *self._remarks.values()])

    def _closed_ones(self, sessions: Sequence[date]) -> list[date]:
        chosen = sorted(set(sessions))
        if chosen and (self._closed is None or chosen[-1] > self._closed.session):
            self.latest_session()
        return [day for day in chosen if self._closed and day <= self._closed.session]

    def _parts(self, sessions: Sequence[date], symbols: Sequence[str]) -> Iterator[tuple[list[date], list[str]]]:
        """Neighbouring sessions and symbols, as many as one question may be about."""
        runs: list[list[date]] = []
        for day in sessions:
            if runs and len(runs[-1]) < SESSIONS_AT_ONCE and self._calendar.offset(runs[-1][-1], 1) == day:
                runs[-1].append(day)
            else:
                runs.append([day])
        for run in runs:
            for batch in _batches(symbols):
                yield run, batch

    def _part(self, sessions: Sequence[date], symbols: Sequence[str], *, keep: bool, k: int, of: int) -> pl.DataFrame:
        question = self._question(sessions, symbols)
        kept = self._spool.get(question) if keep else None
        rows = daily_rows(self._ask(sessions, symbols)) if kept is None else kept
        if keep and kept is None:
            self._spool.keep(question, rows)
        placed = self._stamps.placed(rows, sessions)
        if of > 1:
            span = f"{symbols[0]} to {symbols[-1]}, {sessions[0]} to {sessions[-1]}"
            _log.info("alpaca: part %d of %d (%s): %d bars%s", k, of, span, placed.height, "" if kept is None else ", kept from before")
        return placed

    def _question(self, sessions: Sequence[date], symbols: Sequence[str]) -> Mapping[str, object]:
        chosen, connection = self._choice, self._settings.alpaca
        return {
            "what": "bars/1Day",
            "class": chosen.asset_class,
            "feed": "" if self.is_crypto else chosen.feed,
            "server": connection.data_url or "",
            "first": sessions[0].isoformat(),
            "last": sessions[-1].isoformat(),
            "symbols": list(symbols),
        }

    def _ask(self, sessions: Sequence[date], symbols: Sequence[str]) -> Mapping[str, Sequence[Mapping[str, object]]]:
        from alpaca.data.enums import Adjustment, DataFeed  # noqa: PLC0415
        from alpaca.data.requests import CryptoBarsRequest, StockBarsRequest  # noqa: PLC0415
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit  # noqa: PLC0415

        start, end = self._stamps.stretch(sessions)
        span = {"symbol_or_symbols": list(symbols), "timeframe": TimeFrame(1, TimeFrameUnit("Day")), "start": start, "end": end}
        if self.is_crypto:
            found: Any = self._alpaca.crypto.get_crypto_bars(CryptoBarsRequest(**span))
            return found
        feed = (
            DataFeed.IEX if self._choice.feed == "iex" else DataFeed.SIP
        )  # delayed_sip is a feed of newest values only: here it is SIP that is old enough
        if self._closed and feed is DataFeed.SIP:
            span["end"] = min(end, self._closed.now - SETTLING)
        return self._alpaca.stocks.get_stock_bars(StockBarsRequest(**span, adjustment=Adjustment.RAW, feed=feed, asof="-"))  # pyright: ignore[reportReturnType]

    def _refuse_unknown(self, without_bars: set[str]) -> None:
        suspects = without_bars - self._known if self._choice.symbols else set()
        if not suspects:
            return
        try:
            unknown = (
                self._never_traded(suspects)
                if self.is_crypto
                else unknown_symbols(self._alpaca.trading, suspects, self._choice.asset_class)
            )
        except (AlpacaUnreachableError, AlpacaAnswerLostError, AlpacaRateLimitError) as error:
            self._remarks.say("unknown", f"without bars, and not looked up ({error}): {', '.join(sorted(suspects))}")
            return
        if unknown:
            raise SourceError(
                f"Alpaca does not know {', '.join(unknown)}: correct source.alpaca.symbols (delisted symbols are known to it; this is another spelling, or "
                "was never there)"
            )
        self._known |= suspects

    def _never_traded(self, symbols: set[str]) -> list[str]:
        from alpaca.data.requests import CryptoBarsRequest  # noqa: PLC0415
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit  # noqa: PLC0415

        start = datetime.combine(self._choice.first_session, datetime.min.time(), UTC)
        day = TimeFrame(1, TimeFrameUnit("Day"))
        asked = {symbol: CryptoBarsRequest(symbol_or_symbols=symbol, timeframe=day, start=start, limit=1) for symbol in sorted(symbols)}
        return [symbol for symbol, request in asked.items() if not self._alpaca.crypto.get_crypto_bars(request)]

    def _describe_bars(self, found: pl.DataFrame, n_sessions: int, n_symbols: int) -> None:
        sparse = found.filter(pl.col("trades") < FEW_TRADES).height
        absent = n_sessions * n_symbols - found.select("session", "symbol").n_unique()
        self._remarks.say(
            "bars",
            f"{found.height:,} bars of {n_symbols:,} symbols in {n_sessions:,} sessions: {sparse:,} of fewer than {FEW_TRADES} trades, "
            f"{found['vwap'].null_count():,} of none; {absent:,} times a symbol has no bar in a session",
        )

    @cached_property
    def _symbols(self) -> list[str]:
        chosen = self._choice
        if chosen.symbols:
            return checked_symbols(chosen.symbols, chosen.asset_class)
        if self.is_crypto:
            raise SourceError(
                'source.alpaca.symbols is empty, and without keys Alpaca lists no crypto: set it, such as ["BTC/USD", "ETH/USD"]'
            )
        return listed_symbols(self._alpaca.trading, chosen.asset_class)


def _batches(symbols: Sequence[str]) -> Iterator[list[str]]:
    """Symbols in pieces that one request may name."""
    for i in range(0, len(symbols), SYMBOLS_AT_ONCE):
        yield list(symbols[i : i + SYMBOLS_AT_ONCE])

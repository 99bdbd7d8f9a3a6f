"""Daily bars of an exchange's spot pairs, as a `BarSource`."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.sources.adapters.ccxt.candle_rows import candle_rows, milliseconds
from ats_assets.sources.missing_days import missing_days
from ats_assets.sources.remarks import Remarks
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA, RAW_BARS_SCHEMA
from ats_assets.sources.source import Capabilities
from ats_assets.vendors.ccxt import Exchange, ExchangeSettings, daily_candles
from ats_assets.vendors.ccxt.exchange import WITH_VWAP
from ats_assets.vendors.errors import VendorAnswerLostError, VendorRateLimitError, VendorUnreachableError

SETTLED: Final = timedelta(minutes=1)
"""After the end of its day a candle is complete."""
NEWEST_DAYS_ALONE: Final = {"kraken": 720}
"""Exchanges that give so many of their newest candles, the running one among them, whatever is asked for (docs.kraken.com, Get OHLC Data)."""
_log = logging.getLogger(__name__)


class CcxtSource:
    """Daily bars of spot pairs, as traded on one exchange.

    A session is a day in UTC, and is delivered once it has ended by the exchange's own clock: the running candle never is. Volumes are in coins. A day on which a pair has no
    candle stays without a bar, and is named in the description.

    Parameters
    ----------
    now
        This machine's clock; another one in tests.

    Raises
    ------
    SourceError
        If the calendar is not that of every day in UTC, or no pair is named.
    """

    name = "ccxt"

    def __init__(
        self,
        own: ExchangeSettings,
        calendar: SessionCalendar,
        exchange: Exchange,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        if calendar.exchange != "24/7":
            raise SourceError(
                f"source.kind is ccxt, but calendar.exchange is {calendar.exchange}: set it to 24/7, crypto has no closing hours"
            )
        if not own.symbols:
            raise SourceError(
                'source.ccxt.symbols is empty: name pairs, such as ["BTC/USDT", "ETH/USDT"]; what an exchange lists today leaves out what failed'
            )
        self._own = own
        self._calendar = calendar
        self._exchange = exchange
        self._now = now
        self._names = sorted(set(own.symbols))
        self._closed: date | None = None
        self._remarks = Remarks()

    @property
    def capabilities(self) -> Capabilities:
        """Prices as traded, volumes in fractions of a coin; an average price where the exchange's candles have it."""
        return Capabilities(has_vwap=self._own.exchange in WITH_VWAP, adjustment="raw", fractional_volume=True, remote=True)

    @property
    def clock_remark(self) -> str | None:
        """What there is to say about the clock that named the latest session."""
        return self._remarks.get("clock")

    def symbols(self) -> list[str]:
        """Those of the settings."""
        return list(self._names)

    def first_session(self) -> date:
        """The first session from `source.ccxt.first_session` on; of an exchange that gives its newest days alone, the first of these."""
        first = max(self._own.first_session, self._calendar.first)
        if (days := NEWEST_DAYS_ALONE.get(self._own.exchange)) is not None:
            first = max(first, self.latest_session() - timedelta(days=days - 2))
        return self._calendar.on_or_after(first)

    def latest_session(self) -> date:
        """The latest day that has ended by the exchange's clock, asked again each time."""
        now, machine = None, self._now()
        try:
            now = self._exchange.now()
            said = None if now else f"{self._own.exchange} tells no time: this machine's clock counts"
        except (VendorUnreachableError, VendorAnswerLostError, VendorRateLimitError) as error:
            said = f"{self._own.exchange}'s clock could not be asked ({error}): this machine's counts"
            _log.warning(said)
        if now and abs(now - machine) > timedelta(minutes=5):
            said = f"{self._own.exchange}'s clock says {now:%Y-%m-%d %H:%M} UTC, this machine's {machine:%Y-%m-%d %H:%M}: the exchange's counts"
        self._remarks.say("clock", said)
        self._closed = self._calendar.last_closed((now or machine) - SETTLED)
        return self._closed

    def known_at(self, session: date) -> datetime:
        """The end of the day, in UTC."""
        return self._calendar.closes_at(session)

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        """The bars of those sessions that have ended; see `BarSource.bars`.

        Raises
        ------
        SourceError
            If the exchange can't be asked, contradicts itself, does not list a pair, or no longer gives one of the sessions.
        """
        asked = self._ended(sessions)
        names = [name for name in self._names if symbols is None or name in symbols]
        if not asked or not names:
            return RAW_BARS_SCHEMA.to_frame()
        self._refuse_forgotten(asked[0])
        _ = self._listed
        frames = [self._bars_of(name, asked, k, len(names)) for k, name in enumerate(names, 1)]
        self._describe_bars(frames, names, asked)
        return pl.concat(frames).sort("session", "symbol", maintain_order=True)

    def actions(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:  # noqa: ARG002
        """None: crypto has no corporate actions."""
        return RAW_ACTIONS_SCHEMA.to_frame()

    def describe(self) -> str:
        """What is asked for, and what there was to say about the answers."""
        lines = [
            f"ccxt: daily bars of {self._own.exchange}, spot, as traded, without keys; {len(self._names)} pairs; days in UTC, volumes in coins",
            "known: at the end of the day, which is the latest one to be delivered: the running candle never is",
        ]
        return "\n".join([*lines, *self._remarks.values()])

    def _ended(self, sessions: Sequence[date]) -> list[date]:
        chosen = sorted(set(sessions))
        if chosen and (self._closed is None or chosen[-1] > self._closed):
            self.latest_session()
        return [day for day in chosen if self._closed and day <= self._closed]

    def _refuse_forgotten(self, first: date) -> None:
        days = NEWEST_DAYS_ALONE.get(self._own.exchange)
        if days is not None and first < self.first_session():
            raise SourceError(
                f"{self._own.exchange} gives its newest {days} days alone, from {self.first_session()} on, and {first} was asked for: take older sessions from another "
                "source, or from files"
            )

    @cached_property
    def _listed(self) -> bool:
        self._exchange.require(self._names)
        return True

    def _bars_of(self, name: str, sessions: Sequence[date], k: int, of: int) -> pl.DataFrame:
        """The bars of one pair, sessions that are less than a page apart asked for together."""
        stretches: list[list[date]] = []
        for day in sessions:
            if stretches and (day - stretches[-1][-1]).days <= self._exchange.page_limit:
                stretches[-1].append(day)
            else:
                stretches.append([day])
        frames = []
        for some in stretches:
            before = milliseconds(some[0] - timedelta(days=1))  # what begins within the day before ends, and is known, in the first of them
            candles = daily_candles(self._exchange, name, before, milliseconds(some[-1]))
            frames.append(candle_rows(name, candles, some))
        found = pl.concat(frames)
        if of > 1 and len(sessions) > 1:
            _log.info("%s: pair %d of %d (%s, %s to %s): %d bars", self._own.exchange, k, of, name, sessions[0], sessions[-1], found.height)
        return found

    def _describe_bars(self, frames: Sequence[pl.DataFrame], names: Sequence[str], asked: Sequence[date]) -> None:
        there = {name: frame["session"].to_list() for name, frame in zip(names, frames, strict=True)}
        absent = [name for name, days in there.items() if not days]
        between = {name: days for name, days in there.items() if days}
        holes = missing_days(between) if (asked[-1] - asked[0]).days + 1 == len(asked) else []
        self._remarks.say("absent", f"no candle from {asked[0]} to {asked[-1]}: {', '.join(absent)}" if absent else None)
        self._remarks.say("holes", f"days without a candle, for which nothing is put in: {'; '.join(holes)}" if holes else None)
        late = [f"{name} {days[0]}" for name, days in between.items() if days[0] > asked[0]]
        self._remarks.say("late", f"first candle after {asked[0]}: {', '.join(late)}" if late else None)

"""A stored day played again, event by event, with a clock that goes as fast as one likes: for tests, and to see what the loop would have done."""

import time as machine
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cached_property
from heapq import merge
from itertools import islice
from pathlib import Path

from pydantic import Field

from ats_assets.live.day_market import TRADES, StoredMarket, of_folder, of_warehouse
from ats_assets.live.market_state import MINUTE
from ats_assets.live.mishaps import MishapSettings, with_mishaps
from ats_assets.live.simulated_clock import SimulatedClock
from ats_assets.live.stream import EventKind, StreamEvent, StreamOpening
from ats_assets.plugins import Plugin
from ats_assets.settings import Section

BEFORE_OPEN, AFTER_CLOSE = timedelta(hours=1), timedelta(minutes=2)
"""What is played around the session: the last bars are known after the close."""
_BESIDE = TRADES.names()[4:]
"""Of a trade, beside its price and size."""


class ReplaySettings(Section):
    """What is played, and how fast."""

    folder: Path | None = Field(
        default=None, description="Parquet files with minute bars, quotes or trades; default: what the warehouse has stored"
    )
    timezone: str = Field(default="America/New_York", description="of times that have none, and of `mishaps`")
    speed: float = Field(default=0.0, ge=0, description="seconds of the market in a second; 0: as fast as it goes")
    delay_seconds: float = Field(default=0.0, ge=0, description="after a bar's end, when it is heard")
    mishaps: tuple[MishapSettings, ...] = Field(default=(), description="what goes wrong that day")


class ReplayStream:
    """The events of one stored session."""

    def __init__(self, settings: ReplaySettings, opening: StreamOpening) -> None:
        self.settings = settings
        self._opening = opening
        calendar = opening.deployment.calendar
        self._opens, self._closes = calendar.opens_at(opening.session), calendar.closes_at(opening.session)
        self.clock = SimulatedClock(opening.since or self._opens - timedelta(hours=12))
        self.heard = 0
        """Events that are known already, of those in `numbered`: a replay that goes on begins after them."""

    def waiting(self) -> bool:
        """Nothing is heard before its time."""
        return False

    @cached_property
    def _market(self) -> StoredMarket:
        own, opening = self.settings, self._opening
        if own.folder is None:
            return of_warehouse(opening.deployment, opening.session, opening.symbols)
        return of_folder(own.folder, self._opens, self._closes, opening.symbols, timezone=own.timezone)

    def market(self) -> StoredMarket:
        """What is played."""
        return self._market

    @contextmanager
    def events(self) -> Iterator[Iterator[StreamEvent | None]]:
        """Bars when they end, quotes and trades at their time; of an instant the bars last, so that a bar's own quotes are known with it."""
        yield self._played()

    def numbered(self) -> Iterator[StreamEvent]:
        """All events of the day, whatever is known already; their `sequence` counts from 1."""
        first, last = self._opens - BEFORE_OPEN, self._closes + AFTER_CLOSE
        heard = with_mishaps(
            played_events(self.market(), self._opening, self.settings.delay_seconds), self.settings.mishaps, self.settings.timezone
        )
        for number, event in enumerate((one for one in heard if first <= one.known_at <= last), 1):
            yield replace(event, sequence=number)

    def _played(self) -> Iterator[StreamEvent]:
        since, before = self._opening.since, None
        for event in islice(self.numbered(), self.heard, None):
            if self._opening.stopped():
                return
            if since is not None and event.known_at <= since:
                continue
            if self.settings.speed and before is not None:
                machine.sleep(max(0.0, (event.known_at - before).total_seconds() / self.settings.speed))
            before = event.known_at
            self.clock.move(event.known_at)
            yield event


def played_events(market: StoredMarket, opening: StreamOpening, delay_seconds: float = 0.0) -> Iterator[StreamEvent]:
    """The events of a stored session in the order in which they are heard, the connection first."""
    late = timedelta(seconds=delay_seconds)

    def bars() -> Iterator[tuple[datetime, int, StreamEvent]]:
        for symbol, starts_at, *values in market.bars.iter_rows():
            fields = dict(zip(("open", "high", "low", "close", "volume"), values, strict=True))
            known = starts_at + MINUTE + late
            yield known, 2, StreamEvent(known_at=known, kind=EventKind.BAR, symbol=symbol, fields={"starts_at": starts_at, **fields})

    def quotes() -> Iterator[tuple[datetime, int, StreamEvent]]:
        for symbol, at, bid, ask, bid_size, ask_size in market.quotes.iter_rows():
            fields = {"at": at, "bid": bid, "ask": ask, "bid_size": bid_size, "ask_size": ask_size}
            yield at, 0, StreamEvent(known_at=at, kind=EventKind.QUOTE, symbol=symbol, fields=fields)

    def trades() -> Iterator[tuple[datetime, int, StreamEvent]]:
        for symbol, at, price, size, *more in market.trades.iter_rows():
            known = dict(zip(_BESIDE, more, strict=True))
            fields = {"at": at, "price": price, "size": size, **{name: value for name, value in known.items() if value is not None}}
            yield at, 1, StreamEvent(known_at=at, kind=EventKind.TRADE, symbol=symbol, fields=fields)

    wanted = [bars(), *([quotes()] if EventKind.QUOTE in opening.kinds else []), *([trades()] if EventKind.TRADE in opening.kinds else [])]
    first = True
    for known, _, event in merge(*wanted, key=lambda one: one[:2]):
        if first:
            yield StreamEvent(known_at=known, kind=EventKind.RESUMED)
            first = False
        yield event


PLUGIN = Plugin(settings=ReplaySettings, make=ReplayStream)

"""Alpaca's market data, followed through lost connections. What was missed meanwhile is asked for by REST as minute bars, and what can't be had is named.

Of symbols whose every trade counts (`each_trade_of`) the trades are asked for as well; one that is told twice has the same id.

The stream numbers nothing, so gaps are found by time: after each connection the minutes since the newest bar, and a minute that a symbol lacks between two of its bars. Such a minute
may have had no trade; then the answer has no bar either. Where the answer does not come, the gap is named, and asked for again each minute.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ats_assets.live.alpaca_messages import event_of
from ats_assets.live.lane_step import TICKS_MISSING
from ats_assets.live.market_state import MINUTE
from ats_assets.live.stream import EventKind, StreamEvent, StreamOpening
from ats_assets.plugins import Plugin
from ats_assets.settings import Section
from ats_assets.vendors.alpaca import AlpacaError, Credentials, read_credentials, stock_client
from ats_assets.vendors.alpaca.alpaca_keys import KeyChoice
from ats_assets.vendors.alpaca.audited_stream import audited_stream
from ats_assets.vendors.alpaca.errors import AlpacaKeysError
from ats_assets.vendors.alpaca.market_stream import MarketConnection
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.credentials import VendorKey
from ats_assets.vendors.open_vendor import open_state

_URL = "wss://stream.data.alpaca.markets/v2"
_STEADY_SECONDS = 60.0
_POLL_SECONDS = 0.2
_OVERLAP = timedelta(seconds=10)
"""Before what was heard last, from when on trades are asked for: some of that time may have been on their way."""
_SOON = timedelta(seconds=60)
"""Between two requests for minutes that symbols lack: requests are limited."""


class AlpacaStreamSettings(Section):
    """Which of Alpaca's streams, and when it counts as lost."""

    feed: Literal["iex", "sip", "delayed_sip", "test"] | None = Field(default=None, description="default: source.alpaca.feed")
    url: str | None = Field(default=None, description="another server than Alpaca's, on this machine only: ws://127.0.0.1:8081")
    silence_seconds: float = Field(default=30.0, gt=0, description="in which the server must answer to keys and pings")
    max_wait_seconds: float = Field(default=30.0, gt=0, description="between two connections, at most")

    @field_validator("url")
    @classmethod
    def _is_local(cls, url: str | None) -> str | None:
        if url and urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ValueError(f"url is {url}: only a server on this machine may stand in for Alpaca's; unset it to reach Alpaca")
        return url


class AlpacaStream:
    """Market data of one session, read in a thread of its own.

    Parameters
    ----------
    backoff
        Between two connections; another one in tests.
    """

    def __init__(self, settings: AlpacaStreamSettings, opening: StreamOpening, *, backoff: Backoff | None = None) -> None:
        self.settings = settings
        self.clock = opening.clock
        self._opening = opening
        self._backoff = backoff or Backoff(max_seconds=settings.max_wait_seconds)
        self._heard: SimpleQueue[StreamEvent | Exception] = SimpleQueue()
        self._stopped = threading.Event()
        self._newest: dict[str, datetime] = {}
        """Of each symbol the beginning of its newest bar."""
        self._lacking: dict[str, tuple[datetime, datetime]] = {}
        self._told_of: tuple[datetime, datetime] | None = None
        """What was named last as a gap that can't be repaired."""
        self._repaired_at: datetime | None = None
        self._frame_at: datetime | None = None
        """When something was heard last."""

    def waiting(self) -> bool:
        """Whether something was heard and not taken yet."""
        return not self._heard.empty()

    @contextmanager
    def events(self) -> Iterator[Iterator[StreamEvent | None]]:
        """What is heard, until the loop is stopped."""
        credentials = read_credentials()
        thread = threading.Thread(target=self._follow, args=(credentials,), name="market-data", daemon=True)
        thread.start()
        try:
            yield self._taken()
        finally:
            self._stopped.set()
            thread.join(timeout=self.settings.silence_seconds + 5.0)

    def _taken(self) -> Iterator[StreamEvent | None]:
        tick = self._opening.deployment.settings.live.tick_seconds
        while not self._opening.stopped():
            try:
                found = self._heard.get(timeout=tick)
            except Empty:
                yield None
                continue
            if isinstance(found, Exception):
                raise found
            yield replace(found, known_at=max(found.known_at, self.clock.now()))  # while it waited, the loop has heard of the broker

    def _follow(self, credentials: Credentials) -> None:
        try:
            self._connect_again_and_again(credentials)
        except Exception as error:  # noqa: BLE001 - told to the loop, which ends by it
            self._heard.put(error)

    def _connect_again_and_again(self, credentials: Credentials) -> None:
        failures = 0
        state = open_state(self._opening.deployment.settings)
        keys = KeyChoice(credentials, state)
        while not self._stopped.is_set():
            started = time.monotonic()
            key = keys.now()
            if key is None:
                raise AssertionError("the stream has keys")
            try:
                with audited_stream(state, keys, self._url, key), self._connection(key) as connection:
                    self._resumed(credentials)
                    self._listen(connection, credentials)
            except AlpacaKeysError:
                raise
            except AlpacaError as error:
                failures = 1 if time.monotonic() - started >= _STEADY_SECONDS else failures + 1
                self._tell(EventKind.LOST, fields={"reason": str(error)})
                self._stopped.wait(self._backoff.seconds(failures + 1))

    @property
    def _url(self) -> str:
        return self.settings.url or f"{_URL}/{self.settings.feed or self._opening.deployment.settings.source.alpaca.feed}"

    def _connection(self, key: VendorKey) -> MarketConnection:
        settings = self._opening.deployment.settings
        kinds = [kind.value for kind in (EventKind.BAR, EventKind.STATUS, EventKind.QUOTE, EventKind.TRADE) if kind in self._opening.kinds]
        how: dict[str, Any] = {"silence_seconds": self.settings.silence_seconds, "whose": f"the {settings.alpaca.account} account"}
        return MarketConnection(self._url, key, self._opening.symbols, kinds, **how)

    def _listen(self, connection: MarketConnection, credentials: Credentials) -> None:
        while not self._stopped.is_set():
            messages = connection.messages(_POLL_SECONDS) or ()
            self._frame_at = self.clock.now() if messages else self._frame_at
            for message in messages:
                if event := event_of(message, self.clock.now()):
                    self._note(event)
                    self._heard.put(event)
            self._repair_lacking(credentials)

    def _note(self, event: StreamEvent) -> None:
        """Which minutes a symbol lacks between two of its bars."""
        if event.kind is not EventKind.BAR or event.symbol is None:
            return
        starts_at, newest = event.fields["starts_at"], self._newest.get(event.symbol)
        if starts_at is None or starts_at > event.known_at:
            return  # the loop refuses it
        if newest is not None and starts_at > newest + MINUTE:
            first, _ = self._lacking.get(event.symbol, (newest + MINUTE, starts_at))
            self._lacking[event.symbol] = (first, starts_at - MINUTE)
        self._newest[event.symbol] = max(newest or starts_at, starts_at)

    def _repair_lacking(self, credentials: Credentials) -> None:
        now = self.clock.now()
        if not self._lacking or (self._repaired_at is not None and now - self._repaired_at < _SOON):
            return
        self._repaired_at = now
        lacking, self._lacking = self._lacking, {}
        first, last = min(one for one, _ in lacking.values()), max(one for _, one in lacking.values())
        if gap := self._repair(credentials, sorted(lacking), first, last):
            self._lacking = lacking  # asked for again, as long as it is not there
            if (first, last) != self._told_of:
                self._told_of = first, last
                self._tell(EventKind.RESUMED, fields={"gap": gap})

    def _resumed(self, credentials: Credentials) -> None:
        """The connection is there: what was missed since something was heard last is asked for."""
        calendar, session = self._opening.deployment.calendar, self._opening.session
        now, opens = self.clock.now(), calendar.opens_at(session)
        known = self._frame_at or self._opening.since or opens  # the bar of the minute before may not have come yet by then
        since = max(known.replace(second=0, microsecond=0) - MINUTE, opens)
        last = now.replace(second=0, microsecond=0) - MINUTE
        gap = self._repair(credentials, list(self._opening.symbols), since, last) if last >= since else None
        if gap:  # of all symbols, since nobody knows whose bars were missed: asked for again until they are there
            self._repaired_at = now
            self._lacking |= {symbol: (min(since, self._lacking.get(symbol, (since, last))[0]), last) for symbol in self._opening.symbols}
        missing = self._repair_trades(credentials, max(known - _OVERLAP, opens), now) if now > opens else None
        self._tell(EventKind.RESUMED, fields={**({"gap": gap} if gap else {}), **({TICKS_MISSING: missing} if missing else {})})

    def _repair_trades(self, credentials: Credentials, first: datetime, last: datetime) -> str | None:
        """The trades within a time of the symbols of which none may be missing, by REST, in order of time; gives what could not be had."""
        from alpaca.data.enums import DataFeed  # noqa: PLC0415
        from alpaca.data.requests import StockTradesRequest  # noqa: PLC0415

        if not (symbols := sorted(self._opening.each_trade_of)):
            return None
        settings = self._opening.deployment.settings
        feed = DataFeed.IEX if (self.settings.feed or settings.source.alpaca.feed) == "iex" else DataFeed.SIP
        request = StockTradesRequest(symbol_or_symbols=symbols, start=first, end=last, feed=feed, asof="-")
        try:
            found: Any = stock_client(settings, credentials, backoff=self._backoff).get_stock_trades(request)
        except AlpacaError as error:
            return f"trades from {first:%H:%M:%S} to {last:%H:%M:%S} are missing: {error}"
        made = [
            event_of({"T": "t", "S": symbol, **one}, self.clock.now()) for symbol, trades in sorted(found.items()) for one in trades or ()
        ]
        for event in sorted((one for one in made if one is not None), key=lambda one: one.fields["at"] or first):
            self._tell(EventKind.TRADE, event.symbol, {**event.fields, "repaired": True})
        return None

    def _repair(self, credentials: Credentials, symbols: list[str], first: datetime, last: datetime) -> str | None:
        """Minute bars that begin within a time, both included, by REST; gives what could not be had."""
        from alpaca.data.enums import DataFeed  # noqa: PLC0415
        from alpaca.data.requests import StockBarsRequest  # noqa: PLC0415
        from alpaca.data.timeframe import TimeFrame, TimeFrameUnit  # noqa: PLC0415

        settings = self._opening.deployment.settings
        feed = DataFeed.IEX if (self.settings.feed or settings.source.alpaca.feed) == "iex" else DataFeed.SIP
        minute = TimeFrame(1, TimeFrameUnit("Min"))
        request = StockBarsRequest(symbol_or_symbols=symbols, start=first, end=last, timeframe=minute, feed=feed, asof="-")
        try:
            found: Any = stock_client(settings, credentials, backoff=self._backoff).get_stock_bars(request)
        except AlpacaError as error:
            return f"minute bars from {first:%H:%M} to {last:%H:%M} are missing: {error}"
        for symbol, bars in sorted(found.items()):
            for bar in bars or ():
                event = event_of({"T": "b", "S": symbol, **bar}, self.clock.now())
                if event is not None and event.fields["starts_at"] is not None:
                    self._newest[symbol] = max(self._newest.get(symbol, event.fields["starts_at"]), event.fields["starts_at"])
                    self._tell(EventKind.BAR, symbol, {**event.fields, "repaired": True})
        return None

    def _tell(self, kind: EventKind, symbol: str | None = None, fields: Mapping[str, Any] | None = None) -> None:
        self._heard.put(StreamEvent(known_at=self.clock.now(), kind=kind, symbol=symbol, fields=fields or {}))


PLUGIN = Plugin(settings=AlpacaStreamSettings, make=AlpacaStream)

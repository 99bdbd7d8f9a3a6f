"""Which events of a stream are taken, and which are refused, with the reason. Pure: the same events in the same order give the same verdicts.

1. What is heard twice is taken once.
2. Disorder up to `max_disorder_seconds` is ordinary. A bar is taken and counts from when it was heard; a quote or a trade that is older than the newest one says nothing any more,
   unless events are decided by each one of its symbol.
3. What is older than that, and is no repair of a gap, goes back in time: it is refused, and until the stream goes forward again no order is sent. So does an event that was
   heard before the one before it: the machine's clock was set back.
4. What no market does (a price of zero, a low above the high, a time in the future, another day) is refused.
5. A bar that differs from the one known takes its place from now on. What was decided by then was decided by the other one.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from ats_assets.live.market_state import MINUTE, HeardBar, Price, Quote, SymbolState
from ats_assets.live.session_state import LiveState
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.settings import LiveSettings

_HALF_A_DAY = timedelta(hours=12)
MARKET = (EventKind.BAR, EventKind.QUOTE, EventKind.TRADE, EventKind.STATUS)


class Intake(StrEnum):
    """What becomes of an event."""

    TAKEN = "taken"
    LATE = "late"
    """Taken, after newer ones of its symbol."""
    REVISED = "revised"
    """Taken: it says something else than the bar of its minute did."""
    DOUBLED = "doubled"
    STALE = "stale"
    """A quote or trade that is older than the newest: it changes nothing."""
    BACK_IN_TIME = "back_in_time"
    IMPOSSIBLE = "impossible"

    @property
    def refused(self) -> bool:
        """Whether it is refused, which is told to people."""
        return self in (Intake.BACK_IN_TIME, Intake.IMPOSSIBLE)

    @property
    def ignored(self) -> bool:
        """Whether it changes nothing."""
        return self in (Intake.DOUBLED, Intake.STALE)


class Taken(NamedTuple):
    """The state with an event, what became of it, and why."""

    state: LiveState
    verdict: Intake
    reason: str = ""


def taken_in(state: LiveState, event: StreamEvent, settings: LiveSettings) -> Taken:
    """The state with an event of the market or of the connection."""
    if event.known_at < state.now:
        why = f"heard at {event.known_at:%H:%M:%S.%f}, after an event of {state.now:%H:%M:%S.%f}: the clock was set back"
        return Taken(replace(state, forward=False), Intake.BACK_IN_TIME, why)
    state = replace(state, now=event.known_at)
    if event.kind is EventKind.LOST:
        return Taken(replace(state, connected=False), Intake.TAKEN, str(event.fields.get("reason", "")))
    if event.kind is EventKind.RESUMED:
        return Taken(replace(state, connected=True), Intake.TAKEN, str(event.fields.get("gap", "")))
    if event.kind not in MARKET or event.symbol is None:
        return Taken(state, Intake.TAKEN)
    at = event.fields.get("starts_at" if event.kind is EventKind.BAR else "at")
    if why := _impossible(state, event, at, settings):
        return Taken(state, Intake.IMPOSSIBLE, f"{event.kind} of {event.symbol}: {why}")
    assert isinstance(at, datetime), "what has no time is impossible"
    known = state.of(event.symbol)
    ends = at + MINUTE if event.kind is EventKind.BAR else at
    behind = (known.newest - ends).total_seconds() if known.newest else 0.0
    unheard = event.kind is not EventKind.BAR or known.bar_at(at) is None
    if behind > settings.max_disorder_seconds and unheard and not event.fields.get("repaired"):
        why = f"{event.kind} of {event.symbol} of {at:%H:%M:%S}, {behind:.0f} s before what was heard already ({known.newest:%H:%M:%S}): the stream goes back in time"
        return Taken(replace(state, forward=False), Intake.BACK_IN_TIME, why)
    found, verdict = _OF_KIND[event.kind](known, event, at)
    if verdict is Intake.STALE and event.kind is EventKind.TRADE and settings.events.enabled and event.symbol in settings.events.symbols:
        verdict = Intake.LATE
    forward = state.forward or all(one.newest is None or ends >= one.newest for one in state.symbols.values())
    return Taken(replace(state.with_symbol(event.symbol, found), forward=forward, connected=True), verdict)


def _impossible(state: LiveState, event: StreamEvent, at: Any, settings: LiveSettings) -> str | None:
    """Why no market can have shown this; None where one can."""
    if not isinstance(at, datetime):
        return "it has no time"
    if not state.opens_at - _HALF_A_DAY < at < state.closes_at + _HALF_A_DAY:
        return f"{at:%Y-%m-%d %H:%M} is not of the session {state.session}"
    ends = at + MINUTE if event.kind is EventKind.BAR else at
    if (ahead := (ends - event.known_at).total_seconds()) > settings.max_ahead_seconds:
        return f"{at:%H:%M:%S} is {ahead:.0f} s ahead of the clock"
    if event.kind is EventKind.BAR:
        prices: list[Any] = [event.fields.get(name) for name in ("open", "high", "low", "close")]
        if why := _no_price(prices):
            return why
        first, high, low, close = prices
        if not low <= min(first, close) <= max(first, close) <= high:
            return f"open {first:g}, high {high:g}, low {low:g}, close {close:g} are no bar"
        volume = event.fields.get("volume")
        return None if isinstance(volume, float) and 0.0 <= volume < math.inf else f"its volume is {volume}"
    if event.kind is EventKind.QUOTE:
        return _no_price([event.fields.get("bid"), event.fields.get("ask")])
    return _no_price([event.fields.get("price")]) if event.kind is EventKind.TRADE else None


def _no_price(prices: list[Any]) -> str | None:
    wrong = [price for price in prices if not isinstance(price, float) or not 0.0 < price < math.inf]
    return f"{wrong[0]} is no price" if wrong else None


def _bar(known: SymbolState, event: StreamEvent, at: datetime) -> tuple[SymbolState, Intake]:
    first, high, low, close, volume = (event.fields[name] for name in ("open", "high", "low", "close", "volume"))
    bar, before = HeardBar(at, first, high, low, close, volume, event.known_at), known.bar_at(at)
    if before is not None:
        return (known, Intake.DOUBLED) if before.says(bar) else (known.with_bar(bar), Intake.REVISED)
    late = bool(known.bars) and known.bars[-1].starts_at > at
    return known.with_bar(bar), Intake.LATE if late else Intake.TAKEN


def _quote(known: SymbolState, event: StreamEvent, at: datetime) -> tuple[SymbolState, Intake]:
    quote = Quote(event.fields["bid"], event.fields["ask"], at)
    if quote == known.quote:
        return known, Intake.DOUBLED
    if known.quote is not None and at < known.quote.at:
        return known, Intake.STALE
    return known.with_quote(quote), Intake.TAKEN


def _trade(known: SymbolState, event: StreamEvent, at: datetime) -> tuple[SymbolState, Intake]:
    if known.last is not None and at < known.last.at:
        return known, Intake.STALE
    return known.with_price(Price(event.fields["price"], at)), Intake.TAKEN


def _status(known: SymbolState, event: StreamEvent, _at: datetime) -> tuple[SymbolState, Intake]:
    return replace(known, halted=bool(event.fields.get("halted"))), Intake.TAKEN


_OF_KIND = {EventKind.BAR: _bar, EventKind.QUOTE: _quote, EventKind.TRADE: _trade, EventKind.STATUS: _status}

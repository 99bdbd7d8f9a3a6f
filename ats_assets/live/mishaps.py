"""What goes wrong on a replayed day, as a script says: the market of a real day, with a connection that is lost, bars that are missing, late, doubled or absurd, and halts."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.settings import Section

_MARKET = (EventKind.BAR, EventKind.QUOTE, EventKind.TRADE)


class MishapSettings(Section):
    """One of them. Times are those of the exchange's day."""

    kind: Literal["lost", "gap", "halt", "late", "doubled", "back", "zero"] = Field(
        description="lost: the stream is silent, and bars and trades are repaired when it is back; gap: they never come; halt: trading of the symbol stops; "
        "late: they come `seconds` later; doubled: each event twice; back: the stream repeats what was an hour before; zero: prices of zero"
    )
    start: time
    end: time
    symbol: str | None = Field(default=None, description="default: all")
    seconds: float = Field(default=90.0, gt=0, description="of what is late")


def with_mishaps(events: Iterable[StreamEvent], mishaps: Sequence[MishapSettings], timezone: str) -> Iterator[StreamEvent]:
    """The events as they are heard on such a day, by the time at which they are heard."""
    if not mishaps:
        yield from events
        return
    zone, heard = ZoneInfo(timezone), list[tuple[datetime, int, StreamEvent]]()
    everything = list(events)
    for event in everything:
        for made in _spoilt(event, mishaps, zone):
            heard.append((made.known_at, len(heard), made))
    for mishap in mishaps:
        for made in _of_itself(mishap, everything, zone):
            heard.append((made.known_at, len(heard), made))
    for _, _, event in sorted(heard, key=lambda one: one[:2]):
        yield event


def _spoilt(event: StreamEvent, mishaps: Sequence[MishapSettings], zone: ZoneInfo) -> list[StreamEvent]:
    made = [event]
    for mishap in mishaps:
        if event.kind not in _MARKET or (mishap.symbol and event.symbol != mishap.symbol) or not _within(mishap, event.known_at, zone):
            continue
        is_bar, is_quote = event.kind is EventKind.BAR, event.kind is EventKind.QUOTE
        if mishap.kind == "lost":
            until = _at(mishap.end, event.known_at, zone)
            made = [replace(one, known_at=until, fields={**one.fields, "repaired": True}) for one in made if not is_quote]
        elif mishap.kind == "gap":
            made = [one for one in made if is_quote]
        elif mishap.kind == "late" and not is_quote:
            made = [replace(one, known_at=one.known_at + timedelta(seconds=mishap.seconds)) for one in made]
        elif mishap.kind == "doubled":
            made = [one for one in made for _ in range(2)]
        elif mishap.kind == "zero" and not is_quote:
            made = [replace(one, fields={**one.fields, "low" if is_bar else "price": 0.0}) for one in made]
    return made


def _of_itself(mishap: MishapSettings, events: Sequence[StreamEvent], zone: ZoneInfo) -> list[StreamEvent]:
    day = events[len(events) // 2].known_at if events else None
    if day is None:
        return []
    start, end = (_at(at, day, zone) for at in (mishap.start, mishap.end))
    if mishap.kind == "lost":
        lost = StreamEvent(known_at=start, kind=EventKind.LOST, fields={"reason": "the connection broke"})
        return [lost, StreamEvent(known_at=end, kind=EventKind.RESUMED)]
    if mishap.kind == "halt" and mishap.symbol:
        halted = {"at": start, "halted": True, "code": "H", "message": "Trading Halt"}
        goes_on = {"at": end, "halted": False, "code": "T", "message": "Trading Resumption"}
        return [
            StreamEvent(known_at=start, kind=EventKind.STATUS, symbol=mishap.symbol, fields=halted),
            StreamEvent(known_at=end, kind=EventKind.STATUS, symbol=mishap.symbol, fields=goes_on),
        ]
    if mishap.kind == "back":
        hour = timedelta(hours=1)
        return [
            replace(one, known_at=one.known_at + hour, fields={**one.fields, "close": one.fields["close"]})
            for one in events
            if one.kind is EventKind.BAR and start <= one.known_at + hour < end and (not mishap.symbol or one.symbol == mishap.symbol)
        ]
    return []


def _within(mishap: MishapSettings, at: datetime, zone: ZoneInfo) -> bool:
    return _at(mishap.start, at, zone) <= at < _at(mishap.end, at, zone)


def _at(clock: time, day: datetime, zone: ZoneInfo) -> datetime:
    return datetime.combine(day.astimezone(zone).date(), clock, zone).astimezone(day.tzinfo)

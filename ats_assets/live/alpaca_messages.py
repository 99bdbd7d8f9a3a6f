"""Messages of Alpaca's stream of market data, and trades of its REST service, as events of the loop."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.vendors.alpaca.market_stream import HALTS, RESUMES


def event_of(message: Mapping[str, Any], known_at: datetime) -> StreamEvent | None:
    """One message as an event; None of what says nothing to the loop.

    A field that is missing or has another form stays so, and the loop refuses the event with the reason.

    Examples
    --------
    >>> at = datetime(2024, 3, 4, 14, 31, 1, tzinfo=UTC)
    >>> bar = {"T": "b", "S": "SPY", "o": 1, "h": 2, "l": 1, "c": 2, "v": 100, "t": "2024-03-04T14:30:00Z", "n": 3, "vw": 1.5}
    >>> event = event_of(bar, at)
    >>> event.symbol, event.fields["close"], event.fields["starts_at"].minute
    ('SPY', 2.0, 30)
    >>> event_of({"T": "subscription"}, at) is None
    True
    """
    symbol, at = message.get("S"), _instant(message.get("t"))
    how: dict[str, Any] = {"known_at": known_at, "symbol": symbol}
    match message.get("T"):
        case "b" | "u":
            keys = {"open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"}
            fields = {"starts_at": at, **_numbers(message, keys)}
            return StreamEvent(kind=EventKind.BAR, fields=fields | ({"revised": True} if message["T"] == "u" else {}), **how)
        case "q":
            fields = {"at": at, **_numbers(message, {"bid": "bp", "ask": "ap", "bid_size": "bs", "ask_size": "as"})}
            both = fields["bid"] and fields["ask"]  # a side of zero says that there is none
            return StreamEvent(kind=EventKind.QUOTE, fields=fields, **how) if both else None
        case "t":
            codes = message.get("c")
            fields = {
                "at": at,
                **_numbers(message, {"price": "p", "size": "s"}),
                "nanoseconds": _below(message.get("t")),
                "conditions": [str(code) for code in codes] if isinstance(codes, list) else None,
                **{name: _text(message.get(key)) for name, key in {"exchange": "x", "tape": "z", "trade_id": "i"}.items()},
            }
            return StreamEvent(kind=EventKind.TRADE, fields=fields, **how)
        case "s" if message.get("sc") in HALTS | RESUMES:
            fields = {"at": at, "halted": message["sc"] in HALTS, "code": message["sc"], "message": str(message.get("sm"))}
            return StreamEvent(kind=EventKind.STATUS, fields=fields, **how)
        case _:
            return None


def _numbers(message: Mapping[str, Any], keys: Mapping[str, str]) -> dict[str, float | None]:
    values = {name: message.get(key) for name, key in keys.items()}
    return {
        name: float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None for name, value in values.items()
    }


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _instant(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


def _below(text: object) -> int:
    """The nanoseconds below a microsecond of a time."""
    digits = re.search(r"\.\d{6}(\d{1,3})", text) if isinstance(text, str) else None
    return int(digits[1].ljust(3, "0")) if digits else 0

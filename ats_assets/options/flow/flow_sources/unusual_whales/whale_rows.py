"""Rows of Unusual Whales as rows of `raw_option_flow`: a cell that can't be read becomes null and is named in the row's `defects`.

Numbers come as texts ("4.05") or as numbers. A trade in a dark pool has two times, when it was executed and when it was reported, of which the documents do not agree which is which: the later
one is from when it was known. Exposure is of a day, and known at its close. Its gammas are called `call_gamma` of all contracts and, since 2026, `call_gex` of a strike or an expiry.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from ats_assets.options.flow.schema import DARK_POOL, EXPOSURES, FLOW_ALERT, GREEK_EXPOSURE

Told = Mapping[str, Any]
_RIGHTS: Final = {"call": "C", "put": "P", "c": "C", "p": "P"}
_ALERT_NUMBERS: Final = {
    "price": "price",
    "strike": "strike",
    "underlying_price": "underlying_price",
    "size": "total_size",
    "trades": "trade_count",
    "premium": "total_premium",
    "ask_premium": "total_ask_side_prem",
    "bid_premium": "total_bid_side_prem",
    "volume": "volume",
    "open_interest": "open_interest",
}
"""Our name -> theirs; likewise below."""
_ALERT_FLAGS: Final = {"sweep": "has_sweep", "floor": "has_floor", "multileg": "has_multileg", "opening": "all_opening_trades"}
_DARK_NUMBERS: Final = {"price": "price", "size": "size", "premium": "premium", "volume": "volume", "bid": "nbbo_bid", "ask": "nbbo_ask"}
_CODES: Final = ("sale_cond_codes", "trade_code", "trade_settlement", "ext_hour_sold_codes")
READ: Final = {
    "flow_alerts": (
        *_ALERT_NUMBERS.values(),
        *_ALERT_FLAGS.values(),
        "id",
        "ticker",
        "created_at",
        "option_chain",
        "expiry",
        "type",
        "alert_rule",
    ),
    "dark_pool": (*_DARK_NUMBERS.values(), *_CODES, "ticker", "tracking_id", "executed_at", "trf_executed_at", "market_center", "canceled"),
    "greek_exposure": (*EXPOSURES, "call_gex", "put_gex", "date", "strike", "expiry"),
}
"""What is read of each kind."""


class _Cells:
    """The cells of one row, and what is wrong with them."""

    def __init__(self, told: object) -> None:
        self.told: Told = told if isinstance(told, Mapping) else {}
        self.defects = [] if isinstance(told, Mapping) else [f"row: {str(told)[:60]!r} is no object"]

    def of(self, key: str, read: Callable[[Any], Any], wanted: str) -> Any:
        cell = self.told.get(key)
        if cell is None or cell == "":
            return None
        try:
            return read(cell)
        except (TypeError, ValueError, OverflowError, OSError):  # the last: a number far beyond any time
            self.defects.append(f"{key}: {str(cell)[:60]!r} is no {wanted}")
            return None

    def text(self, key: str) -> str | None:
        return self.of(key, _text, "text")

    def number(self, key: str) -> float | None:
        return self.of(key, _number, "number")

    def flag(self, key: str) -> bool | None:
        return self.of(key, _flag, "yes or no")

    def day(self, key: str) -> date | None:
        return self.of(key, lambda cell: date.fromisoformat(_text(cell)), "day")

    def time(self, key: str) -> datetime | None:
        return self.of(key, _time, "time")

    def with_defects(self, row: dict[str, Any]) -> dict[str, Any]:
        return row | {"defects": "; ".join(self.defects) or None}


def alert_rows(rows: Iterable[object]) -> list[dict[str, Any]]:
    """Alerts of unusual trades."""
    return [_alert(_Cells(row)) for row in rows]


def dark_rows(rows: Iterable[object]) -> list[dict[str, Any]]:
    """Trades in dark pools."""
    return [_dark(_Cells(row)) for row in rows]


def exposure_rows(rows: Iterable[object], symbol: str, session: date, close: datetime) -> list[dict[str, Any]]:
    """Greek exposure that was asked for with a symbol and a session."""
    return [_exposure(_Cells(row), symbol, session, close) for row in rows]


def _alert(cells: _Cells) -> dict[str, Any]:
    row = {name: cells.number(key) for name, key in _ALERT_NUMBERS.items()} | {name: cells.flag(key) for name, key in _ALERT_FLAGS.items()}
    right = cells.of("type", lambda cell: _RIGHTS[_text(cell).lower()] if _text(cell).lower() in _RIGHTS else _wrong(), "call or put")
    row |= {"kind": FLOW_ALERT, "symbol": cells.text("ticker"), "known_at": cells.time("created_at"), "event": cells.text("id")}
    row |= {"contract": cells.text("option_chain"), "expiry": cells.day("expiry"), "right": right, "rule": cells.text("alert_rule")}
    return cells.with_defects(row)


def _dark(cells: _Cells) -> dict[str, Any]:
    row: dict[str, Any] = {name: cells.number(key) for name, key in _DARK_NUMBERS.items()}
    times = [at for at in (cells.time("executed_at"), cells.time("trf_executed_at")) if at is not None]
    codes = [code for code in (cells.text(key) for key in _CODES) if code]
    row |= {"kind": DARK_POOL, "symbol": cells.text("ticker"), "known_at": max(times, default=None), "event": cells.text("tracking_id")}
    return cells.with_defects(row | {"exchange": cells.text("market_center"), "conditions": codes, "cancelled": cells.flag("canceled")})


def _exposure(cells: _Cells, symbol: str, session: date, close: datetime) -> dict[str, Any]:
    row: dict[str, Any] = {name: cells.number(name) for name in EXPOSURES}
    for side in ("call", "put"):
        gamma = f"{side}_gamma"
        row[gamma] = cells.number(f"{side}_gex") if row[gamma] is None else row[gamma]
    row |= {"kind": GREEK_EXPOSURE, "symbol": symbol, "known_at": close, "date": cells.day("date") or session}
    return cells.with_defects(row | {"strike": cells.number("strike"), "expiry": cells.day("expiry")})


def _wrong() -> Any:
    raise ValueError


def _text(cell: Any) -> str:
    if isinstance(cell, bool | list | dict):
        raise TypeError
    return str(cell)


def _number(cell: Any) -> float:
    if isinstance(cell, bool):
        raise TypeError
    return float(cell)


def _flag(cell: Any) -> bool:
    if not isinstance(cell, bool):
        raise TypeError
    return cell


def _time(cell: Any) -> datetime:
    """ISO 8601 with a zone, or milliseconds or seconds since 1970."""
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return datetime.fromtimestamp(cell / 1000 if cell > 10**11 else cell, UTC)
    at = datetime.fromisoformat(_text(cell))
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)

"""Massive's splits, dividends and changes of ticker as `raw_corporate_actions`: each event is one row, its numbers for one old share.

The server selects by the day on which an event takes effect, so that nothing is asked for with a margin. Its cumulative factors change with each later event, and are left out of what
is kept: they would make a new vintage of every earlier session. A dividend in another currency than dollars is a defect, since its amount is not one of the prices.

Changes of ticker are told of the company that has a ticker now. A ticker that others had before (FB) tells nothing of these: name the ticker of today (META) among the symbols.
"""

import json
import logging
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from itertools import pairwise
from typing import Any, Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA

Event = Mapping[str, Any]
_ADJUSTING: Final = frozenset({"historical_adjustment_factor", "split_adjusted_cash_amount"})
"""What later events rewrite."""
_log = logging.getLogger(__name__)
_SPLITS: Final = frozenset({"forward_split", "reverse_split"})


def split_rows(events: Iterable[Event], calendar: SessionCalendar) -> list[dict[str, Any]]:
    """Splits and stock dividends."""
    return [_of_split(event, calendar) for event in _told_once(events)]


def dividend_rows(events: Iterable[Event], calendar: SessionCalendar) -> list[dict[str, Any]]:
    """Cash dividends."""
    return [_of_dividend(event, calendar) for event in _told_once(events)]


def change_rows(events: Iterable[Event], calendar: SessionCalendar) -> list[dict[str, Any]]:
    """Changes of ticker, of one company: from each ticker that it had to the next one.

    Examples
    --------
    >>> told = [{"date": day, "type": "ticker_change", "ticker_change": {"ticker": name}} for day, name in (("2022-06-09", "META"), ("2012-05-18", "FB"))]
    >>> made = change_rows(told, SessionCalendar("XNYS", date(2010, 1, 4)))
    >>> [(row["symbol"], row["new_symbol"], str(row["date"])) for row in made]
    [('FB', 'META', '2022-06-09')]
    """
    names = [(str(event.get("date")), _name(event)) for event in events if event.get("type") == "ticker_change"]
    named = sorted((day, name) for day, name in names if name)
    rows = []
    for (_, before), (written, after) in pairwise(named):
        if before == after:
            continue
        defects: list[str] = []
        said = json.dumps({"date": written, "from": before, "to": after}, sort_keys=True)
        told = _row(before, written, "name_change", calendar, defects)
        rows.append(told | {"new_symbol": after, "description": f"ticker_change: {said}"})
    return rows


def action_frame(rows: Iterable[Mapping[str, Any]], sessions: Collection[date], symbols: Collection[str] | None) -> pl.DataFrame:
    """The rows that take effect in some sessions, of some symbols (None: of all) or of none that can be read.

    Returns
    -------
    DataFrame with the columns of `RAW_ACTIONS_SCHEMA`, sorted by session and symbol, then by what they say.
    """
    asked, known = frozenset(sessions), None if symbols is None else frozenset(symbols)
    chosen = {}
    for row in rows:
        if row["session"] is None and row["date"] is None:
            _log.warning("massive: an action has no day that places it in a session, and is left out: %s", row["description"])
        concerned = {row["symbol"], row["new_symbol"] if row["kind"] == "name_change" else None}
        if row["session"] in asked and (known is None or row["symbol"] is None or not concerned.isdisjoint(known)):
            chosen[row["description"]] = row
    frame = pl.DataFrame([chosen[said] for said in sorted(chosen)], schema=RAW_ACTIONS_SCHEMA)
    return frame.sort("session", "symbol", maintain_order=True)


def _of_split(event: Event, calendar: SessionCalendar) -> dict[str, Any]:
    defects: list[str] = []
    new, old = _number(event, "split_to", defects), _number(event, "split_from", defects)
    kind = event.get("adjustment_type")
    if old == 0:
        defects.append("split_from: 0 old shares")
    ratio = new / old if new is not None and old else None
    named = "stock_dividend" if kind == "stock_dividend" else "split" if kind in _SPLITS or kind is None else "other"
    told = _row(_symbol(event), event.get("execution_date"), named, calendar, defects)
    return told | {"ratio": ratio, "description": f"split: {_said(event)}", "defects": "; ".join(defects) or None}


def _of_dividend(event: Event, calendar: SessionCalendar) -> dict[str, Any]:
    defects: list[str] = []
    cash, currency = _number(event, "cash_amount", defects), event.get("currency")
    if isinstance(currency, str) and currency.upper() != "USD":
        defects.append(f"currency: {currency!r} is not that of the prices, so that the amount can't be applied to them")
    told = _row(_symbol(event), event.get("ex_dividend_date"), "cash_dividend", calendar, defects)
    days = {"announced": _day(event, "declaration_date", defects), "payable": _day(event, "pay_date", defects)}
    return told | days | {"cash": cash, "description": f"dividend: {_said(event)}", "defects": "; ".join(defects) or None}


def _row(symbol: str | None, written: object, kind: str, calendar: SessionCalendar, defects: list[str]) -> dict[str, Any]:
    """A row without its numbers."""
    day = _day({"date": written}, "date", defects)
    if day is None and not written:
        defects.append("date: there is none")
    if day is not None and day > calendar.last:
        defects.append(f"date: {day} is after the last known session {calendar.last}")
    placed = day is not None and calendar.first <= day <= calendar.last
    return {
        **dict.fromkeys(RAW_ACTIONS_SCHEMA.names()),
        "symbol": symbol,
        "date": day,
        "session": calendar.on_or_after(day) if placed and day is not None else None,
        "kind": kind,
        "defects": "; ".join(defects) or None,
    }


def _told_once(events: Iterable[Event]) -> list[Event]:
    """Those that differ in anything but their id: one that came twice would be paid twice."""
    return list(
        {
            _said({name: value for name, value in event.items() if name != "id"}): event
            for event in sorted(events, key=_said, reverse=True)
        }.values()
    )


def _said(event: Event) -> str:
    return json.dumps({name: value for name, value in event.items() if name not in _ADJUSTING}, sort_keys=True)


def _symbol(event: Event) -> str | None:
    ticker = event.get("ticker")
    return ticker if isinstance(ticker, str) else None


def _name(event: Event) -> str | None:
    change = event.get("ticker_change")
    name = change.get("ticker") if isinstance(change, Mapping) else None
    return name if isinstance(name, str) else None


def _number(event: Event, key: str, defects: list[str]) -> float | None:
    value = event.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    defects.append(f"{key}: {value!r} is not a number")
    return None


def _day(event: Event, key: str, defects: list[str]) -> date | None:
    value = event.get(key)
    if not value:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        defects.append(f"{key}: {str(value)!r} is not a day")
        return None

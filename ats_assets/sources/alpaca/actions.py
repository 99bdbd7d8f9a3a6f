"""Alpaca's corporate actions as `raw_corporate_actions`: each announcement is one row, its numbers for one old share.

A name that changes and a merger without an ex-date take effect on their effective or process date. A unit split ends one instrument and brings two others, which is more than one
row can say: it is "other", as are redemptions, removals of worthless shares, and distributions of rights; what Alpaca says of them is in `description`.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA

_SYMBOLS = ("symbol", "source_symbol", "acquiree_symbol", "old_symbol")
"""Where an announcement names the instrument that it happens to."""
_DATES = ("ex_date", "effective_date", "process_date")
Action = Mapping[str, object]


def action_rows(
    raw: Mapping[str, Sequence[Action]], sessions: Sequence[date], calendar: SessionCalendar, symbols: Collection[str]
) -> pl.DataFrame:
    """The announcements whose ex-session is among these neighbouring sessions, and whose instrument among these symbols.

    Parameters
    ----------
    raw
        Kind (forward_splits, …) -> announcements, as alpaca-py returns them with raw_data. Those that are there twice, under one id, count once.

    Returns
    -------
    DataFrame with the columns of `RAW_ACTIONS_SCHEMA`.
    """
    rows: dict[str, dict[str, object]] = {}
    for kind, action in sorted(((kind, action) for kind, found in raw.items() for action in found), key=lambda pair: _identity(*pair)):
        row = _row(kind, action, sessions, calendar)
        if row["session"] in sessions and (row["symbol"] is None or row["symbol"] in symbols):
            rows[_identity(kind, action)] = row
    return pl.DataFrame(list(rows.values()), schema=RAW_ACTIONS_SCHEMA)


def _row(kind: str, action: Action, sessions: Sequence[date], calendar: SessionCalendar) -> dict[str, object]:
    defects: list[str] = []
    symbol = next((str(action[key]) for key in _SYMBOLS if action.get(key)), None)
    day = _day(action, defects)
    known = day is not None and day <= calendar.last
    session = calendar.on_or_after(day) if day is not None and known else sessions[-1]
    if day is not None and not known:
        defects.append(f"date: {day} is after the last known session {calendar.last}")
    what = _numbers(kind, action, defects)
    return {
        **dict.fromkeys(RAW_ACTIONS_SCHEMA.names()),
        "symbol": symbol,
        "date": day,
        "session": session,
        **what,
        "description": f"{kind}: {json.dumps(dict(action), sort_keys=True)}",
        "defects": "; ".join(defects) or None,
    }


def _numbers(kind: str, action: Action, defects: list[str]) -> dict[str, object]:
    match kind:
        case "forward_splits" | "reverse_splits":
            return {"kind": "split", "ratio": _ratio(action, "new_rate", "old_rate", defects)}
        case "stock_dividends":
            rate = _number(action, "rate", defects)
            return {"kind": "stock_dividend", "ratio": None if rate is None else 1.0 + rate}
        case "cash_dividends":
            return {"kind": "cash_dividend", "cash": _number(action, "rate", defects)}
        case "spin_offs":
            return {
                "kind": "spin_off",
                "new_symbol": action.get("new_symbol"),
                "new_ratio": _ratio(action, "new_rate", "source_rate", defects),
            }
        case "cash_mergers":
            return {"kind": "merger", "cash": _number(action, "rate", defects)}
        case "stock_mergers" | "stock_and_cash_mergers":
            cash = _number(action, "cash_rate", defects) if kind == "stock_and_cash_mergers" else None
            ratio = _ratio(action, "acquirer_rate", "acquiree_rate", defects)
            return {"kind": "merger", "new_symbol": action.get("acquirer_symbol"), "new_ratio": ratio, "cash": cash}
        case "name_changes":
            return {"kind": "name_change", "new_symbol": action.get("new_symbol")}
        case _:
            return {"kind": "other"}


def _number(action: Action, key: str, defects: list[str]) -> float | None:
    value = action.get(key)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    defects.append(f"{key}: {value!r} is not a number")
    return None


def _ratio(action: Action, new: str, old: str, defects: list[str]) -> float | None:
    above, below = _number(action, new, defects), _number(action, old, defects)
    if above is None or below is None:
        return None
    if below == 0:
        defects.append(f"{old}: 0 old shares")
        return None
    return above / below


def _day(action: Action, defects: list[str]) -> date | None:
    text = next((str(action[key]) for key in _DATES if action.get(key)), None)
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        defects.append(f"date: {text!r} is not a day")
        return None


def _identity(kind: str, action: Action) -> str:
    return f"{kind} {action.get('id') or json.dumps(dict(action), sort_keys=True)}"

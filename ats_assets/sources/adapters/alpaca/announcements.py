"""Alpaca's corporate actions as `raw_corporate_actions`: each announcement is one row, its numbers for one old share.

The server selects by process date (`start` and `end` of GET /v1/corporate-actions), which for a cash dividend is the day of its payment, weeks after the ex-date. So sessions are
asked for with a margin of days before and after them, and what takes effect on another session is left out here.

A name that changes and a merger without an ex-date take effect on their effective or process date. A unit split ends one instrument and brings two others, which is more than one
row can say: it is "other", as are redemptions, removals of worthless shares, and distributions of rights; what Alpaca says of them is in `description`.
Alpaca says when a payment is due (`payable`), not when an action was announced or when it came to know of it.
"""

import json
import logging
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import AlpacaSourceSettings
from ats_assets.sources.schema import RAW_ACTIONS_SCHEMA

if TYPE_CHECKING:
    from alpaca.data.requests import CorporateActionsRequest

_SYMBOLS = ("symbol", "source_symbol", "acquiree_symbol", "old_symbol")
"""Where an announcement names the instrument that it happens to."""
_DATES = ("ex_date", "effective_date", "process_date")
Action = Mapping[str, object]
_log = logging.getLogger(__name__)


def questions(
    sessions: Sequence[date], batches: Sequence[Sequence[str] | None], calendar: SessionCalendar, choice: AlpacaSourceSettings
) -> "Iterator[CorporateActionsRequest]":
    """The fewest requests whose answers hold every action with an ex-session among these sorted sessions.

    Parameters
    ----------
    batches
        Symbols of one request each; None: of all symbols.
    """
    from alpaca.data.requests import CorporateActionsRequest  # noqa: PLC0415

    for first, last in process_dates(sessions, calendar, choice):
        for symbols in batches:
            # alpaca-py takes `limit` for the most rows of all pages together, and sets it to 1000
            yield CorporateActionsRequest(symbols=None if symbols is None else list(symbols), start=first, end=last, limit=None)


def process_dates(sessions: Sequence[date], calendar: SessionCalendar, choice: AlpacaSourceSettings) -> list[tuple[date, date]]:
    """The stretches of process dates (first and last day) to ask for; those that touch are one."""
    spans: list[tuple[date, date]] = []
    for day in sessions:
        since = (
            day if day == calendar.first else calendar.offset(day, -1) + timedelta(days=1)
        )  # an ex-date without a session counts for the next
        first, last = since - timedelta(days=choice.actions_before_days), day + timedelta(days=choice.actions_after_days)
        if spans and first <= spans[-1][1] + timedelta(days=1):
            spans[-1] = (spans[-1][0], last)
        else:
            spans.append((first, last))
    return spans


def action_rows(
    raw: Mapping[str, Sequence[Action]], sessions: Collection[date], calendar: SessionCalendar, symbols: Collection[str]
) -> pl.DataFrame:
    """The announcements whose ex-session is among these sessions, and whose instrument among these symbols.

    An ex-date that can't be read is a defect, and the process date places the row; one that nothing places is said in the log.

    Parameters
    ----------
    raw
        Kind (forward_splits, …) -> announcements, as alpaca-py returns them with raw_data. Those that are there twice count once: under one id, or the same in all but
        the id, as a payment would be made twice else.

    Returns
    -------
    DataFrame with the columns of `RAW_ACTIONS_SCHEMA`, sorted by session and symbol.
    """
    asked, known = frozenset(sessions), frozenset(symbols)
    rows: dict[str, dict[str, object]] = {}
    known_by_id = {_identity(kind, action): (kind, action) for kind, found in raw.items() for action in found}
    said = {_said(*known_by_id[identity]): known_by_id[identity] for identity in sorted(known_by_id, reverse=True)}  # the first id stays
    for kind, action in sorted(said.values(), key=lambda pair: _identity(*pair)):
        row = _row(kind, action, calendar)
        concerned = {row["symbol"], row["new_symbol"] if row["kind"] == "name_change" else None}  # who takes a ticker over ends its history
        if row["session"] in asked and (row["symbol"] is None or not concerned.isdisjoint(known)):
            rows[_identity(kind, action)] = row
    return pl.DataFrame(list(rows.values()), schema=RAW_ACTIONS_SCHEMA).sort("session", "symbol", maintain_order=True)


def _row(kind: str, action: Action, calendar: SessionCalendar) -> dict[str, object]:
    defects: list[str] = []
    symbol = next((str(action[key]) for key in _SYMBOLS if action.get(key)), None)
    day, session = _placed(kind, action, calendar, defects)
    what = _numbers(kind, action, defects)
    return {
        **dict.fromkeys(RAW_ACTIONS_SCHEMA.names()),
        "symbol": symbol,
        "date": day,
        "session": session,
        **what,
        "payable": _day(action, "payable_date", defects),
        "description": f"{kind}: {json.dumps(dict(action), sort_keys=True)}",
        "defects": "; ".join(defects) or None,
    }


def _placed(kind: str, action: Action, calendar: SessionCalendar, defects: list[str]) -> tuple[date | None, date | None]:
    """The ex-date and its session; no session before history, or where no date says one."""
    named = next((key for key in _DATES if action.get(key)), "process_date")
    day, processed = _day(action, named, defects), _day(action, "process_date", [])
    if day is not None and day > calendar.last:
        defects.append(f"date: {day} is after the last known session {calendar.last}")
    elif day is None and not action.get(named):
        defects.append("date: there is none")
    placing = day if day is not None and day <= calendar.last else processed
    if placing is None or placing > calendar.last:
        _log.warning(
            "alpaca: an action has no date that places it in a session, and is left out: %s %s",
            kind,
            json.dumps(dict(action), sort_keys=True),
        )
        return day, None
    return day, calendar.on_or_after(placing) if placing >= calendar.first else None


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


def _day(action: Action, key: str, defects: list[str]) -> date | None:
    """A day of the announcement, None where it has none."""
    value = action.get(key)
    if not value:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        defects.append(f"{'date' if key in _DATES else key}: {str(value)!r} is not a day")
        return None


def _identity(kind: str, action: Action) -> str:
    return f"{kind} {action.get('id') or json.dumps(dict(action), sort_keys=True)}"


def _said(kind: str, action: Action) -> str:
    """All that an announcement says, but for its id."""
    return f"{kind} {json.dumps({name: value for name, value in action.items() if name != 'id'}, sort_keys=True)}"

"""Alpaca's account activities as executions, and as entries of the account that no order made."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ats_assets.brokers.alpaca.hours import NEW_YORK
from ats_assets.brokers.alpaca.numbers import exact_decimal
from ats_assets.brokers.alpaca.orders import instant
from ats_assets.brokers.alpaca.symbol_map import SymbolMap, pair
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.contract_legs import multiplier_of
from ats_assets.execution.order import AccountEntry, EntryKind, Fill, Side

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient

_PAGE = 100
_EVENING = time(20)
"""Of entries, which have a day and no time: after its close, so that they belong to its session."""
_MIDNIGHT = time(23, 59, 59)
"""Likewise for crypto, in UTC."""
_KINDS = {
    "CSD": EntryKind.TRANSFER,
    "CSW": EntryKind.TRANSFER,
    "JNLC": EntryKind.TRANSFER,
    "ACATC": EntryKind.TRANSFER,
    "ACATS": EntryKind.TRANSFER,
    "JNLS": EntryKind.TRANSFER,
    "INT": EntryKind.INTEREST,
    "FEE": EntryKind.FEE,
    "CFEE": EntryKind.FEE,
    "SPLIT": EntryKind.SPLIT,
    "MA": EntryKind.CORPORATE_ACTION,
    "NC": EntryKind.CORPORATE_ACTION,
    "REORG": EntryKind.CORPORATE_ACTION,
    "SPIN": EntryKind.CORPORATE_ACTION,
    "VOF": EntryKind.CORPORATE_ACTION,
    "OPASN": EntryKind.ASSIGNMENT,
    "OPEXC": EntryKind.EXERCISE,
    "OPEXP": EntryKind.EXPIRY,
    "OPTRD": EntryKind.OPTION_SHARES,
    "OPCSH": EntryKind.OPTION_CASH,
}
_SHARES_ID = "{}/OPTRD"
"""Of the shares of an assignment or an exercise: Alpaca documents them under the very id of the contracts (docs.alpaca.markets/docs/non-trade-activities-for-option-events)."""


def list_activities(client: "TradingClient", path: str, since: datetime) -> list[dict[str, Any]]:
    """The activities since then, the oldest first, page by page."""
    found: list[dict[str, Any]] = []
    query: dict[str, Any] = {"after": since.astimezone(UTC).isoformat().replace("+00:00", "Z"), "direction": "asc", "page_size": _PAGE}
    while True:
        page = client.get(path, query)
        if not isinstance(page, list):
            raise BrokerError(f"Alpaca's answer to {path} is no list: it can't be used")
        found += page
        if len(page) < _PAGE:
            return found
        query["page_token"] = page[-1]["id"]


def read_fill(one: Mapping[str, Any], client_order_id: str, symbols: SymbolMap, *, all_days: bool) -> Fill:
    """An execution; its client order id is the order's, since an activity lacks it."""
    return Fill(
        fill_id=str(one["id"]),
        broker_order_id=str(one["order_id"]),
        client_order_id=client_order_id,
        symbol=symbols.our(pair(str(one["symbol"])) if all_days else str(one["symbol"])),
        side=Side.BUY if one["side"] == "buy" else Side.SELL,
        quantity=exact_decimal(one["qty"], "qty"),
        price=exact_decimal(one["price"], "price"),
        fees=Decimal(0),
        at=instant(one["transaction_time"], "transaction_time"),
        multiplier=multiplier_of(str(one["symbol"])),
    )


def read_entry(one: Mapping[str, Any], symbols: SymbolMap, *, all_days: bool) -> AccountEntry:
    """An activity that no order made, as an entry of the account; `all_days`: whether sessions are days in UTC."""
    said = str(one["activity_type"])
    kind = _KINDS.get(said, EntryKind.DIVIDEND if said.startswith("DIV") else EntryKind.OTHER)
    moves = kind is not EntryKind.DIVIDEND and one.get("qty") is not None  # of a dividend it is the number of shares that it was paid on
    symbol, crypto = one.get("symbol"), all_days or said == "CFEE"
    evening, zone = (_MIDNIGHT, UTC) if all_days else (_EVENING, NEW_YORK)
    at = datetime.combine(date.fromisoformat(str(one["date"])), evening, zone)
    return AccountEntry(
        entry_id=_SHARES_ID.format(one["id"]) if kind is EntryKind.OPTION_SHARES else str(one["id"]),
        kind=kind,
        at=at.astimezone(UTC),
        symbol=symbols.our(pair(str(symbol)) if crypto else str(symbol)) if symbol else None,
        quantity=exact_decimal(one["qty"], "qty") if moves else Decimal(0),
        cash=exact_decimal(one.get("net_amount", 0), "net_amount"),
        description=f"{said} {one.get('description') or ''}".strip(),
    )

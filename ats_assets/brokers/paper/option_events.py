"""What happens in a book of options, as a broker tells it: executions of orders, and entries of the account."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from ats_assets.execution.contract_legs import ContractLeg
from ats_assets.execution.order import EntryKind, Side
from ats_assets.option_strategies.book import CashFlow

ENTRY_KINDS: Final = {
    "deposit": EntryKind.TRANSFER,
    "premium": EntryKind.CORPORATE_ACTION,
    "shares": EntryKind.CORPORATE_ACTION,
    "fee": EntryKind.FEE,
    "assignment": EntryKind.ASSIGNMENT,
    "exercise": EntryKind.EXERCISE,
    "expiry": EntryKind.EXPIRY,
    "dividend": EntryKind.DIVIDEND,
    "split": EntryKind.SPLIT,
    "in_lieu": EntryKind.SPLIT,
    "adjusted": EntryKind.CORPORATE_ACTION,
    "interest": EntryKind.INTEREST,
    "borrow": EntryKind.FEE,
}
"""Of a cash flow that no order made; a premium that none did is of contracts that were closed since a corporate action adjusts them."""


def entry_rows(flows: Sequence[CashFlow], first: int, at: datetime, session: date, symbol_of: dict[str, str]) -> Iterator[dict[str, Any]]:
    """Entries of the account; one of contracts and shares is two, as brokers book it: the contracts, and the shares with the cash.

    Parameters
    ----------
    first
        Number of the first flow in its book, by which the entries have ids.
    symbol_of
        Root -> symbol of the shares.
    """
    for number, flow in enumerate(flows, first):
        kind = ENTRY_KINDS[flow.kind]
        shares = symbol_of.get(flow.underlying or "", flow.underlying or "")
        parts: list[tuple[EntryKind, str, Decimal, Decimal]] = []
        if flow.contract is not None and flow.shares:
            parts = [(kind, flow.contract, Decimal(flow.quantity), Decimal(0)), (EntryKind.OPTION_SHARES, shares, flow.shares, flow.cash)]
        elif flow.contract is not None:
            parts = [(kind, flow.contract, Decimal(flow.quantity), flow.cash)]
        else:
            parts = [(kind, shares, flow.shares, flow.cash)]
        for part, (of_kind, symbol, quantity, cash) in enumerate(parts):
            yield {
                "entry_id": f"{session:%Y%m%d}-{flow.strategy}-{number}-{part}"[-80:],
                "session": session,
                "kind": str(of_kind),
                "symbol": symbol,
                "quantity": quantity,
                "cash_cents": int(cash * 100),
                "at": at,
                "description": f"{flow.strategy}: {flow.kind} {flow.detail}".strip(),
            }


def execution_rows(order: Any, legs: Sequence[ContractLeg], flows: Sequence[CashFlow], at: datetime, session: date) -> list[dict[str, Any]]:
    """The executions of an order that was filled, one for each leg, with what its flows say was paid."""
    found = []
    for number, leg in enumerate(legs, 1):
        paid = next(one for one in flows if one.kind == "premium" and one.contract == leg.symbol) if leg.multiplier != 1 else None
        paid = paid or next(one for one in flows if one.kind == "shares")
        fees = -sum((one.cash for one in flows if one.kind == "fee" and one.contract == leg.symbol), Decimal(0))
        name = order.broker_order_id if len(legs) == 1 else f"{order.broker_order_id}/{number}"
        found.append(
            {
                "fill_id": f"{name}-{session:%Y%m%d}",
                "session": session,
                "broker_order_id": name,
                "client_order_id": order.client_order_id,
                "symbol": leg.symbol,
                "side": str(Side.BUY if leg.ratio > 0 else Side.SELL),
                "quantity": abs(leg.ratio) * order.quantity,
                "multiplier": leg.multiplier,
                "price": paid.price,
                "fees": fees,
                "at": at,
            }
        )
    return found

"""The exits of brackets in the books of a paper account: a take-profit and a stop-loss for each symbol held, for all of it.

A bracket brings exits for what it has bought. Within the session in which they are made they stand beside those of earlier brackets, together for no more than
is held; from its close on, the newest pair alone is working, for the whole position, as at a broker where the executor gives them.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ats_assets.execution.order import Leg, OrderStatus, Side
from ats_assets.portfolio.exit_prices import ExitPrices, price_in_new_shares

Row = dict[str, Any]

TAKE_PROFIT, STOP_LOSS = "take_profit", "stop_loss"
"""Their kinds."""

GONE = "there is no position any more"
REPLACED = "the exits of a later bracket are for the whole position"


def exits_of(order: Row, at: datetime) -> list[Row]:
    """The take-profit and the stop-loss of a bracket that was filled, working until one of them is."""
    return [
        order
        | {
            "broker_order_id": f"{order['broker_order_id']}-{kind}",
            "client_order_id": f"{order['client_order_id']}-{kind}",
            "parent_id": order["broker_order_id"],
            "side": str(Side(order["side"]).opposite),
            "leg": str(Leg.CLOSE),
            "kind": kind,
            "limit_price": order[kind],
            "quantity": order["filled_quantity"],
            "filled_quantity": Decimal(0),
            "filled_average_price": None,
            "status": str(OrderStatus.ACCEPTED),
            "reason": None,
            "submitted_at": at,
            "updated_at": at,
            "new": True,
        }
        for kind in (TAKE_PROFIT, STOP_LOSS)
    ]


def exit_prices(stop: Row, target: Row) -> ExitPrices:
    """The prices of a pair."""
    return ExitPrices(sign=Side(stop["side"]).sign, take_profit=float(target["limit_price"]), stop_loss=float(stop["limit_price"]))


def fit_to_position(exits: Iterable[Row], held: Decimal, at: datetime) -> None:
    """Exits of one symbol never make a position: together they are for no more than is `held` (signed), those of the newest bracket first."""
    left = abs(held)
    for pair in _pairs(exits):
        mine = min(pair[0]["quantity"], left) if held * Side(pair[0]["side"]).sign < 0 else Decimal(0)
        left -= mine
        for one in pair:
            _resize(one, mine, at, GONE if not held or not mine else None)


def one_pair(exits: Iterable[Row], held: Decimal, at: datetime) -> None:
    """Of a symbol's exits the newest pair stays, for all that is `held` (signed); the others end."""
    newest = True
    for pair in _pairs(exits):
        reduces = held * Side(pair[0]["side"]).sign < 0
        for one in pair:
            _resize(one, abs(held) if newest and reduces else Decimal(0), at, REPLACED if reduces else GONE)
        newest = newest and not reduces


def split(order: Row, ratio: Decimal, decimals: int) -> None:
    """An exit goes on in new shares, at a price on the grid.

    Examples
    --------
    >>> order = {"symbol": "AAA", "side": "sell", "quantity": Decimal(10), "limit_price": Decimal("100.10")}
    >>> split(order, Decimal(3), decimals=9)
    >>> order["quantity"], order["limit_price"]  # 33.3667, rounded up: it sells
    (Decimal('30.000000000'), Decimal('33.37'))
    """
    order["quantity"] = round(order["quantity"] * ratio, decimals)
    order["limit_price"] = price_in_new_shares(order["symbol"], order["limit_price"], ratio, sells=order["side"] == Side.SELL)


def _pairs(exits: Iterable[Row]) -> list[Sequence[Row]]:
    """Of each bracket, the newest first."""
    found: dict[tuple[Any, str], list[Row]] = {}
    for one in exits:
        found.setdefault((one["session"], one["parent_id"]), []).append(one)
    return [found[key] for key in sorted(found, reverse=True)]


def _resize(one: Row, quantity: Decimal, at: datetime, why: str | None) -> None:
    if quantity:
        one["quantity"] = quantity
    else:
        one |= {"status": str(OrderStatus.CANCELED), "updated_at": at, "reason": why}


def exits_by_symbol(waiting: Iterable[Row]) -> dict[str, list[Row]]:
    """Of the orders that wait those that are exits, by symbol."""
    found: dict[str, list[Row]] = {}
    for order in waiting:
        if order["parent_id"] is not None:
            found.setdefault(order["symbol"], []).append(order)
    return found


def end_pair(orders: Iterable[Row], order: Row, at: datetime) -> None:
    """One exit was filled: it is through, and the other one with it."""
    for one in orders:
        if one["parent_id"] == order["parent_id"] and one["status"] == OrderStatus.ACCEPTED:
            status = OrderStatus.FILLED if one is order else OrderStatus.CANCELED
            one |= {"status": str(status), "updated_at": at, "reason": None if one is order else "the other exit was filled"}

"""Rows of the paper broker's books: what an order is given of a trade, how it ends, and an entry of the account."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np

from ats_assets.algorithms.order_words import CLOSING
from ats_assets.algorithms.price_grid import plain
from ats_assets.brokers.paper.bracket_exits import STOP_LOSS, Row
from ats_assets.brokers.paper.day import Day
from ats_assets.execution.order import AccountEntry, EntryKind, Leg, OrderKind, OrderStatus, Side, exact
from ats_assets.impact.impact_terms import ImpactTerms
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio import SHARE_DECIMALS
from ats_assets.portfolio.exit_prices import ExitPrices, stops_at_open
from ats_assets.portfolio.limit_orders import NOT_REACHED, is_within
from ats_assets.requests.request_rows import MANUAL

_AT_MARKET = (OrderKind.MARKET_ON_OPEN, OrderKind.MARKET)
"""What is sent before the open to be filled there."""
PRICE_DIGITS = Decimal("1e-16")
"""Of an average price; fine enough that quantity times price gives the cents back."""


def signed_shares(orders: Sequence[tuple[Row, int]], held: Floats) -> Floats:
    """Shares that orders of the symbols at some places are for, negative for sells, of shape (n_symbols,)."""
    shares = np.zeros(len(held))
    for order, i in orders:
        sign, quantity = Side(order["side"]).sign, float(order["quantity"])
        if order["leg"] == Leg.CLOSE:  # it never makes a position
            quantity = min(quantity, max(0.0, -sign * (held[i] + shares[i])))
        shares[i] += sign * quantity
    return np.round(shares, SHARE_DECIMALS)


def is_by_person(order: Row) -> bool:
    """Whether a person has asked for an order, by its id."""
    return str(order["client_order_id"]).startswith(f"{MANUAL}-")


def left_of(terms: ImpactTerms, fills: Sequence[Row], symbols: Sequence[str], at: datetime) -> ImpactTerms:
    """Terms for what is traded after others at the same instant: of a symbol no more than they have left of what can be."""
    left = terms.most_shares.copy()
    for fill in fills:
        if fill["at"] == at:
            left[symbols.index(fill["symbol"])] -= float(fill["quantity"])
    return terms._replace(most_shares=np.maximum(left, 0.0))


def trades_at_open(order: Row, at: int, mark: float, terms: ImpactTerms) -> bool:
    """Whether an order in the symbol `at` takes part in the opening auction.

    All market orders do, limit orders whose limit its price does not exceed with what all of the order costs, and stops that it is beyond.
    """
    if order["kind"] in _AT_MARKET:
        return True
    if order["kind"] in (*CLOSING, OrderKind.WORKED):
        return False
    sign, price = Side(order["side"]).sign, float(order["limit_price"])
    if order["kind"] == STOP_LOSS:
        return stops_at_open(ExitPrices(sign=sign, take_profit=price, stop_loss=price), mark)
    return _with_costs(order, at, mark, terms)


def _with_costs(order: Row, at: int, price: float, terms: ImpactTerms) -> bool:
    """Whether a price does not exceed an order's limit with what all of the order costs."""
    return is_within(float(order["limit_price"]), Side(order["side"]).sign, float(order["quantity"]), price, at, terms)


def within_limit(order: Row, at: int, price: float, terms: ImpactTerms) -> bool:
    """Whether an order takes part in the closing auction: one without a limit, or with one that its price does not exceed with what all of the order costs."""
    return order["limit_price"] is None or _with_costs(order, at, price, terms)


def shared_out(orders: Sequence[Row], quantity: Decimal, paid: int, fees: int) -> Iterator[tuple[Row, Decimal, int, int]]:
    """What was traded at once for several orders, to each what it asked for, in their order: shares, and the cents paid and charged for them; sums stay whole.

    Examples
    --------
    >>> orders = [{"quantity": Decimal(30), "filled_quantity": Decimal(0)}, {"quantity": Decimal(70), "filled_quantity": Decimal(0)}]
    >>> [(int(shares), cents, fees) for _, shares, cents, fees in shared_out(orders, Decimal(90), paid=100_000, fees=101)]
    [(30, 33333, 34), (60, 66667, 67)]
    """
    done = [Decimal(0), 0, 0]
    for order in orders:
        last = order is orders[-1]
        mine = quantity - done[0] if last else min(order["quantity"] - order["filled_quantity"], quantity - done[0])
        if mine <= 0:
            continue
        share = (done[0] + mine) / quantity
        cents, charged = (int((total * share).to_integral_value()) - before for total, before in ((paid, done[1]), (fees, done[2])))
        done = [done[0] + mine, done[1] + cents, done[2] + charged]
        yield order, mine, cents, charged


def fill_row(order: Row, session: date, at: datetime, sequence: int, quantity: Decimal, fees: Decimal) -> Row:  # noqa: PLR0917
    """An execution of an order, without its price."""
    return {
        "fill_id": f"{order['broker_order_id']}-{session:%Y%m%d}-{sequence}",
        "sequence": sequence,
        "session": session,
        "broker_order_id": order["broker_order_id"],
        "client_order_id": order["client_order_id"],
        "symbol": order["symbol"],
        "side": order["side"],
        "quantity": quantity,
        "fees": fees,
        "at": at,
    }


def note_fill(order: Row, quantity: Decimal, paid: Decimal) -> Decimal:
    """Note an execution in its order; its price for one share."""
    before = (order["filled_average_price"] or Decimal(0)) * order["filled_quantity"]
    order["filled_quantity"] += quantity
    order["filled_average_price"] = ((before + paid) / order["filled_quantity"]).quantize(PRICE_DIGITS)
    return (paid / quantity).quantize(PRICE_DIGITS)


def why_unfilled(order: Row, day: Day, i: int) -> str:
    """Why an order of the i-th symbol is left over, of the reasons of a backtest."""
    if not day.quoted[i]:
        return "no_bar"
    if not day.traded[i]:
        return "no_volume"
    return "cash" if order["kind"] in (*_AT_MARKET, OrderKind.MARKET_ON_CLOSE) else NOT_REACHED


def expire(order: Row, reason: str, at: datetime) -> None:
    """An order is for one session: what is not filled by its close has expired."""
    whole = order["filled_quantity"] == order["quantity"]
    order |= {"status": str(OrderStatus.FILLED if whole else OrderStatus.EXPIRED), "updated_at": at, "reason": None if whole else reason}


def account_entry(session: date, at: datetime, symbol: str, kind: EntryKind, shares: float, cash_cents: int, text: str) -> Row:  # noqa: PLR0917
    """A change of the account that no order made."""
    return {
        "entry_id": f"{session:%Y%m%d}-{symbol}-{kind}",
        "session": session,
        "kind": str(kind),
        "symbol": symbol,
        "quantity": exact(np.round(shares, SHARE_DECIMALS)),
        "cash_cents": cash_cents,
        "at": at,
        "description": text,
    }


def booked_entry(row: Any) -> AccountEntry:
    """A stored change of the account, as brokers tell it."""
    return AccountEntry(
        entry_id=row.entry_id,
        kind=EntryKind(row.kind),
        at=row.at,
        symbol=row.symbol or None,
        quantity=row.quantity,
        cash=Decimal(row.cash_cents) * Decimal("0.01"),
        description=row.description,
    )


def as_text(value: float) -> str:
    """A number as a description of an entry has it."""
    return plain(exact(value))

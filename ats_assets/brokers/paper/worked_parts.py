"""Worked orders in the books of a paper account: the session is played from its stored bars, and each part becomes an order of its own, which has ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ats_assets.algorithms.algorithm import Algorithm, ChildRecord, Parent
from ats_assets.algorithms.order_words import Leg, OrderStatus, Side
from ats_assets.algorithms.played_session import PlayedOrder, SessionTimes, WorkedOrder
from ats_assets.algorithms.stored_days import DayPrices, StoredDays
from ats_assets.brokers.paper.book_rows import fill_row, note_fill
from ats_assets.brokers.paper.bracket_exits import Row
from ats_assets.brokers.paper.day import Day
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.impact.impact_terms import ImpactTerms
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import Account, TradeLedger
from ats_assets.portfolio.kernel_settings import cost_rules
from ats_assets.portfolio.worked_session import SessionAccount, WorkedTrade, work_session
from ats_assets.settings import BacktestSettings

CENT = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class PaperWorking:
    """What a paper account works orders with.

    Parameters
    ----------
    days
        The stored sessions.
    make
        How an order is worked -> what works it.
    volume_share
        Of what a minute has traded, that is filled of all orders of a symbol.
    """

    days: StoredDays
    make: Callable[[WorkPlan], Algorithm]
    volume_share: float


@dataclass
class WorkedParts:
    """The orders for parts of a session's worked orders, and their executions."""

    orders: list[Row]
    fills: list[Row]


def work_parts(  # noqa: PLR0917 - the books, and the market
    account: Account,
    worked: Sequence[Row],
    day: Day,
    symbols: Sequence[str],
    marks: Floats,
    settings: BacktestSettings,
    terms: ImpactTerms,
    working: PaperWorking,
    first: int,
) -> WorkedParts:
    """Play the session of the worked orders on the account; the rows of `worked` are brought to their end.

    Parameters
    ----------
    symbols, marks
        Of the account, in its order; what shorts are valued at, for the free cash.
    first
        The number of the first execution within the session.
    """
    rows = {order["symbol"]: symbols.index(order["symbol"]) for order in worked}
    holdings = account.holdings
    played_on = SessionAccount(holdings=holdings, rows=rows, marks=marks, costs=cost_rules(settings), terms=terms)
    told = {symbol: _prices(day, at) for symbol, at in rows.items()}
    times = SessionTimes(session=day.session, opens_at=day.opens_at, closes_at=day.closes_at)
    orders = [_worked(order, times, working) for order in worked]
    played = work_session(played_on, orders, working.days.days(day.session, told), times, volume_share=working.volume_share)
    account.take(holdings, TradeLedger.with_room(1))
    made = WorkedParts(orders=[], fills=[])
    parts: dict[str, Row] = {}
    for order, one in zip(worked, played.orders, strict=True):
        for child in one.children:
            parts[child.client_order_id] = _part(order, child, one)
    for trade in played_on.trades:
        made.fills.append(_execution(parts[trade.fill.client_order_id], trade, day, first + len(made.fills)))
    for order, one in zip(worked, played.orders, strict=True):
        _end(order, one, [parts[child.client_order_id] for child in one.children], day.closes_at)
    made.orders.extend(parts.values())
    return made


def _prices(day: Day, at: int) -> DayPrices:
    traded = bool(day.quoted[at] and day.traded[at])
    return DayPrices(open=float(day.open[at]) if traded else None, close=float(day.close[at]) if traded else None)


def _worked(order: Row, times: SessionTimes, working: PaperWorking) -> WorkedOrder:
    plan = WorkPlan.of(order["work"])
    starts, ends = plan.window(times.opens_at, times.closes_at)
    parent = Parent(
        client_order_id=order["client_order_id"],
        symbol=order["symbol"],
        side=Side(order["side"]),
        leg=Leg(order["leg"]),
        quantity=order["quantity"],
        decision_price=order["decision_price"],
        starts_at=starts,
        ends_at=ends,
        limit_price=order["limit_price"],
        urgency=plan.urgency,
        increments=plan.increments,
    )
    return WorkedOrder(parent=parent, algorithm=working.make(plan), day_end=plan.day_end)


def _part(order: Row, child: ChildRecord, one: PlayedOrder) -> Row:
    """An order for a part; what it got is noted with its executions."""
    return order | {
        "broker_order_id": f"{order['broker_order_id']}-{child.number}",
        "client_order_id": child.client_order_id,
        "parent_id": order["broker_order_id"],
        "kind": str(child.kind),
        "quantity": child.quantity,
        "limit_price": child.limit_price,
        "status": str(child.status),
        "filled_quantity": Decimal(0),
        "filled_average_price": None,
        "submitted_at": child.sent_at,
        "updated_at": child.ended_at or one.parent.ends_at,
        "reason": None if child.status is OrderStatus.FILLED else str(child.status),
        "work": None,
        "new": True,
    }


def _execution(part: Row, made: WorkedTrade, day: Day, number: int) -> Row:
    ledger, quantity = made.ledger, made.fill.quantity
    taken = Decimal(repr(float(ledger.shares[0])))
    paid = int(ledger.notional[0]) + made.fill.side.sign * int(ledger.spread[0] + ledger.slippage[0])
    row = fill_row(part, day.session, made.fill.at, number, min(taken, quantity), Decimal(int(ledger.commission[0])) * CENT)
    return row | {"price": note_fill(part, min(taken, quantity), Decimal(paid) * CENT)}


def _end(order: Row, one: PlayedOrder, parts: Sequence[Row], at: datetime) -> None:
    filled = sum((part["filled_quantity"] for part in parts), Decimal(0))
    paid = sum((part["filled_quantity"] * part["filled_average_price"] for part in parts if part["filled_quantity"]), Decimal(0))
    whole = one.status is OrderStatus.FILLED
    order |= {
        "status": str(one.status),
        "filled_quantity": filled,
        "filled_average_price": (paid / filled).quantize(Decimal("1e-16")) if filled else None,
        "updated_at": at,
        "reason": None if whole else one.reason,
    }

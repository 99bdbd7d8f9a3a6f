"""Worked orders and their parts as rows of the database."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, select, update

from ats_assets.algorithms.algorithm import ChildRecord, Parent, SendChild
from ats_assets.algorithms.order_words import OrderKind, OrderStatus, child_order_id
from ats_assets.execution import state
from ats_assets.execution.order import BrokerOrder, OrderIntent
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.rows import batched, order_of, orders_of, record_order
from ats_assets.execution.state import Author, IntentRow
from ats_assets.execution.worked_intents import OrderPart
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import intents, orders

_NEVER_SENT = (IntentState.WITHDRAWN, IntentState.MISSED)
_AT_BROKER = {
    IntentState.REJECTED: OrderStatus.REJECTED,
    IntentState.WITHDRAWN: OrderStatus.REJECTED,
    IntentState.MISSED: OrderStatus.REJECTED,
}
"""What was never at the broker counts as refused: after some in a row nothing more is sent."""


def worked(connection: Connection, session: date, strategy: str) -> list[IntentRow]:
    """The worked orders of the plan of `session` that are not done, what closes a position first, then by id."""
    rows = [row for row in state.of_session(connection, session, strategy) if row.intent.work is not None]
    left = [row for row in rows if row.state in (IntentState.PLANNED, IntentState.WORKING)]
    return sorted(left, key=lambda row: (row.intent.leg != "close", row.intent.client_order_id))


def children_of(connection: Connection, parent_id: str) -> list[IntentRow]:
    """The parts of a worked order, by number."""
    names = connection.execute(select(intents.c.client_order_id).where(intents.c.parent == parent_id).order_by(intents.c.number)).scalars()
    return [row for row in (state.load(connection, name) for name in names.all()) if row is not None]


def origins_of(connection: Connection, part_ids: Sequence[str]) -> dict[str, tuple[str, Decimal | None]]:
    """Of the ids those of parts of worked orders: whose part each is, and what the market stood at when that order's work began."""
    parent = intents.alias()
    found: dict[str, tuple[str, Decimal | None]] = {}
    for some in batched(part_ids):
        columns = intents.c.client_order_id, intents.c.parent, parent.c.arrival_price
        rows = connection.execute(
            select(*columns).join(parent, intents.c.parent == parent.c.client_order_id).where(intents.c.client_order_id.in_(some))
        )
        found |= {row.client_order_id: (row.parent, row.arrival_price) for row in rows}
    return found


def parent_of(row: IntentRow, opens_at: datetime, closes_at: datetime) -> Parent:
    """A worked order as its algorithm sees it."""
    intent, plan = row.intent, row.intent.work
    if plan is None:
        raise AssertionError(f"{intent.client_order_id} is not worked in parts")
    starts, ends = plan.window(opens_at, closes_at)
    return Parent(
        client_order_id=intent.client_order_id,
        symbol=intent.symbol,
        side=intent.side,
        leg=intent.leg,
        quantity=intent.quantity,
        decision_price=intent.decision_price,
        starts_at=starts,
        ends_at=ends,
        limit_price=intent.limit_price,
        arrival_price=row.arrival_price,
        urgency=plan.urgency,
        increments=plan.increments,
    )


def child_records(connection: Connection, parent_id: str) -> list[ChildRecord]:
    """The parts of a worked order as its algorithm sees them. One that may be at the broker or not may be filled still."""
    rows = children_of(connection, parent_id)
    sent = {order.client_order_id: order for _, order in orders_of(connection, [row.intent.client_order_id for row in rows])}
    return [_child(row, sent.get(row.intent.client_order_id)) for row in rows]


def _child(row: IntentRow, order: BrokerOrder | None) -> ChildRecord:
    intent, part = row.intent, row.intent.part
    if part is None:
        raise AssertionError(f"{intent.client_order_id} is no part of an order")
    status = order.status if order is not None else _AT_BROKER.get(row.state, OrderStatus.UNKNOWN)
    return ChildRecord(
        number=part.number,
        client_order_id=intent.client_order_id,
        kind=intent.kind,
        quantity=intent.quantity,
        limit_price=intent.limit_price,
        sent_at=row.planned_at,
        status=status,
        filled=order.filled_quantity if order else Decimal(0),
        average_price=order.filled_average_price if order else None,
        cancel_asked_at=row.cancel_asked_at,
        ended_at=(order.updated_at if order else row.planned_at) if status.final else None,
        expires_at=part.expires_at,
    )


def plan_part(connection: Connection, author: Author, row: IntentRow, number: int, order: SendChild) -> OrderIntent:
    """Write down a part, before anything is sent, and that its order is being worked."""
    parent = row.intent
    part = replace(
        parent,
        client_order_id=child_order_id(parent.client_order_id, number),
        quantity=order.quantity,
        kind=order.kind,
        limit_price=order.limit_price,
        work=None,
        part=OrderPart(parent=parent.client_order_id, number=number, expires_at=order.expires_at),
    )
    state.plan_one(connection, author, part)
    record(connection, author.now, author.who, "part", client_order_id=part.client_order_id, texts={"reason": order.reason})
    if row.state is IntentState.PLANNED:
        state.move(connection, author, row, IntentState.WORKING, order.reason)
    return part


def note_arrival(connection: Connection, author: Author, row: IntentRow, price: Decimal) -> IntentRow:
    """The price at which working an order begins; it is noted once."""
    here = intents.c.client_order_id == row.intent.client_order_id
    connection.execute(update(intents).where(here, intents.c.arrival_price.is_(None)).values(arrival_price=price))
    record(connection, author.now, author.who, "arrival", client_order_id=row.intent.client_order_id, details={"price": price})
    return replace(row, arrival_price=price)


def note_cancel(connection: Connection, author: Author, part_id: str, reason: str) -> None:
    """That a part is to be cancelled, before the broker is asked."""
    here = intents.c.client_order_id == part_id
    connection.execute(update(intents).where(here, intents.c.cancel_asked_at.is_(None)).values(cancel_asked_at=author.now))
    record(connection, author.now, author.who, "cancel asked for", client_order_id=part_id, texts={"reason": reason})


def broker_order(connection: Connection, part_id: str) -> BrokerOrder | None:
    """A part's order as it was last recorded."""
    row = connection.execute(select(orders).where(orders.c.client_order_id == part_id)).one_or_none()
    return None if row is None else order_of(row)


def take_parts(connection: Connection, author: Author, parent_id: str, order: BrokerOrder) -> None:
    """Write down the parts that a broker has made of a worked order itself, as intents of their own; of any other order nothing."""
    row = state.load(connection, parent_id) if order.legs else None
    if row is None or row.intent.work is None:
        return
    for one in order.legs:
        if state.load(connection, one.client_order_id) is None:
            part = replace(
                row.intent,
                client_order_id=one.client_order_id,
                quantity=one.quantity,
                kind=one.kind or OrderKind.MARKET,
                limit_price=one.limit_price,
                work=None,
                part=OrderPart(parent=parent_id, number=int(one.broker_order_id.rpartition("-")[2])),
            )
            state.plan_one(connection, author, part)
        record_order(connection, one.client_order_id, one)
        state.at_broker(connection, author, one.client_order_id, one)

"""Orders, fills, entries and snapshots in the database: what was recorded is recorded once, whatever is read again."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, Row, Table, select, update

from ats_assets.execution.order import AccountEntry, AccountState, BrokerOrder, EntryKind, Fill, OrderStatus, Position, Side
from ats_assets.trade_state import insert_missing
from ats_assets.trade_state.tables import account_snapshots, entries, fills, orders, positions

_BATCH = 500
"""Values in one statement, and rows of one page: databases take some thousands of parameters at most."""


def batched(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values in pieces that one statement takes."""
    return (values[i : i + _BATCH] for i in range(0, len(values), _BATCH))


def existing(connection: Connection, column: Column[str], values: Sequence[str]) -> set[str]:
    """Those of the values that the column has."""
    return {found for some in batched(values) for found in connection.execute(select(column).where(column.in_(some))).scalars()}


def recorded_times(connection: Connection, fill_ids: Sequence[str]) -> dict[str, datetime]:
    """Of executions when they were recorded, by our own clock; `at` is the venue's."""
    columns = fills.c.fill_id, fills.c.recorded_at
    found = (connection.execute(select(*columns).where(fills.c.fill_id.in_(some))) for some in batched(fill_ids))
    return {row.fill_id: row.recorded_at for rows in found for row in rows}


def in_time_order(connection: Connection, table: Table, since: datetime) -> Iterator[Row[Any]]:
    """The rows of `fills` or `entries` from an instant on, the oldest first, page by page: who stops early has read little more."""
    (key,) = table.primary_key.columns
    page = connection.execute(select(table).where(table.c.at >= since).order_by(table.c.at, key).limit(_BATCH)).all()
    while page:
        yield from page
        last = page[-1]
        after = (table.c.at > last.at) | ((table.c.at == last.at) & (key > last._mapping[key.name]))
        page = connection.execute(select(table).where(table.c.at >= last.at, after).order_by(table.c.at, key).limit(_BATCH)).all()


def record_order(connection: Connection, intent_id: str, order: BrokerOrder) -> BrokerOrder:
    """Write down an order and its legs as the broker has them, and give what is now known of it.

    A final status stays, and a filled quantity never falls: an answer may be older than the last. Of exits the quantity may change, and of all the ticker.
    """
    values = {
        "symbol": order.symbol,
        "quantity": order.quantity,
        "status": order.status.value,
        "filled_quantity": order.filled_quantity,
        "filled_average_price": order.filled_average_price,
        "updated_at": order.updated_at,
        "reason": order.reason,
    }
    fixed = {
        "broker_order_id": order.broker_order_id,
        "client_order_id": order.client_order_id,
        "intent_id": intent_id,
        "side": order.side.value,
        "submitted_at": order.submitted_at,
    }
    if not insert_missing(connection, orders, fixed | values):
        here = orders.c.broker_order_id == order.broker_order_id
        known = connection.execute(select(orders).where(here).with_for_update()).one()
        older = order.filled_quantity < known.filled_quantity or (OrderStatus(known.status).final and not order.status.final)
        if not older:
            connection.execute(update(orders).where(here).values(**values, settled_in=None))
    for leg in order.legs:
        record_order(connection, intent_id, leg)
    return order_of(connection.execute(select(orders).where(orders.c.broker_order_id == order.broker_order_id)).one())


def orders_of(
    connection: Connection, intent_ids: Sequence[str] | None = None, *, unfinished: bool = False
) -> list[tuple[str, BrokerOrder]]:
    """The orders recorded, each with the id of its intent: those of some intents, or all; `unfinished`: only those that are not final."""
    query = select(orders).order_by(orders.c.submitted_at, orders.c.broker_order_id)
    if intent_ids is not None:
        query = query.where(orders.c.intent_id.in_(intent_ids))
    if unfinished:
        query = query.where(orders.c.status.in_([status.value for status in OrderStatus if not status.final]))
    return [(row.intent_id, order_of(row)) for row in connection.execute(query)]


def order_of(row: Row[Any]) -> BrokerOrder:
    """An order as it was recorded, a bracket's legs apart."""
    return BrokerOrder(
        broker_order_id=row.broker_order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        status=OrderStatus(row.status),
        filled_quantity=row.filled_quantity,
        filled_average_price=row.filled_average_price,
        submitted_at=row.submitted_at,
        updated_at=row.updated_at,
        reason=row.reason,
    )


def record_fill(connection: Connection, fill: Fill, *, intent_id: str | None, baseline_id: int | None, now: datetime) -> bool:
    """Write down a fill under the broker's id of it; tells whether it is new."""
    values = {
        "fill_id": fill.fill_id,
        "broker_order_id": fill.broker_order_id,
        "client_order_id": fill.client_order_id,
        "intent_id": intent_id,
        "baseline_id": baseline_id,
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": fill.quantity,
        "price": fill.price,
        "multiplier": None if fill.multiplier == 1 else fill.multiplier,
        "fees": fill.fees,
        "at": fill.at,
        "recorded_at": now,
    }
    return insert_missing(connection, fills, values)


def record_entry(connection: Connection, entry: AccountEntry, *, baseline_id: int | None, now: datetime) -> bool:
    """Write down an entry of the account under the broker's id of it; tells whether it is new."""
    values = {
        "entry_id": entry.entry_id,
        "baseline_id": baseline_id,
        "kind": entry.kind.value,
        "symbol": entry.symbol,
        "quantity": entry.quantity,
        "cash": entry.cash,
        "at": entry.at,
        "description": entry.description,
        "recorded_at": now,
    }
    return insert_missing(connection, entries, values)


def fill_of(row: Row[Any]) -> Fill:
    """A row of fills."""
    return Fill(
        fill_id=row.fill_id,
        broker_order_id=row.broker_order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        price=row.price,
        fees=row.fees,
        at=row.at,
        multiplier=getattr(row, "multiplier", None) or Decimal(1),
    )


def entry_of(row: Row[Any]) -> AccountEntry:
    """A row of entries."""
    return AccountEntry(
        entry_id=row.entry_id,
        kind=EntryKind(row.kind),
        at=row.at,
        symbol=row.symbol,
        quantity=row.quantity,
        cash=row.cash,
        description=row.description,
    )


def record_snapshot(
    connection: Connection, kind: str, broker: str, account: AccountState, held: Sequence[Position], *, session: date | None = None
) -> int:
    """Write down an account with its positions; gives the snapshot's id."""
    values = {
        "kind": kind,
        "session": session,
        "broker": broker,
        "account_id": account.account_id,
        "at": account.at,
        "cash": account.cash,
        "equity": account.equity,
        "buying_power": account.buying_power,
        "trading_blocked": account.trading_blocked,
    }
    key = connection.execute(account_snapshots.insert().values(values)).inserted_primary_key
    if key is None:
        raise AssertionError("an inserted row has a key")
    rows = [
        {
            "snapshot_id": key[0],
            "symbol": p.symbol,
            "quantity": p.quantity,
            "cost": p.cost,
            "price": p.price,
            "multiplier": None if p.multiplier == 1 else p.multiplier,
        }
        for p in held
    ]
    if rows:
        connection.execute(positions.insert(), rows)
    return key[0]


def latest_snapshot(connection: Connection, kind: str, session: date | None = None) -> Row[Any] | None:
    """The newest snapshot of the kind, of the session where one is given."""
    query = select(account_snapshots).where(account_snapshots.c.kind == kind).order_by(account_snapshots.c.id.desc()).limit(1)
    if session is not None:
        query = query.where(account_snapshots.c.session == session)
    return connection.execute(query).one_or_none()


def account_of(row: Row[Any]) -> AccountState:
    """The account of a snapshot."""
    return AccountState(
        account_id=row.account_id,
        at=row.at,
        cash=row.cash,
        equity=row.equity,
        buying_power=row.buying_power,
        trading_blocked=row.trading_blocked,
    )


def positions_of(connection: Connection, snapshot_id: int) -> list[Position]:
    """The positions of a snapshot, by symbol."""
    rows = connection.execute(select(positions).where(positions.c.snapshot_id == snapshot_id).order_by(positions.c.symbol))
    return [
        Position(symbol=row.symbol, quantity=row.quantity, cost=row.cost, price=row.price, multiplier=row.multiplier or Decimal(1))
        for row in rows
    ]

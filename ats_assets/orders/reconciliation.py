"""Our records against the broker's: what the account should be, by the baseline and all that came since, and what it is.

Both sides are read while the broker goes on trading. So the account is read before and after the fills, until both readings agree, and a difference counts
only when it is still there after a while: a fill's position may be seen before the fill.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, func, select

from ats_assets.orders.broker import Broker, BrokerError
from ats_assets.orders.order import AccountEntry, AccountState, BrokerOrder, Fill, Position, Side
from ats_assets.orders.outcome import Difference, DifferenceKind
from ats_assets.orders.rows import positions_of
from ats_assets.trade_state.tables import account_snapshots, entries, fills, intents, orders

OVERLAP = timedelta(days=10)
"""Fills and entries are read again from so long before the newest one known: they may appear late, and each is recorded once anyway."""

_HALF_CENT = Decimal("0.005")


@dataclass(frozen=True, kw_only=True)
class BrokerView:
    """The broker's side, at one moment."""

    account: AccountState
    positions: tuple[Position, ...]
    fills: tuple[Fill, ...]
    entries: tuple[AccountEntry, ...]
    open_orders: tuple[BrokerOrder, ...]


def read_broker(broker: Broker, since: datetime, *, readings: int) -> BrokerView:
    """Read the account with what led to it.

    Raises
    ------
    BrokerError
        If it changes from each reading to the next.
    """
    account, positions = broker.account(), broker.positions()
    for _ in range(readings):
        executed, booked, unfilled = broker.fills(since), broker.entries(since), broker.open_orders()
        again, held = broker.account(), broker.positions()
        same = again.cash == account.cash and _quantities(held) == _quantities(positions)
        account, positions = again, held
        if same:
            return BrokerView(
                account=account, positions=tuple(held), fills=tuple(executed), entries=tuple(booked), open_orders=tuple(unfilled)
            )
    raise BrokerError(f"the account at {broker.name} changes faster than it can be read ({readings} readings): reconcile again later")


def read_since(connection: Connection, baseline_at: datetime) -> datetime:
    """From when on fills and entries are read."""
    newest = [connection.execute(select(func.max(table.c.at))).scalar_one_or_none() for table in (fills, entries)]
    return max([baseline_at, *(at for at in newest if at is not None)]) - OVERLAP


def compare(connection: Connection, baseline_id: int, view: BrokerView, cash_tolerance: Decimal) -> list[Difference]:
    """All differences, once the view's fills, entries and orders are recorded."""
    return [
        *_position_differences(expected_positions(connection, baseline_id), _quantities(view.positions)),
        *_cash_difference(connection, baseline_id, view.account.cash, cash_tolerance),
        *_foreign_fills(connection),
        *_foreign_orders(connection, view.open_orders),
        *_missing_fills(connection, baseline_id),
    ]


def expected_positions(connection: Connection, baseline_id: int) -> dict[str, Decimal]:
    """Shares by symbol that follow from the baseline and what came since; without zeros."""
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    for position in positions_of(connection, baseline_id):
        held[position.symbol] += position.quantity
    for row in connection.execute(select(fills.c.symbol, fills.c.side, fills.c.quantity).where(fills.c.baseline_id == baseline_id)):
        held[row.symbol] += Side(row.side).sign * row.quantity
    for row in connection.execute(select(entries.c.symbol, entries.c.quantity).where(entries.c.baseline_id == baseline_id)):
        if row.symbol is not None:
            held[row.symbol] += row.quantity
    return {symbol: quantity for symbol, quantity in sorted(held.items()) if quantity}


def expected_cash(connection: Connection, baseline_id: int) -> tuple[Decimal, Decimal]:
    """The cash that follows from the baseline and what came since, and by how much a broker that keeps whole cents may be off.

    An execution whose value is no whole number of cents, as those of fractional shares, is rounded by at most half a cent.
    """
    cash = connection.execute(select(account_snapshots.c.cash).where(account_snapshots.c.id == baseline_id)).scalar_one()
    rounding = Decimal(0)
    columns = (fills.c.side, fills.c.quantity, fills.c.price, fills.c.fees)
    for row in connection.execute(select(*columns).where(fills.c.baseline_id == baseline_id)):
        change = -Side(row.side).sign * row.quantity * row.price - row.fees
        cash += change
        rounding += _HALF_CENT if change != round(change, 2) else 0
    booked = connection.execute(select(entries.c.cash).where(entries.c.baseline_id == baseline_id)).scalars()
    return cash + sum(booked, Decimal(0)), rounding


def _quantities(positions: Sequence[Position]) -> dict[str, Decimal]:
    return {position.symbol: position.quantity for position in positions if position.quantity}


def _position_differences(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]) -> list[Difference]:
    found = []
    for symbol in sorted({*ours, *theirs}):
        here, there = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
        if here != there:
            message = f"{symbol}: {there} shares at the broker, {here} by our records"
            found.append(Difference(kind=DifferenceKind.POSITION, subject=symbol, ours=here, theirs=there, message=message))
    return found


def _cash_difference(connection: Connection, baseline_id: int, theirs: Decimal, tolerance: Decimal) -> list[Difference]:
    ours, rounding = expected_cash(connection, baseline_id)
    if abs(theirs - ours) <= tolerance + rounding:
        return []
    message = f"cash: {theirs} at the broker, {ours} by our records"
    return [Difference(kind=DifferenceKind.CASH, subject="cash", ours=ours, theirs=theirs, message=message)]


def _foreign_fills(connection: Connection) -> list[Difference]:
    foreign = select(fills).where(fills.c.intent_id.is_(None), fills.c.baseline_id.is_not(None), fills.c.acknowledged_at.is_(None))
    return [
        Difference(
            kind=DifferenceKind.FOREIGN_FILL,
            subject=row.broker_order_id,
            ours=None,
            theirs=row.quantity,
            message=f"{row.symbol}: {row.side} {row.quantity} at {row.price} by order {row.client_order_id or row.broker_order_id}, which is not ours",
        )
        for row in connection.execute(foreign.order_by(fills.c.at, fills.c.fill_id))
    ]


def _foreign_orders(connection: Connection, unfilled: Sequence[BrokerOrder]) -> list[Difference]:
    known = set(connection.execute(select(orders.c.broker_order_id)).scalars())
    mine = set(connection.execute(select(intents.c.client_order_id)).scalars())
    return [
        Difference(
            kind=DifferenceKind.FOREIGN_ORDER,
            subject=order.broker_order_id,
            ours=None,
            theirs=order.quantity,
            message=f"{order.symbol}: open order {order.client_order_id} to {order.side} {order.quantity}, which is not ours",
        )
        for order in unfilled
        if order.broker_order_id not in known and order.client_order_id not in mine
    ]


def _missing_fills(connection: Connection, baseline_id: int) -> list[Difference]:
    """Orders of ours since the baseline whose fills do not add up to what the broker says was filled."""
    since = select(account_snapshots.c.at).where(account_snapshots.c.id == baseline_id).scalar_subquery()
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in connection.execute(select(fills.c.broker_order_id, fills.c.quantity)):
        sums[row.broker_order_id] += row.quantity
    found = []
    for row in connection.execute(select(orders).where(orders.c.submitted_at >= since).order_by(orders.c.broker_order_id)):
        ours = sums[row.broker_order_id]
        if ours != row.filled_quantity:
            message = f"{row.client_order_id}: {row.filled_quantity} filled at the broker, {ours} in its fills"
            found.append(
                Difference(kind=DifferenceKind.FILLS, subject=row.client_order_id, ours=ours, theirs=row.filled_quantity, message=message)
            )
    return found

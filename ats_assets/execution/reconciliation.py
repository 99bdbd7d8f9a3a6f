"""Reconciliation: the account expected from the baseline and all that came since, compared with the broker's.

Both sides are read while the broker continues to trade. So the account is read before and after the fills, until both readings agree, and a difference counts
only when it is still there after a while: a fill's position may be seen before the fill.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection, func, select

from ats_assets.execution.broker import Broker, BrokerError
from ats_assets.execution.contract_legs import is_contract, is_package
from ats_assets.execution.fees_in_kind import Withheld, withheld
from ats_assets.execution.order import AccountEntry, AccountState, BrokerOrder, Fill, ForeignOrder, Position
from ats_assets.execution.outcome import Difference, DifferenceKind
from ats_assets.execution.rows import batched, existing
from ats_assets.execution.running_account import HALF_CENT, RunningAccount, read_running_account
from ats_assets.trade_state.tables import account_snapshots, entries, fills, intents, orders, unacknowledged

OVERLAP = timedelta(days=10)
"""Fills and entries are read again from so long before the newest one known: they may appear late, and each is recorded once anyway."""

ROUNDING_LIMIT = Decimal("5.00")
"""In currency. Roundings of n executions, each up or down by chance, add up to 0.0029 * sqrt(n): 0.46 in a year of a hundred a session, 1.45 in ten."""


@dataclass(frozen=True, kw_only=True)
class BrokerView:
    """The broker's side, at one moment."""

    account: AccountState
    positions: tuple[Position, ...]
    fills: tuple[Fill, ...]
    entries: tuple[AccountEntry, ...]
    open_orders: tuple[BrokerOrder | ForeignOrder, ...]
    withheld: Withheld = field(default_factory=Withheld)


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
                account=account,
                positions=tuple(held),
                fills=tuple(executed),
                entries=tuple(booked),
                open_orders=tuple(unfilled),
                withheld=withheld(broker.fee_in_kind, executed, booked, account.at),
            )
    raise BrokerError(f"the account at {broker.name} changes faster than it can be read ({readings} readings): reconcile again later")


def read_since(connection: Connection, baseline_at: datetime) -> datetime:
    """From when on fills and entries are read."""
    newest = [connection.execute(select(func.max(table.c.at))).scalar_one_or_none() for table in (fills, entries)]
    return max([baseline_at, *(at for at in newest if at is not None)]) - OVERLAP


def compare(
    connection: Connection, baseline_id: int, view: BrokerView, cash_tolerance: Decimal, rounding_limit: Decimal = ROUNDING_LIMIT
) -> list[Difference]:
    """All differences, once the view's fills, entries and orders are recorded; none that a fee explains which is taken and not booked yet.

    Parameters
    ----------
    cash_tolerance
        Difference of the cash that is passed over, in currency.
    rounding_limit
        What roundings of executions may add up to beside it, in currency: since the last settled session, and in all since the baseline.
    """
    running = read_running_account(connection, baseline_id)
    apart = _position_differences(running.positions, _quantities(view.positions))
    return [
        *(difference for difference in apart if not view.withheld.explains(difference)),
        *_cash_difference(running, view.account.cash, cash_tolerance, rounding_limit, view.withheld),
        *_foreign_fills(connection),
        *_foreign_orders(connection, view.open_orders),
        *_missing_fills(connection, baseline_id),
    ]


def expected_cash(connection: Connection, baseline_id: int, rounding_limit: Decimal = ROUNDING_LIMIT) -> tuple[Decimal, Decimal]:
    """The cash that follows from the baseline and what came since, and by how much a broker that keeps whole cents may be off.

    An execution whose value is no whole number of cents, as those of fractional shares, is rounded by at most half a cent; all of them together are off
    by no more than the limit, since roundings mostly cancel out.
    """
    running = read_running_account(connection, baseline_id)
    return running.cash, _rounding(running.inexact, rounding_limit)


def _quantities(positions: Sequence[Position]) -> dict[str, Decimal]:
    return {position.symbol: position.quantity for position in positions if position.quantity}


def _position_differences(ours: Mapping[str, Decimal], theirs: Mapping[str, Decimal]) -> list[Difference]:
    found = []
    for symbol in sorted({*ours, *theirs}):
        here, there = ours.get(symbol, Decimal(0)), theirs.get(symbol, Decimal(0))
        if here != there:
            message = f"{symbol}: {there} {'contracts' if is_contract(symbol) else 'shares'} at the broker, {here} by our records"
            found.append(Difference(kind=DifferenceKind.POSITION, subject=symbol, ours=here, theirs=there, message=message))
    return found


def _cash_difference(running: RunningAccount, theirs: Decimal, tolerance: Decimal, limit: Decimal, fees: Withheld) -> list[Difference]:
    """The cash since the last settled session, which has the broker's roundings up to then in it, and in all since the baseline.

    Fees may have been taken that are not booked yet; and some that are booked since the last settled session may have been taken before it.
    """
    since, in_all = running.agreed + running.change, running.cash
    exactly, roughly = (tolerance + _rounding(executions, limit) for executions in (running.inexact_since, running.inexact))
    if not -exactly - fees.cash <= theirs - since <= exactly + fees.booked:
        ours, about = since, ""
    elif not -roughly - fees.cash <= theirs - in_all <= roughly:
        ours, about = in_all, f", more than the roundings of {running.inexact} executions since the baseline may add up to"
    else:
        return []
    message = f"cash: {theirs} at the broker, {ours} by our records{about}"
    return [Difference(kind=DifferenceKind.CASH, subject="cash", ours=ours, theirs=theirs, message=message)]


def _rounding(executions: int, limit: Decimal) -> Decimal:
    return min(HALF_CENT * executions, limit)


def _foreign_fills(connection: Connection) -> list[Difference]:
    return [
        Difference(
            kind=DifferenceKind.FOREIGN_FILL,
            subject=row.broker_order_id,
            ours=None,
            theirs=row.quantity,
            message=f"{row.symbol}: {row.side} {row.quantity} at {row.price} by order {row.client_order_id or row.broker_order_id}, which is not ours",
        )
        for row in connection.execute(select(fills).where(unacknowledged).order_by(fills.c.at, fills.c.fill_id))
    ]


def _foreign_orders(connection: Connection, unfilled: Sequence[BrokerOrder | ForeignOrder]) -> list[Difference]:
    known = existing(connection, orders.c.broker_order_id, [order.broker_order_id for order in unfilled])
    mine = existing(connection, intents.c.client_order_id, [order.client_order_id for order in unfilled])
    return [
        Difference(
            kind=DifferenceKind.FOREIGN_ORDER,
            subject=order.broker_order_id,
            ours=None,
            theirs=None if isinstance(order, ForeignOrder) else order.quantity,
            message=_described(order),
        )
        for order in unfilled
        if isinstance(order, ForeignOrder) or (order.broker_order_id not in known and order.client_order_id not in mine)
    ]


def _described(order: BrokerOrder | ForeignOrder) -> str:
    if isinstance(order, ForeignOrder):
        return f"open order {order.client_order_id or order.broker_order_id}, which is not ours: {order.description}"
    return f"{order.symbol}: open order {order.client_order_id} to {order.side} {order.quantity}, which is not ours"


def _missing_fills(connection: Connection, baseline_id: int) -> list[Difference]:
    """Orders of ours since the baseline whose fills do not add up to what the broker says was filled: those not yet settled, and those with new fills."""
    since = select(account_snapshots.c.at).where(account_snapshots.c.id == baseline_id).scalar_subquery()
    unsettled = select(orders.c.broker_order_id).where(orders.c.settled_in.is_(None), orders.c.submitted_at >= since)
    filled = select(fills.c.broker_order_id).where(fills.c.baseline_id == baseline_id, fills.c.settled_in.is_(None))
    sums: dict[str, Decimal] = dict.fromkeys(
        sorted({*connection.execute(unsettled).scalars(), *connection.execute(filled).scalars()}), Decimal(0)
    )
    for some in batched(list(sums)):
        for row in connection.execute(select(fills.c.broker_order_id, fills.c.quantity).where(fills.c.broker_order_id.in_(some))):
            sums[row.broker_order_id] += row.quantity
    found = []
    for some in batched(list(sums)):
        wanted = select(orders).where(orders.c.broker_order_id.in_(some), orders.c.submitted_at >= since)
        for row in connection.execute(wanted.order_by(orders.c.broker_order_id)):
            ours = sums[row.broker_order_id]
            # a package is filled by its legs, a worked order by its parts, which are orders themselves
            if ours != row.filled_quantity and not is_package(row.symbol) and not _is_worked(connection, row.client_order_id):
                message = f"{row.client_order_id}: {row.filled_quantity} filled at the broker, {ours} in its fills"
                found.append(
                    Difference(
                        kind=DifferenceKind.FILLS, subject=row.client_order_id, ours=ours, theirs=row.filled_quantity, message=message
                    )
                )
    return found


def _is_worked(connection: Connection, client_order_id: str) -> bool:
    query = select(intents.c.work).where(intents.c.client_order_id == client_order_id)
    return connection.execute(query).scalar_one_or_none() is not None

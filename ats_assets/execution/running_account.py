"""Where the account should stand by our records: the last settled session's running account, and what came since.

A comparison costs what came since the last settled session, however long the history. What a running account has is marked by its snapshot's id
(`settled_in`) in the same transaction that stores it, so a crash leaves each fill and entry either in it or among what came since, never in both. A fill that
is recorded late, with a time before the session's end, is not marked, and counts among what came since.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

import polars as pl
from sqlalchemy import Connection, Table, select, update

from ats_assets.execution.names import under_their_names
from ats_assets.execution.order import OrderStatus, Side
from ats_assets.execution.rows import positions_of
from ats_assets.trade_state.tables import account_snapshots, entries, fills, orders, running_accounts, running_positions

HALF_CENT = Decimal("0.005")
"""By which a broker that keeps whole cents rounds an execution at most."""


@dataclass(frozen=True, kw_only=True)
class RunningAccount:
    """An account by our records, in its currency.

    Attributes
    ----------
    cash
        That follows from the baseline and all that came since, to the last digit.
    inexact
        Executions since the baseline that are worth no whole number of cents, as those of fractional shares: each may be rounded by half a cent.
    agreed
        The broker's cash at the last settled session (at the baseline where there is none): its roundings up to then are in it.
    change, inexact_since
        Of the cash, and of `inexact`, since then.
    positions
        Shares by symbol, without zeros.
    """

    baseline_id: int
    cash: Decimal
    inexact: int
    agreed: Decimal
    change: Decimal
    inexact_since: int
    positions: dict[str, Decimal]


def read_running_account(connection: Connection, baseline_id: int) -> RunningAccount:
    """The account as it should be now, once all fills and entries are recorded."""
    of_sessions = (
        select(running_accounts, account_snapshots.c.cash.label("agreed"))
        .join(account_snapshots, account_snapshots.c.id == running_accounts.c.snapshot_id)
        .where(running_accounts.c.baseline_id == baseline_id)
    )
    settled = connection.execute(of_sessions.order_by(running_accounts.c.snapshot_id.desc()).limit(1)).one_or_none()
    held: defaultdict[str, Decimal] = defaultdict(Decimal)
    if settled is None:
        agreed = connection.execute(select(account_snapshots.c.cash).where(account_snapshots.c.id == baseline_id)).scalar_one()
        cash, inexact = agreed, 0
        held |= {position.symbol: position.quantity for position in positions_of(connection, baseline_id)}
    else:
        cash, inexact, agreed = settled.cash, settled.inexact, settled.agreed
        rows = connection.execute(select(running_positions).where(running_positions.c.snapshot_id == settled.snapshot_id))
        held |= {row.symbol: row.quantity for row in rows}
    change, inexact_since = _add_what_came_since(connection, baseline_id, held)
    return RunningAccount(
        baseline_id=baseline_id,
        cash=cash + change,
        inexact=inexact + inexact_since,
        agreed=agreed,
        change=change,
        inexact_since=inexact_since,
        positions={symbol: quantity for symbol, quantity in sorted(held.items()) if quantity},
    )


def store_running_account(
    connection: Connection, baseline_id: int, snapshot_id: int, changes: pl.DataFrame | None = None
) -> RunningAccount:
    """Write down the account of a settled session, whose snapshot is stored in the same transaction, and mark what is in it.

    Parameters
    ----------
    changes
        Changes of name, after which what is recorded under an old ticker, and agreed on, goes on under the broker's.
    """
    running = read_running_account(connection, baseline_id)
    if changes is not None:
        theirs = {position.symbol: position.quantity for position in positions_of(connection, snapshot_id) if position.quantity}
        running = replace(running, positions=under_their_names(running.positions, theirs, changes))
    row = {"snapshot_id": snapshot_id, "baseline_id": baseline_id, "cash": running.cash, "inexact": running.inexact}
    connection.execute(running_accounts.insert().values(row))
    held = [{"snapshot_id": snapshot_id, "symbol": symbol, "quantity": quantity} for symbol, quantity in running.positions.items()]
    if held:
        connection.execute(running_positions.insert(), held)
    for table in (fills, entries):
        since = (table.c.baseline_id == baseline_id) & table.c.settled_in.is_(None)
        connection.execute(update(table).where(since).values(settled_in=snapshot_id))
    close_orders(connection, snapshot_id)
    return running


def close_orders(connection: Connection, snapshot_id: int) -> None:
    """Mark the orders that are through, and whose fills are agreed on: they are not compared again unless something more is heard of them."""
    final = [status.value for status in OrderStatus if status.final]
    connection.execute(update(orders).where(orders.c.settled_in.is_(None), orders.c.status.in_(final)).values(settled_in=snapshot_id))


def _add_what_came_since(connection: Connection, baseline_id: int, held: defaultdict[str, Decimal]) -> tuple[Decimal, int]:
    """Add the shares that came since the last running account to those held; gives the change of the cash, and the number of inexact executions."""
    change, inexact = Decimal(0), 0
    columns = (fills.c.symbol, fills.c.side, fills.c.quantity, fills.c.price, fills.c.fees, fills.c.multiplier)
    for row in connection.execute(select(*columns).where(*_since(fills, baseline_id))):
        sign = Side(row.side).sign
        held[row.symbol] += sign * row.quantity
        flow = -sign * row.quantity * row.price * (row.multiplier or 1) - row.fees
        change += flow
        inexact += flow != round(flow, 2)
    for row in connection.execute(select(entries.c.symbol, entries.c.quantity, entries.c.cash).where(*_since(entries, baseline_id))):
        change += row.cash
        if row.symbol is not None:
            held[row.symbol] += row.quantity
    return change, inexact


def _since(table: Table, baseline_id: int) -> tuple:
    return table.c.baseline_id == baseline_id, table.c.settled_in.is_(None)

"""Settlement of a session: its orders are final, its fills recorded, and account and positions stored once both sides agree."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, Table, func, select

from ats_assets.alerts import Severity
from ats_assets.errors import how_many
from ats_assets.execution import state
from ats_assets.execution.account_book import BASELINE, changes_since_settled, reconcile
from ats_assets.execution.broker import SessionClosedError
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.order import AccountEntry, BrokerOrder, Fill, Leg, OrderStatus
from ats_assets.execution.outcome import Difference, Settlement
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.rows import (
    account_of,
    entry_of,
    fill_of,
    in_time_order,
    latest_snapshot,
    orders_of,
    positions_of,
    record_snapshot,
)
from ats_assets.execution.running_account import read_running_account, store_running_account
from ats_assets.execution.working import close_worked
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import entries, fills

SESSION = "session"


def settle(context: ExecutionContext, session: date) -> Settlement:
    """Bring the orders for the open of `session` to their end, and store where the account stands; what was stored once stays.

    Raises
    ------
    AccountMismatchError, BrokerError
    """
    with context.state.begin() as connection:
        stored = _stored(connection, context, session)
    if stored is not None:
        return stored
    try:
        pending, closed = context.broker.settle(session), False
    except SessionClosedError as error:
        pending, closed = str(error), True
    view, differences = reconcile(context)
    if not closed:
        close_worked(context, session)
    changes = _changes_of_name(context, view)
    with context.writing() as (connection, author):
        sent, rounded = _orders(connection, context, session), Decimal(0)
        if closed:
            pending = f"{pending}. {_moved(sent)}"
        waiting = pending or _waiting(connection, context, session, sent, differences)
        if waiting is None:
            key = record_snapshot(connection, SESSION, context.broker.name, view.account, view.positions, session=session)
            rounded = view.account.cash - store_running_account(connection, _baseline(connection).id, key, changes).cash
            details = {"session": session, "equity": view.account.equity, "rounded": rounded}
            record(connection, author.now, author.who, "settled", details=details)
        settled = Settlement(
            session=session,
            positions=tuple(sorted(view.positions, key=lambda position: position.symbol)),
            account=view.account,
            differences=tuple(differences),
            waiting=waiting,
            closed=closed,
            **_happened(connection, context, session),
        )
    if closed:
        context.tell(Severity.WARNING, f"closed:{session}", f"{session} was no session", waiting or "")
    _tell_roundings(context, session, rounded)
    return settled


def _moved(sent: Sequence[BrokerOrder]) -> str:
    """What becomes of the orders for the open of a session that was none."""
    kept = [order for order in sent if not order.status.final]
    ended = [order for order in sent if order.status.final]
    said = [f"{len(kept)} of its orders wait at the broker for the next open"] if kept else []
    said += [f"{len(ended)} have ended ({', '.join(sorted({str(order.status) for order in ended}))})"] if ended else []
    return f"{' and '.join(said) or 'No order was for it'}: the next session is settled in its place"


def _tell_roundings(context: ExecutionContext, session: date, rounded: Decimal) -> None:
    """Before they stop trading."""
    limit = Decimal(str(context.settings.rounding_limit))
    if 2 * abs(rounded) > limit + 2 * Decimal(str(context.settings.cash_tolerance)):
        text = (
            f"{context.broker.name} has {rounded:+} more cash than follows from its executions since the baseline, and trading stops beyond {limit} "
            "(orders.rounding_limit). See whether it rounds so much; then `ats orders resume --accept` takes its cash as the new baseline."
        )
        context.tell(Severity.WARNING, f"rounding:{session}", "Roundings of executions add up", text)


def _changes_of_name(context: ExecutionContext, view: BrokerView) -> pl.DataFrame | None:
    """Those that may tell the broker's tickers from the records'; asked for where they differ, outside of any transaction."""
    with context.state.begin() as connection:
        recorded = read_running_account(connection, _baseline(connection).id).positions
    same = recorded.keys() == {position.symbol for position in view.positions if position.quantity}
    return None if same else changes_since_settled(context)


def _stored(connection: Connection, context: ExecutionContext, session: date) -> Settlement | None:
    row = latest_snapshot(connection, SESSION, session)
    if row is None:
        return None
    return Settlement(
        session=session,
        positions=tuple(positions_of(connection, row.id)),
        account=account_of(row),
        differences=(),
        waiting=None,
        **_happened(connection, context, session),
    )


def _happened(connection: Connection, context: ExecutionContext, session: date) -> dict[str, Any]:
    return {
        "orders": tuple(_orders(connection, context, session)),
        "fills": tuple(_fills(connection, context, session)),
        "entries": tuple(_entries(connection, context, session)),
    }


def _orders(connection: Connection, context: ExecutionContext, session: date) -> list[BrokerOrder]:
    """The orders of the last plan before the session, without exits, which are for as long as the position is held."""
    decided = state.last_session_before(connection, session, context.settings.strategy)
    if decided is None:
        return []
    rows = state.of_session(connection, decided, context.settings.strategy)
    ids = [row.intent.client_order_id for row in rows if row.intent.leg is not Leg.EXIT]
    return [order for intent_id, order in orders_of(connection, ids) if order.client_order_id == intent_id]


def _waiting(
    connection: Connection, context: ExecutionContext, session: date, sent: Sequence[BrokerOrder], differences: Sequence[Difference]
) -> str | None:
    if differences:
        return f"{how_many(len(differences), 'difference')} from the broker, which a person must see to"
    open_ids = [
        f"{one.client_order_id}{f' ({one.reason})' if one.status is OrderStatus.UNKNOWN else ''}" for one in sent if not one.status.final
    ]
    if open_ids:
        return f"{how_many(len(open_ids), 'order is', 'orders are')} still open: {', '.join(open_ids[:5])}"
    newest = connection.execute(select(func.max(fills.c.at)).where(fills.c.baseline_id == _baseline(connection).id)).scalar_one()
    if newest is not None and context.session_of(newest) > session:
        return f"{session} was not settled in its time: the account has fills of later sessions already, and its state at {session} is not known"
    return None


def _fills(connection: Connection, context: ExecutionContext, session: date) -> list[Fill]:
    return [fill_of(row) for row in _of_session(connection, context, fills, session)]


def _entries(connection: Connection, context: ExecutionContext, session: date) -> list[AccountEntry]:
    return [entry_of(row) for row in _of_session(connection, context, entries, session)]


def _of_session(connection: Connection, context: ExecutionContext, table: Table, session: date) -> Iterator[Row[Any]]:
    """The rows of a session: instants in order are of sessions in order, and no session opens two days before its date."""
    for row in in_time_order(connection, table, datetime.combine(session, time(), UTC) - timedelta(days=2)):
        of = context.session_of(row.at)
        if of > session:
            return
        if of == session:
            yield row


def _baseline(connection: Connection) -> Row[Any]:
    """The current baseline, which the first reconciliation has made."""
    found = latest_snapshot(connection, BASELINE)
    if found is None:
        raise AssertionError("an account is settled after it was reconciled")
    return found

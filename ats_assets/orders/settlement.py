"""Where a session has ended: its orders through, its fills here, the account and its positions stored once both sides agree."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, select

from ats_assets.orders import state
from ats_assets.orders.account_book import BASELINE, reconcile
from ats_assets.orders.order import AccountEntry, BrokerOrder, Fill, Leg
from ats_assets.orders.outcome import Difference, Settlement
from ats_assets.orders.rows import account_of, entry_of, fill_of, latest_snapshot, orders_of, positions_of, record_snapshot
from ats_assets.orders.shift import Shift
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import entries, fills

SESSION = "session"


def settle(shift: Shift, session: date) -> Settlement:
    """Bring the orders for the open of `session` to their end, and store where the account stands; what was stored once stays.

    Raises
    ------
    AccountMismatchError, BrokerError
    """
    with shift.state.begin() as connection:
        stored = _stored(connection, shift, session)
    if stored is not None:
        return stored
    pending = shift.broker.settle(session)
    view, differences = reconcile(shift)
    with shift.writing() as (connection, author):
        sent = _orders(connection, shift, session)
        waiting = pending or _waiting(connection, shift, session, sent, differences)
        if waiting is None:
            record_snapshot(connection, SESSION, shift.broker.name, view.account, view.positions, session=session)
            record(connection, author.now, author.who, "settled", details={"session": session, "equity": view.account.equity})
        return Settlement(
            session=session,
            positions=tuple(sorted(view.positions, key=lambda position: position.symbol)),
            account=view.account,
            differences=tuple(differences),
            waiting=waiting,
            **_happened(connection, shift, session),
        )


def _stored(connection: Connection, shift: Shift, session: date) -> Settlement | None:
    row = latest_snapshot(connection, SESSION, session)
    if row is None:
        return None
    return Settlement(
        session=session,
        positions=tuple(positions_of(connection, row.id)),
        account=account_of(row),
        differences=(),
        waiting=None,
        **_happened(connection, shift, session),
    )


def _happened(connection: Connection, shift: Shift, session: date) -> dict[str, Any]:
    return {
        "orders": tuple(_orders(connection, shift, session)),
        "fills": tuple(_fills(connection, shift, session)),
        "entries": tuple(_entries(connection, shift, session)),
    }


def _orders(connection: Connection, shift: Shift, session: date) -> list[BrokerOrder]:
    """The orders of the last plan before the session, without exits, which are for as long as the position is held."""
    decided = state.last_session_before(connection, session, shift.settings.strategy)
    if decided is None:
        return []
    rows = state.of_session(connection, decided, shift.settings.strategy)
    ids = [row.intent.client_order_id for row in rows if row.intent.leg is not Leg.EXIT]
    return [order for intent_id, order in orders_of(connection, ids) if order.client_order_id == intent_id]


def _waiting(
    connection: Connection, shift: Shift, session: date, sent: Sequence[BrokerOrder], differences: Sequence[Difference]
) -> str | None:
    if differences:
        return f"{len(differences)} difference(s) from the broker, which a person must see to"
    open_ids = [order.client_order_id for order in sent if not order.status.final]
    if open_ids:
        return f"{len(open_ids)} order(s) are still open: {', '.join(open_ids[:5])}"
    later = [fill for fill in _since_baseline(connection, fills) if shift.session_of(fill.at) > session]
    if later:
        return f"{session} was not settled in its time: the account has fills of later sessions already, and its state at {session} is not known"
    return None


def _fills(connection: Connection, shift: Shift, session: date) -> list[Fill]:
    return [
        fill_of(row)
        for row in connection.execute(select(fills).order_by(fills.c.at, fills.c.fill_id))
        if shift.session_of(row.at) == session
    ]


def _entries(connection: Connection, shift: Shift, session: date) -> list[AccountEntry]:
    query = select(entries).order_by(entries.c.at, entries.c.entry_id)
    return [entry_of(row) for row in connection.execute(query) if shift.session_of(row.at) == session]


def _since_baseline(connection: Connection, table: Any) -> Sequence[Row[Any]]:
    baseline = latest_snapshot(connection, BASELINE)
    return [] if baseline is None else connection.execute(select(table).where(table.c.baseline_id == baseline.id)).all()

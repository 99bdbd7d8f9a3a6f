"""Bringing the records up to date with the broker: unresolved intents, open orders, fills, entries, and differences."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, select

from ats_assets.alerts import Severity
from ats_assets.algorithms.price_grid import plain
from ats_assets.execution import state
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.fees_in_kind import was_taken_before
from ats_assets.execution.halts import halt
from ats_assets.execution.names import TOGETHER_DAYS, without_changes_of_name
from ats_assets.execution.order import BrokerOrder, Fill, ForeignOrder
from ats_assets.execution.outcome import AccountMismatchError, Difference, DifferenceKind, IntentState
from ats_assets.execution.reconciliation import OVERLAP, BrokerView, compare, read_broker, read_since
from ats_assets.execution.rows import existing, latest_snapshot, orders_of, record_entry, record_fill, record_order, record_snapshot
from ats_assets.execution.running_account import close_orders
from ats_assets.execution.sending import resolve, take
from ats_assets.execution.worked_state import take_parts
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import orders

BASELINE = "baseline"


def reconcile(context: ExecutionContext) -> tuple[BrokerView, list[Difference]]:
    """Bring the records up to date and compare; a difference that stays stops trading.

    Raises
    ------
    AccountMismatchError
        If the records are of another account.
    BrokerError
        If the broker can't be asked, or the outcome of a request stays unknown.
    """
    baseline = _baseline(context)
    _resolve_requests(context)
    view, differences = _reading(context, baseline)
    for _ in range(context.timeouts.retries):
        if not differences:
            return view, []
        context.clock.sleep(context.timeouts.retry_seconds)
        view, differences = _reading(context, baseline)
    if differences:
        _stop(context, differences)
    return view, differences


def _reading(context: ExecutionContext, baseline: Row[Any]) -> tuple[BrokerView, list[Difference]]:
    gone = refresh_orders(context)
    view, new = _read(context, baseline)
    _tell_fills(context, new)
    with context.state.begin() as connection:
        passed_over = (Decimal(str(value)) for value in (context.settings.cash_tolerance, context.settings.rounding_limit))
        found = gone + compare(connection, baseline.id, view, *passed_over)
    if any(one.kind is DifferenceKind.POSITION for one in found):
        found = without_changes_of_name(found, changes_since_settled(context))
    return view, found


def changes_since_settled(context: ExecutionContext) -> pl.DataFrame:
    """The changes of name that may tell the broker's tickers from those of the records, which are of the last settled session or the baseline."""
    with context.state.begin() as connection:
        known = latest_snapshot(connection, "session") or latest_snapshot(connection, BASELINE)
    newest = context.clock.now() if known is None else min(known.at, context.clock.now())
    return context.name_changes(newest.date() - timedelta(days=TOGETHER_DAYS))


def adopt_baseline(context: ExecutionContext) -> Row[Any]:
    """Store the broker's account as the new baseline: at the first start, or when a person says so."""
    view = read_broker(context.broker, context.clock.now() - OVERLAP, readings=context.timeouts.retries)
    with context.writing() as (connection, author):
        for fill in view.fills:
            record_fill(connection, fill, intent_id=_intent_of(connection, fill), baseline_id=None, now=author.now)
        for entry in view.entries:
            record_entry(connection, entry, baseline_id=None, now=author.now)
        close_orders(connection, record_snapshot(connection, BASELINE, context.broker.name, view.account, view.positions))
        details = {"account": view.account.account_id, "cash": view.account.cash, "positions": len(view.positions)}
        record(connection, author.now, author.who, "baseline", details=details)
        adopted = latest_snapshot(connection, BASELINE)
    if adopted is None:
        raise AssertionError("the baseline was just written")
    return adopted


def _baseline(context: ExecutionContext) -> Row[Any]:
    with context.state.begin() as connection:
        known = latest_snapshot(connection, BASELINE)
    if known is None:
        return adopt_baseline(context)
    account = context.broker.account()
    if (known.broker, known.account_id) != (context.broker.name, account.account_id):
        raise AccountMismatchError(
            f"the trade state {context.state.description} belongs to account {known.account_id} at {known.broker}, not to {account.account_id} at "
            f"{context.broker.name}: give each account its own database (DB_CONNECTION_STR)"
        )
    return known


def _resolve_requests(context: ExecutionContext) -> None:
    with context.state.begin() as connection:
        unresolved = state.in_states(connection, [IntentState.SENDING])
    for row in unresolved:
        resolve(context, row)


def refresh_orders(context: ExecutionContext) -> list[Difference]:
    """Ask for each order that is not final as far as is known; one that the broker no longer has is a difference."""
    gone = []
    with context.state.begin() as connection:
        unfinished = orders_of(connection, unfinished=True)
    for intent_id, order in unfinished:
        found = context.broker.find(order.client_order_id)
        if isinstance(found, ForeignOrder):
            message = f"{order.client_order_id}: {order.status} by our records, at the broker {found.description}"
            gone.append(
                Difference(kind=DifferenceKind.ORDER, subject=order.client_order_id, ours=order.quantity, theirs=None, message=message)
            )
            continue
        if found is not None:
            with context.writing() as (connection, author):
                _write_order(connection, author, intent_id, found)
            continue
        message = f"{order.client_order_id}: {order.status} by our records, and unknown at the broker"
        gone.append(Difference(kind=DifferenceKind.ORDER, subject=order.client_order_id, ours=order.quantity, theirs=None, message=message))
    return gone


def _write_order(connection: Connection, author: state.Author, intent_id: str, order: BrokerOrder) -> None:
    if order.client_order_id == intent_id:
        take_parts(connection, author, intent_id, order)
        state.at_broker(connection, author, intent_id, order)
    else:
        record_order(connection, intent_id, order)


def _read(context: ExecutionContext, baseline: Row[Any]) -> tuple[BrokerView, list[Fill]]:
    """Read the broker's side and write down what is new; first the orders that turn up without our knowledge of them, so that their fills are ours."""
    with context.state.begin() as connection:
        since = read_since(connection, baseline.at)
    view = read_broker(context.broker, since, readings=context.timeouts.retries)
    _take_late_arrivals(context, [*(order for order in view.open_orders if isinstance(order, BrokerOrder)), *view.fills])
    with context.writing() as (connection, author):
        new = [
            fill
            for fill in view.fills
            if record_fill(connection, fill, intent_id=_intent_of(connection, fill), baseline_id=baseline.id, now=author.now)
        ]
        for fill in new:
            details = {"fill": fill.fill_id, "symbol": fill.symbol, "side": fill.side, "quantity": fill.quantity, "price": fill.price}
            record(connection, author.now, author.who, "fill", client_order_id=fill.client_order_id, details=details)
        for entry in view.entries:
            counted = None if was_taken_before(connection, baseline.id, entry) else baseline.id
            if record_entry(connection, entry, baseline_id=counted, now=author.now):
                details = {
                    "entry": entry.entry_id,
                    "kind": entry.kind,
                    "symbol": entry.symbol,
                    "cash": entry.cash,
                    "quantity": entry.quantity,
                }
                record(connection, author.now, author.who, "entry", details=details)
    return view, new


def _take_late_arrivals(context: ExecutionContext, seen: Sequence[BrokerOrder | Fill]) -> None:
    with context.state.begin() as connection:
        known = existing(connection, orders.c.broker_order_id, [item.broker_order_id for item in seen])
        late = {item.client_order_id for item in seen if item.broker_order_id not in known}
        rows = [row for row in (state.load(connection, name) for name in sorted(late)) if row is not None]
    for row in rows:
        found = context.broker.find(row.intent.client_order_id)
        if found is not None:
            take(context, row, found)


def _intent_of(connection: Connection, fill: Fill) -> str | None:
    by_order = connection.execute(select(orders.c.intent_id).where(orders.c.broker_order_id == fill.broker_order_id)).scalar_one_or_none()
    if by_order is not None:
        return by_order
    row = state.load(connection, fill.client_order_id)
    return None if row is None else row.intent.client_order_id


def _tell_fills(context: ExecutionContext, new: Sequence[Fill]) -> None:
    for fill in new:
        title = f"{fill.side} {plain(fill.quantity)} {fill.symbol} at {plain(fill.price)}"
        context.tell(Severity.INFO, f"fill:{fill.fill_id}", title, f"Order {fill.client_order_id} at {context.broker.name}")


def _stop(context: ExecutionContext, differences: Sequence[Difference]) -> None:
    reason = f"{context.broker.name} and our records differ: " + "; ".join(difference.message for difference in differences)
    with context.writing() as (connection, author):
        news = halt(connection, author.now, author.who, reason)
    if news:
        context.tell(Severity.CRITICAL, f"halt:{reason}", "Trading stops", f"{reason}. See to it, then `ats orders resume`.")

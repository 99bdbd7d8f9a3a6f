"""Working orders in parts at a broker, each part exactly once.

One pass, under the lease, after the records were reconciled with the broker:

1. Parts that were written down and are not at the broker are sent, under their ids: a request that is lost can't be told from one that is late, so no other part takes
   their place.
2. Cancels that were written down and have not taken effect are asked for again.
3. Each order's algorithm is asked (`ats_assets.algorithms.stepping`). A part that it sends is an intent of its own, on the disk before its request is sent
   (`ats_assets.execution.sending`); that a part is to be cancelled is on the disk before the broker is asked.
4. It is asked again until it waits, or is done; then the order is `filled` or `expired`.

Nothing is kept in memory, so that a pass can be left at any point, and the next one, of whatever process, goes on there. What an order does is a function of its row, of those of
its parts, and of what the market has shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import polars as pl

from ats_assets.alerts import Severity
from ats_assets.algorithms.algorithm import Algorithm, AlgorithmError, CancelChild, Done, Parent, SendChild, SessionMarket, Wait
from ats_assets.algorithms.order_words import Leg
from ats_assets.algorithms.stepping import MOST_ANSWERS, ended_parent, next_step
from ats_assets.execution import state
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.order import BrokerOrder
from ats_assets.execution.outcome import IntentState, Obstacle
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.room import make_room
from ats_assets.execution.sending import send
from ats_assets.execution.state import IntentRow
from ats_assets.execution.work_pass import WorkPass, Workshop, WorkStep
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.execution.worked_state import (
    broker_order,
    child_records,
    children_of,
    note_arrival,
    note_cancel,
    parent_of,
    plan_part,
    worked,
)
from ats_assets.plugins import ALGORITHMS


def recorded_algorithm(plan: WorkPlan, folder: Path | None = None) -> Algorithm:
    """The algorithm that is recorded with an order, with the settings that it had then.

    Parameters
    ----------
    folder
        The user's own additions, `plugins.folder`.
    """
    return ALGORITHMS.made(plan.kind, plan.settings, folder, f"algorithms.{plan.algorithm}")


def work(context: ExecutionContext, session: date, view: BrokerView, shop: Workshop, *, opening: str | None = None) -> WorkPass:
    """One pass over the orders of the plan of `session` that are worked in parts.

    Parameters
    ----------
    view
        The broker's side as it was just reconciled.
    opening
        Why no position may be opened or enlarged now; None: it may.

    Raises
    ------
    BrokerError
        If the outcome of a request is unknown; the next pass finds it out first.
    """
    with context.state.begin() as connection:
        rows = worked(connection, session, context.settings.strategy)
    steps: list[WorkStep] = []
    closing = {row.intent.symbol for row in rows if row.intent.leg is Leg.CLOSE}
    for row in rows:
        if row.intent.leg is not Leg.CLOSE and row.intent.symbol in closing:
            steps.append(_step(row, "waits", "its position is closed first"))
            continue
        if opening is not None and row.intent.leg is not Leg.CLOSE:
            steps.append(_step(row, "waits", opening))
            continue
        made, stopped = _work_one(context, row, view, shop)
        steps += made
        if stopped:
            return WorkPass(session=session, steps=tuple(steps), next_at=None, stopped=stopped)
        if made and made[-1].what == "done":
            closing -= {row.intent.symbol} if row.intent.leg is Leg.CLOSE else set()
    times = [step.until for step in steps if step.what == "waits" and step.until is not None]
    return WorkPass(session=session, steps=tuple(steps), next_at=min(times, default=None))


def close_worked(context: ExecutionContext, session: date) -> None:
    """Bring worked orders of plans before `session` to their end: their session is over, and so are all of their parts that were sent."""
    with context.state.begin() as connection:
        decided = state.last_session_before(connection, session, context.settings.strategy)
        rows = [] if decided is None else worked(connection, decided, context.settings.strategy)
    for row in rows:
        _close(context, row)


def _close(context: ExecutionContext, row: IntentRow) -> None:
    name, quantity = row.intent.client_order_id, row.intent.quantity
    with context.writing() as (connection, author):
        for part in children_of(connection, name):
            if part.state is IntentState.PLANNED:
                state.move(connection, author, part, IntentState.MISSED, part.reason)
        children = child_records(connection, name)
        if any(child.pending for child in children):
            return
        done = sum((child.filled for child in children), Decimal(0))
        if not children:
            state.move(connection, author, row, IntentState.MISSED, row.reason)
        else:
            to = IntentState.FILLED if done >= quantity else IntentState.EXPIRED
            reason = None if done >= quantity else f"the session is over; {quantity - done:f} of {quantity:f} are unfilled"
            state.move(connection, author, row, to, reason)


def _work_one(context: ExecutionContext, row: IntentRow, view: BrokerView, shop: Workshop) -> tuple[list[WorkStep], str | None]:
    """One order, until it waits or is done; and why trading stops there."""
    steps: list[WorkStep] = []
    if obstacle := _take_up(context, row, view, steps):
        return _held_up(row, obstacle, steps)
    for _ in range(MOST_ANSWERS):
        with context.state.begin() as connection:
            row = _loaded(state.load(connection, row.intent.client_order_id))
            children = child_records(connection, row.intent.client_order_id)
        market, seen = _market(context, row, shop)
        if row.arrival_price is None and seen is not None and market.now >= _parent(row, shop).starts_at:
            with context.writing() as (connection, author):
                row = note_arrival(connection, author, row, seen)
        parent = _parent(row, shop)
        try:
            answer = next_step(_algorithm(row, market, shop), parent, children, market, _plan(row).day_end)
        except AlgorithmError as error:
            context.tell(Severity.WARNING, f"algorithm:{parent.client_order_id}:{error}", "An order is not worked", str(error))
            return [*steps, _step(row, "waits", str(error))], None
        if isinstance(answer, Wait):
            with context.writing() as (connection, author):
                state.record_reason(connection, author, row, answer.reason)
            return [*steps, _step(row, "waits", answer.reason, until=answer.until)], None
        if isinstance(answer, Done):
            with context.writing() as (connection, author):
                done = IntentState(ended_parent(parent, children).value)
                state.move(connection, author, row, done, None if done is IntentState.FILLED else answer.reason)
            if done is not IntentState.FILLED:
                context.tell(
                    Severity.WARNING, f"unfilled:{parent.client_order_id}", f"{parent.client_order_id} is not filled", answer.reason
                )
            return [*steps, _step(row, "done", answer.reason)], None
        if isinstance(answer, CancelChild):
            steps.append(_step(row, "cancels", answer.reason, part=answer.client_order_id))
            _cancel(context, answer)
            continue
        if obstacle := _send(context, row, view, len(children) + 1, answer, steps):
            return _held_up(row, obstacle, steps)
    text = f"{row.intent.client_order_id}: {MOST_ANSWERS} answers in one pass, and none of them is to wait"
    context.tell(Severity.WARNING, f"algorithm:{text}", "An order is not worked", text)
    return [*steps, _step(row, "waits", text)], None


def _take_up(context: ExecutionContext, row: IntentRow, view: BrokerView, steps: list[WorkStep]) -> Obstacle | None:
    """Send parts that are written down and not at the broker, and ask again for cancels that have not taken effect."""
    with context.state.begin() as connection:
        parts = children_of(connection, row.intent.client_order_id)
        orders = {part.intent.client_order_id: broker_order(connection, part.intent.client_order_id) for part in parts}
    for part in parts:
        name = part.intent.client_order_id
        if part.state is IntentState.PLANNED:
            if obstacle := _dispatch(context, name, view):
                return obstacle
            steps.append(_step(row, "sends", "it was written down, and not at the broker", part=name))
        order = orders[name]
        if part.cancel_asked_at is not None and order is not None and not order.status.final:
            context.broker.cancel(order.broker_order_id)
            _look(context, name)
    return None


def _send(  # noqa: PLR0917
    context: ExecutionContext, row: IntentRow, view: BrokerView, number: int, answer: SendChild, steps: list[WorkStep]
) -> Obstacle | None:
    with context.writing() as (connection, author):
        part = plan_part(connection, author, row, number, answer)
    steps.append(_step(row, "sends", answer.reason, part=part.client_order_id))
    return _dispatch(context, part.client_order_id, view)


def _dispatch(context: ExecutionContext, name: str, view: BrokerView) -> Obstacle | None:
    """Bring a part to the broker; gives why it can't be sent now."""
    obstacle = make_room(context, view, name)
    if obstacle is None and (reason := send(context, name)):
        return Obstacle(reason=reason, stops=True)
    return obstacle


def _held_up(row: IntentRow, obstacle: Obstacle, steps: list[WorkStep]) -> tuple[list[WorkStep], str | None]:
    """What stops all, or what holds up this order alone."""
    return (steps, obstacle.reason) if obstacle.stops else ([*steps, _step(row, "waits", obstacle.reason)], None)


def _cancel(context: ExecutionContext, answer: CancelChild) -> None:
    with context.writing() as (connection, author):
        note_cancel(connection, author, answer.client_order_id, answer.reason)
        order = broker_order(connection, answer.client_order_id)
    if order is not None:
        context.broker.cancel(order.broker_order_id)
        _look(context, answer.client_order_id)


def _look(context: ExecutionContext, name: str) -> None:
    """Ask what has become of a part; it may have been filled meanwhile."""
    found = context.broker.find(name)
    if isinstance(found, BrokerOrder):
        with context.writing() as (connection, author):
            state.at_broker(connection, author, name, found)


def _market(context: ExecutionContext, row: IntentRow, shop: Workshop) -> tuple[SessionMarket, Decimal | None]:
    """What the session has shown, and the price that an order would arrive at."""
    hours = shop.hours
    bare = SessionMarket(session=hours.session, opens_at=hours.opens_at, closes_at=hours.closes_at, now=context.clock.now())
    shown = shop.market(row.intent.symbol, bare)
    if shown is None:
        return bare, None
    middle = (shown.bid + shown.ask) / 2 if shown.bid is not None and shown.ask is not None else shown.last
    known = shown.bars.filter(pl.col("known_at") <= pl.lit(bare.now.astimezone(UTC)))
    return replace(shown, now=bare.now, bars=known), middle


def _algorithm(row: IntentRow, market: SessionMarket, shop: Workshop) -> Algorithm:
    """What is recorded; where it needs bars and nobody shows any, one that waits for them: at the day's end its rules hold all the same."""
    algorithm = shop.make(_plan(row))
    blind = algorithm.needs_bars and market.last is None and market.bid is None and market.bars.is_empty()
    return _Blind(algorithm) if blind else algorithm


class _Blind:
    """An algorithm that sees nothing."""

    needs_bars = True
    before_open = False

    def __init__(self, inner: Algorithm) -> None:
        self.settings = inner.settings

    @staticmethod
    def next(parent: Parent, children: Sequence[object], market: SessionMarket) -> Wait:  # noqa: ARG004
        return Wait(until=None, reason="nobody shows it the market: ats trade live does")


def _parent(row: IntentRow, shop: Workshop) -> Parent:
    return parent_of(row, shop.hours.opens_at, shop.hours.closes_at)


def _plan(row: IntentRow) -> WorkPlan:
    if row.intent.work is None:
        raise AssertionError(f"{row.intent.client_order_id} is not worked in parts")
    return row.intent.work


def _loaded(row: IntentRow | None) -> IntentRow:
    if row is None:
        raise AssertionError("an order that is worked is written down")
    return row


def _step(row: IntentRow, what: str, reason: str, *, part: str | None = None, until: datetime | None = None) -> WorkStep:
    return WorkStep(client_order_id=row.intent.client_order_id, what=what, reason=reason, part=part, until=until)

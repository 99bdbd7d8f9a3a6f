"""Going through a plan's orders, and through what it has left to do."""

from collections.abc import Collection, Sequence
from datetime import date

from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.exits import cover
from ats_assets.execution.outcome import Obstacle
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.room import held_back, make_room, waiting_orders
from ats_assets.execution.sending import send


def send_all(context: ExecutionContext, view: BrokerView, names: Sequence[str]) -> tuple[str | None, tuple[str, ...]]:
    """Send intents in turn, each once.

    Returns
    -------
    stopped, waiting
        Why it stopped at one of them, or None; and those that were passed over, since exits hold back their shares.

    Raises
    ------
    BrokerError
    """
    waiting: list[str] = []
    for name in names:
        # where one exit stays pending, those of the others are left working: they would end at the open, when nobody may be here to give new ones
        obstacle = make_room(context, view, name, cancelling=not waiting)
        if obstacle is None:
            reason = send(context, name)
            obstacle = None if reason is None else Obstacle(reason=reason, stops=True)
        if obstacle is not None and obstacle.stops:
            return obstacle.reason, tuple(waiting)
        if obstacle is not None:
            waiting.append(name)
    return None, tuple(waiting)


def take_up(
    context: ExecutionContext, session: date, view: BrokerView, *, but: Collection[str] = ()
) -> tuple[list[str], str | None, tuple[str, ...]]:
    """Send what was passed over in the plan of `session` and is not held back any more, then see to the exits. Once more changes nothing.

    Parameters
    ----------
    view
        The broker's side as it was just reconciled.
    but
        Symbols that get no exits now.

    Returns
    -------
    sent, stopped, waiting
        The client order ids that were taken up, why it stopped at one of them, and those that wait still.

    Raises
    ------
    BrokerError
    """
    with context.state.begin() as connection:
        waiting = waiting_orders(connection, session, context.settings.strategy)
        free = [row for row in waiting if not held_back(connection, view, row)]
    due = waiting if len(free) < len(waiting) and context.broker.cancels_at_once() else free
    stopped, passed = None, ()
    if due:
        names = [row.intent.client_order_id for row in due]
        stopped, passed = send_all(context, view, names)
    stopped = stopped or cover(context, session, None if due else view, but=but)
    left = [row.intent.client_order_id for row in waiting if row not in due]
    return [row.intent.client_order_id for row in due], stopped, (*passed, *left)

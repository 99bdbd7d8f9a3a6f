"""Sending an intent exactly once, in seven steps.

1. The kill switch, a halt (one that a person has asked for counts from when it was written) and the broker's hours may forbid it.
2. Write-ahead: the intent becomes `sending`, committed to the disk with the attempt's number and the executor's token, before any request.
3. The kill switch again, and the clock: a process that was suspended for long since the write-ahead does not send.
4. One request, under the intent's client order id. It is never repeated by itself.
5. An answer sets the intent to the state that the broker reports.
6. No answer, or one that makes no sense: the broker is asked for the order by its id. If it has the order, that is adopted. If not, it is asked again after the
   settling time, and only then is the intent `planned` again, and may be sent once more (from 1).
7. A request that arrives even later meets the broker's rule that an id is taken once; an order that appears when nothing more is sent is found by
   reconciliation, since the broker lists it among the open orders, or its fills.

A process that dies anywhere leaves `planned` (nothing was sent), `sending` (continue at 6) or what the broker has said.
"""

from datetime import timedelta

from ats_assets.alerts import Severity
from ats_assets.execution import state
from ats_assets.execution.broker import BrokerError, DuplicateOrderError, NotSentError, OrderRejectedError, OutcomeUnknownError
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.halts import enact_halts, halt, read_halt, tell_halts
from ats_assets.execution.names import TOGETHER_DAYS, as_renamed
from ats_assets.execution.order import BrokerOrder, ForeignOrder, Leg, OrderStatus
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.state import IntentRow
from ats_assets.execution.worked_state import take_parts
from ats_assets.trade_state import record


def send(context: ExecutionContext, client_order_id: str, *, despite: str | None = None) -> str | None:
    """Bring a planned intent to the broker. Gives why it was not sent and trading stops here; None where its outcome is known.

    Parameters
    ----------
    despite
        The reason of a halt because of which it is sent: one that closes a position after a breach.

    Raises
    ------
    BrokerError
        If its outcome is unknown, and the broker can't be asked: the intent stays `sending`.
    """
    for attempt in range(context.timeouts.attempts):
        row = _load(context, client_order_id)
        if row.state is not IntentState.PLANNED:
            return None
        if attempt:
            context.clock.sleep(context.timeouts.retry_seconds)
        if reason := forbidden(context, row):
            return reason
        with context.writing() as (connection, author):
            asked_for = enact_halts(connection, author.now, author.who)
            stopped = read_halt(connection, but=despite)
            if stopped is None:
                row = state.write_ahead(connection, author, row, context.lease.token)
        tell_halts(context.alert, context.clock.now(), asked_for)
        if stopped is not None:
            return stopped.message
        if reason := context.kill_switch.reason() or _paused(context, row):
            _not_sent(context, row, reason)
            return reason
        _request(context, row)
    row = _load(context, client_order_id)
    return (
        None
        if row.state is not IntentState.PLANNED
        else f"{client_order_id} was not sent in {context.timeouts.attempts} attempts: {row.reason}"
    )


def resolve(context: ExecutionContext, row: IntentRow, *, duplicate: bool = False) -> BrokerOrder | ForeignOrder | None:
    """Find out whether an intent in `sending` is at the broker; None where it certainly is not, and the intent is `planned` again.

    Parameters
    ----------
    duplicate
        The broker has just said that it has an order of this id, so it is not believed when it does not find it.

    Raises
    ------
    BrokerError
        If the broker can't be asked, or contradicts itself.
    """
    if row.sending_at is None:
        raise AssertionError("what is being sent has a time")
    settling = timedelta(seconds=context.timeouts.settling_seconds)
    for _ in range(context.timeouts.retries):
        asked_at = context.clock.now()
        order = context.broker.find(row.intent.client_order_id)
        if order is not None:
            take(context, row, order)
            return order
        if duplicate:
            context.clock.sleep(context.timeouts.retry_seconds)
            continue
        remaining = row.sending_at + settling - asked_at
        if remaining <= timedelta(0):
            _not_sent(context, row, "the broker has no such order")
            return None
        context.clock.sleep(min(remaining, settling).total_seconds())  # no longer, even if the last executor's clock was ahead
    raise OutcomeUnknownError(
        f"{row.intent.client_order_id} may be at {context.broker.name} or not: it {'says so, but' if duplicate else ''} does not find it; ask again later"
    )


def take(context: ExecutionContext, row: IntentRow, order: BrokerOrder | ForeignOrder) -> None:
    """Write down the broker's order under the intent's id; one that is not what was intended stops trading."""
    if isinstance(order, ForeignOrder):
        _take_odd(context, row, order)
        return
    name, wrong = row.intent.client_order_id, state.mismatch(row.intent, order)
    if wrong and order.symbol != row.intent.symbol:
        since = (row.sending_at or context.clock.now()).date() - timedelta(days=TOGETHER_DAYS)
        wrong = state.mismatch(as_renamed(row.intent, order, context.name_changes(since)), order)
    with context.writing() as (connection, author):
        take_parts(connection, author, name, order)
        late = state.at_broker(connection, author, name, order)
        if wrong:
            halt(connection, author.now, author.who, f"order {name} at {context.broker.name} is not ours: {wrong}")
    if order.status is OrderStatus.UNKNOWN:
        text = f"Order {name} is at {context.broker.name}: {order.reason}. It is not sent again, and asked for until its status is one that is known."
        context.tell(Severity.WARNING, f"status:{name}:{order.reason}", "An order's status is not known", text)
    if wrong:
        text = f"Order {name} at {context.broker.name} is not what was intended ({wrong}). See to it there, then `ats orders resume`."
        context.tell(Severity.CRITICAL, f"halt:{name}", "Trading stops: an order is not what was intended", text)
    if late:
        text = f"Order {name} has reached {context.broker.name} after it was given up; it is {order.status}, and counted from now on."
        context.tell(Severity.WARNING, f"late:{name}", "An order has arrived late", text)


def _take_odd(context: ExecutionContext, row: IntentRow, order: ForeignOrder) -> None:
    """An order under the intent's id that has not the form of ours: trading stops, once, and a person sees to it."""
    name = row.intent.client_order_id
    text = f"order {name} at {context.broker.name} is not what was intended: {order.description}"
    with context.writing() as (connection, author):
        news = state.not_understood(connection, author, name, order.description)
        if news:
            halt(connection, author.now, author.who, text)
    if news:
        context.tell(
            Severity.CRITICAL,
            f"halt:{name}",
            "Trading stops: an order is not what was intended",
            f"{text}. See to it there, then `ats orders resume`.",
        )


def _request(context: ExecutionContext, row: IntentRow) -> None:
    client_order_id = row.intent.client_order_id
    try:
        order = context.broker.submit(row.intent)
    except OrderRejectedError as error:
        _refused(context, row, str(error))
    except NotSentError as error:
        _not_sent(context, row, str(error))
    except (DuplicateOrderError, OutcomeUnknownError) as error:
        with context.writing() as (connection, author):
            record(connection, author.now, author.who, "outcome unknown", client_order_id=client_order_id, texts={"error": str(error)})
        resolve(context, row, duplicate=isinstance(error, DuplicateOrderError))
    else:
        take(context, row, order)


def _refused(context: ExecutionContext, row: IntentRow, reason: str) -> None:
    """The broker's no to this attempt; an earlier one, given up as lost, may have come through in the meantime and be the very cause of it."""
    if row.attempts > 1:
        order = context.broker.find(row.intent.client_order_id)
        if order is not None:
            take(context, row, order)
            return
    with context.writing() as (connection, author):
        state.rejected(connection, author, row, reason)
    name = row.intent.client_order_id
    context.tell(Severity.WARNING, f"reject:{name}", f"{context.broker.name} rejects an order", f"{name}: {reason}")


def _not_sent(context: ExecutionContext, row: IntentRow, reason: str) -> None:
    with context.writing() as (connection, author):
        state.not_there(connection, author, row, reason)


def forbidden(context: ExecutionContext, row: IntentRow) -> str | None:
    """Why nothing may be sent now: the kill switch, the broker's hours; it is written down with the intent."""
    with context.state.begin() as connection:
        late = row.intent.leg is Leg.EXIT or row.intent.part is not None or row.intent.by_person
        late = late or state.has_waited(connection, row.intent.client_order_id)
    reason = context.kill_switch.reason() or context.broker.may_send(row.intent.session, late=late)
    if reason:
        with context.writing() as (connection, author):
            state.record_reason(connection, author, row, reason)
    return reason


def _paused(context: ExecutionContext, row: IntentRow) -> str | None:
    if row.sending_at is None:
        raise AssertionError("what is being sent has a time")
    pause = (context.clock.now() - row.sending_at).total_seconds()
    if pause > context.timeouts.pause_seconds:
        return f"the process was stopped for {pause:.0f} s before the request: it is not sent, another executor may have taken over"
    return None


def _load(context: ExecutionContext, client_order_id: str) -> IntentRow:
    with context.state.begin() as connection:
        row = state.load(connection, client_order_id)
    if row is None:
        raise BrokerError(f"there is no intent {client_order_id}: it is written down by its plan")
    return row

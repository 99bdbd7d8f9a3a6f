"""Sending an intent exactly once, in seven steps.

1. The kill switch, a halt and the broker's hours may forbid it.
2. Write-ahead: the intent becomes `sending`, committed to the disk with the attempt's number and the executor's token, before any request.
3. The kill switch again, and the time: who was stopped for long since the write-ahead does not send.
4. One request, under the intent's client order id. It is never repeated by itself.
5. An answer moves the intent to where the broker says it stands.
6. No answer, or one that makes no sense: the broker is asked for the id. What it has, is taken. What it does not have, it is asked for again after the settling
   time, and only then is the intent `planned` again, and may be sent once more (from 1).
7. A request that arrives even later meets the broker's rule that an id is taken once; an order that appears when nothing more is sent is found by
   reconciliation, since the broker lists it among the open orders, or its fills.

A process that dies anywhere leaves `planned` (nothing was sent), `sending` (continue at 6) or what the broker has said.
"""

from datetime import timedelta

from ats_assets.alerts import Severity
from ats_assets.execution import state
from ats_assets.execution.broker import BrokerError, DuplicateOrderError, NotSentError, OrderRejectedError, OutcomeUnknownError
from ats_assets.execution.halts import halt, read_halt
from ats_assets.execution.names import TOGETHER_DAYS, as_renamed
from ats_assets.execution.order import BrokerOrder, ForeignOrder, Leg, OrderStatus
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.shift import Shift
from ats_assets.execution.state import IntentRow
from ats_assets.trade_state import record


def send(shift: Shift, client_order_id: str) -> str | None:
    """Bring a planned intent to the broker. Gives why it was not sent and trading stops here; None where its outcome is known.

    Raises
    ------
    BrokerError
        If its outcome is unknown, and the broker can't be asked: the intent stays `sending`.
    """
    for attempt in range(shift.patience.attempts):
        row = _load(shift, client_order_id)
        if row.state is not IntentState.PLANNED:
            return None
        if attempt:
            shift.clock.sleep(shift.patience.retry_seconds)
        if reason := forbidden(shift, row):
            return reason
        with shift.writing() as (connection, author):
            if stopped := read_halt(connection):
                return stopped.message
            row = state.write_ahead(connection, author, row, shift.lease.token)
        if reason := shift.kill_switch.reason() or _paused(shift, row):
            _not_sent(shift, row, reason)
            return reason
        _request(shift, row)
    row = _load(shift, client_order_id)
    return (
        None
        if row.state is not IntentState.PLANNED
        else f"{client_order_id} was not sent in {shift.patience.attempts} attempts: {row.reason}"
    )


def resolve(shift: Shift, row: IntentRow, *, duplicate: bool = False) -> BrokerOrder | ForeignOrder | None:
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
    settling = timedelta(seconds=shift.patience.settling_seconds)
    for _ in range(shift.patience.retries):
        asked_at = shift.clock.now()
        order = shift.broker.find(row.intent.client_order_id)
        if order is not None:
            take(shift, row, order)
            return order
        if duplicate:
            shift.clock.sleep(shift.patience.retry_seconds)
            continue
        remaining = row.sending_at + settling - asked_at
        if remaining <= timedelta(0):
            _not_sent(shift, row, "the broker has no such order")
            return None
        shift.clock.sleep(min(remaining, settling).total_seconds())  # no longer, even if the last executor's clock was ahead
    raise OutcomeUnknownError(
        f"{row.intent.client_order_id} may be at {shift.broker.name} or not: it {'says so, but' if duplicate else ''} does not find it; ask again later"
    )


def take(shift: Shift, row: IntentRow, order: BrokerOrder | ForeignOrder) -> None:
    """Write down the broker's order under the intent's id; one that is not what was intended stops trading."""
    if isinstance(order, ForeignOrder):
        _take_odd(shift, row, order)
        return
    name, wrong = row.intent.client_order_id, state.mismatch(row.intent, order)
    if wrong and order.symbol != row.intent.symbol:
        since = (row.sending_at or shift.clock.now()).date() - timedelta(days=TOGETHER_DAYS)
        wrong = state.mismatch(as_renamed(row.intent, order, shift.name_changes(since)), order)
    with shift.writing() as (connection, author):
        late = state.at_broker(connection, author, name, order)
        if wrong:
            halt(connection, author.now, author.who, f"order {name} at {shift.broker.name} is not ours: {wrong}")
    if order.status is OrderStatus.UNKNOWN:
        text = f"Order {name} is at {shift.broker.name}: {order.reason}. It is not sent again, and asked for until its status is one that is known."
        shift.tell(Severity.WARNING, f"status:{name}:{order.reason}", "An order's status is not known", text)
    if wrong:
        text = f"Order {name} at {shift.broker.name} is not what was intended ({wrong}). See to it there, then `ats orders resume`."
        shift.tell(Severity.CRITICAL, f"halt:{name}", "Trading stops: an order is not what was intended", text)
    if late:
        text = f"Order {name} has reached {shift.broker.name} after it was given up; it is {order.status}, and counted from now on."
        shift.tell(Severity.WARNING, f"late:{name}", "An order has arrived late", text)


def _take_odd(shift: Shift, row: IntentRow, order: ForeignOrder) -> None:
    """An order under the intent's id that has not the form of ours: trading stops, once, and a person sees to it."""
    name = row.intent.client_order_id
    text = f"order {name} at {shift.broker.name} is not what was intended: {order.description}"
    with shift.writing() as (connection, author):
        news = state.not_understood(connection, author, name, order.description)
        if news:
            halt(connection, author.now, author.who, text)
    if news:
        shift.tell(
            Severity.CRITICAL,
            f"halt:{name}",
            "Trading stops: an order is not what was intended",
            f"{text}. See to it there, then `ats orders resume`.",
        )


def _request(shift: Shift, row: IntentRow) -> None:
    client_order_id = row.intent.client_order_id
    try:
        order = shift.broker.submit(row.intent)
    except OrderRejectedError as error:
        _refused(shift, row, str(error))
    except NotSentError as error:
        _not_sent(shift, row, str(error))
    except (DuplicateOrderError, OutcomeUnknownError) as error:
        with shift.writing() as (connection, author):
            record(connection, author.now, author.who, "outcome unknown", client_order_id=client_order_id, texts={"error": str(error)})
        resolve(shift, row, duplicate=isinstance(error, DuplicateOrderError))
    else:
        take(shift, row, order)


def _refused(shift: Shift, row: IntentRow, reason: str) -> None:
    """The broker's no to this attempt; an earlier one, given up as lost, may have come through in the meantime and be the very cause of it."""
    if row.attempts > 1:
        order = shift.broker.find(row.intent.client_order_id)
        if order is not None:
            take(shift, row, order)
            return
    with shift.writing() as (connection, author):
        state.rejected(connection, author, row, reason)
    name = row.intent.client_order_id
    shift.tell(Severity.WARNING, f"reject:{name}", f"{shift.broker.name} rejects an order", f"{name}: {reason}")


def _not_sent(shift: Shift, row: IntentRow, reason: str) -> None:
    with shift.writing() as (connection, author):
        state.not_there(connection, author, row, reason)


def forbidden(shift: Shift, row: IntentRow) -> str | None:
    """Why nothing may be sent now: the kill switch, the broker's hours; it is written down with the intent."""
    with shift.state.begin() as connection:
        late = row.intent.leg is Leg.EXIT or state.has_waited(connection, row.intent.client_order_id)
    reason = shift.kill_switch.reason() or shift.broker.may_send(row.intent.session, late=late)
    if reason:
        with shift.writing() as (connection, author):
            state.explain(connection, author, row, reason)
    return reason


def _paused(shift: Shift, row: IntentRow) -> str | None:
    if row.sending_at is None:
        raise AssertionError("what is being sent has a time")
    pause = (shift.clock.now() - row.sending_at).total_seconds()
    if pause > shift.patience.pause_seconds:
        return f"the process was stopped for {pause:.0f} s before the request: it is not sent, another executor may have taken over"
    return None


def _load(shift: Shift, client_order_id: str) -> IntentRow:
    with shift.state.begin() as connection:
        row = state.load(connection, client_order_id)
    if row is None:
        raise BrokerError(f"there is no intent {client_order_id}: it is written down by its plan")
    return row

"""The state machine of an intent, as rows of the database. Each step is a compare-and-set in the caller's transaction, which confirms the lease first.

::

    planned ──write-ahead──> sending ──broker's answer, or found there──> accepted ──> partially_filled ──> filled
       ^                        │                                            └──> canceled, expired, rejected
       └──certainly not there───┘
    planned ──> withdrawn (a new plan has it not, or its shares are not held any more), missed (its session is over)

From any state an order that is found at the broker leads to the broker's status: a request may arrive after all that was known spoke against it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select, update

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.execution.contract_legs import legs_of, legs_text
from ats_assets.execution.order import BrokerOrder, ForeignOrder, Leg, OrderIntent, OrderKind, Side
from ats_assets.execution.outcome import IntentState, LeaseLostError
from ats_assets.execution.rows import record_order
from ats_assets.execution.worked_intents import OrderPart, WorkPlan
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import account_snapshots, audit, intents, orders

_WAITS = "waits for shares that exits hold back"
_CONTENT = ("session", "strategy", "symbol", "side", "leg", "quantity", "kind", "decision_price", "limit_price", "take_profit", "stop_loss")
"""By which a new plan differs from what was tried. `instrument` is beside it: a change of name that is told late makes no other order of one that is under way."""
_OF_OPTIONS = ("book", "rule", "place")
"""Of an order for option contracts, beside its legs."""
_UNTRIED = (IntentState.PLANNED, IntentState.WITHDRAWN, IntentState.MISSED)


@dataclass(frozen=True, kw_only=True)
class IntentRow:
    """An intent with its state, as the database has it."""

    intent: OrderIntent
    state: IntentState
    reason: str | None
    attempts: int
    sending_at: datetime | None
    planned_at: datetime
    arrival_price: Decimal | None = None
    """Of a worked order: where that began."""
    cancel_asked_at: datetime | None = None
    """Of a part: when the broker was asked to end it."""


@dataclass(frozen=True, kw_only=True)
class Author:
    """Who writes, and when."""

    who: str
    now: datetime


def load(connection: Connection, client_order_id: str) -> IntentRow | None:
    """The intent of that id."""
    row = connection.execute(select(intents).where(intents.c.client_order_id == client_order_id)).one_or_none()
    return None if row is None else _intent_row(row)


def of_order(connection: Connection, order: BrokerOrder | ForeignOrder) -> OrderIntent | None:
    """What was decided of an order at the broker, whose exits have ids of the broker's own; None where it is not known for ours."""
    by_order = connection.execute(select(orders.c.intent_id).where(orders.c.broker_order_id == order.broker_order_id)).scalar_one_or_none()
    row = load(connection, by_order or order.client_order_id)
    return None if row is None else row.intent


def in_states(connection: Connection, states: Sequence[IntentState]) -> list[IntentRow]:
    """All intents in these states, the oldest first."""
    query = select(intents).where(intents.c.state.in_([state.value for state in states]))
    return [_intent_row(row) for row in connection.execute(query.order_by(intents.c.session, intents.c.client_order_id))]


def of_session(connection: Connection, session: date, strategy: str) -> list[IntentRow]:
    """All intents decided at the close of `session`."""
    query = select(intents).where(intents.c.session == session, intents.c.strategy == strategy).order_by(intents.c.client_order_id)
    return [_intent_row(row) for row in connection.execute(query)]


def newest_session(connection: Connection, strategy: str) -> date | None:
    """The last session at whose close anything was decided, or that was settled: a plan may have no orders."""
    decided = select(intents.c.session).where(intents.c.strategy == strategy).order_by(intents.c.session.desc())
    settled = select(account_snapshots.c.session).where(account_snapshots.c.session.is_not(None)).order_by(account_snapshots.c.id.desc())
    found = [connection.execute(query.limit(1)).scalar_one_or_none() for query in (decided, settled)]
    return max((session for session in found if session is not None), default=None)


def last_session_before(connection: Connection, session: date, strategy: str) -> date | None:
    """The last session before that one at whose close anything was decided."""
    query = select(intents.c.session).where(intents.c.session < session, intents.c.strategy == strategy)
    return connection.execute(query.order_by(intents.c.session.desc()).limit(1)).scalar_one_or_none()


def record_plan(
    connection: Connection, author: Author, session: date, strategy: str, planned: Sequence[OrderIntent], *, options: bool = False
) -> dict[str, str]:
    """Write down a plan. What was never tried takes the new plan's content, or is withdrawn; what was tried stays as it is.

    Parameters
    ----------
    options
        Whether it is the plan of option contracts: that of shares is another one, and what either has not is withdrawn from itself alone.

    Returns
    -------
    dict
        The ids whose plan differs from what was tried already, with the difference: these are not to be sent.
    """
    differing = {intent.client_order_id: plan_one(connection, author, intent) for intent in planned}
    kept = {intent.client_order_id for intent in planned}
    for row in in_states(connection, [IntentState.PLANNED]):
        one = row.intent
        of_plan = one.leg is not Leg.EXIT and one.part is None and not (one.by_person or one.at_event) and bool(one.legs) is options
        gone = one.session == session and one.client_order_id not in kept and of_plan
        if one.strategy == strategy and (gone or one.session < session):
            move(connection, author, row, IntentState.WITHDRAWN if gone else IntentState.MISSED, row.reason)
    return {name: changes for name, changes in differing.items() if changes}


def plan_one(connection: Connection, author: Author, intent: OrderIntent) -> str | None:
    """Write down one intent of a plan. Gives how it differs from what was tried already under its id: then that one stays."""
    known = load(connection, intent.client_order_id)
    if known is None:
        values = _values(intent) | {"state": IntentState.PLANNED.value, "attempts": 0, "planned_at": author.now, "updated_at": author.now}
        connection.execute(intents.insert().values(client_order_id=intent.client_order_id, **values))
        _audit(connection, author, "planned", intent.client_order_id, **_values(intent))
        return None
    changes = _changes(known.intent, intent)
    tried = known.attempts or known.state not in _UNTRIED  # found at the broker after its row was lost, it was tried all the same
    if intent.instrument not in (None, known.intent.instrument) and not (tried and known.intent.instrument):
        connection.execute(_where(known).values(instrument=intent.instrument))
    if tried and changes:
        _audit(connection, author, "plan differs from what was tried: not sent", intent.client_order_id, {"changes": changes})
        return changes
    if not tried and (changes or known.state is not IntentState.PLANNED):
        values = {"work": None} | _values(intent) | {"state": IntentState.PLANNED.value, "reason": None, "updated_at": author.now}
        connection.execute(_where(known).values(values))
        _audit(connection, author, "planned anew", intent.client_order_id, {"changes": changes})
    return None


def withdraw(connection: Connection, author: Author, row: IntentRow, reason: str) -> IntentRow:
    """A planned intent is not to be sent any more."""
    return move(connection, author, row, IntentState.WITHDRAWN, reason)


def write_ahead(connection: Connection, author: Author, row: IntentRow, token: int) -> IntentRow:
    """Before a request: planned to sending, with the next attempt's number and the executor's token.

    Raises
    ------
    LeaseLostError
        If the intent is no longer what it was.
    """
    attempt = row.attempts + 1
    values = {"state": IntentState.SENDING.value, "attempts": attempt, "token": token, "sending_at": author.now, "updated_at": author.now}
    if row.state is not IntentState.PLANNED or connection.execute(_where(row).values(**values, reason=None)).rowcount != 1:
        raise _moved_by_another(row)
    _audit(connection, author, "sending", row.intent.client_order_id, attempt=attempt, token=token)
    return replace(row, state=IntentState.SENDING, reason=None, attempts=attempt, sending_at=author.now)


def not_there(connection: Connection, author: Author, row: IntentRow, reason: str) -> IntentRow:
    """The attempt has certainly not reached the broker: sending back to planned."""
    return move(connection, author, row, IntentState.PLANNED, reason)


def rejected(connection: Connection, author: Author, row: IntentRow, reason: str) -> IntentRow:
    """The broker has refused the attempt."""
    return move(connection, author, row, IntentState.REJECTED, reason)


def record_reason(connection: Connection, author: Author, row: IntentRow, reason: str) -> None:
    """Write down why a planned intent waits."""
    connection.execute(_where(row).values(reason=reason, updated_at=author.now))


def wait(connection: Connection, author: Author, row: IntentRow, reason: str) -> None:
    """A planned intent is passed over, since what it needs is held back; from now on it may be sent late, while its session is open."""
    record_reason(connection, author, row, reason)
    if not has_waited(connection, row.intent.client_order_id):
        _audit(connection, author, _WAITS, row.intent.client_order_id, reason=reason)


def has_waited(connection: Connection, client_order_id: str) -> bool:
    """Whether it was ever passed over so: the audit trail knows, whatever became of its attempts since."""
    query = select(audit.c.id).where(audit.c.client_order_id == client_order_id, audit.c.what == _WAITS)
    return connection.execute(query.limit(1)).first() is not None


def at_broker(connection: Connection, author: Author, client_order_id: str, order: BrokerOrder) -> bool:
    """The broker has the order: write it down, and move the intent to where it stands there. What is older than what is known changes nothing.

    Tells whether that is a surprise: by all that was known, the broker did not have it.
    """
    order = record_order(connection, client_order_id, order)
    row = load(connection, client_order_id)
    if row is None:
        raise AssertionError(f"an order was found for {client_order_id}, which is no intent")
    state = IntentState(order.status.value)
    if row.state is state:
        return False
    late = row.state in (IntentState.PLANNED, IntentState.WITHDRAWN, IntentState.MISSED, IntentState.REJECTED)
    what = "found at the broker after all" if late else state.value
    details = {"status": state.value, "order": order.broker_order_id, "filled": order.filled_quantity}
    _audit(connection, author, what, client_order_id, {"reason": order.reason}, **details)
    where = update(intents).where(intents.c.client_order_id == client_order_id)
    connection.execute(where.values(state=state.value, reason=order.reason or (what if late else None), updated_at=author.now))
    return late


def not_understood(connection: Connection, author: Author, client_order_id: str, description: str) -> bool:
    """The broker has an order under the intent's id that is none of ours by its form: the intent is not sent again. Tells whether that is news."""
    row = load(connection, client_order_id)
    if row is None:
        raise AssertionError(f"an order was found for {client_order_id}, which is no intent")
    if row.state is IntentState.UNKNOWN and row.reason == description:
        return False
    move(connection, author, row, IntentState.UNKNOWN, description)
    return True


def mismatch(intent: OrderIntent, order: BrokerOrder) -> str | None:
    """How the broker's order under the intent's id is another one; None where it is the same."""
    pairs = ((intent.symbol, order.symbol), (intent.side, order.side), (intent.quantity, order.quantity))
    wrong = [f"{theirs} instead of {ours}" for ours, theirs in pairs if ours != theirs]
    return ", ".join(wrong) or None


def move(connection: Connection, author: Author, row: IntentRow, to: IntentState, reason: str | None) -> IntentRow:
    """To another state, which the caller knows to be right; `LeaseLostError` if the intent is no longer what it was."""
    if connection.execute(_where(row).values(state=to.value, reason=reason, updated_at=author.now)).rowcount != 1:
        raise _moved_by_another(row)
    _audit(connection, author, to.value, row.intent.client_order_id, {"reason": reason}, attempt=row.attempts)
    return replace(row, state=to, reason=reason)


def _where(row: IntentRow) -> Any:
    """The compare of the compare-and-set: id, state and number of attempts."""
    same = (intents.c.state == row.state.value) & (intents.c.attempts == row.attempts)
    return update(intents).where(intents.c.client_order_id == row.intent.client_order_id, same)


def _moved_by_another(row: IntentRow) -> LeaseLostError:
    return LeaseLostError(
        f"{row.intent.client_order_id} is no longer {row.state.value} at attempt {row.attempts}: another executor works on it"
    )


def _audit(
    connection: Connection,
    author: Author,
    what: str,
    client_order_id: str,
    texts: Mapping[str, str | None] | None = None,
    **details: object,
) -> None:
    record(connection, author.now, author.who, what, client_order_id=client_order_id, details=details, texts=texts)


def _values(intent: OrderIntent) -> dict[str, Any]:
    values = {name: getattr(intent, name) for name in (*_CONTENT, INSTRUMENT)}
    if intent.work is not None:
        values["work"] = intent.work.text()
    if intent.part is not None:
        values |= {"parent": intent.part.parent, "number": intent.part.number, "expires_at": intent.part.expires_at}
    if intent.by_person:
        return values | {"book": intent.book}
    return values | ({"legs": legs_text(intent.legs)} | {name: getattr(intent, name) for name in _OF_OPTIONS} if intent.legs else {})


def _changes(known: OrderIntent, new: OrderIntent) -> str:
    pairs = ((name, getattr(known, name), getattr(new, name)) for name in (*_CONTENT, "legs", "book", "work"))
    return "; ".join(f"{name} {new} instead of {old}" for name, old, new in pairs if old != new)


def _intent_row(row: Row[Any]) -> IntentRow:
    content = {name: getattr(row, name) for name in (*_CONTENT, INSTRUMENT)}
    content |= {"side": Side(row.side), "leg": Leg(row.leg), "kind": OrderKind(row.kind), "legs": legs_of(row.legs)}
    content |= {name: getattr(row, name) for name in _OF_OPTIONS}
    content["work"] = None if row.work is None else WorkPlan.of(row.work)
    content["part"] = None if row.parent is None else OrderPart(parent=row.parent, number=row.number, expires_at=row.expires_at)
    intent = OrderIntent(client_order_id=row.client_order_id, **content)
    return IntentRow(
        intent=intent,
        state=IntentState(row.state),
        reason=row.reason,
        attempts=row.attempts,
        sending_at=row.sending_at,
        planned_at=row.planned_at,
        arrival_price=row.arrival_price,
        cancel_asked_at=row.cancel_asked_at,
    )

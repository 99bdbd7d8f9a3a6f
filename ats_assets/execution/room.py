"""Freeing shares for a sale, at a broker that reserves the shares of open exit orders (`Broker.reserves_shares`).

Before a position is reduced, exits that hold back the shares needed are cancelled, the oldest first, and their end is waited for. That is done while the
market is open. Outside of its hours brokers may leave a cancel pending until the open, where the exits would end while nobody may be there to sell, or to
give others. So the sale is passed over and waits, its exits stay working, the rest of the plan is sent, and once the market is open the sale is taken up by
whichever looks first: the watch, the sensor, or the command (`Executor.follow_up`, `Executor.execute`). Where nobody does, the position stays as it was.

Who would rather sell in the auction sets `orders.cancel_exits_before_open`; once a cancel has stayed pending, no other is asked for then, for `_REMEMBERED`.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from sqlalchemy import Connection, select

from ats_assets.alerts import Severity
from ats_assets.execution import state
from ats_assets.execution.account_book import reconcile, refresh_orders
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.halts import open_halt
from ats_assets.execution.order import BrokerOrder, Leg, OrderIntent
from ats_assets.execution.outcome import IntentState, Obstacle
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.rows import orders_of
from ats_assets.execution.sending import forbidden
from ats_assets.execution.state import IntentRow
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import audit

_PENDING = "cancels stay pending"
_ANY_ORDER = "*"
"""Under which the audit trail has what concerns no single order."""
_REMEMBERED = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Reducing:
    """Orders of one intent that are open and reduce a position, by `shares` at most: of exits, one cancels the other."""

    intent: OrderIntent
    orders: tuple[BrokerOrder, ...]
    shares: Decimal


def make_room(context: ExecutionContext, view: BrokerView, client_order_id: str, *, cancelling: bool = True) -> Obstacle | None:
    """See to it that a planned order which reduces a position finds its shares. Gives why it can't be sent now.

    One for more than is held any more is withdrawn: it would make a position on the other side.

    Parameters
    ----------
    cancelling
        Whether exits that are in the way may be cancelled now; else the order waits.

    Raises
    ------
    BrokerError
    """
    with context.state.begin() as connection:
        row = state.load(connection, client_order_id)
        if row is None or row.state is not IntentState.PLANNED or not _reduces(row.intent):
            return None
        reducing = reducing_orders(connection)[row.intent.symbol]
    if _withdrawn(context, row, view) or not context.broker.reserves_shares or row.intent.legs:
        return None  # contracts have no exits that hold them back
    in_the_way = _in_the_way(row, reducing, held(view, row.intent))
    if not in_the_way:
        return None
    if reason := forbidden(context, row):
        return Obstacle(reason=reason, stops=True)  # nothing is cancelled where nothing can be sent
    names = ", ".join(one.intent.client_order_id for one in in_the_way)
    if not (cancelling and may_cancel(context)):
        return _waits(
            context,
            row,
            f"the exits of {names} hold back its shares, and stay working: {context.broker.name} may end none before the open",
        )
    if not cancelled(context, in_the_way, f"{client_order_id} needs the shares"):
        return _waits(
            context, row, f"{context.broker.name} has not ended the exits of {names} yet: they hold back the shares that are to be traded"
        )
    view, _ = reconcile(context)  # an exit may have been filled just before its end
    if halted := open_halt(context.state):
        return Obstacle(reason=halted.message, stops=True)
    _withdrawn(context, row, view)
    return None


def waiting_orders(connection: Connection, session: date, strategy: str) -> list[IntentRow]:
    """The orders of a plan that were passed over, since exits held back their shares, and were not sent since."""
    rows = state.of_session(connection, session, strategy)
    return [row for row in rows if row.state is IntentState.PLANNED and state.has_waited(connection, row.intent.client_order_id)]


def held_back(connection: Connection, view: BrokerView, row: IntentRow) -> bool:
    """Whether open exits hold back shares of an order."""
    return bool(_in_the_way(row, reducing_orders(connection)[row.intent.symbol], held(view, row.intent)))


def reducing_orders(connection: Connection) -> defaultdict[str, list[Reducing]]:
    """By symbol, as the broker names it, what is open and reduces a position, the oldest first; exits of an entry that is open itself wait for it and hold nothing back."""
    grouped: defaultdict[str, list[BrokerOrder]] = defaultdict(list)
    for intent_id, order in orders_of(connection, unfinished=True):
        grouped[intent_id].append(order)
    found: defaultdict[str, list[Reducing]] = defaultdict(list)
    for intent_id, group in grouped.items():
        row = state.load(connection, intent_id)
        if row is None or (row.intent.leg is Leg.OPEN and any(order.client_order_id == intent_id for order in group)):
            continue
        shares = min(order.quantity - order.filled_quantity for order in group)
        found[group[0].symbol].append(Reducing(intent=row.intent, orders=tuple(group), shares=shares))
    return found


def may_cancel(context: ExecutionContext) -> bool:
    """Whether exits may be cancelled now: what is cancelled ends at once, or the settings take the risk and no cancel has stayed pending lately."""
    if context.broker.cancels_at_once():
        return True
    if not context.settings.cancel_exits_before_open:
        return False
    since = context.clock.now() - _REMEMBERED
    query = select(audit.c.id).where(audit.c.client_order_id == _ANY_ORDER, audit.c.what == _PENDING, audit.c.at >= since)
    with context.state.begin() as connection:
        return connection.execute(query.limit(1)).first() is None


def cancelled(context: ExecutionContext, exits: Sequence[Reducing], why: str) -> bool:
    """Cancel exits and wait for their end, whichever way; tells whether they have ended."""
    names = [one.intent.client_order_id for one in exits]
    for one in exits:
        for order in one.orders:
            with context.writing() as (connection, author):
                name, details = one.intent.client_order_id, {"order": order.broker_order_id}
                record(connection, author.now, author.who, "cancel asked for", client_order_id=name, details=details, texts={"reason": why})
            context.broker.cancel(order.broker_order_id)
    for attempt in range(context.timeouts.retries):
        if attempt:
            context.clock.sleep(context.timeouts.retry_seconds)
        refresh_orders(context)
        with context.state.begin() as connection:
            if not orders_of(connection, names, unfinished=True):
                return True
    if not context.broker.cancels_at_once():
        with context.writing() as (connection, author):
            record(connection, author.now, author.who, _PENDING, client_order_id=_ANY_ORDER, details={"orders": ", ".join(names)})
    return False


def held(view: BrokerView, intent: OrderIntent) -> Decimal:
    """The shares that an order of the intent's side would take away; of option contracts, the units that all legs which close have enough of."""
    quantities = {position.symbol: position.quantity for position in view.positions}
    if intent.legs:
        return min(max(-quantities.get(one.symbol, Decimal(0)) / one.ratio, Decimal(0)) for one in intent.legs if not one.opens)
    return max(-intent.side.sign * quantities.get(intent.symbol, Decimal(0)), Decimal(0))


def _reduces(intent: OrderIntent) -> bool:
    """Whether it, or a leg of it, closes what must be held: a roll opens a contract, and closes another that may have been assigned meanwhile."""
    return intent.leg is Leg.CLOSE or any(not one.opens for one in intent.legs)


def _in_the_way(row: IntentRow, reducing: Sequence[Reducing], shares: Decimal) -> list[Reducing]:
    """As many exits as hold back what the order lacks of the `shares` held, the oldest first."""
    missing = row.intent.quantity + sum(one.shares for one in reducing) - shares
    found = []
    for one in reducing:
        if missing > 0 and one.intent.leg is not Leg.CLOSE:
            found.append(one)
            missing -= one.shares
    return found


def _withdrawn(context: ExecutionContext, row: IntentRow, view: BrokerView) -> bool:
    intent, shares = row.intent, held(view, row.intent)
    if intent.quantity <= shares:
        return False
    reason = f"it is for {intent.quantity:f} {intent.symbol}, and {shares:f} are held any more"
    with context.writing() as (connection, author):
        state.withdraw(connection, author, row, reason)
    context.tell(Severity.WARNING, f"withdrawn:{intent.client_order_id}", f"{intent.client_order_id} is not sent", reason)
    return True


def _waits(context: ExecutionContext, row: IntentRow, reason: str) -> Obstacle:
    with context.writing() as (connection, author):
        state.wait(connection, author, row, reason)
    text = (
        f"{reason}. Once the market is open it is sent by whichever runs first: ats orders watch, the trading sensor, or ats trade; until then, and where none of them "
        "runs, the position stays as it is"
    )
    context.tell(Severity.WARNING, f"waiting:{row.intent.client_order_id}", f"{row.intent.client_order_id} waits for the open", text)
    return Obstacle(reason=reason, stops=False)

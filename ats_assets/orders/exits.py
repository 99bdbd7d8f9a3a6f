"""The exits of brackets, at a broker that holds back the shares that they are for (`Broker.reserves_shares`).

1. Before a position is reduced, exits that hold back the shares needed are cancelled, the oldest first, and their end is waited for.
2. Once a plan's orders are sent, shares that no exit is for any more (what stays of a reduced position, an entry that was filled in part, exits that have
   expired) get a pair of exits again, at the prices of the symbol's last bracket. It is an intent with an id of its own, sent exactly once like any other.

Both follow from records that agree with the broker, so a process that dies in between leaves nothing to remember: the next one finds what is missing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import ROUND_DOWN, Decimal

from sqlalchemy import Connection, select

from ats_assets.alerts import Severity
from ats_assets.orders import state
from ats_assets.orders.account_book import reconcile, refresh_orders
from ats_assets.orders.halts import open_halt
from ats_assets.orders.order import BrokerOrder, Leg, OrderIntent, OrderKind, client_order_id
from ats_assets.orders.outcome import IntentState
from ats_assets.orders.reconciliation import BrokerView
from ats_assets.orders.rows import orders_of
from ats_assets.orders.sending import forbidden, send
from ats_assets.orders.shift import Shift
from ats_assets.orders.state import IntentRow
from ats_assets.trade_state import record
from ats_assets.trade_state.tables import intents, orders


@dataclass(frozen=True, kw_only=True)
class _Open:
    """Orders of one intent that are open and reduce a position, by `shares` at most: of exits, one cancels the other."""

    intent: OrderIntent
    orders: tuple[BrokerOrder, ...]
    shares: Decimal


def make_room(shift: Shift, view: BrokerView, client_order_id: str) -> str | None:
    """See to it that a planned order which reduces a position finds its shares. Gives why it can't be sent now.

    One for more than is held any more is withdrawn: it would make a position on the other side.

    Raises
    ------
    BrokerError
    """
    with shift.state.begin() as connection:
        row = state.load(connection, client_order_id)
        if row is None or row.state is not IntentState.PLANNED or row.intent.leg is not Leg.CLOSE:
            return None
        reducing = _reducing(connection)[row.intent.symbol]
    if _withdrawn(shift, row, view) or not shift.broker.reserves_shares:
        return None
    missing = row.intent.quantity + sum(one.shares for one in reducing) - _held(view, row.intent)
    in_the_way = []
    for one in reducing:
        if missing > 0 and one.intent.leg is not Leg.CLOSE:
            in_the_way.append(one)
            missing -= one.shares
    if not in_the_way:
        return None
    if reason := forbidden(shift, row):
        return reason  # nothing is cancelled where nothing can be sent
    for one in in_the_way:
        _cancel(shift, one, f"{client_order_id} needs the shares")
    if reason := _unfinished(shift, in_the_way):
        with shift.writing() as (connection, author):
            state.explain(connection, author, row, reason)
        return reason
    view, _ = reconcile(shift)  # an exit may have been filled just before its end
    if halted := open_halt(shift.state):
        return halted.message
    _withdrawn(shift, row, view)
    return None


def cover(shift: Shift, session: date) -> str | None:
    """Give exits to shares that lack them, at the prices of their symbol's last bracket. Gives why that can't be done now.

    Raises
    ------
    BrokerError
    """
    if not shift.broker.reserves_shares:
        return None
    with shift.state.begin() as connection:
        if not _any_bracket(connection, shift.settings.strategy):
            return None
    view, _ = reconcile(shift)
    if halted := open_halt(shift.state):
        return halted.message
    with shift.state.begin() as connection:
        reducing = _reducing(connection)
        brackets = [_last_bracket(connection, shift.settings.strategy, position.symbol) for position in view.positions]
    for position, bracket in zip(view.positions, brackets, strict=True):
        taken = sum(one.shares for one in reducing[position.symbol])
        bare = (abs(position.quantity) - taken).to_integral_value(rounding=ROUND_DOWN)  # brokers take exits for whole shares only
        if bracket is None or bracket.side.sign * position.quantity < 0 or bare <= 0:
            continue
        if not _between(bracket, position.price):
            text = (
                f"{bare:f} of {position.quantity:f} {position.symbol} have no exits, and its price {position.price:f} is not between the stop-loss "
                f"{bracket.stop_loss} and the take-profit {bracket.take_profit} of {bracket.client_order_id}. See to the position."
            )
            shift.tell(Severity.WARNING, f"bare:{session}:{position.symbol}", f"{position.symbol} is held without exits", text)
        elif reason := _give_exits(shift, _exits(session, bracket, bare)):
            return reason
    return None


def _give_exits(shift: Shift, planned: OrderIntent) -> str | None:
    with shift.writing() as (connection, author):
        known = state.load(connection, planned.client_order_id)
        if known is None or known.state is IntentState.PLANNED or not known.attempts:
            differing = state.plan_one(connection, author, planned)
        else:
            differing = f"it is {known.state} already"
    if differing is None:
        return send(shift, planned.client_order_id)
    text = f"{planned.quantity:f} {planned.symbol} are held without exits; {planned.client_order_id} is not sent: {differing}"
    shift.tell(Severity.WARNING, f"bare:{planned.session}:{planned.symbol}", f"{planned.symbol} is held without exits", text)
    return None


def _exits(session: date, bracket: OrderIntent, shares: Decimal) -> OrderIntent:
    return replace(
        bracket,
        client_order_id=client_order_id(session, bracket.strategy, bracket.symbol, Leg.EXIT),
        session=session,
        side=bracket.side.opposite,
        leg=Leg.EXIT,
        quantity=shares,
        kind=OrderKind.OCO,
        limit_price=None,
    )


def _between(bracket: OrderIntent, price: Decimal) -> bool:
    """Whether both exits still lie ahead. They do not after a split, when the prices are of old shares, or where the market has run past one."""
    if bracket.take_profit is None or bracket.stop_loss is None:
        return False
    return min(bracket.take_profit, bracket.stop_loss) < price < max(bracket.take_profit, bracket.stop_loss)


def _reducing(connection: Connection) -> defaultdict[str, list[_Open]]:
    """By symbol, what is open and reduces a position, the oldest first; exits of an entry that is open itself wait for it and hold nothing back."""
    grouped: defaultdict[str, list[BrokerOrder]] = defaultdict(list)
    for intent_id, order in orders_of(connection, unfinished=True):
        grouped[intent_id].append(order)
    found: defaultdict[str, list[_Open]] = defaultdict(list)
    for intent_id, group in grouped.items():
        row = state.load(connection, intent_id)
        if row is None or (row.intent.leg is Leg.OPEN and any(order.client_order_id == intent_id for order in group)):
            continue
        shares = min(order.quantity - order.filled_quantity for order in group)
        found[row.intent.symbol].append(_Open(intent=row.intent, orders=tuple(group), shares=shares))
    return found


def _held(view: BrokerView, intent: OrderIntent) -> Decimal:
    """The shares that an order of the intent's side would take away."""
    held = next((position.quantity for position in view.positions if position.symbol == intent.symbol), Decimal(0))
    return max(-intent.side.sign * held, Decimal(0))


def _withdrawn(shift: Shift, row: IntentRow, view: BrokerView) -> bool:
    intent, held = row.intent, _held(view, row.intent)
    if intent.quantity <= held:
        return False
    reason = f"it is for {intent.quantity:f} {intent.symbol}, and {held:f} are held any more"
    with shift.writing() as (connection, author):
        state.withdraw(connection, author, row, reason)
    shift.tell(Severity.WARNING, f"withdrawn:{intent.client_order_id}", f"{intent.client_order_id} is not sent", reason)
    return True


def _cancel(shift: Shift, exits: _Open, why: str) -> None:
    for order in exits.orders:
        with shift.writing() as (connection, author):
            details = {"order": order.broker_order_id, "reason": why}
            record(connection, author.now, author.who, "cancel asked for", client_order_id=exits.intent.client_order_id, details=details)
        shift.broker.cancel(order.broker_order_id)


def _unfinished(shift: Shift, cancelled: Sequence[_Open]) -> str | None:
    """Wait until what was cancelled has ended, whichever way; else say what has not."""
    names = [one.intent.client_order_id for one in cancelled]
    for attempt in range(shift.patience.retries):
        if attempt:
            shift.clock.sleep(shift.patience.retry_seconds)
        refresh_orders(shift)
        with shift.state.begin() as connection:
            if not orders_of(connection, names, unfinished=True):
                return None
    return f"{shift.broker.name} has not ended the exits of {', '.join(names)} yet: they hold back the shares that are to be traded"


def _any_bracket(connection: Connection, strategy: str) -> bool:
    query = select(intents.c.client_order_id).where(intents.c.strategy == strategy, intents.c.kind == OrderKind.BRACKET.value)
    return connection.execute(query.limit(1)).first() is not None


def _last_bracket(connection: Connection, strategy: str, symbol: str) -> OrderIntent | None:
    """The symbol's newest bracket whose entry was filled, in part at least."""
    entry = (orders.c.intent_id == intents.c.client_order_id) & (orders.c.client_order_id == intents.c.client_order_id)
    query = select(intents.c.client_order_id, orders.c.filled_quantity).join(orders, entry)
    query = query.where(intents.c.strategy == strategy, intents.c.symbol == symbol, intents.c.kind == OrderKind.BRACKET.value)
    for row in connection.execute(query.order_by(intents.c.session.desc())):
        found = state.load(connection, row.client_order_id) if row.filled_quantity else None
        if found is not None:
            return found.intent
    return None

"""The exits of brackets, at a broker that holds back the shares that they are for (`Broker.reserves_shares`).

Each symbol has one pair of exits, for all the whole shares that are held and not being sold, at the prices of the symbol's last bracket. What lacks exits (what
stays of a reduced position, an entry that was filled in part, exits that have expired) and what has several pairs (a position made by several brackets, each
of which brought its own) gets one pair: an intent with an id of its own, sent exactly once like any other.

It follows from records that agree with the broker, so a process that dies in between leaves nothing to remember: the next one finds what is missing.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from decimal import ROUND_DOWN, Decimal

from sqlalchemy import ColumnElement, Connection, func, select

from ats_assets.alerts import Severity
from ats_assets.errors import AtsError
from ats_assets.execution import state
from ats_assets.execution.account_book import reconcile
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.halts import open_halt
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, Position, client_order_id
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.room import Reducing, cancelled, reducing_orders
from ats_assets.execution.rows import orders_of
from ats_assets.execution.sending import send
from ats_assets.trade_state.tables import intents, orders

_MOST_A_SESSION = 9
"""Pairs of exits given to a symbol in one session; then a person is asked."""


def cover(context: ExecutionContext, session: date, view: BrokerView | None = None, *, but: Collection[str] = ()) -> str | None:
    """See to it that each symbol held has one pair of exits for all of it. Gives why that can't be done now.

    Parameters
    ----------
    session
        The one at whose close the last plan was made.
    view
        The broker's side as it was just reconciled; else it is read.
    but
        Symbols that get none now: they split at the coming open, and exits would be in old shares.

    Raises
    ------
    BrokerError
    """
    if not context.broker.reserves_shares:
        return None
    with context.state.begin() as connection:
        if not _any_bracket(connection, context.settings.strategy):
            return None
    if view is None:
        view, _ = reconcile(context)
    if halted := open_halt(context.state):
        return halted.message
    today = context.session_of(context.clock.now())
    known = None if context.identities is None else context.identities(today)
    stopped = None
    for position in view.positions:
        if position.symbol in but:
            continue
        reason = _cover_one(context, session, position, None if known is None else known.of(position.symbol, today))
        if halted := open_halt(context.state):
            return halted.message
        stopped = stopped or reason
    return stopped


def _cover_one(context: ExecutionContext, session: date, position: Position, instrument: str | None) -> str | None:
    bracket = _bracket_of(context, position.symbol, instrument)
    with context.state.begin() as connection:
        reducing = reducing_orders(connection)[position.symbol]
        entering = _entry_at_work(connection, context.settings.strategy, position.symbol)
    pairs = [one for one in reducing if one.intent.leg is not Leg.CLOSE]
    closing = sum((one.shares for one in reducing if one.intent.leg is Leg.CLOSE), Decimal(0))
    wanted = (abs(position.quantity) - closing).to_integral_value(rounding=ROUND_DOWN)  # brokers take exits for whole shares only
    there = sum((one.shares for one in pairs), Decimal(0))
    if bracket is None or bracket.side.sign * position.quantity < 0 or wanted <= 0 or entering:
        return None
    if len(pairs) <= 1 and there >= wanted:
        return None
    bracket = _in_new_shares(context, bracket)
    if not _between(bracket, position.price):
        if wanted > there:
            _tell_bare(context, session, position, wanted - there, bracket)
        return None
    if pairs and context.broker.cancels_at_once():
        if context.kill_switch.reason() or context.broker.may_send(session, late=True):
            return None  # what is there stays where nothing can be sent in its place
        return _one_for_all(context, session, position, pairs, bracket)
    if wanted > there:
        return _give_exits(context, session, bracket, wanted - there)  # beside those that are there, until they can be made one
    return None


def _one_for_all(
    context: ExecutionContext, session: date, position: Position, pairs: Sequence[Reducing], bracket: OrderIntent
) -> str | None:
    """One pair in the place of others. What has come of the position meanwhile, the records tell once these have ended."""
    if not cancelled(context, pairs, f"one pair of exits for all {position.symbol} takes their place"):
        return None
    view, _ = reconcile(context)
    if halted := open_halt(context.state):
        return halted.message
    with context.state.begin() as connection:
        taken = sum((one.shares for one in reducing_orders(connection)[position.symbol]), Decimal(0))
    quantity = next((one.quantity for one in view.positions if one.symbol == position.symbol), Decimal(0))
    bare = (max(bracket.side.sign * quantity, Decimal(0)) - taken).to_integral_value(rounding=ROUND_DOWN)
    return _give_exits(context, session, bracket, bare) if bare > 0 else None


def _give_exits(context: ExecutionContext, session: date, bracket: OrderIntent, shares: Decimal) -> str | None:
    """Send a pair under the first id of the session that was not used yet, and that was not refused."""
    differing: str | None = None
    for number in range(1, _MOST_A_SESSION + 1):
        planned = _exits(session, bracket, shares, number)
        with context.writing() as (connection, author):
            known = state.load(connection, planned.client_order_id)
            if known is None or known.state is IntentState.PLANNED or not known.attempts:
                differing = state.plan_one(connection, author, planned)
            else:
                differing = f"it is {known.state} already"
        if differing is None:
            return send(context, planned.client_order_id)
        if known is not None and known.state is IntentState.REJECTED:
            break
    name = client_order_id(session, bracket.strategy, bracket.symbol, Leg.EXIT)
    text = f"{shares:f} {bracket.symbol} are held without exits; {name} is not sent: {differing}"
    context.tell(Severity.WARNING, f"bare:{session}:{bracket.symbol}", f"{bracket.symbol} is held without exits", text)
    return None


def _tell_bare(context: ExecutionContext, session: date, position: Position, bare: Decimal, bracket: OrderIntent) -> None:
    text = (
        f"{bare:f} of {position.quantity:f} {position.symbol} have no exits, and its price {_shown(position.price)} is not between the stop-loss "
        f"{bracket.stop_loss} and the take-profit {bracket.take_profit} of {bracket.client_order_id}. See to the position."
    )
    context.tell(Severity.WARNING, f"bare:{session}:{position.symbol}", f"{position.symbol} is held without exits", text)


def _exits(session: date, bracket: OrderIntent, shares: Decimal, number: int) -> OrderIntent:
    return replace(
        bracket,
        client_order_id=client_order_id(session, bracket.strategy, bracket.symbol, Leg.EXIT, number),
        session=session,
        side=bracket.side.opposite,
        leg=Leg.EXIT,
        quantity=shares,
        kind=OrderKind.OCO,
        limit_price=None,
    )


def _in_new_shares(context: ExecutionContext, bracket: OrderIntent) -> OrderIntent:
    """The bracket at the prices that splits have made of its own. Where they can't be looked up, as it is: such exits do not lie on both sides of the price."""
    if context.splits is None or bracket.take_profit is None or bracket.stop_loss is None:
        return bracket
    try:
        ratio = context.splits.since(bracket.session, bracket.symbol, context.session_of(context.clock.now()))
    except AtsError as error:
        context.tell(
            Severity.WARNING, f"splits:{bracket.client_order_id}", f"The splits of {bracket.symbol} can't be looked up", str(error)
        )
        return bracket
    return replace(bracket, take_profit=bracket.take_profit / ratio, stop_loss=bracket.stop_loss / ratio)


def _shown(price: Decimal | None) -> str:
    return "(the broker has none)" if price is None else f"{price:f}"


def _between(bracket: OrderIntent, price: Decimal | None) -> bool:
    """Whether both exits still lie ahead, as far as there is a price to tell. They do not after a split, when the prices are of old shares, or where the market has run past one."""
    if price is None or bracket.take_profit is None or bracket.stop_loss is None:
        return False
    return min(bracket.take_profit, bracket.stop_loss) < price < max(bracket.take_profit, bracket.stop_loss)


def _any_bracket(connection: Connection, strategy: str) -> bool:
    query = select(intents.c.client_order_id).where(intents.c.strategy == strategy, intents.c.kind == OrderKind.BRACKET.value)
    return connection.execute(query.limit(1)).first() is not None


def _bracket_of(context: ExecutionContext, symbol: str, instrument: str | None) -> OrderIntent | None:
    """The bracket by which a position was entered last, under the ticker that it has now; not one of another company that had the ticker before."""
    with context.state.begin() as connection:
        found = _last_bracket(connection, context.settings.strategy, symbol, instrument)
    return _bracket_of_former_name(context, symbol, instrument) if found is None else replace(found, symbol=symbol)


def _is_of(symbol: str, instrument: str | None) -> ColumnElement[bool]:
    """The intents of an instrument; of those that were decided before it was written down, the ones under a ticker."""
    if instrument is None:
        return intents.c.symbol == symbol
    return (intents.c.instrument == instrument) | (intents.c.instrument.is_(None) & (intents.c.symbol == symbol))


def _last_bracket(connection: Connection, strategy: str, symbol: str, instrument: str | None) -> OrderIntent | None:
    """The newest bracket whose entry was filled, in part at least."""
    entry = (orders.c.intent_id == intents.c.client_order_id) & (orders.c.client_order_id == intents.c.client_order_id)
    query = select(intents.c.client_order_id, orders.c.filled_quantity).join(orders, entry)
    query = query.where(intents.c.strategy == strategy, _is_of(symbol, instrument), intents.c.kind == OrderKind.BRACKET.value)
    for row in connection.execute(query.order_by(intents.c.session.desc())):
        found = state.load(connection, row.client_order_id) if row.filled_quantity else None
        if found is not None:
            return found.intent
    return None


def _bracket_of_former_name(context: ExecutionContext, symbol: str, instrument: str | None) -> OrderIntent | None:
    """The last bracket of a position that was never entered under its ticker, by the names that it had before."""
    with context.state.begin() as connection:
        entered = select(intents.c.client_order_id).where(
            intents.c.symbol == symbol, _is_of(symbol, instrument), intents.c.leg == Leg.OPEN.value
        )
        if connection.execute(entered.limit(1)).first() is not None:
            return None
        since = connection.execute(select(func.min(intents.c.session))).scalar_one()
    changes, name = context.name_changes(since), symbol
    for former, new in changes.sort("session", descending=True).select("symbol", "new_symbol").iter_rows():
        if new == name:
            name = former
            with context.state.begin() as connection:
                found = _last_bracket(connection, context.settings.strategy, former, instrument)
            if found is not None:
                return replace(found, symbol=symbol)
    return None


def _entry_at_work(connection: Connection, strategy: str, symbol: str) -> bool:
    """Whether an entry of the symbol is being filled: its own exits come with its last share, and would not find the shares if others were for them."""
    for intent_id, order in orders_of(connection, unfinished=True):
        if order.client_order_id == intent_id and order.symbol == symbol and order.filled_quantity:
            row = state.load(connection, intent_id)
            if row is not None and row.intent.leg is Leg.OPEN and row.intent.strategy == strategy:
                return True
    return False

"""Where the loop's decisions become orders: through the executor, under its lease, each written down before its one request.

What was decided and the order that it asks for are written in one transaction. So after a crash either nothing of it is known, or both are, and the next process goes on with
the order as with any other: it asks the broker before it sends.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from ats_assets.algorithms.algorithm import ChildRecord, Parent, SendChild
from ats_assets.algorithms.order_words import Leg, OrderKind, Side, child_order_id
from ats_assets.algorithms.stepping import ended_parent
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.account_book import reconcile
from ats_assets.execution.clock import Clock
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.contract_legs import is_contract
from ats_assets.execution.executor import Executor
from ats_assets.execution.halts import halt, read_halt
from ats_assets.execution.order import BrokerOrder, ForeignOrder, OrderIntent, client_order_id
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.refusals import blocked_account, not_opening
from ats_assets.execution.room import make_room
from ats_assets.execution.sending import send
from ats_assets.execution.worked_state import broker_order, child_records, note_arrival, note_cancel, parent_of, plan_part
from ats_assets.live.session_state import AccountView
from ats_assets.live.step import LiveDecision
from ats_assets.storage.processes import this_process
from ats_assets.trade_state import TradeState
from ats_assets.trade_state.tables import halts

BREACH = "breach in the session: "
"""What the reason of a halt begins with that a breach has made; orders that close positions for it are sent all the same."""
_MOST_CLOSINGS = 9
"""Orders to close one position for a breach, each sent after the one before it has ended without filling; then a person is asked."""
_GIVEN_UP = (IntentState.WITHDRAWN, IntentState.MISSED)


@dataclass(frozen=True, kw_only=True)
class Looked:
    """The broker's side, as it was just reconciled.

    Attributes
    ----------
    children
        By the id of their parent, those that the records have.
    held_up
        Why nothing may be sent.
    """

    account: AccountView
    children: Mapping[str, tuple[ChildRecord, ...]]
    held_up: str | None


@dataclass(frozen=True, kw_only=True)
class SessionExecution:
    """The executor, for one session.

    Attributes
    ----------
    planned
        The session at whose close the orders were decided that are worked now.
    """

    executor: Executor
    state: TradeState
    strategy: str
    planned: date
    opens_at: datetime
    closes_at: datetime
    clock: Clock

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction for what was heard, and asks for nothing."""
        with self.state.begin() as connection:
            yield connection

    def parents(self) -> list[tuple[Parent, str]]:
        """The orders of the plan that are worked inside the session, and how each is, as it is recorded; those that are done among them."""
        with self.state.begin() as connection:
            rows = [row for row in intents_state.of_session(connection, self.planned, self.strategy) if row.intent.work is not None]
        rows = sorted(
            (row for row in rows if row.state not in _GIVEN_UP),
            key=lambda row: (row.intent.leg is not Leg.CLOSE, row.intent.client_order_id),
        )
        made = [(parent_of(replace(row, arrival_price=None), self.opens_at, self.closes_at), row.intent.work) for row in rows]
        return [(parent, plan.text()) for parent, plan in made if plan is not None]

    def look(self, parents: Sequence[Parent]) -> Looked:
        """Reconcile, and tell what the broker holds and where the orders stand.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
        """
        with self.executor.at_work() as context:
            view, _ = reconcile(context)
            with context.state.begin() as connection:
                children = {one.client_order_id: tuple(child_records(connection, one.client_order_id)) for one in parents}
                halted = read_halt(connection)
            kill = context.kill_switch.reason()
        positions = {one.symbol: float(one.quantity) for one in view.positions if one.quantity and not is_contract(one.symbol)}
        return Looked(
            account=AccountView(cash=float(view.account.cash), positions=positions, no_opening=not_opening(view.account)),
            children=children,
            held_up=halted.message if halted else kill or blocked_account(view.account),
        )

    def send(self, parent: Parent, made: LiveDecision, written: Callable[[Connection], None]) -> ChildRecord | None:
        """Write down a decision with its order, then send that; gives where it stands."""
        name, fields = parent.client_order_id, made.fields
        order = SendChild(
            quantity=fields["quantity"],
            kind=OrderKind(fields["kind"]),
            limit_price=fields["limit_price"],
            expires_at=fields["expires_at"],
            reason=made.reason,
        )
        with self.executor.at_work() as context:
            with context.writing() as (connection, author):
                written(connection)
                row = intents_state.load(connection, name)
                if row is None:
                    raise AtsError(f"{name} is worked, and no longer in the trade state: look at who has changed the database")
                if row.arrival_price is None and parent.arrival_price is not None:
                    note_arrival(connection, author, row, parent.arrival_price)
                part = plan_part(connection, author, row, fields["number"], order)
            return self._dispatched(context, name, part.client_order_id)

    def take_up(self, order: OrderIntent, written: Callable[[Connection], None]) -> None:
        """Write down a decision with the order that is to be worked for it; once more changes nothing."""
        with self.executor.at_work() as context, context.writing() as (connection, author):
            written(connection)
            intents_state.plan_one(connection, author, order)

    def resume(self, parent: Parent, number: int) -> ChildRecord | None:
        """Go on with an order that is written down: one that certainly is not at the broker is sent. None: it was not written down."""
        with self.executor.at_work() as context:
            with context.state.begin() as connection:
                row = intents_state.load(connection, child_order_id(parent.client_order_id, number))
            return None if row is None else self._dispatched(context, parent.client_order_id, row.intent.client_order_id)

    def cancel(self, client_order_id: str, reason: str, written: Callable[[Connection], None]) -> None:
        """Write down that an order is to end, and ask the broker for it."""
        with self.executor.at_work() as context:
            with context.writing() as (connection, author):
                written(connection)
                note_cancel(connection, author, client_order_id, reason)
                order = broker_order(connection, client_order_id)
            if order is not None and not order.status.final:
                context.broker.cancel(order.broker_order_id)

    def finish(self, parent: Parent, children: Sequence[ChildRecord], reason: str) -> None:
        """An order that is done: filled, or what is left of it stays so."""
        with self.executor.at_work() as context, context.writing() as (connection, author):
            row = intents_state.load(connection, parent.client_order_id)
            if row is not None and row.state in (IntentState.PLANNED, IntentState.WORKING):
                done = IntentState(ended_parent(parent, children).value)
                intents_state.move(connection, author, row, done, None if done is IntentState.FILLED else reason)

    def stop(self, reason: str, written: Callable[[Connection], None]) -> None:
        """Write down a breach and halt trading, in one transaction: no order of any process is written ahead after it, and what is not written is not sent.

        The lease is not waited for: whoever has it may be sending a plan just now, and stops at its next order.
        """
        with self.state.begin() as connection:
            written(connection)
            halt(connection, self.clock.now(), this_process(), f"{BREACH}{reason}")

    def is_halted(self, reason: str) -> bool:
        """Whether the halt of a breach stands: a person ends it."""
        with self.state.begin() as connection:
            query = select(halts.c.id).where(halts.c.cleared_at.is_(None), halts.c.reason == f"{BREACH}{reason}")
            return connection.execute(query.limit(1)).first() is not None

    def close_all(self, reason: str) -> str | None:
        """Cancel all open orders, then close every position at the market; once more changes nothing. Gives what is still waited for."""
        with self.executor.at_work() as context:
            view, _ = reconcile(context)
            working = [one for one in view.open_orders if not isinstance(one, ForeignOrder) and not self._closes(one)]
            for order in working:
                context.broker.cancel(order.broker_order_id)
            if working:
                view, _ = reconcile(context)
            left = [one for one in view.open_orders if not isinstance(one, ForeignOrder) and not self._closes(one)]
            if left:
                return f"{len(left)} orders are asked to end, and have not yet"
            closing = {one.symbol for one in view.open_orders if not isinstance(one, ForeignOrder)}
            for position in view.positions:
                if position.quantity and position.symbol not in closing:
                    self._close(context, position.symbol, position.quantity, position.price, reason)
            view, _ = reconcile(context)
        held = [one.symbol for one in view.positions if one.quantity]
        return f"{', '.join(held)} not closed yet" if held else None

    def _close(self, context: ExecutionContext, symbol: str, quantity: Decimal, price: Decimal | None, reason: str) -> None:
        number = 1
        with context.writing() as (connection, author):
            while (known := intents_state.load(connection, _closing_id(self.planned, self.strategy, symbol, number))) and known.state.final:
                number += 1
            if number > _MOST_CLOSINGS:
                raise AtsError(
                    f"{symbol} was to be closed by {_MOST_CLOSINGS} orders after a breach, and is still held: close it at the broker"
                )
            if known is None:
                intent = OrderIntent(
                    client_order_id=_closing_id(self.planned, self.strategy, symbol, number),
                    session=self.planned,
                    strategy=self.strategy,
                    symbol=symbol,
                    side=Side.SELL if quantity > 0 else Side.BUY,
                    leg=Leg.EXIT,
                    quantity=abs(quantity),
                    kind=OrderKind.MARKET,
                    decision_price=price or Decimal(0),
                )
                intents_state.plan_one(connection, author, intent)
        send(context, _closing_id(self.planned, self.strategy, symbol, number), despite=f"{BREACH}{reason}")

    def _closes(self, order: BrokerOrder) -> bool:
        """Whether it is one of those that close positions for a breach."""
        names = (_closing_id(self.planned, self.strategy, order.symbol, number) for number in range(1, _MOST_CLOSINGS + 1))
        return order.client_order_id in names

    @staticmethod
    def _dispatched(context: ExecutionContext, parent: str, name: str) -> ChildRecord | None:
        """Bring a part to the broker, if nothing is in its way; gives where it stands."""
        if context.broker.reserves_shares:
            view, _ = reconcile(context)
            obstacle = make_room(context, view, name)
        else:
            obstacle = None
        if obstacle is None:
            send(context, name)
        with context.state.begin() as connection:
            return next((child for child in child_records(connection, parent) if child.client_order_id == name), None)


def _closing_id(planned: date, strategy: str, symbol: str, number: int) -> str:
    return client_order_id(planned, strategy, f"{symbol}-breach", Leg.EXIT, number)

"""The executor: sends a plan to the broker exactly once, and reconciles before and after."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, timedelta

from ats_assets.alerts import AlertSink, Severity
from ats_assets.algorithms.algorithm import Algorithm
from ats_assets.algorithms.played_session import SessionTimes
from ats_assets.errors import AtsError
from ats_assets.execution import account_book, settlement, state
from ats_assets.execution.attendance import attend
from ats_assets.execution.broker import Broker, WorksOrders
from ats_assets.execution.clock import Clock, SystemClock
from ats_assets.execution.context import ExecutionContext, Timeouts, utc_day
from ats_assets.execution.crossing import keep_from_crossing
from ats_assets.execution.exits import cover
from ats_assets.execution.following import send_all, take_up
from ats_assets.execution.halts import clear_halts, open_halt
from ats_assets.execution.lease import holding_lease
from ats_assets.execution.names import IdentityLookup, NameChanges, no_name_changes
from ats_assets.execution.order import Leg, OrderIntent, OrderKind
from ats_assets.execution.outcome import Difference, Execution, Halt, IntentState, OrderOutcome, Settlement
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.refusals import blocked_account, first_reason, names_of, not_opening
from ats_assets.execution.room import waiting_orders
from ats_assets.execution.rows import orders_of
from ats_assets.execution.share_splits import Splits
from ats_assets.execution.work_pass import MarketView, WorkPass, Workshop, no_market
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.execution.working import recorded_algorithm, work
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState
from ats_assets.trade_state.kill_switch import KillSwitch

LOOK_AGAIN = timedelta(minutes=15)
"""Between two checks for splits at the next open, in `follow_up`."""


class Executor:
    """Sends intents to a broker. Any number of executors may share one trade state; a lease lets one work at a time.

    Parameters
    ----------
    alert
        Receives fills, rejections and halts; it must not raise.
    session_of
        The session that an instant belongs to; by default its day in UTC.
    name_changes
        Returns ticker changes; called when positions differ.
    identities
        Maps tickers to instruments: exits use the prices of the bracket through which the instrument was entered.
    splits
        Known splits, for a broker that does not keep orders from crossing them.
    hours
        The session at whose close a plan was made -> the one that it is for; needed for orders that are worked in parts.
    algorithm
        How an order is worked -> what works it.
    """

    def __init__(
        self,
        broker: Broker,
        trade_state: TradeState,
        settings: OrdersSettings,
        *,
        alert: AlertSink,
        clock: Clock | None = None,
        timeouts: Timeouts | None = None,
        session_of: Callable[[datetime], date] = utc_day,
        name_changes: NameChanges = no_name_changes,
        identities: IdentityLookup | None = None,
        splits: Splits | None = None,
        hours: Callable[[date], SessionTimes] | None = None,
        algorithm: Callable[[WorkPlan], Algorithm] = recorded_algorithm,
    ) -> None:
        self._broker = broker
        self._state = trade_state
        self._settings = settings
        self.alert = alert
        self._clock = clock or SystemClock()
        self._timeouts = timeouts or Timeouts()
        self._session_of = session_of
        self._name_changes = name_changes
        self._identities = identities
        self._splits = splits
        self._hours = hours
        self._algorithm = algorithm
        self._looked: tuple[date, datetime, frozenset[str]] | None = None
        """The last check for splits: the session before them, the time of the check, and the symbols."""

    def reconcile(self) -> list[Difference]:
        """Bring the records up to date with the broker and compare; a difference halts trading and sends an alert.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
        """
        with self.at_work() as context:
            return account_book.reconcile(context)[1]

    def execute(self, session: date, intents: Sequence[OrderIntent], *, options: bool = False) -> Execution:
        """Send the plan made at the close of `session`, each intent once; whatever was sent before is not sent again.

        1. Orders that reduce positions come first, to free buying power. Exits that block a sale are cancelled, and the rest of the position gets new ones.
        2. An order whose shares are still reserved by exits waits; `follow_up` sends it later.
        3. Sending stops at the first order that may not be sent, or whose state remains unknown. Positions without exits get them even then.
        4. While buying power is negative, orders that reduce positions are sent, as a margin call needs them; orders that open positions wait.

        Parameters
        ----------
        options
            It is the plan of option contracts, which is another one than that of shares: neither withdraws what only the other has.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
            The next execution asks the broker about orders in flight.
        AtsError
            If an intent is of another session or strategy.
        """
        self._check(session, intents, options)
        ordered = sorted(intents, key=lambda intent: intent.leg is not Leg.CLOSE)
        with self.at_work() as context:
            with context.writing() as (connection, author):
                differing = state.record_plan(connection, author, session, self._settings.strategy, ordered, options=options)
            view, _ = account_book.reconcile(context)  # after the plan is written, so that orders under its ids are known for ours
            if differing:
                text = "; ".join(f"{name}: {changes}" for name, changes in differing.items())
                context.tell(
                    Severity.WARNING, f"plan:{session}:{text}", f"A new plan of {session} differs from what was tried: not sent", text
                )
            halted = open_halt(self._state)
            stopped = (
                f"trading is halted since {halted.at:%Y-%m-%d %H:%M} UTC: {halted.reason}" if halted else blocked_account(view.account)
            )
            waiting: tuple[str, ...] = ()
            if not stopped:
                opening = not_opening(view.account)
                due = [one for one in ordered if opening is None or one.leg is Leg.CLOSE]
                crossing = self._crossing(context, session, {*(one.symbol for one in ordered), *(one.symbol for one in view.positions)})
                direct = [one for one in due if one.kind is not OrderKind.WORKED or isinstance(self._broker, WorksOrders)]
                stopped, waiting = send_all(
                    context, view, self._in_turn(session, [one for one in names_of(direct) if one not in differing])
                )
                if len(direct) < len(due) and not stopped:
                    stopped = self._work(context, session, view, no_market).stopped
                stopped = first_reason(stopped, cover(context, session, but=crossing), opening if self._any_left(ordered, due) else None)
            if stopped:
                context.tell(Severity.WARNING, f"stopped:{session}:{stopped}", f"Orders of {session} are not all sent", stopped)
            outcomes = self._outcomes(session, names_of(ordered), differing, exits=not options)
            return Execution(session=session, outcomes=outcomes, stopped=stopped, waiting=waiting)

    def follow_up(self) -> Execution | None:
        """Reconcile, and follow up on the last plan while its session is open; None if trading is halted, or nothing was planned yet.

        Waiting orders are sent once their shares are free, and positions without exits get them. Until the open, pre-split orders of a symbol that splits there are
        cancelled.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
        """
        with self.at_work() as context:
            view, differences = account_book.reconcile(context)
            with context.writing() as (connection, author):
                attend(connection, author, self._settings.strategy)
                session = state.newest_session(connection, self._settings.strategy)
            if differences or session is None or open_halt(self._state) or blocked_account(view.account):
                return None
            if crossing := self._crossing(context, session, {one.symbol for one in view.positions}, LOOK_AGAIN):
                view, _ = account_book.reconcile(context)
            sent, stopped, waiting = take_up(context, session, view, but=crossing)
            stopped = stopped or self._work(context, session, view, no_market).stopped
            return Execution(session=session, outcomes=self._outcomes(session, sent, {}), stopped=stopped, waiting=waiting)

    def work(self, session: date, market: MarketView = no_market) -> WorkPass:
        """One pass over the orders of the plan of `session` that are worked in parts (`ats_assets.execution.working`). Any number of passes do what one does.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
        """
        with self.at_work() as context:
            view, _ = account_book.reconcile(context)
            halted = open_halt(self._state)
            stopped = halted.message if halted else blocked_account(view.account)
            if stopped:
                return WorkPass(session=session, steps=(), next_at=None, stopped=stopped)
            return self._work(context, session, view, market)

    def _work(self, context: ExecutionContext, session: date, view: BrokerView, market: MarketView) -> WorkPass:
        if isinstance(self._broker, WorksOrders) or self._hours is None:
            return WorkPass(session=session, steps=(), next_at=None)
        shop = Workshop(hours=self._hours(session), market=market, make=self._algorithm)
        return work(context, session, view, shop, opening=not_opening(view.account))

    def settle(self, session: date) -> Settlement:
        """Settle the orders for the open of `session`, reconcile, and store the account and its positions under the session.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
        """
        with self.at_work() as context:
            return settlement.settle(context, session)

    def halted(self) -> Halt | None:
        """The halt that stops trading."""
        return open_halt(self._state)

    def resume(self, who: str, note: str, *, accept: bool = False) -> int:
        """Resume trading after a halt, on a person's decision; returns the number of halts cleared. A remaining difference halts it again.

        Parameters
        ----------
        who, note
            For the audit trail.
        accept
            Accept the broker's account as correct: it becomes the new baseline.
        """
        with self.at_work() as context:
            if accept:
                account_book.adopt_baseline(context)
            with context.writing() as (connection, author):
                return clear_halts(connection, author.now, who, note)

    def _in_turn(self, session: date, names: Sequence[str]) -> list[str]:
        """Waiting orders first: they may still be sent when it is too late for the others, at which the plan stops."""
        with self._state.begin() as connection:
            waited = {row.intent.client_order_id for row in waiting_orders(connection, session, self._settings.strategy)}
        return sorted(names, key=lambda name: name not in waited)

    def _any_left(self, ordered: Sequence[OrderIntent], due: Sequence[OrderIntent]) -> bool:
        """Whether any of the intents that are not due could be sent still."""
        with self._state.begin() as connection:
            rows = [state.load(connection, name) for name in {*names_of(ordered)} - {*names_of(due)}]
        return any(row is not None and row.state is IntentState.PLANNED for row in rows)

    def _crossing(self, context: ExecutionContext, session: date, symbols: set[str], again: timedelta = timedelta(0)) -> frozenset[str]:
        """The symbols that split at the open after the close of `session`, with their orders out of the way; looked up again after `again`."""
        now = context.clock.now()
        if self._looked is None or self._looked[0] != session or now - self._looked[1] >= again:
            self._looked = (session, now, keep_from_crossing(context, session, symbols))
        return self._looked[2] if context.session_of(now) <= session else frozenset()

    @contextmanager
    def at_work(self) -> Iterator[ExecutionContext]:
        """The lease, for the time of a block: for every method here, and for the session loop, which sends orders one by one."""
        timeouts = self._timeouts
        with holding_lease(self._state, self._clock, seconds=timeouts.lease_seconds, wait_seconds=timeouts.lease_wait_seconds) as lease:
            yield ExecutionContext(
                broker=self._broker,
                state=self._state,
                settings=self._settings,
                kill_switch=KillSwitch.of(self._settings),
                lease=lease,
                clock=self._clock,
                alert=self.alert,
                timeouts=timeouts,
                session_of=self._session_of,
                name_changes=self._name_changes,
                identities=self._identities,
                splits=self._splits,
            )

    def _check(self, session: date, intents: Sequence[OrderIntent], options: bool) -> None:
        if any(bool(intent.legs) is not options for intent in intents):
            raise AtsError(f"the plan of {session} mixes orders for shares and for option contracts: these are two plans")
        wrong = [i.client_order_id for i in intents if i.session != session or i.strategy != self._settings.strategy or i.quantity <= 0]
        if wrong:
            raise AtsError(f"{wrong[:5]}: not intents of {session} and strategy {self._settings.strategy} with a positive quantity")
        if self._hours is None and any(i.kind is OrderKind.WORKED for i in intents) and not isinstance(self._broker, WorksOrders):
            raise AtsError(
                f"the plan of {session} has orders that are worked in parts, and this executor does not know the hours of sessions"
            )
        if len({intent.client_order_id for intent in intents}) < len(intents):
            raise AtsError(f"the plan of {session} has two intents of one client order id: each symbol has one order for each leg")

    def _outcomes(
        self, session: date, planned: Sequence[str], differing: dict[str, str], *, exits: bool = True
    ) -> tuple[OrderOutcome, ...]:
        outcomes = []
        with self._state.begin() as connection:
            decided = {row.intent.client_order_id: row for row in state.of_session(connection, session, self._settings.strategy)}
            parts = [name for name, row in decided.items() if row.intent.part is not None and row.intent.part.parent in planned]
            names = [*planned, *parts, *(name for name, row in decided.items() if exits and row.intent.leg is Leg.EXIT)]
            sent = {order.client_order_id: order for _, order in orders_of(connection, names)}
        for name in names:
            row = decided[name]  # each planned intent was written down
            reason = f"the plan differs from what was tried: {differing[name]}" if name in differing else row.reason
            outcomes.append(OrderOutcome(intent=row.intent, state=row.state, order=sent.get(name), reason=reason, attempts=row.attempts))
        return tuple(outcomes)

"""The desk: takes up what people have asked for, each request exactly once, in five steps.

1. Halts first, without the lease: who has it may be sending just now, and stops at its next order (`ats_assets.execution.halts.enact_halts`).
2. The lease, and what has expired is closed.
3. A request becomes `taken` in the transaction that writes down all that it leads to: an order's intent; or, where it ends there, its end (a resume).
4. What was written down is done: the intent is sent exactly once, as any other; a cancel is asked for; a promotion is in the journal once, by its time.
5. What came of it is written down, and ends the request.

A process that dies anywhere leaves `confirmed` (nothing was begun) or `taken`: whoever looks next goes on from what is written down.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ats_assets.algorithms.order_words import Leg, OrderKind
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.account_book import reconcile
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.clock import Clock
from ats_assets.execution.context import ExecutionContext
from ats_assets.execution.executor import Executor
from ats_assets.execution.halts import clear_halts, enact_halts, open_halt, tell_halts
from ats_assets.execution.manual_orders import DeskMarket, decided_order
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.reconciliation import BrokerView
from ats_assets.execution.refusals import blocked_account, first_reason
from ats_assets.execution.room import Reducing, cancelled, make_room
from ats_assets.execution.rows import orders_of
from ats_assets.execution.sending import send
from ats_assets.execution.state import IntentRow
from ats_assets.requests.request_errors import RequestError
from ats_assets.requests.request_kinds import RequestKind
from ats_assets.requests.request_rows import Request, RequestState, load_request
from ats_assets.requests.taking_up import (
    anything_due,
    due_requests,
    expire_requests,
    finish_request,
    let_wait,
    refuse_request,
    take_up_request,
)
from ats_assets.settings import RequestsSettings
from ats_assets.storage.processes import this_process
from ats_assets.trade_state import TradeState

log = logging.getLogger(__name__)

_NEVER_SENT = (IntentState.REJECTED, IntentState.WITHDRAWN, IntentState.MISSED)
Promotion = Callable[[Request, datetime], dict[str, Any]]
"""A request to promote or roll back, and the time from which its decision counts -> what was decided. Called again, it decides nothing new."""


@dataclass(frozen=True, kw_only=True)
class RequestDesk:
    """Any number of desks may look at one trade state; the executor's lease lets one at a time.

    Parameters
    ----------
    promote
        Writes a decision on who is champion into its journal.
    """

    executor: Executor
    state: TradeState
    settings: RequestsSettings
    market: DeskMarket
    promote: Promotion
    clock: Clock

    def look(self) -> int:
        """Take up what is due; gives how many requests came to an end. Without any it asks one question of the database, and of nobody else.

        Raises
        ------
        BrokerError, ExecutorBusyError, LeaseLostError, AccountMismatchError, TradeStateError
            What is not done stays as it is written down; look again.
        """
        ended = self.stop_where_asked()
        with self.state.begin() as connection:
            if not anything_due(connection, self.clock.now()):
                return ended
        failed: BrokerError | None = None
        with self.executor.at_work() as context:
            with context.writing() as (connection, author):
                ended += len(expire_requests(connection, author.now, author.who))
                due = due_requests(connection)
            for request in due:
                try:
                    ended += self._look_at(context, request)
                except BrokerError as error:
                    failed = error
                    self._wait(context, request.id, str(error))
        if failed is not None:
            raise failed
        return ended

    def stop_where_asked(self) -> int:
        """Halt trading where a person has asked for it; gives how many requests that were."""
        with self.state.begin() as connection:
            reasons = enact_halts(connection, self.clock.now(), this_process())
        tell_halts(self.executor.alert, self.clock.now(), reasons)
        return len(reasons)

    def _look_at(self, context: ExecutionContext, request: Request) -> bool:
        """Whether it came to an end."""
        steps = {
            RequestKind.RESUME: self._resume,
            RequestKind.PLACE_ORDER: self._place,
            RequestKind.CANCEL_ORDER: self._cancel,
            RequestKind.PROMOTE: self._decide,
            RequestKind.ROLLBACK: self._decide,
        }
        steps[request.kind](context, request)
        with context.state.begin() as connection:
            now = load_request(connection, request.id)
        log.info("request %s (%s by %s) is %s%s", now.id, now.kind, now.who, now.state, f": {now.reason}" if now.reason else "")
        return now.state.final

    def _resume(self, context: ExecutionContext, request: Request) -> None:
        with context.writing() as (connection, author):
            cleared = clear_halts(connection, author.now, request.who, request.body["note"], until=request.asked_at)
            if cleared:
                finish_request(
                    connection, author.now, author.who, request, {"cleared": cleared, "kill_switch": context.kill_switch.reason()}
                )
            else:
                refuse_request(
                    connection, author.now, author.who, request, "trading was not halted when this was asked for: nothing was changed"
                )
        if cleared:
            reconcile(context)

    def _decide(self, context: ExecutionContext, request: Request) -> None:
        request = self._taken(context, request)
        assert request.taken_at is not None, "what is taken has a time"
        try:
            decided = self.promote(request, request.taken_at)
        except AtsError as error:
            self._refuse(context, request, str(error))
            return
        with context.writing() as (connection, author):
            finish_request(connection, author.now, author.who, request, decided)

    def _cancel(self, context: ExecutionContext, request: Request) -> None:
        if refused := self._real_money(context):
            self._refuse(context, request, refused)
            return
        reconcile(context)
        name = request.body["client_order_id"]
        with context.state.begin() as connection:
            row = intents_state.load(connection, name)
        if refused := _not_cancelled(name, row, begun=request.state is RequestState.TAKEN):
            self._refuse(context, request, refused)
            return
        assert row is not None, "what is not there is refused"
        if row.state is IntentState.PLANNED:
            with context.writing() as (connection, author):
                row = intents_state.withdraw(connection, author, row, f"{request.who} has cancelled it")
                finish_request(connection, author.now, author.who, request, {"client_order_id": name, "state": str(row.state)})
            return
        request = self._taken(context, request)
        with context.state.begin() as connection:
            working = [order for _, order in orders_of(connection, [name], unfinished=True)]
        if working:
            cancelled(
                context,
                [Reducing(intent=row.intent, orders=tuple(working), shares=row.intent.quantity)],
                f"{request.who} has asked for it{f': {reason}' if (reason := request.body['reason']) else ''}",
            )
        with context.writing() as (connection, author):
            row = intents_state.load(connection, name) or row
            pending = None if row.state.final else f"{context.broker.name} has taken the cancel, and has not ended the order yet"
            told = {"client_order_id": name, "state": str(row.state)}
            finish_request(connection, author.now, author.who, request, told, reason=pending)

    def _place(self, context: ExecutionContext, request: Request) -> None:
        view, _ = reconcile(context)
        if request.state is RequestState.CONFIRMED:
            begun = self._begin_order(context, view, request)
            if begun is None:
                return
            request = begun
        name = request.client_order_id or ""
        row, why = self._intent(context, name), self._stopped(context, view)
        if row.state is IntentState.PLANNED and why is None:
            obstacle = make_room(context, view, name)
            why = obstacle.reason if obstacle else send(context, name)
            row, why = self._intent(context, name), self._stopped(context, view) or why
        self._close_order(context, request, row, why)

    def _begin_order(self, context: ExecutionContext, view: BrokerView, request: Request) -> Request | None:
        """Take the request up together with its intent; None where it was refused, or waits."""
        refused = self._real_money(context) or self._stopped(context, view)
        if refused is None and (late := context.broker.may_send(self.market.session(view.account.at), late=True)):
            self._wait(context, request.id, late)
            return None
        decided = refused or decided_order(context, view, request, self.market)
        with context.writing() as (connection, author):
            if isinstance(decided, str):
                refuse_request(connection, author.now, author.who, request, decided)
                return None
            begun = take_up_request(connection, author.now, author.who, request, context.lease.token)
            intents_state.plan_one(connection, author, decided)
        return begun

    def _close_order(self, context: ExecutionContext, request: Request, row: IntentRow, why: str | None) -> None:
        """End the request where its intent has come to somewhere; one that was not sent in its time, or meets a halt, is withdrawn."""
        if row.state is IntentState.SENDING:
            return
        halted = self._halted(context)
        with context.writing() as (connection, author):
            over = request.expires_at is not None and request.expires_at <= author.now
            if row.state is IntentState.PLANNED:
                if not (over or halted):
                    let_wait(connection, request, why or "it was not sent")
                    return
                row = intents_state.withdraw(connection, author, row, why or "it could not be sent in its time")
            if row.state in _NEVER_SENT:
                refuse_request(connection, author.now, author.who, request, row.reason or f"it was {row.state}")
            else:
                told = {"client_order_id": row.intent.client_order_id, "state": str(row.state)}
                finish_request(connection, author.now, author.who, request, told, reason=row.reason)

    def _taken(self, context: ExecutionContext, request: Request) -> Request:
        if request.state is RequestState.TAKEN:
            return request
        with context.writing() as (connection, author):
            return take_up_request(connection, author.now, author.who, request, context.lease.token)

    def _refuse(self, context: ExecutionContext, request: Request, reason: str) -> None:
        with context.writing() as (connection, author):
            refuse_request(connection, author.now, author.who, request, reason)

    def _wait(self, context: ExecutionContext, request_id: str, reason: str) -> None:
        with context.writing() as (connection, _):
            request = load_request(connection, request_id)
            if not request.state.final:
                let_wait(connection, request, reason)

    def _real_money(self, context: ExecutionContext) -> str | None:
        if context.broker.live and not self.settings.live:
            return (
                f"{context.broker.name} trades with real money, and orders of people are for paper alone: requests.live = true allows them"
            )
        return None

    def _halted(self, context: ExecutionContext) -> str | None:
        halted = open_halt(context.state)
        return halted.message if halted else context.kill_switch.reason()

    def _stopped(self, context: ExecutionContext, view: BrokerView) -> str | None:
        return first_reason(self._halted(context), blocked_account(view.account))

    @staticmethod
    def _intent(context: ExecutionContext, name: str) -> IntentRow:
        with context.state.begin() as connection:
            row = intents_state.load(connection, name)
        if row is None:
            raise RequestError(f"{name} is under way, and no longer in the trade state: look at who has changed the database")
        return row


def _not_cancelled(name: str, row: IntentRow | None, *, begun: bool) -> str | None:
    """Why a person can't cancel an order."""
    if row is None:
        return f"there is no order {name} of ours"
    if row.intent.leg is Leg.EXIT:
        return f"{name} is an exit: it stays as long as the position, which would be without one"
    if row.intent.kind is OrderKind.WORKED or row.intent.part is not None:
        return f"{name} is worked in parts, and the next part would follow: halt trading instead"
    if row.state.final and not begun:
        return f"{name} is {row.state} already"
    return None

"""The session loop: hears, decides by `step`, writes down, acts, and hears what came of it.

1. What was heard is written down at the latest with the decision that it led to, and that before anything is done about it.
2. One action at a time. Before the next algorithm is asked, what the stream and the broker have told meanwhile is taken.
3. A restart reads the journal, repeats its steps, goes on with what was decided and not done, and looks at the broker. The stream is then asked for what was missed.
4. Errors that pass (a broker that can't be asked, another executor at work) are waited out: what was decided stays written down, and is gone on with.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.algorithms.algorithm import Parent
from ats_assets.errors import TradeStateError
from ats_assets.execution.broker import BrokerError, KeysRefusedError
from ats_assets.execution.clock import Clock
from ats_assets.execution.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.live.intake import Intake
from ats_assets.live.lane_orders import order_of_event
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.loop_claim import Claim
from ats_assets.live.news import news, own_event, sent_child
from ats_assets.live.retracing import retraced
from ats_assets.live.session_execution import SessionExecution
from ats_assets.live.session_journal import DecidedRow, SessionJournal
from ats_assets.live.session_state import LiveState
from ats_assets.live.step import LiveDecision, Step, What, begin, step
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.live.writing_ahead import WritingAhead
from ats_assets.trade_state.journal_text import to_text

log = logging.getLogger(__name__)
_FAILURES_BEFORE_ALERT = 3
_PASSES = (BrokerError, ExecutorBusyError, LeaseLostError, TradeStateError)


@dataclass(kw_only=True)
class SessionLoop:
    """The loop of one session.

    Parameters
    ----------
    plan
        What the session begins with: the fields of `EventKind.PLAN`.
    waiting
        Whether the stream has something already.
    woken
        Whether the broker has told of something since it was asked last.
    on_step
        Told of each step, for who watches.
    unwritten
        Events that a killed replay had not written down: they are heard again before the broker is asked, which knows them.
    """

    execution: SessionExecution
    journal: SessionJournal
    rules: LiveRules
    claim: Claim
    plan: Callable[[], Mapping[str, Any]]
    alert: AlertSink
    clock: Clock
    waiting: Callable[[], bool] = lambda: False
    woken: Callable[[], bool] = lambda: False
    on_step: Callable[[StreamEvent, Step], None] = lambda _event, _step: None
    unwritten: int = 0
    state: LiveState = field(init=False)
    verdicts: Counter[Intake] = field(default_factory=Counter)
    _ahead: WritingAhead = field(init=False)
    _breach: tuple[int, str] | None = None
    """Number and reason of the breach whose consequences are not through."""
    _undone: list[DecidedRow] = field(default_factory=list)
    _failures: int = 0
    _looked_at: datetime | None = None

    def run(self, events: Iterable[StreamEvent | None]) -> LiveState:
        """Go through a session, until its events end.

        Parameters
        ----------
        events
            None where nothing is heard for a moment.

        Raises
        ------
        KeysRefusedError
            What no repetition mends.
        AtsError
            If another loop has taken over.
        """
        self._begin()
        for number, event in enumerate(events, 1):
            if event is not None:
                self._pass_time(event.known_at)
                self._feed(event)
            else:
                self._feed(self._own(EventKind.TICK))
            if number >= self.unwritten:
                self._see_to_it()
        self._look()
        self._write()
        return self.state

    def _pass_time(self, until: datetime) -> None:
        """The moments at which an algorithm is to be asked, or an order to end, before the next event."""
        while (moment := self.state.next_moment) is not None and moment < until:
            self._feed(StreamEvent(known_at=max(moment, self.state.now), kind=EventKind.TICK))
            self._see_to_it()
            if self.state.next_moment == moment:
                return

    def _begin(self) -> None:
        """Where the journal has left off."""
        with self.execution.writing() as connection:
            self.claim.take(connection, self.clock.now())
            heard, decided = self.journal.heard(connection), self.journal.decided(connection)
        now = self.clock.now()
        self._ahead = WritingAhead(journal=self.journal, claim=self.claim, clock=self.clock, lane=self.rules.lane)
        self.state = begin(self.rules, heard[0].event.known_at if heard else now)
        self.state = retraced(self.state, heard, decided, self.rules)
        if (broken := self.state.lane and self.state.lane.broken) is not None:
            self._tell(f"events:{broken}", "Trading at events needs a person", broken)
        newest = (max((one.number for one in rows), default=0) for rows in (heard, decided))
        self._ahead.heard, self._ahead.decided = newest
        plan = self.plan()
        known = next((one.event.fields for one in reversed(heard) if one.event.kind is EventKind.PLAN), None)
        if known is None or to_text(known) != to_text(plan):
            self._feed(self._own(EventKind.PLAN, **plan))
        self._undone = [one for one in decided if not one.done]
        self._breach = next(((one.number, one.decision.reason) for one in self._undone if one.decision.what is What.BREACH), None)
        if not self.unwritten:
            self._see_to_it()

    def _feed(self, event: StreamEvent) -> None:
        """One event, and those that come of what is decided."""
        queue = deque([event])
        while queue:
            now = queue.popleft()
            before, made = self.state, step(self.state, now, self.rules)
            self.state = made.state
            self.verdicts[made.verdict] += 1
            self._ahead.keep(before, now, made)
            if made.verdict.refused:
                self._tell(f"{made.verdict}:{now.symbol}", f"The stream is refused: {made.verdict.replace('_', ' ')}", made.reason)
            for one in made.faults:
                title = "An order is not worked" if one.what is What.HOLD else "Trading at events needs a person"
                self._tell(f"algorithm:{one.subject}:{one.reason}", title, one.reason)
            if self._ahead.is_full and not made.decisions:
                self._write()
            self.on_step(now, made)
            queue.extend(self._act(made))

    def _write(self, decisions: tuple[LiveDecision, ...] = ()) -> None:
        """Write down what was heard and decided."""
        heard, decided = self._ahead.rows(decisions, self.state.now)
        with self.execution.writing() as connection:
            self._ahead.write(connection, heard, decided)
        self._ahead.wrote(heard, decided)

    def _act(self, made: Step) -> list[StreamEvent]:
        """Do what was decided, written down first; gives what came of it."""
        if not made.decisions:
            return []
        acting = next((one for one in made.decisions if one.what.acts), None)
        if acting is None:
            self._write(made.decisions)
            self._finish(made)
            return []
        heard, decided = self._ahead.rows(made.decisions, self.state.now)
        number = next(one.number for one in decided if one.decision is acting)
        try:
            came = self._carry_out(acting, number, lambda connection: self._ahead.write(connection, heard, decided))
        except _PASSES as error:
            if isinstance(error, KeysRefusedError):
                raise
            log.warning("%s of %s is not through, and is gone on with: %s", acting.what, acting.subject, error)
            with self.execution.writing() as connection:
                if not self._ahead.is_through(connection, decided):  # it was not begun, or it was taken back
                    self._ahead.write(connection, heard, decided)
            self._ahead.wrote(heard, decided)
            self._undone.append(next(one for one in decided if one.number == number))
            return []
        self._ahead.wrote(heard, decided)
        return came

    def _finish(self, made: Step) -> None:
        """Orders that are done are noted so; where that fails, the end of the session does it."""
        for one in made.decisions:
            if one.what is What.DONE:
                parent = self._parent(one)
                try:
                    self.execution.finish(parent, self.state.children_of(parent), one.reason)
                except _PASSES as error:
                    log.warning("%s is done, which is not noted yet: %s", one.subject, error)

    def _carry_out(self, made: LiveDecision, number: int, write: Callable[[Connection], None]) -> list[StreamEvent]:
        """Do one thing; gives what came of it."""
        if made.what is What.SEND:
            parent = self._parent(made)
            child = self.execution.send(parent, made, write)
            self._ahead.through.add(number)
            return [sent_child(self.state, self.clock.now(), parent, child, made)]
        if made.what is What.CANCEL:
            self.execution.cancel(made.fields["client_order_id"], made.reason, write)
            self._ahead.through.add(number)
            self._looked_at = None
            return []
        if made.what in (What.ENTER, What.LEAVE):
            self.execution.take_up(order_of_event(made, self.execution.planned, self.execution.strategy), write)
            self._ahead.through.add(number)
            return [self._own(EventKind.PLAN, **self.plan())]
        self.execution.stop(made.reason, write)
        told = f"{made.reason}. After a look at the account: `ats orders resume`."
        self._tell("breach", "A limit is broken: trading stops", told, Severity.CRITICAL)
        self._breach = (number, made.reason)
        self._looked_at = None
        return []

    def _go_on(self, one: DecidedRow) -> None:
        """With what was decided and may not have been done."""
        made = one.decision
        if made.what is What.SEND:
            parent = self._parent(made)
            child = self.execution.resume(parent, made.fields["number"])
            self._feed(sent_child(self.state, self.clock.now(), parent, child, made))
        elif made.what is What.CANCEL:
            self.execution.cancel(made.fields["client_order_id"], made.reason, lambda _: None)
        elif made.what in (What.ENTER, What.LEAVE):
            self.execution.take_up(order_of_event(made, self.execution.planned, self.execution.strategy), lambda _: None)
            self._feed(self._own(EventKind.PLAN, **self.plan()))
        else:
            return
        self._ahead.through.add(one.number)

    def _see_to_it(self) -> None:
        """What is due without an event of the stream: a look at the broker, the consequences of a breach, algorithms that are still to be asked."""
        try:
            now = self.clock.now()
            every = timedelta(seconds=self.rules.settings.look_seconds)
            if self.woken() or self._looked_at is None or now - self._looked_at >= every:
                self._look()
            for one in list(self._undone):
                self._go_on(one)
                self._undone.remove(one)
            while self.state.due and not self.waiting():
                self._feed(self._own(EventKind.TICK))
                if self.woken():
                    self._look()
        except _PASSES as error:
            if isinstance(error, KeysRefusedError):
                raise
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self._failures += 1
        self._looked_at = self.clock.now()
        log.warning("the account can't be looked at: %s", error)
        if self._failures == _FAILURES_BEFORE_ALERT:
            self._tell("failing", "The session loop can't look at the account", str(error))

    def _look(self) -> None:
        """Ask the broker, and hear what is new."""
        if self._breach is not None and (self._breach_is_through()):
            self._ahead.through.add(self._breach[0])
            self._breach = None
        looked = self.execution.look(self.state.parents)
        self._looked_at, self._failures = self.clock.now(), 0
        for event in news(self.state, self.clock.now(), looked):
            self._feed(event)

    def _breach_is_through(self) -> bool:
        assert self._breach is not None, "it is asked while there is one"
        reason = self._breach[1]
        if self.rules.settings.on_breach == "stop" or not self.execution.is_halted(reason):
            return True
        waiting = self.execution.close_all(reason)
        if waiting:
            log.warning("after the breach: %s", waiting)
        return waiting is None

    def _own(self, kind: EventKind, **fields: Any) -> StreamEvent:
        return own_event(self.state, self.clock.now(), kind, **fields)

    def _parent(self, made: LiveDecision) -> Parent:
        return next(one for one in self.state.parents if one.client_order_id == made.subject)

    def _tell(self, key: str, title: str, text: str, severity: Severity = Severity.WARNING) -> None:
        self.alert(Alert(key=f"live:{self.rules.session}:{key}", severity=severity, title=title, text=text, at=self.clock.now()))

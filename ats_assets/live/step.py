"""One step of a session: what is known, and one event more, make what is known then, and what is decided. Pure, so that a restart and the check after the close repeat it.

1. The event is taken or refused (`intake`). Of a refused one nothing is decided.
2. The risk of what is held is judged at each event that changes it. At a breach that is the only decision, and the last one: nothing is asked after it.
3. Where positions are traded at events (`lane_step`), bars that have closed are decided about. An order that is wanted for one is the step's only action.
4. The algorithms of orders that the event concerns are due: a bar of their symbol, a change of one of their orders, the time until which they wait. They are asked one after
   the other until one wants to send or cancel. That is the step's only action; the others stay due, and are asked when the action's outcome is known, after whatever the
   stream has told by then. So no order leaves that was decided before something known that forbids it.

No algorithm is asked while its symbol is halted, its prices are old, the stream is lost or goes back in time, or the account is not known.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from ats_assets.algorithms.algorithm import (
    AlgorithmError,
    Answer,
    CancelChild,
    ChildRecord,
    Done,
    Parent,
    SendChild,
    SessionMarket,
    Wait,
)
from ats_assets.algorithms.order_words import Leg, OrderKind, OrderStatus, child_order_id
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.stepping import next_step
from ats_assets.algorithms.stored_days import EarlierSessions
from ats_assets.live.intake import Intake, taken_in
from ats_assets.live.lane_orders import next_order, not_left
from ats_assets.live.lane_step import lane_step
from ats_assets.live.live_decision import LiveDecision, What
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.own_events import with_child, with_own_event
from ats_assets.live.session_risk import allowed_quantity, breach, risk_figures
from ats_assets.live.session_state import LiveState
from ats_assets.live.stream import EventKind, StreamEvent


@dataclass(frozen=True, kw_only=True)
class Step:
    """What is known after an event, what became of the event, and what was decided."""

    state: LiveState
    verdict: Intake
    reason: str
    decisions: tuple[LiveDecision, ...] = ()

    @property
    def faults(self) -> list[LiveDecision]:
        """Orders that are not worked since their algorithm fails, or wants what is not allowed; and that events are not traded any more."""
        return [one for one in self.decisions if one.fields.get("fault")]


PORTFOLIO = "portfolio"
_CHANGES_RISK = (EventKind.BAR, EventKind.TRADE, EventKind.ACCOUNT)


def step(state: LiveState, event: StreamEvent, rules: LiveRules) -> Step:
    """What one event more makes of a session."""
    taken = taken_in(state, event, rules.settings)
    if taken.verdict.refused or taken.verdict.ignored:
        return Step(state=taken.state, verdict=taken.verdict, reason=taken.reason)
    after = with_own_event(taken.state, event)
    judged, decisions = _judge(after, event, rules)
    if judged.breached is None:
        judged, rows = lane_step(judged, event, rules)
        judged, left = not_left(judged, rules)
        decisions += [*rows, *left]
        if (found := next_order(judged, rules, event)) is not None:
            judged, order = found
            return Step(state=judged, verdict=taken.verdict, reason=taken.reason, decisions=(*decisions, order))
        due = judged.due | _concerned(judged, event)
        judged = replace(judged, due=frozenset(name for name in due if not _is_done(judged, name)))
        judged, asked = _ask(judged, rules)
        decisions += asked
    return Step(state=judged, verdict=taken.verdict, reason=taken.reason, decisions=tuple(decisions))


def begin(rules: LiveRules, now: datetime) -> LiveState:
    """A session of which nothing is known."""
    return LiveState(session=rules.session, opens_at=rules.opens_at, closes_at=rules.closes_at, now=now)


def _judge(state: LiveState, event: StreamEvent, rules: LiveRules) -> tuple[LiveState, list[LiveDecision]]:
    """The risk: a breach at once, else what it is at the first bar of each minute."""
    if event.kind not in _CHANGES_RISK or state.breached is not None:
        return state, []
    figures = risk_figures(state, rules)
    if figures is None:
        return state, []
    if why := breach(state, figures, rules):
        decision = LiveDecision(what=What.BREACH, subject=PORTFOLIO, symbol=None, reason=why, fields=figures.fields())
        return replace(state, breached=why, due=frozenset()), [decision]
    minute = event.known_at.replace(second=0, microsecond=0)
    if event.kind is not EventKind.BAR or minute == state.judged:
        return state, []
    decision = LiveDecision(what=What.KEEP, subject=PORTFOLIO, symbol=None, reason="within its limits", fields=figures.fields())
    return replace(state, judged=minute), [decision]


def _concerned(state: LiveState, event: StreamEvent) -> set[str]:
    """The parents whose algorithm an event is a reason to ask."""
    if event.kind is EventKind.ORDER:
        return {event.fields["parent"]}
    if event.kind in (EventKind.PLAN, EventKind.STOP, EventKind.RESUMED, EventKind.ACCOUNT):
        return {parent.client_order_id for parent in state.parents}
    of_symbol = {
        parent.client_order_id
        for parent in state.parents
        if event.kind in (EventKind.BAR, EventKind.STATUS) and parent.symbol == event.symbol
    }
    over = {name for name, children in state.children.items() if any(_is_over(child, state.now) for child in children)}
    return of_symbol | over | {name for name, until in state.waits.items() if until <= state.now}


def _is_over(child: ChildRecord, now: datetime) -> bool:
    """Whether an order is to be cancelled since it was for a time that has passed."""
    return bool(child.pending) and child.cancel_asked_at is None and child.expires_at is not None and child.expires_at <= now


def _ask(state: LiveState, rules: LiveRules) -> tuple[LiveState, list[LiveDecision]]:
    """Ask those that are due, in the plan's order, up to the first that wants to act."""
    decisions: list[LiveDecision] = []
    for planned in state.parents:
        name = planned.client_order_id
        if name not in state.due:
            continue
        state, parent = _arrived(replace(state, due=state.due - {name}), planned)
        made, until = _decide(state, parent, rules)
        waits = {**{key: at for key, at in state.waits.items() if key != name}, **({name: until} if until and until > state.now else {})}
        state = replace(state, waits=MappingProxyType(waits))
        if made.what.acts:
            state = _acted(state, parent, made)
            return replace(state, told=MappingProxyType({**state.told, name: ""})), [*decisions, made]
        words = f"{made.what}: {made.reason}"
        if words != state.told.get(name):
            decisions.append(made)
            state = replace(state, told=MappingProxyType({**state.told, name: words}))
    return state, decisions


def _arrived(state: LiveState, parent: Parent) -> tuple[LiveState, Parent]:
    """With the price at which working an order begins: that of the first moment within its time at which one is known."""
    known = state.of(parent.symbol)
    price = (known.quote.bid + known.quote.ask) / 2 if known.quote else known.last.price if known.last else None
    if parent.arrival_price is not None or price is None or not state.is_open or state.now < parent.starts_at:
        return state, parent
    found = replace(parent, arrival_price=exact(price))
    return replace(state, parents=tuple(found if one.client_order_id == parent.client_order_id else one for one in state.parents)), found


def _decide(state: LiveState, parent: Parent, rules: LiveRules) -> tuple[LiveDecision, datetime | None]:
    """What is decided of one parent, and until when it waits."""
    name, children = parent.client_order_id, state.children_of(parent)
    if over := next((child for child in children if _is_over(child, state.now)), None):
        fields, why = {"client_order_id": over.client_order_id}, f"its time is over at {over.expires_at:%H:%M:%S}"
        return LiveDecision(what=What.CANCEL, subject=name, symbol=parent.symbol, reason=why, fields=fields), None
    algorithm, day_end = rules.work(state.work[name])
    ends = min(day_end.begins(state.closes_at), parent.ends_at)
    if why := _hold(state, parent, rules, unpriced=state.now >= ends and day_end.unfilled != "cross"):
        return LiveDecision(what=What.HOLD, subject=name, symbol=parent.symbol, reason=why), ends
    market = market_of(state, parent, rules.histories.get(parent.symbol, EarlierSessions()))
    try:
        answer = next_step(algorithm, parent, children, market, day_end)
    except AlgorithmError as error:
        return LiveDecision(what=What.HOLD, subject=name, symbol=parent.symbol, reason=str(error), fields={"fault": True}), None
    return _decision(state, parent, answer, rules)


def _hold(state: LiveState, parent: Parent, rules: LiveRules, *, unpriced: bool) -> str | None:
    """Why an algorithm is not asked now; None where it is.

    Parameters
    ----------
    unpriced
        No price is needed: at the end of its time an order is cancelled, and its rest goes into the auction or stays unfilled.
    """
    known, oldest = state.of(parent.symbol), timedelta(seconds=rules.settings.max_age_seconds)
    shown = max((one.at for one in (known.last, known.quote) if one is not None), default=None)
    reasons = {
        state.held_up or "": state.held_up is not None,
        "the account is not known yet": state.account is None,
        "its position is closed first": parent.leg is not Leg.CLOSE and _closes_first(state, parent),
        (state.account.no_opening if state.account else None) or "": parent.leg is not Leg.CLOSE
        and state.account is not None
        and state.account.no_opening is not None,
        "the session is not open": not state.is_open,
        "the stream is lost": not state.connected,
        "the stream goes back in time": not state.forward,
        f"trading of {parent.symbol} is halted": known.halted,
        f"no price of {parent.symbol} is known": shown is None and not unpriced,
        f"the newest price of {parent.symbol} is older than {oldest.total_seconds():g} s": shown is not None
        and state.now - shown > oldest
        and not unpriced,
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _closes_first(state: LiveState, parent: Parent) -> bool:
    """Whether an order that closes the symbol's position is under way still."""
    return any(one.symbol == parent.symbol and one.leg is Leg.CLOSE and not _is_done(state, one.client_order_id) for one in state.parents)


def _is_done(state: LiveState, name: str) -> bool:
    return state.told.get(name, "").startswith(f"{What.DONE}:")


def market_of(state: LiveState, parent: Parent, history: EarlierSessions) -> SessionMarket:
    """What an algorithm is shown."""
    known = state.of(parent.symbol)
    return SessionMarket(
        session=state.session,
        opens_at=state.opens_at,
        closes_at=state.closes_at,
        now=state.now,
        bars=known.frame(state.opens_at, state.closes_at),
        bid=exact(known.quote.bid) if known.quote else None,
        ask=exact(known.quote.ask) if known.quote else None,
        last=exact(known.last.price) if known.last else None,
        volume_profile=history.volume_profile,
        day_volume=history.day_volume,
        volatility=history.volatility,
    )


def _decision(state: LiveState, parent: Parent, answer: Answer, rules: LiveRules) -> tuple[LiveDecision, datetime | None]:
    subject: dict[str, Any] = {"subject": parent.client_order_id, "symbol": parent.symbol}
    match answer:
        case SendChild():
            quantity, limit = allowed_quantity(state, parent, answer.quantity, rules)
            if not quantity:
                return LiveDecision(what=What.HOLD, reason=f"{limit} leaves nothing of {answer.quantity}", **subject), None
            reason = answer.reason if limit is None else f"{answer.reason}; {limit} cuts {answer.quantity}"
            number = 1 + max((child.number for child in state.children_of(parent)), default=0)
            fields = {"quantity": quantity, "kind": answer.kind.value, "limit_price": answer.limit_price, "expires_at": answer.expires_at}
            return LiveDecision(what=What.SEND, reason=reason, fields=fields | {"number": number}, **subject), None
        case CancelChild():
            return LiveDecision(what=What.CANCEL, reason=answer.reason, fields={"client_order_id": answer.client_order_id}, **subject), None
        case Wait():
            return LiveDecision(what=What.WAIT, reason=answer.reason, fields={"until": answer.until}, **subject), answer.until
        case Done():
            return LiveDecision(what=What.DONE, reason=answer.reason, **subject), None


def _acted(state: LiveState, parent: Parent, made: LiveDecision) -> LiveState:
    """The state with an order that is sent, or asked to end; what becomes of it is an event of its own."""
    name = parent.client_order_id
    if made.what is What.CANCEL:
        child = next(one for one in state.children_of(parent) if one.client_order_id == made.fields["client_order_id"])
        return with_child(state, name, replace(child, cancel_asked_at=state.now))
    child = ChildRecord(
        number=made.fields["number"],
        client_order_id=child_order_id(name, made.fields["number"]),
        kind=OrderKind(made.fields["kind"]),
        quantity=made.fields["quantity"],
        limit_price=made.fields["limit_price"],
        sent_at=state.now,
        status=OrderStatus.ACCEPTED,
        expires_at=made.fields["expires_at"],
    )
    return with_child(state, name, child)

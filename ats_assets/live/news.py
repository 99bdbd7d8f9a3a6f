"""What the broker tells that the loop does not know yet, as events of its own."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from ats_assets.algorithms.algorithm import ChildRecord, Parent
from ats_assets.algorithms.order_words import OrderStatus
from ats_assets.live.order_fields import child_fields
from ats_assets.live.session_execution import Looked
from ats_assets.live.session_state import LiveState
from ats_assets.live.step import LiveDecision
from ats_assets.live.stream import EventKind, StreamEvent


def own_event(state: LiveState, now: datetime, kind: EventKind, *, symbol: str | None = None, **fields: Any) -> StreamEvent:
    """An event of the loop itself; never before the newest one."""
    return StreamEvent(known_at=max(now, state.now), kind=kind, symbol=symbol, fields=fields)


def news(state: LiveState, now: datetime, looked: Looked) -> list[StreamEvent]:
    """What a look at the broker has shown: whether orders may be sent, the account, and the orders that stand elsewhere than they did."""
    found = []
    if looked.held_up != state.held_up:
        found.append(own_event(state, now, EventKind.STOP, reason=looked.held_up))
    if looked.account != state.account:
        found.append(own_event(state, now, EventKind.ACCOUNT, **{**vars(looked.account), "positions": dict(looked.account.positions)}))
    for parent in state.parents:
        known = {one.number: one for one in state.children_of(parent)}
        for child in looked.children[parent.client_order_id]:
            merged = _merged(known.get(child.number), child)
            if merged != known.get(child.number):
                found.append(child_event(state, now, parent, merged))
    return found


def sent_child(state: LiveState, now: datetime, parent: Parent, child: ChildRecord | None, made: LiveDecision) -> StreamEvent:
    """Where an order stands after it was sent; None: it was not even written down."""
    known = next((one for one in state.children_of(parent) if one.number == made.fields["number"]), None)
    if child is not None:
        return child_event(state, now, parent, _merged(known, child))
    assert known is not None, "what was decided is known"
    return child_event(state, now, parent, replace(known, status=OrderStatus.CANCELED, ended_at=now))


def child_event(state: LiveState, now: datetime, parent: Parent, child: ChildRecord) -> StreamEvent:
    """Where an order for a part of another stands."""
    return own_event(state, now, EventKind.ORDER, symbol=parent.symbol, parent=parent.client_order_id, child=child_fields(child))


def _merged(known: ChildRecord | None, told: ChildRecord) -> ChildRecord:
    """What the records tell of a child, with what only the journal knows of it."""
    if known is None:
        return told
    return replace(told, sent_at=known.sent_at, cancel_asked_at=known.cancel_asked_at, expires_at=known.expires_at)

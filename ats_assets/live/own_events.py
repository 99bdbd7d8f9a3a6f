"""Events of the loop itself, taken into what is known: the account, the plan, orders, and what holds them up."""

from dataclasses import replace
from types import MappingProxyType

from ats_assets.algorithms.algorithm import ChildRecord
from ats_assets.live.order_fields import child_of, parent_from
from ats_assets.live.session_state import AccountView, Begun, LiveState
from ats_assets.live.stream import EventKind, StreamEvent


def with_own_event(state: LiveState, event: StreamEvent) -> LiveState:
    """The state with an event of the loop itself."""
    fields = event.fields
    if event.kind is EventKind.ACCOUNT:
        return replace(state, account=AccountView(**fields))
    if event.kind is EventKind.STOP:
        return replace(state, held_up=fields["reason"])
    if event.kind is EventKind.PLAN:
        begun = Begun(equities=tuple(fields["equities"]), paid_in=tuple(fields["paid_in"]), closes=fields["closes"])
        arrived = {one.client_order_id: one.arrival_price for one in state.parents}
        read = (parent_from(one) for one in fields["parents"])
        parents = tuple(replace(one, arrival_price=arrived.get(one.client_order_id)) for one in read)
        return replace(state, begun=begun, parents=parents, work=fields["work"])
    if event.kind is EventKind.ORDER:
        return with_child(state, fields["parent"], child_of(fields["child"]))
    return state


def with_child(state: LiveState, parent: str, child: ChildRecord) -> LiveState:
    """With an order for a part of a parent, in the place of the one of its number."""
    others = [one for one in state.children.get(parent, ()) if one.number != child.number]
    children = tuple(sorted([*others, child], key=lambda one: one.number))
    return replace(state, children=MappingProxyType({**state.children, parent: children}))

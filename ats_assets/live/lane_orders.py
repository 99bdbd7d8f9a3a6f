"""Orders for the positions that events want: what is to be entered or left, by what is held of it. Each is an order of its own that an algorithm works, as those of a plan.

1. Of a symbol one order is under way at a time.
2. What is held and wanted no more is left, however long that takes.
3. What is wanted is entered once, soon after its bar, and only while nothing speaks against an order.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ats_assets.algorithms.algorithm import Parent, filled
from ats_assets.algorithms.order_words import Leg, OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.errors import AtsError
from ats_assets.execution.order import OrderIntent, client_order_id
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.live.at_events.lane_state import LaneOrder, LaneState, SymbolLane, WantedPosition
from ats_assets.live.at_events.session_lane import SessionLane
from ats_assets.live.at_events.tick_tape import instant_of
from ats_assets.live.lane_step import is_followed
from ats_assets.live.live_decision import LiveDecision, What
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.session_risk import risk_figures
from ats_assets.live.session_state import LiveState
from ats_assets.live.stream import StreamEvent

_OF_EVENT = "-event"
"""What is added to a symbol in the ids of these orders."""
_MOST_EXITS = 9
"""Orders to leave one position, a minute apart; then a person is asked."""
_AGAIN = timedelta(minutes=1)


def next_order(state: LiveState, rules: LiveRules, event: StreamEvent) -> tuple[LiveState, LiveDecision] | None:
    """The first order that is wanted now, and the state in which it is decided; None where none is."""
    lane, known = rules.lane, state.lane
    if lane is None or known is None or not is_followed(event, lane) or state.account is None or not state.is_open:
        return None
    for symbol in lane.symbols:
        one = known.of(symbol)
        if any(not _is_done(state, order.client_order_id) for order in one.orders):
            continue
        held, wanted = _held(state, one), one.wanted
        if held and (wanted is None or wanted.leaving is not None or wanted.number != one.orders[-1].position):
            made = _leave(state, lane, symbol, held)
        elif not held and wanted is not None and wanted.leaving is None and all(order.position != wanted.number for order in one.orders):
            made = _enter(state, rules, lane, symbol, wanted)
        else:
            continue
        if made is not None:
            return made
    return None


def order_of_event(made: LiveDecision, planned: Any, strategy: str) -> OrderIntent:
    """The order that a decision asks for."""
    fields = made.fields
    return OrderIntent(
        client_order_id=fields["client_order_id"],
        session=planned,
        strategy=strategy,
        symbol=made.symbol or "",
        side=Side(fields["side"]),
        leg=Leg(fields["leg"]),
        quantity=fields["quantity"],
        kind=OrderKind.WORKED,
        decision_price=fields["decision_price"],
        work=WorkPlan.of(fields["work"]),
    )


def require_alone(rules: LiveRules, held: Collection[str], parents: Sequence[Parent]) -> None:
    """Refuse symbols that something else holds or trades: whose shares are sold could not be told.

    Parameters
    ----------
    held
        Symbols of which shares are held.
    parents
        All orders that are worked. After a restart those for events are among them, and what is held is theirs.

    Raises
    ------
    AtsError
    """
    if rules.lane is None:
        return
    own = {one.symbol for one in parents if f"{one.symbol}{_OF_EVENT}-" in one.client_order_id}
    others = {one.symbol for one in parents if f"{one.symbol}{_OF_EVENT}-" not in one.client_order_id} | (set(held) - own)
    if shared := sorted(others & set(rules.lane.symbols)):
        raise AtsError(
            f"{', '.join(shared)} of live.events.symbols is held, or in the plan of {rules.lane.planned}: at events a symbol is traded that nothing else "
            "holds or trades. Leave it out of the one or the other"
        )


def _is_done(state: LiveState, name: str) -> bool:
    return state.told.get(name, "").startswith(f"{What.DONE}:")


def _held(state: LiveState, one: SymbolLane) -> Decimal:
    """Signed shares, by what these orders have filled."""
    return sum((order.sign * filled(state.children.get(order.client_order_id, ())) for order in one.orders), Decimal(0))


def _speaks_against(state: LiveState, symbol: str) -> bool:
    """Whether something forbids an entry now."""
    account = state.account
    return (
        state.held_up is not None
        or not state.connected
        or not state.forward
        or state.of(symbol).halted
        or account is None
        or account.no_opening is not None
    )


def _enter(
    state: LiveState, rules: LiveRules, lane: SessionLane, symbol: str, wanted: WantedPosition
) -> tuple[LiveState, LiveDecision] | None:
    delay = timedelta(seconds=lane.settings.max_delay_seconds)
    if _speaks_against(state, symbol) or state.now > instant_of(wanted.at) + delay or state.now >= lane.flat_at:
        return None
    equity = state.begun.equities[-1] if state.begun.equities else None
    if equity is None:
        figures = risk_figures(state, rules)
        equity = 0.0 if figures is None else figures.equity
    shares = math.floor(max(equity, 0.0) * lane.settings.capital_share / len(lane.symbols) / wanted.price)
    if shares < 1:
        return None
    side = Side.BUY if wanted.side > 0 else Side.SELL
    why = f"position {wanted.number}, wanted at {instant_of(wanted.at):%H:%M:%S}"
    return _order(state, lane, symbol, wanted.number, Decimal(shares), side, wanted.price, why)


def _leave(state: LiveState, lane: SessionLane, symbol: str, held: Decimal) -> tuple[LiveState, LiveDecision] | None:
    one = (state.lane or LaneState()).of(symbol)
    number = one.orders[-1].position
    exits = [order for order in one.orders if order.position == number and not order.opens]
    price = state.price_of(symbol)
    if len(exits) >= _MOST_EXITS or (exits and state.now < exits[-1].at + _AGAIN) or price is None:
        return None
    side = Side.SELL if held > 0 else Side.BUY
    leaving = one.wanted.leaving if one.wanted is not None and one.wanted.number == number else None
    why = f"position {number}: {leaving or 'it is wanted no more'}"
    return _order(state, lane, symbol, number, abs(held), side, price, why, opens=False)


def _order(  # noqa: PLR0917
    state: LiveState,
    lane: SessionLane,
    symbol: str,
    position: int,
    quantity: Decimal,
    side: Side,
    price: float,
    why: str,
    *,
    opens: bool = True,
) -> tuple[LiveState, LiveDecision]:
    known = state.lane or LaneState()
    one, leg = known.of(symbol), Leg.OPEN if opens else Leg.CLOSE
    number = 1 + sum(order.opens is opens for order in one.orders)
    name = client_order_id(lane.planned, lane.strategy, f"{symbol}{_OF_EVENT}", leg, number)
    fields: Mapping[str, Any] = {
        "client_order_id": name,
        "side": side.value,
        "leg": leg.value,
        "quantity": quantity,
        "decision_price": exact(price),
        "position": position,
        "work": lane.work(_minutes_since(state.opens_at, state.now), opens),
    }
    order = LaneOrder(client_order_id=name, position=position, opens=opens, sign=side.sign, at=state.now)
    known = known.with_symbol(symbol, replace(one, orders=(*one.orders, order)))
    what = What.ENTER if opens else What.LEAVE
    return replace(state, lane=known), LiveDecision(what=what, subject=name, symbol=symbol, reason=why, fields=fields)


def _minutes_since(opens_at: datetime, now: datetime) -> int:
    return int((now - opens_at) / timedelta(minutes=1))

"""Orders for the positions that events want: what is to be entered or left, by what is held of it. Each is an order of its own that an algorithm works, as those of a plan.

1. Of a symbol one order is under way at a time.
2. What is held and wanted no more is left, however long that takes.
3. What is wanted is entered once, soon after its bar, and only while nothing speaks against an order.
4. No more is sold or bought back than the account holds, whoever has changed that meanwhile.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from ats_assets.algorithms.algorithm import Parent, filled
from ats_assets.algorithms.order_words import Leg, OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.errors import AtsError
from ats_assets.execution.order import OrderIntent, client_order_id
from ats_assets.execution.worked_intents import AT_EVENTS, WorkPlan
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
    for symbol in _symbols(lane, known):
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


def not_left(state: LiveState, rules: LiveRules) -> tuple[LiveState, list[LiveDecision]]:
    """What is held and can't be left, which a person is told once: the session is over, or the orders to leave it are."""
    lane, known = rules.lane, state.lane
    if lane is None or known is None:
        return state, []
    rows = []
    for symbol in _symbols(lane, known):
        one = known.of(symbol)
        held, is_over = _there(state, symbol, _held(state, one)), state.now >= state.closes_at + _AGAIN
        tried = len(_exits(one)) >= _MOST_EXITS and all(_is_done(state, order.client_order_id) for order in one.orders)
        if one.told or not held or not (is_over or tried):
            continue
        known = known.with_symbol(symbol, replace(one, told=True))
        why = "the session is over" if is_over else f"{_MOST_EXITS} orders have not closed them"
        reason = f"{held:f} {symbol} are held, and {why}: close them at the broker, or leave {symbol} out of live.events.symbols"
        rows.append(LiveDecision(what=What.UNWANTED, subject=lane.model, symbol=symbol, reason=reason, fields={"fault": True}))
    return (replace(state, lane=known), rows) if rows else (state, [])


def as_recorded(state: LiveState, decided: Iterable[tuple[datetime, LiveDecision]]) -> LiveState:
    """After a restart: where repeating the journal has led to other orders than are written down, those that are written down hold, what is held of them is left, and nothing is entered.

    Parameters
    ----------
    decided
        All decisions of the session that are written down, and when each was made.
    """
    orders: dict[str, tuple[LaneOrder, ...]] = {}
    for at, made in decided:
        if made.what in {What.ENTER, What.LEAVE}:
            how = {"position": made.fields["position"], "opens": made.what is What.ENTER, "sign": Side(made.fields["side"]).sign}
            orders[made.symbol or ""] = (*orders.get(made.symbol or "", ()), LaneOrder(made.subject, at=at, **how))
    known = state.lane or LaneState()
    if all(known.of(symbol).orders == orders.get(symbol, ()) for symbol in orders.keys() | known.symbols.keys()):
        return state
    for symbol in orders.keys() | known.symbols.keys():
        known = known.with_symbol(symbol, replace(known.of(symbol), orders=orders.get(symbol, ()), wanted=None))
    why = "settings, code or data have changed since the session began: its orders are not those that are decided by now"
    return replace(state, lane=replace(known, broken=why), lane_moment=None)


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


def require_alone(rules: LiveRules, held: Collection[str], worked: Sequence[tuple[Parent, str]]) -> None:
    """Refuse symbols that something else holds or trades: whose shares are sold could not be told.

    Parameters
    ----------
    held
        Symbols of which shares are held.
    worked
        All orders that are worked, and how each is. After a restart those for events are among them, and what is held is theirs.

    Raises
    ------
    AtsError
    """
    if rules.lane is None:
        return
    own = {one.symbol for one, how in worked if WorkPlan.of(how).why == AT_EVENTS}
    others = {one.symbol for one, how in worked if WorkPlan.of(how).why != AT_EVENTS} | (set(held) - own)
    if shared := sorted(others & set(rules.lane.symbols)):
        raise AtsError(
            f"{', '.join(shared)} of live.events.symbols is held, or in the plan of {rules.lane.planned}: at events a symbol is traded that nothing else "
            "holds or trades. Leave it out of the one or the other"
        )


def _symbols(lane: SessionLane, known: LaneState) -> list[str]:
    """Those that are traded, and those that were before a restart."""
    return [*lane.symbols, *sorted(known.symbols.keys() - set(lane.symbols))]


def _exits(one: SymbolLane) -> list[LaneOrder]:
    """The orders to leave the newest position."""
    return [order for order in one.orders if order.position == one.orders[-1].position and not order.opens]


def _is_done(state: LiveState, name: str) -> bool:
    return state.told.get(name, "").startswith(f"{What.DONE}:")


def _held(state: LiveState, one: SymbolLane) -> Decimal:
    """Signed shares, by what these orders have filled."""
    return sum((order.sign * filled(state.children.get(order.client_order_id, ())) for order in one.orders), Decimal(0))


def _there(state: LiveState, symbol: str, held: Decimal) -> Decimal:
    """Of what these orders have filled, the shares that the account has: exits at the broker, or a person, may have sold some."""
    there = exact(state.account.positions.get(symbol, 0.0)) if state.account else Decimal(0)
    return min(abs(held), abs(there)) if held * there > 0 else Decimal(0)


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
        or bool(account.positions.get(symbol))
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
    worth = equity * lane.settings.capital_share / len(lane.symbols)
    if not worth >= wanted.price > 0.0:
        return None
    shares = math.floor(worth / wanted.price)
    side = Side.BUY if wanted.side > 0 else Side.SELL
    why = f"position {wanted.number}, wanted at {instant_of(wanted.at):%H:%M:%S}"
    return _order(state, lane, symbol, wanted.number, Decimal(shares), side, wanted.price, why)


def _leave(state: LiveState, lane: SessionLane, symbol: str, held: Decimal) -> tuple[LiveState, LiveDecision] | None:
    one = (state.lane or LaneState()).of(symbol)
    number, exits, price = one.orders[-1].position, _exits(one), state.price_of(symbol)
    there = _there(state, symbol, held)
    if len(exits) >= _MOST_EXITS or (exits and state.now < exits[-1].at + _AGAIN) or price is None or not there:
        return None
    side = Side.SELL if held > 0 else Side.BUY
    leaving = one.wanted.leaving if one.wanted is not None and one.wanted.number == number else None
    why = f"position {number}: {leaving or 'it is wanted no more'}"
    return _order(state, lane, symbol, number, there, side, price, why, opens=False)


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

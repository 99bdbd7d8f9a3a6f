"""Orders at events, step by step: what is entered and left by what the account holds, what a plan must not take away, and what is told where nothing helps."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ats_assets.algorithms.algorithm import ChildRecord, Parent
from ats_assets.algorithms.order_words import Leg, OrderKind, OrderStatus, Side
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.live.at_events.graph_rows import GraphRows
from ats_assets.live.at_events.lane_opening import _flat_at
from ats_assets.live.at_events.lane_state import LaneState, SymbolLane, WantedPosition
from ats_assets.live.at_events.tick_tape import nanoseconds
from ats_assets.live.lane_orders import as_recorded, next_order, order_of_event, require_alone
from ats_assets.live.live_decision import LiveDecision, What
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.recorded import recorded_rules, recorded_session
from ats_assets.live.session_state import AccountView, Begun, LiveState
from ats_assets.live.step import begin, step
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.trade_state import TradeState, open_trade_state
from ats_assets_tests.live.at_events.trade_lane import CALENDAR, DAY, DAYS

NOW = CALENDAR.opens_at(DAY) + timedelta(hours=1)
CLOSE = CALENDAR.closes_at(DAY)
TICK = StreamEvent(known_at=NOW, kind=EventKind.TICK)
LONG = WantedPosition(1, 1, nanoseconds(NOW), 50.0)


@pytest.fixture(scope="module")
def rules(history: Path) -> LiveRules:
    """Of a session whose lane is open."""
    from ats_assets_tests.live.at_events.conftest import TICKS  # noqa: PLC0415
    from ats_assets_tests.live.at_events.trade_lane import lane_of_trades  # noqa: PLC0415

    return recorded_rules(lane_of_trades(history, *TICKS), DAY)


def wants(rules: LiveRules, wanted: WantedPosition | None = LONG, **own: Any) -> LiveState:
    """An hour after the open, with an account of cash that wants a position of AAA."""
    state = replace(
        begin(rules, NOW),
        connected=True,
        account=AccountView(cash=100_000.0, positions={}),
        begun=Begun(equities=(100_000.0,), paid_in=(0.0,)),
    )
    return replace(state, lane=LaneState(symbols={"AAA": SymbolLane(wanted=wanted, entries=1)}), **own)


def entered(rules: LiveRules, shares: int, account: float, wanted: WantedPosition | None = None) -> LiveState:
    """After an entry that has filled so many, where the account has so many."""
    found = next_order(wants(rules), rules, TICK)
    assert found is not None
    state, made = found
    child = ChildRecord(
        number=1,
        client_order_id=f"{made.subject}-001",
        kind=OrderKind.MARKET,
        quantity=Decimal(shares),
        limit_price=None,
        sent_at=NOW,
        status=OrderStatus.FILLED,
        filled=Decimal(shares),
    )
    assert state.lane is not None
    lane = state.lane.with_symbol("AAA", replace(state.lane.of("AAA"), wanted=wanted))
    held = AccountView(cash=50_000.0, positions={"AAA": account} if account else {})
    told = {
        "children": {made.subject: (child,)},
        "told": {made.subject: "done: filled"},
        "begun": Begun(equities=(100_000.0,), paid_in=(0.0,), closes={"AAA": 50.0}),
    }
    return replace(state, lane=lane, account=held, **told)


def test_an_entry_is_decided_once_and_only_where_nothing_speaks_against_it(rules: LiveRules) -> None:
    found = next_order(wants(rules), rules, TICK)
    assert found is not None
    state, made = found
    assert (made.what, made.fields["quantity"], made.fields["side"]) == (What.ENTER, 500, "buy")
    assert next_order(state, rules, TICK) is None
    late = NOW + timedelta(seconds=31)
    held = AccountView(cash=100_000.0, positions={"AAA": 1.0})
    closed = AccountView(cash=100_000.0, positions={}, no_opening="buying power is negative")
    for against in (
        {"now": late},
        {"account": held},
        {"account": closed},
        {"account": None},
        {"held_up": "a halt"},
        {"connected": False},
        {"forward": False},
        {"begun": Begun(equities=(float("nan"),))},
        {"now": CLOSE - timedelta(minutes=5), "lane": LaneState(symbols={"AAA": SymbolLane(wanted=LONG._replace(at=nanoseconds(CLOSE)))})},
    ):
        assert next_order(wants(rules) if not against else replace(wants(rules), **against), rules, TICK) is None, against


@pytest.mark.parametrize(("account", "sold"), [(500.0, 500), (120.0, 120), (900.0, 500), (0.0, None), (-500.0, None)])
def test_no_more_is_sold_than_the_account_has(rules: LiveRules, account: float, sold: int | None) -> None:
    found = next_order(entered(rules, 500, account), rules, TICK)
    assert (found and (found[1].what, found[1].fields["side"], found[1].fields["quantity"])) == (sold and (What.LEAVE, "sell", sold))


def test_what_can_not_be_left_is_told_once(rules: LiveRules) -> None:
    state = replace(entered(rules, 500, 500.0), now=CLOSE)
    told: list[LiveDecision] = []
    for second in (0, 60, 61):
        made = step(state, StreamEvent(known_at=CLOSE + timedelta(seconds=second), kind=EventKind.TICK), rules)
        state, told = made.state, [*told, *made.faults]
    assert [one.reason for one in told] == [
        "500 AAA are held, and the session is over: close them at the broker, or leave AAA out of live.events.symbols"
    ]


def test_a_row_that_fails_ends_the_decisions_and_not_the_loop(rules: LiveRules, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("no such column")

    monkeypatch.setattr(GraphRows, "of", fails)
    state = entered(rules, 500, 500.0, LONG)
    assert state.lane is not None
    state = replace(state, lane=state.lane.with_symbol("AAA", replace(state.lane.of("AAA"), pending=1)))
    made = step(state, TICK, rules)
    assert [(one.what, one.reason) for one in made.faults] == [(What.UNWANTED, "ValueError: no such column")]
    assert made.decisions[-1].what is What.LEAVE
    trade = {"at": NOW, "price": 50.0, "size": 100.0}
    again = step(made.state, StreamEvent(known_at=NOW, kind=EventKind.TRADE, symbol="AAA", fields=trade), rules)
    assert again.decisions == ()
    gone = step(
        entered(rules, 500, 500.0, LONG), StreamEvent(known_at=NOW, kind=EventKind.RESUMED, fields={"ticks_missing": "some"}), rules
    )
    assert [one.reason for one in gone.faults] == ["some"]
    assert gone.decisions[-1].what is What.LEAVE


def test_orders_that_are_written_down_are_not_those_of_a_repeated_journal(rules: LiveRules) -> None:
    found = next_order(wants(rules), rules, TICK)
    assert found is not None
    state, made = found
    assert as_recorded(state, [(NOW, made)]) is state
    short = replace(made, fields={**made.fields, "side": "sell"})
    for other, recorded in ((wants(rules), [(NOW, made)]), (state, [(NOW, short)]), (state, [])):
        mended = as_recorded(other, recorded).lane
        assert mended is not None
        assert mended.broken is not None
        assert [one.sign for one in mended.of("AAA").orders] == [Side(one.fields["side"]).sign for _, one in recorded]


def test_a_plan_that_is_recorded_again_leaves_orders_of_events(rules: LiveRules, tmp_path: Path) -> None:
    assert rules.lane is not None
    found = next_order(wants(rules), rules, TICK)
    assert found is not None
    order = order_of_event(found[1], rules.lane.planned, "main")
    author = intents_state.Author(who="a test", now=NOW)
    with TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state, state.begin() as connection:

        def stands() -> str:
            row = intents_state.load(connection, order.client_order_id)
            assert row is not None
            return row.state

        intents_state.plan_one(connection, author, order)
        intents_state.record_plan(connection, author, rules.lane.planned, "main", [])
        assert stands() == "planned"
        intents_state.record_plan(connection, author, DAY, "main", [])
        assert stands() == "missed"


def test_after_a_restart_what_is_held_is_known_by_how_its_order_is_worked(rules: LiveRules) -> None:
    """An id may be too long to tell its symbol."""
    assert rules.lane is not None
    text = rules.lane.work(30, True)
    how: dict[str, Any] = {"side": Side.BUY, "leg": Leg.OPEN, "quantity": Decimal(5), "decision_price": Decimal(50)}
    worked = Parent(client_order_id="main-20240311-89ff61cf268b9d29", symbol="AAA", starts_at=NOW, ends_at=CLOSE, **how)
    require_alone(rules, {"AAA", "CCC"}, [(worked, text)])
    for held, orders in (({"AAA"}, []), (set(), [(worked, text.replace("live.events", "orders.algorithm"))])):
        with pytest.raises(AtsError, match=r"AAA of live.events.symbols is held, or in the plan"):
            require_alone(rules, held, orders)


def test_all_is_left_before_a_half_day_ends(lane: Callable[..., Deployment]) -> None:
    half = date(2024, 11, 29)
    assert _flat_at(lane(), half) == CALENDAR.closes_at(half) - timedelta(minutes=5)
    assert CALENDAR.closes_at(half) - CALENDAR.opens_at(half) == timedelta(hours=3.5)


def test_of_a_session_that_nobody_followed_nothing_is_asked_for(lane: Callable[..., Deployment]) -> None:
    """Its models may not be there."""
    deployment = lane()
    with open_trade_state(deployment.settings):
        assert recorded_session(deployment, DAYS[0]) is None

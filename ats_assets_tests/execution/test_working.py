"""Orders worked in parts at a broker: each part once, none lost, never more than was decided, whatever happens to the process and the network."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from ats_assets.algorithms import OrderKind, Side
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.errors import AtsError
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import Leg
from ats_assets.execution.outcome import LeaseLostError
from ats_assets.execution.work_pass import no_market
from ats_assets.execution.worked_state import origins_of
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import EVENING, SESSION, ExchangeBroker, Network, Points
from ats_assets_tests.execution.workshop import CLOSES, LOOKS, OPENS, Day, market, worked
from ats_assets_tests.rounds import FULL, rounds

OF_SCHEDULES = ("vwap", "implementation_shortfall")
"""They send as `twap` does: at which times and how much is tested elsewhere."""
ALGORITHMS = ("at_close", "twap", "participation", "iceberg", "adaptive_limit", *(OF_SCHEDULES if FULL else ()))
DEATHS = 5
"""Of processes in one day."""
KILLED, CUT, OVERTAKEN = rounds(1, 40), rounds(1, 40), rounds(1, 40)
FAULTS = [one for one in Network if one is not Network.WORKS]


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_killed_at_points_of_the_day(tmp_path: Path, algorithm: str) -> None:
    """At each point another process goes on; five of them die in a day. The points are spread over the whole of it, the evening before included.

    In all these rounds the exchange would take a client order id twice: that no part is there twice is the executor's doing alone.
    """
    whole, points = Day.at(tmp_path, [worked(algorithm)], name="whole"), Points()
    whole.run(points)
    whole.check()
    assert len(points.names) > 200
    killed_at = set()
    for number in range(KILLED):
        day = Day.at(tmp_path, [worked(algorithm)], name=str(number))
        first, *later = (int(at) for at in np.linspace(0, len(points.names) - 1, KILLED * DEATHS + 1)[number : KILLED * DEATHS : KILLED])
        killed = Points(stop_at=first, later=[*later])
        day.run(killed)
        assert killed.gone, killed.names[-3:]
        assert not killed.later
        day.check()
        killed_at |= {first, *later}
    assert len(killed_at) == KILLED * DEATHS


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_killed_right_where_a_part_is_written_sent_or_cancelled(tmp_path: Path, algorithm: str) -> None:
    """The dangerous points: around the first requests, and around what is on the disk just before them."""
    whole, points = Day.at(tmp_path, [worked(algorithm)], name="whole"), Points()
    whole.run(points)
    dangerous = ("before submit", "after submit", "before cancel", "after cancel")
    near = [i for i, name in enumerate(points.names) if name in dangerous]
    at = sorted({i + off for i in near for off in (-2, 0, 1) if 0 <= i + off < len(points.names)})
    for number in at if FULL else [points.names.index(name) for name in dangerous if name in points.names]:
        day = Day.at(tmp_path, [worked(algorithm)], name=f"n{number}")
        day.run(Points(stop_at=number))
        day.check()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(CUT))
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_requests_and_answers_are_lost_late_and_doubled(tmp_path: Path, algorithm: str, seed: int) -> None:
    """Every second order and cancel meets a fault of the network, and fills are told twice; two orders at once, filled in two ways."""
    rng = np.random.default_rng(seed)
    plan = [worked(algorithm), worked(algorithm, "25", symbol="BBB")]
    day = Day.at(tmp_path, plan, seed=seed)
    day.bench.broker.network = [FAULTS[rng.integers(len(FAULTS))] if rng.random() < 0.5 else Network.WORKS for _ in range(40)]
    day.bench.broker.late_seconds = float(rng.choice([5.0, 20.0, 29.0]))
    day.bench.broker.cancel_network = [FAULTS[rng.integers(len(FAULTS))] if rng.random() < 0.5 else Network.WORKS for _ in range(20)]
    day.bench.broker.fills_doubled = bool(rng.random() < 0.5)
    day.bench.exchange.cancels_take = float(rng.choice([0.0, 200.0]))  # a look later, and in time for the auction
    day.run(Points(stop_at=int(rng.integers(20, 300))))
    day.check()


@pytest.mark.slow
@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_executors_one_of_them_stopped_past_its_lease(tmp_path: Path, algorithm: str) -> None:
    """While the first one stands still at a point, a second one works a whole pass; then the first goes on, and may write nothing more.

    One point is beyond any clock of ours: the request is on its way already. There alone it takes the exchange's promise to take an id once.
    """
    whole, points = Day.at(tmp_path, [worked(algorithm)], name="whole"), Points()
    whole.run(points)
    overtaken = 0
    spread = np.linspace(150, len(points.names) - 5, OVERTAKEN) if OVERTAKEN > 1 else []
    for number in sorted({points.names.index("after submit"), *map(int, spread)}):
        day = Day.at(tmp_path, [worked(algorithm)], name=f"two-{number}")
        day.bench.exchange.unique = points.names[number] == "before submit"
        other = ExchangeBroker(day.bench.exchange)

        def take_over(day: Day = day, other: ExchangeBroker = other) -> None:
            day.bench.exchange.clock.sleep(day.bench.timeouts.lease_seconds + 1)
            with TradeState(day.bench.url) as state:
                executor = day.made(state, other)
                executor.execute(SESSION, day.plan) if day.bench.exchange.clock.now() < OPENS else executor.work(SESSION, market)

        stopped = Points(stop_at=number, act=take_over)
        overtaken += _run_with_another(day, stopped)
        day.check()
    assert overtaken


def _run_with_another(day: Day, points: Points) -> int:
    """As `Day.run`; that it was overtaken is all that the first executor may complain of."""
    lost = 0
    tried = day._try

    def trying(points: Points, what: object) -> None:
        nonlocal lost
        try:
            tried(points, what)  # pyright: ignore[reportArgumentType]
        except LeaseLostError:
            lost += 1
            tried(Points(), what)  # pyright: ignore[reportArgumentType]

    day._try = trying  # pyright: ignore[reportAttributeAccessIssue]
    day.run(points)
    return lost


def test_a_part_is_an_intent_with_its_parent_and_number(tmp_path: Path) -> None:
    day = Day.at(tmp_path, [worked("twap")])
    day.run()
    with TradeState(day.bench.url) as state, state.begin() as connection:
        rows = {row.client_order_id: row for row in connection.execute(tables.intents.select())}
        origins = origins_of(connection, sorted(rows))
    part = rows["main-20240301-AAA-open-01"]
    assert origins["main-20240301-AAA-open-01"] == ("main-20240301-AAA-open", Decimal("10.005"))
    assert origins.keys() == rows.keys() - {"main-20240301-AAA-open"}
    assert (part.parent, part.number, part.kind, part.quantity) == ("main-20240301-AAA-open", 1, "market", Decimal(5))
    assert rows["main-20240301-AAA-open"].arrival_price == Decimal("10.005")  # the middle of 10.00 and 10.01
    assert "main-20240301-AAA-open" not in day.bench.exchange.counts()  # it is never sent itself


@pytest.mark.parametrize(
    ("unfilled", "kinds", "state"),
    [("close", ["market_on_close"], "filled"), ("cross", ["market"], "filled"), ("end", [], "expired")],
)
def test_what_is_unfilled_before_the_close(tmp_path: Path, unfilled: str, kinds: list[str], state: str) -> None:
    """A limit that the market never reaches is cancelled, and its rest goes where the settings say."""
    order = worked("iceberg", side=Side.SELL, leg=Leg.CLOSE, day_end=DayEnd(unfilled=unfilled))  # pyright: ignore[reportArgumentType]
    assert order.work is not None
    order = replace(order, work=replace(order.work, settings={"shown_share": 1.0, "limit_bps": -300.0}))
    day = Day.at(tmp_path, [order])
    day.bench.exchange.held["AAA"] = Decimal(10)
    day.run()
    sent = [str(day.orders[one.client_order_id].kind) for one in day.bench.exchange.orders]
    assert sent == ["limit", *kinds]
    assert day.bench.states()["main-20240301-AAA-close"] == state
    steps = {step.reason for one in day.passes for step in one.steps}
    assert any("unfilled 15 minutes before the close" in reason for reason in steps)
    if state == "expired":
        assert any("10 of 10 are unfilled" in alert.text for alert in day.bench.alerts)


def test_a_broker_that_refuses_is_asked_three_times_and_no_more(tmp_path: Path) -> None:
    day = Day.at(tmp_path, [worked("participation", "100")])
    day.bench.exchange.rejects["AAA"] = "asset AAA is halted"
    day.run()
    states = day.bench.states()
    assert sorted(states.values()).count("rejected") <= 3
    assert states["main-20240301-AAA-open"] == "expired"
    assert day.bench.exchange.orders == []


def test_a_position_is_closed_before_it_is_opened_on_the_other_side(tmp_path: Path) -> None:
    plan = [worked("twap", side=Side.SELL, leg=Leg.CLOSE), worked("twap", side=Side.SELL, leg=Leg.OPEN)]
    day = Day.at(tmp_path, plan)
    day.bench.exchange.held["AAA"] = Decimal(10)
    day.run()
    closed = max(fill.at for fill in day.bench.exchange.executions if "close" in fill.client_order_id)
    assert all(order.submitted_at >= closed for order in day.bench.exchange.orders if "-open-" in order.client_order_id)
    assert any(step.reason == "its position is closed first" for one in day.passes for step in one.steps)


def test_where_nobody_shows_the_market_it_waits_and_the_days_end_comes_all_the_same(tmp_path: Path) -> None:
    day = Day.at(tmp_path, [worked("vwap")])
    day.run(act=None)
    blind = Day.at(tmp_path, [worked("vwap")], name="blind")
    blind.bench.made = blind.made  # pyright: ignore[reportAttributeAccessIssue]
    blind.bench.exchange.clock.at = EVENING
    with blind.bench.executor() as executor:
        executor.execute(SESSION, blind.plan)
    blind.bench.exchange.clock.at = OPENS + timedelta(minutes=30)
    with blind.bench.executor() as executor:
        told = executor.work(SESSION, no_market)
        assert [step.reason for step in told.steps] == ["nobody shows it the market: ats trade live does"]
        assert told.next_at == CLOSES - timedelta(minutes=15)
        blind.bench.exchange.clock.at = CLOSES - timedelta(minutes=15)
        assert [step.what for step in executor.work(SESSION, no_market).steps] == ["sends", "waits"]
    (order,) = blind.bench.exchange.orders
    assert blind.orders[order.client_order_id].kind is OrderKind.MARKET_ON_CLOSE


def test_the_kill_switch_stops_it_within_one_order(tmp_path: Path) -> None:
    day = Day.at(tmp_path, [worked("twap"), worked("twap", symbol="BBB")])
    sent: list[int] = []

    def kill(minute: int) -> None:
        if minute == LOOKS[1]:
            (tmp_path / "KILL").touch()
        sent.append(len(day.bench.exchange.orders))

    with suppress(AssertionError):
        day.run(act=kill)
    assert sent[2:] == [sent[1]] * len(sent[2:])
    assert day.passes[-1].stopped is not None
    assert "KILL" in day.passes[-1].stopped


def test_the_plan_again_changes_nothing_of_an_order_under_way(tmp_path: Path) -> None:
    """Other settings meanwhile neither: it is worked as it was written down."""
    day = Day.at(tmp_path, [worked("twap")])
    other = worked("iceberg")

    def again(minute: int) -> None:
        if minute == LOOKS[2]:
            with day.bench.executor() as executor:
                assert executor.execute(SESSION, day.plan).stopped is None
                told = executor.execute(SESSION, [other]).outcomes
                assert "differs from what was tried" in (told[0].reason or "")

    day.run(act=again)
    day.check()
    assert {str(day.orders[one.client_order_id].kind) for one in day.bench.exchange.orders} == {"market"}


def test_a_session_that_nobody_worked_ends_with_its_settlement(tmp_path: Path) -> None:
    day = Day.at(tmp_path, [worked("twap"), worked("at_close", symbol="BBB")])
    day.bench.made = day.made  # pyright: ignore[reportAttributeAccessIssue]
    day.bench.exchange.clock.at = EVENING
    with day.bench.executor() as executor:
        assert [str(one.state) for one in executor.execute(SESSION, day.plan).outcomes] == ["planned", "working", "accepted"]
    day.bench.exchange.clock.at = CLOSES + timedelta(minutes=1)
    day.trade(391)
    with day.bench.executor() as executor:
        executor.settle(CLOSES.date())
    assert day.bench.states() == {
        "main-20240301-AAA-open": "missed",
        "main-20240301-BBB-open": "filled",
        "main-20240301-BBB-open-01": "filled",
    }


def test_an_executor_without_the_hours_of_sessions_refuses(tmp_path: Path) -> None:
    day = Day.at(tmp_path, [worked("twap")])
    with TradeState(day.bench.url) as state:
        executor = Executor(day.bench.broker, state, day.bench.settings, alert=day.bench.alerts.append, clock=day.bench.exchange.clock)
        with pytest.raises(AtsError, match="does not know the hours of sessions"):
            executor.execute(SESSION, day.plan)

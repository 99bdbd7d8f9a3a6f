"""Exactly once, in one process whose network fails and which is stopped at each point of its way. `unique=False`: the exchange takes an id twice, if asked to."""

import contextlib
import dataclasses
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import AtsError
from ats_assets.execution.broker import BrokerError, OrderRejectedError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.order import BrokerOrder, Leg, OrderIntent, OrderStatus, Side
from ats_assets_tests.execution.exchange import PLAN, SESSION, Bench, Killed, Network, Points, intent
from ats_assets_tests.rounds import FULL, rounds

IDS = [planned.client_order_id for planned in PLAN]
ONCE = dict.fromkeys(IDS, 1)


def finish(bench: Bench) -> None:
    """Start again and again, as a scheduler does, until the plan is through."""
    for _ in range(6):
        bench.exchange.clock.sleep(bench.timeouts.lease_seconds)
        if bench.execute().stopped is None:
            return
    raise AssertionError(f"the plan is not sent: {bench.states()}")


def test_a_plan_is_sent_once_however_often_it_is_executed(bench: Bench) -> None:
    bench.exchange.unique = False
    first = bench.execute()
    assert [outcome.state for outcome in first.outcomes] == ["accepted"] * 3
    assert bench.execute().outcomes == first.outcomes
    assert bench.exchange.counts() == ONCE
    assert bench.broker.sent == IDS


@pytest.mark.parametrize("fault", list(Network))
def test_each_fault_of_the_network_leads_to_one_order(bench: Bench, fault: Network) -> None:
    """Within the settling time a late request arrives before the next one is sent, so that not even the exchange's promise is needed."""
    bench.exchange.unique = fault is Network.REPEATED
    bench.broker.network = [fault, fault, Network.WORKS, fault]
    finish(bench)
    assert bench.exchange.counts() == ONCE
    bench.exchange.open()
    assert bench.reconcile() == []
    assert set(bench.states().values()) == {"filled"}


def test_a_late_request_beyond_all_patience_meets_the_exchanges_promise(bench: Bench) -> None:
    bench.broker.network, bench.broker.late_seconds = [Network.LATE], 45.0
    finish(bench)
    bench.exchange.open()
    assert bench.exchange.counts() == ONCE
    assert bench.exchange.refused == {IDS[0]: 1}
    assert bench.reconcile() == []


def test_no_request_is_sent_again_before_the_settling_time(bench: Bench) -> None:
    bench.broker.network = [Network.LOST]
    start = bench.exchange.clock.now()
    finished = bench.execute()
    assert finished.outcomes[0].attempts == 2
    assert bench.exchange.orders[0].submitted_at - start >= timedelta(seconds=bench.timeouts.settling_seconds)


def test_an_order_that_is_found_late_is_taken_and_not_sent(bench: Bench) -> None:
    bench.broker.network, bench.broker.blind_finds = [Network.ANSWER_LOST], 1
    bench.exchange.unique = False
    bench.execute()
    assert bench.exchange.counts() == ONCE


def test_a_broker_that_says_duplicate_and_does_not_find_it_is_not_believed(bench: Bench) -> None:
    """The intent stays `sending`, however long it lasts; the next start finds the order."""
    bench.broker.network, bench.broker.blind_finds = [Network.REPEATED], 5
    with pytest.raises(BrokerError, match="may be at exchange or not: it says so, but does not find it"):
        bench.execute()
    assert bench.states()[IDS[0]] == "sending"
    finish(bench)
    assert bench.broker.sent == IDS


def test_a_refusal_whose_cause_is_the_lost_original_is_no_refusal(bench: Bench) -> None:
    """The first request arrives just before the second, takes the buying power, and the second is refused for want of it."""
    bench.broker.network = [Network.LATE]
    bench.broker.late_seconds = bench.timeouts.settling_seconds + 1
    original = bench.broker.submit

    def submit(planned: OrderIntent) -> BrokerOrder:
        if bench.broker.sent == [IDS[0]]:
            bench.exchange.arrive()
            bench.broker.sent.append(planned.client_order_id)
            raise OrderRejectedError("insufficient buying power")
        return original(planned)

    bench.broker.submit = submit
    execution = bench.execute()
    assert [outcome.state for outcome in execution.outcomes] == ["accepted"] * 3
    assert bench.exchange.counts() == ONCE


def test_a_rejected_order_is_final_and_alerted(bench: Bench) -> None:
    bench.exchange.rejects["BBB"] = "not shortable"
    execution = bench.execute()
    assert execution.stopped is None
    assert [outcome.state for outcome in execution.outcomes] == ["accepted", "rejected", "accepted"]
    assert execution.outcomes[1].reason == "not shortable"
    assert [alert.severity for alert in bench.alerts] == ["warning"]
    bench.exchange.rejects.clear()
    bench.execute()
    assert "BBB" not in {order.symbol for order in bench.exchange.orders}


def test_positions_are_reduced_first(bench: Bench) -> None:
    plan = [intent("AAA"), intent("ZZZ", "1", Side.SELL, Leg.CLOSE)]
    bench.exchange.held["ZZZ"] = Decimal(1)
    bench.execute(plan)
    assert [order.symbol for order in bench.exchange.orders] == ["ZZZ", "AAA"]


def test_turned_away_for_good_the_plan_waits(bench: Bench) -> None:
    bench.broker.network = [Network.TURNED_AWAY] * 3
    execution = bench.execute()
    assert "not sent in 3 attempts: 429" in str(execution.stopped)
    assert bench.exchange.orders == []
    assert bench.execute().stopped is None
    assert bench.exchange.counts() == ONCE


@pytest.mark.slow
@pytest.mark.parametrize("fault", list(Network))
def test_killed_at_each_point_and_started_again(tmp_path: Path, fault: Network) -> None:
    """Each point in turn: before and after each commit and each request; a second process goes on from there. With a fault of the network each third one, in full each."""
    number, done, stride = 0, False, 1 if FULL or fault is Network.WORKS else 3
    while not done:
        bench = Bench.at(f"sqlite:///{tmp_path / f'{number}.sqlite'}", tmp_path / "KILL")
        bench.timeouts = Timeouts(retries=3)
        bench.exchange.unique = fault is Network.REPEATED
        bench.broker.network = [fault, Network.WORKS]
        points = Points(stop_at=number)
        try:
            bench.execute(points=points)
            done = True
        except Killed:
            pass
        finish(bench)
        assert bench.exchange.counts() == ONCE, points.names[-1]
        bench.exchange.open()
        assert bench.reconcile() == [], points.names[-1]
        assert set(bench.states().values()) == {"filled"}
        number += stride
    assert number > 60


@pytest.mark.slow
@settings(max_examples=rounds(8, 25))
@given(
    network=st.lists(st.sampled_from(Network), max_size=12),
    stops=st.lists(st.integers(0, 120), max_size=4),
    late=st.floats(0, 200),
    blind=st.integers(0, 3),
)
def test_any_faults_any_stops_any_lateness(
    tmp_path_factory: pytest.TempPathFactory, network: list[Network], stops: list[int], late: float, blind: int
) -> None:
    folder = tmp_path_factory.mktemp("any")
    bench = Bench.at(f"sqlite:///{folder / 'state.sqlite'}", folder / "KILL")
    bench.broker.network, bench.broker.late_seconds, bench.broker.blind_finds = network, late, blind
    for stop in stops:
        with contextlib.suppress(Killed, BrokerError):
            bench.execute(points=Points(stop_at=stop))
        bench.exchange.clock.sleep(bench.timeouts.lease_seconds)
    for _ in range(10):
        try:
            if bench.execute().stopped is None:
                break
        except BrokerError:
            pass
        bench.exchange.clock.sleep(bench.timeouts.lease_seconds)
    bench.exchange.clock.sleep(300)
    bench.exchange.arrive()
    assert bench.exchange.counts() == ONCE
    bench.exchange.open()
    assert bench.reconcile() == []
    assert set(bench.states().values()) == {"filled"}


class TestPlans:
    def test_a_new_plan_replaces_what_was_never_tried(self, bench: Bench) -> None:
        bench.broker.closed = "not before 19:00"
        assert bench.execute().stopped == "not before 19:00"
        assert set(bench.states().values()) == {"planned"}
        bench.broker.closed = None
        bench.execute([intent("AAA", "11"), intent("DDD", "1")])
        assert bench.states() == {IDS[0]: "accepted", IDS[1]: "withdrawn", IDS[2]: "withdrawn", "main-20240301-DDD-open": "accepted"}
        assert bench.exchange.orders[0].quantity == 11

    def test_a_withdrawn_intent_can_be_planned_again(self, bench: Bench) -> None:
        bench.broker.closed = "closed"
        bench.execute()
        bench.execute([intent("DDD")])
        bench.broker.closed = None
        bench.execute()
        assert bench.exchange.counts() == ONCE

    def test_a_plan_that_differs_from_what_was_sent_is_not_sent(self, bench: Bench) -> None:
        bench.execute()
        bench.alerts.clear()
        execution = bench.execute([intent("AAA", "11"), *PLAN[1:]])
        assert bench.exchange.counts() == ONCE
        assert execution.outcomes[0].intent.quantity == 10
        assert "quantity 11 instead of 10" in str(execution.outcomes[0].reason)
        assert "plan differs from what was tried: not sent" in bench.audit()
        assert len(bench.alerts) == 1

    def test_nor_is_one_that_differs_from_a_lost_attempt(self, bench: Bench) -> None:
        """The original may still arrive, and would make the records wrong."""
        bench.broker.network, bench.timeouts = [Network.LATE], Timeouts(attempts=1)
        bench.broker.late_seconds = 45
        bench.execute()
        assert bench.states()[IDS[0]] == "planned"
        bench.execute([intent("AAA", "11"), *PLAN[1:]])
        bench.exchange.clock.sleep(60)
        assert bench.reconcile() == []
        assert bench.states()[IDS[0]] == "accepted"
        assert bench.exchange.counts() == ONCE

    def test_what_an_earlier_session_left_is_missed(self, bench: Bench) -> None:
        bench.broker.closed = "closed"
        bench.execute()
        bench.broker.closed = None
        with bench.executor() as executor:
            later = SESSION + timedelta(days=3)
            executor.execute(later, [intent("AAA", session=later)])
        assert [bench.states()[name] for name in IDS] == ["missed"] * 3
        assert len(bench.exchange.orders) == 1

    @pytest.mark.parametrize(
        "plan",
        [
            [intent("AAA", session=SESSION + timedelta(days=1))],
            [dataclasses.replace(intent("AAA"), strategy="other")],
            [intent("AAA", "0")],
            [intent("AAA"), intent("AAA", "2")],
        ],
    )
    def test_a_wrong_plan_is_refused_whole(self, bench: Bench, plan: list) -> None:
        with pytest.raises(AtsError):
            bench.execute(plan)
        assert bench.states() == {}


class TestForbidden:
    def test_the_kill_setting(self, bench: Bench) -> None:
        bench.settings = bench.settings.model_copy(update={"kill": True})
        execution = bench.execute()
        assert "kill switch" in str(execution.stopped)
        assert bench.broker.sent == []
        assert [outcome.attempts for outcome in execution.outcomes] == [0, 0, 0]  # nothing was even tried

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_the_kill_file_stops_within_one_order(self, bench: Bench, after: int) -> None:
        """It appears while order number `after` is on its way."""
        original = bench.broker.submit

        def submit(planned: OrderIntent) -> BrokerOrder:
            if len(bench.broker.sent) == after:
                bench.settings.kill_file.touch()
            return original(planned)

        bench.broker.submit = submit
        bench.execute()
        assert bench.broker.sent == IDS[: after + 1]
        bench.settings.kill_file.unlink()
        bench.execute()
        assert bench.exchange.counts() == ONCE

    def test_the_kill_file_that_appears_after_the_write_ahead(self, sqlite_bench: Bench) -> None:
        """At the very last point before the request: the intent is planned again, certainly not sent."""
        bench, passed = sqlite_bench, Points(act=lambda: None)
        bench.execute(PLAN[:1], passed)
        number = passed.names.index("before submit") - 1
        fresh = Bench.at(bench.url.replace("trade_state", "fresh"), bench.settings.kill_file)
        points = Points(stop_at=number, act=bench.settings.kill_file.touch)
        execution = fresh.execute(PLAN[:1], points)
        assert points.names[number] == "after commit"
        assert "kill file" in str(execution.stopped)
        assert fresh.broker.sent == []
        assert execution.outcomes[0].state == "planned"
        assert execution.outcomes[0].attempts == 1

    def test_a_kill_file_that_cannot_be_looked_for_counts(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "a").symlink_to(tmp_path / "a")
        bench.settings = bench.settings.model_copy(update={"kill_file": tmp_path / "a" / "KILL"})
        assert "counts as there" in str(bench.execute().stopped)

    def test_a_dangling_link_counts_as_the_kill_file(self, bench: Bench) -> None:
        bench.settings.kill_file.symlink_to("nowhere")
        assert "kill file" in str(bench.execute().stopped)

    def test_a_blocked_account(self, bench: Bench) -> None:
        bench.exchange.trading_blocked = True
        assert "blocked trading" in str(bench.execute().stopped)
        assert bench.broker.sent == []

    def test_negative_buying_power_holds_back_what_opens(self, bench: Bench) -> None:
        bench.exchange.buying_power = Decimal(-1)
        execution = bench.execute()
        assert "buying power of account X1 is -1, below zero: orders that open positions wait" in str(execution.stopped)
        assert [str(one.state) for one in execution.outcomes] == ["planned"] * 3
        assert bench.broker.sent == []
        bench.exchange.buying_power = Decimal(1)
        assert bench.execute().stopped is None
        assert bench.broker.sent == IDS

    def test_negative_buying_power_stops_nothing_where_nothing_is_opened(self, bench: Bench) -> None:
        bench.exchange.buying_power = Decimal(-1)
        assert bench.execute([]).stopped is None

    @pytest.mark.parametrize("method", ["account", "positions", "fills", "entries", "open_orders"])
    def test_a_broker_that_cannot_be_asked_gets_nothing(self, bench: Bench, method: str) -> None:
        bench.broker.broken = {method}
        with pytest.raises(BrokerError):
            bench.execute()
        assert bench.broker.sent == []

    def test_after_an_unknown_outcome_nothing_more_is_sent(self, bench: Bench) -> None:
        bench.broker.network, bench.broker.broken = [Network.LOST], {"find"}
        with pytest.raises(BrokerError):
            bench.execute()
        assert bench.broker.sent == IDS[:1]
        with pytest.raises(BrokerError):
            bench.execute()
        assert bench.broker.sent == IDS[:1]
        bench.broker.broken = set()
        assert bench.execute().stopped is None
        assert bench.exchange.counts() == ONCE


def test_an_order_under_our_id_that_is_another_one_stops_trading(bench: Bench) -> None:
    bench.exchange.take(intent("AAA", "99"))
    execution = bench.execute()
    assert "99 instead of 10" in str(execution.stopped)
    assert bench.broker.sent == []
    assert bench.alerts[0].severity == "critical"
    assert bench.exchange.orders[0].status is OrderStatus.ACCEPTED


def test_with_the_records_lost_the_orders_are_found_again(bench: Bench, tmp_path: Path) -> None:
    """The ids follow from the plan, so what was sent before is taken over: open orders and filled ones."""
    bench.execute()
    bench.exchange.fill(IDS[0], Decimal(10))
    bench.exchange.fill(IDS[1], Decimal(2))
    bench.url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    bench.broker.sent.clear()
    execution = bench.execute()
    assert [outcome.state for outcome in execution.outcomes] == ["filled", "partially_filled", "accepted"]
    assert bench.exchange.counts() == ONCE
    bench.exchange.open()
    assert bench.reconcile() == []

"""Two executors on one trade state: one is stopped at each point of its way, the other takes over, and then the first goes on."""

import contextlib
import os
import socket
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from ats_assets.errors import AtsError
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.clock import Clock
from ats_assets.execution.context import Timeouts
from ats_assets.execution.lease import Lease, break_lease, holding_lease
from ats_assets.execution.outcome import ExecutorBusyError, LeaseLostError
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import EVENING, PLAN, SESSION, Bench, ExchangeBroker, Points, TestClock

ONCE = {planned.client_order_id: 1 for planned in PLAN}


@pytest.mark.slow
def test_stopped_at_each_point_past_the_leases_end(tmp_path: Path) -> None:
    """Without the exchange's promise, but for the one point that no clock of ours can see: when the request is on its way already."""
    number, names, within_request = 0, ["start"], 0
    while number < len(names):
        bench = Bench.at(f"sqlite:///{tmp_path / f'{number}.sqlite'}", tmp_path / "KILL")
        other = ExchangeBroker(bench.exchange)

        def take_over(bench: Bench = bench, other: ExchangeBroker = other) -> None:
            bench.exchange.clock.sleep(bench.timeouts.lease_seconds + 1)
            with TradeState(bench.url) as state:
                assert bench.made(state, other).execute(SESSION, PLAN).stopped is None

        points = Points(stop_at=number, act=lambda: None)
        bench.exchange.unique = False
        points.act = take_over
        names = _run(bench, points) or names
        point = points.names[number]
        if bench.exchange.counts() != ONCE:
            assert point == "before submit"
            within_request += 1
            bench = Bench.at(f"sqlite:///{tmp_path / f'{number}-unique.sqlite'}", tmp_path / "KILL")
            other = ExchangeBroker(bench.exchange)
            _run(bench, Points(stop_at=number, act=lambda bench=bench, other=other: take_over(bench, other)))
        assert bench.exchange.counts() == ONCE, point
        bench.exchange.open()
        bench.exchange.clock.sleep(bench.timeouts.lease_seconds)
        assert bench.reconcile() == []
        assert set(bench.states().values()) == {"filled"}, point
        number += 1
    assert number > 40
    assert within_request == len(PLAN)


def _run(bench: Bench, points: Points) -> list[str]:
    """The first executor's run; that it loses the lease is all it may complain of."""
    with contextlib.suppress(LeaseLostError):
        bench.execute(points=points)
    return points.names


def test_both_at_once(bench: Bench) -> None:
    """Threads with a database connection each, on the machine's own time."""
    bench.exchange.unique = False
    stop = threading.Event()
    faults: list[BaseException] = []

    class RealClock(TestClock):
        def sleep(self, seconds: float) -> None:
            stop.wait(min(seconds, 0.01))
            super().sleep(seconds)

    bench.exchange.clock = RealClock()

    def work() -> None:
        try:
            with TradeState(bench.url) as state:
                bench.made(state, ExchangeBroker(bench.exchange)).execute(SESSION, PLAN)
        except BaseException as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [fault for fault in faults if not isinstance(fault, ExecutorBusyError | LeaseLostError | BrokerError)] == []
    assert bench.exchange.counts() == ONCE


class TestLease:
    def test_one_holder_at_a_time(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state, _lease(state, clock) as first:
            with pytest.raises(ExecutorBusyError, match="another executor holds"), _lease(state, clock, wait=5):
                pass
            with state.begin() as connection:
                first.confirm(connection)

    def test_released_it_is_free_at_once_under_a_new_token(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state:
            with _lease(state, clock) as first:
                pass
            with _lease(state, clock, wait=0) as second:
                assert second.token > first.token
            with pytest.raises(LeaseLostError), state.begin() as connection:
                first.confirm(connection)

    def test_whoever_was_overtaken_can_write_nothing_and_release_nothing(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state:
            with _lease(state, clock) as first:
                clock.sleep(61)
                second = _lease(state, clock)
                lease = second.__enter__()
                with pytest.raises(LeaseLostError, match="has taken over"), state.begin() as connection:
                    first.confirm(connection)
            with state.begin() as connection:
                lease.confirm(connection)
            second.__exit__(None, None, None)

    def test_a_working_holder_keeps_it(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state, _lease(state, clock) as first:
            for _ in range(5):
                clock.sleep(50)
                with state.begin() as connection:
                    first.confirm(connection)
            with pytest.raises(ExecutorBusyError), _lease(state, clock, wait=5):
                pass

    def test_of_a_fast_clock_that_nobody_prolongs_is_free_after_its_time(self, trade_state_url: str) -> None:
        """A holder whose clock was a day ahead and that died kept everybody out until that day was over."""
        clock = TestClock()
        with TradeState(trade_state_url) as state:
            _abandoned(state, clock, "elsewhere:7:1:abc", timedelta(days=1))
            before = clock.now()
            with (
                pytest.raises(ExecutorBusyError, match=r"elsewhere:7:1:abc, token 1, until 2024-03-03 .*break-lease"),
                _lease(state, clock),
            ):
                pass
            with _lease(state, clock, wait=90) as lease:
                assert lease.token == 2
            assert clock.now() - before < timedelta(seconds=30 + 61)

    def test_of_a_fast_clock_that_its_holder_prolongs_is_kept(self, trade_state_url: str) -> None:
        clock, ahead = TestClock(), TestClock(EVENING + timedelta(days=1))
        with TradeState(trade_state_url) as state, _lease(state, ahead) as first:
            sleep = clock.sleep

            def work(seconds: float) -> None:
                sleep(seconds)
                ahead.sleep(seconds)
                if clock.now().second % 30 == 0:
                    with state.begin() as connection:
                        first.confirm(connection)

            clock.sleep = work
            with pytest.raises(ExecutorBusyError), _lease(state, clock, wait=90):
                pass


def _abandoned(state: TradeState, clock: Clock, holder: str, lasts: timedelta) -> None:
    with state.begin() as connection:
        connection.execute(tables.leases.insert().values(name="executor", holder=holder, token=1, expires_at=clock.now() + lasts))


class TestBreakingTheLease:
    def test_of_a_machine_whose_clock_was_ahead(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state:
            _abandoned(state, clock, "elsewhere:7:1:abc", timedelta(days=1))
            assert break_lease(state, clock, "me", "its clock was ahead", seconds=60).token == 1
            with _lease(state, clock, wait=0) as lease:
                assert lease.token == 2
            with state.begin() as connection:
                told = connection.execute(tables.audit.select()).one()
            assert (told.who, told.what) == ("me", "lease broken")
            assert told.details["holder"] == "elsewhere:7:1:abc"
            assert (told.details["note"], told.details["forced"]) == ("its clock was ahead", False)
            with pytest.raises(AtsError, match="nothing to break"):
                break_lease(state, clock, "me", "", seconds=60)

    def test_is_refused_while_its_process_runs_unless_forced(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state, _lease(state, clock) as alive:
            with pytest.raises(
                AtsError, match=rf"Its process {os.getpid()} runs on this machine: end it first; --force .* Nothing was changed"
            ):
                break_lease(state, clock, "me", "", seconds=60)
            with state.begin() as connection:
                alive.confirm(connection)
            break_lease(state, clock, "me", "", seconds=60, force=True)
            with pytest.raises(LeaseLostError), state.begin() as connection:
                alive.confirm(connection)

    def test_of_a_process_of_this_machine_that_is_gone(self, trade_state_url: str) -> None:
        """Its id may be another process's by now: the start tells."""
        clock = TestClock()
        with TradeState(trade_state_url) as state:
            _abandoned(state, clock, f"{socket.gethostname()[:60]}:{os.getpid()}:1:abc", timedelta(seconds=59))
            assert break_lease(state, clock, "me", "", seconds=60).token == 1

    def test_is_refused_where_it_is_free_soon_anyway(self, trade_state_url: str) -> None:
        clock = TestClock()
        with TradeState(trade_state_url) as state:
            _abandoned(state, clock, "elsewhere:7:1:abc", timedelta(seconds=59))
            with pytest.raises(AtsError, match=r"has prolonged it in the last 60 s: if it is gone, the lease is free in 59 s by itself"):
                break_lease(state, clock, "me", "", seconds=60)

    def test_is_refused_where_the_other_machine_writes(self, trade_state_url: str) -> None:
        clock, ahead = TestClock(), TestClock(EVENING + timedelta(days=1))
        with TradeState(trade_state_url) as state:
            _abandoned(state, clock, "elsewhere:7:1:abc", timedelta(days=1))
            holder = Lease(holder="elsewhere:7:1:abc", token=1, seconds=60, clock=ahead)

            def work(seconds: float) -> None:
                ahead.sleep(seconds)
                with state.begin() as connection:
                    holder.confirm(connection)

            clock.sleep = work
            with pytest.raises(AtsError, match="it is alive, and its clock is ahead"):
                break_lease(state, clock, "me", "", seconds=60)


def _lease(state: TradeState, clock: Clock, wait: float = 30):
    return holding_lease(state, clock, seconds=60, wait_seconds=wait)


def test_an_executor_waits_for_the_other_no_longer_than_it_is_told(bench: Bench) -> None:
    bench.timeouts = Timeouts(lease_seconds=600, lease_wait_seconds=5)
    with TradeState(bench.url) as state, holding_lease(state, bench.exchange.clock, seconds=600, wait_seconds=0):
        before = bench.exchange.clock.now()
        with pytest.raises(ExecutorBusyError):
            bench.reconcile()
        assert bench.exchange.clock.now() - before < timedelta(seconds=6)
    assert bench.broker.sent == []

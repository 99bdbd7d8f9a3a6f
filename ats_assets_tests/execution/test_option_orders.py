"""Exactly once for option contracts: of one leg and of several, under each fault of the network, each stop of the process and with a second executor at work."""

import contextlib
import dataclasses
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.contract_legs import ContractLeg, is_package, legs_of, legs_text, package_symbol
from ats_assets.execution.executor import Executor
from ats_assets.execution.option_intents import option_intent
from ats_assets.execution.order import AccountEntry, EntryKind, Leg, OrderIntent, Side
from ats_assets.execution.outcome import Execution, IntentState, LeaseLostError
from ats_assets.execution.share_splits import Crossing
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import PLAN, SESSION, Bench, ExchangeBroker, Killed, Network, PointedState, Points, intent
from ats_assets_tests.rounds import FULL, rounds

PUT, LOWER, CALL, HIGHER = "AAA240419P00009000", "AAA240419P00008000", "AAA240419C00011000", "AAA240419C00012000"
HELD = "AAA240315P00009500"


def leg(symbol: str, ratio: int, *, opens: bool = True) -> ContractLeg:
    return ContractLeg(symbol, ratio, opens)


def order(*legs: ContractLeg, book: str = "wheel", limit: str | None = "1.05", session: date = SESSION) -> OrderIntent:
    price = None if limit is None else Decimal(limit)
    return option_intent(session, "main", book, legs, decision_price=Decimal("1.00"), limit_price=price)


CLOSING = order(leg(HELD, 2, opens=False), limit="0.05")
COVERED = order(leg(CALL, -1))
SPREAD = order(leg(PUT, -3), leg(LOWER, 3), book="verticals", limit="-0.40")
CONDOR = order(leg(PUT, -1), leg(LOWER, 1), leg(CALL, -1), leg(HIGHER, 1), book="condors", limit="-0.80")
OPTIONS = [CLOSING, COVERED, SPREAD, CONDOR]
NAMES = [one.client_order_id for one in OPTIONS]
ONCE = dict.fromkeys(NAMES, 1)


def bench_of(folder: Path, name: str = "state") -> Bench:
    bench = Bench.at(f"sqlite:///{folder / f'{name}.sqlite'}", folder / "KILL")
    bench.exchange.held |= {HELD: Decimal(-2), "AAA": Decimal(100)}
    return bench


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return bench_of(tmp_path)


def execute(bench: Bench, plan: Sequence[OrderIntent] = OPTIONS, points: Points | None = None) -> Execution:
    with bench.executor(points) as executor:
        return executor.execute(SESSION, plan, options=True)


def finish(bench: Bench) -> None:
    """Start again and again, as a scheduler does, until the plan is through; then all is filled, and both sides agree."""
    for _ in range(10):
        bench.exchange.clock.sleep(bench.timeouts.lease_seconds)
        with contextlib.suppress(BrokerError):
            if execute(bench).stopped is None:
                break
    else:
        raise AssertionError(f"the plan is not sent: {bench.states()}")
    bench.exchange.clock.sleep(300)
    bench.exchange.arrive()
    assert bench.exchange.counts() == ONCE
    bench.exchange.open()
    assert bench.reconcile() == []
    assert set(bench.states().values()) == {"filled"}
    held = {symbol: quantity for symbol, quantity in bench.exchange.held.items() if quantity}
    assert held == {"AAA": 100, CALL: -2, PUT: -4, LOWER: 4, HIGHER: 1}


class TestIntents:
    def test_the_same_decision_has_the_same_id_in_each_order_of_its_legs(self) -> None:
        again = order(leg(LOWER, 3), leg(PUT, -3), book="verticals", limit="-0.40")
        assert again == SPREAD
        assert SPREAD.client_order_id == f"main-20240301-verticals-{SPREAD.symbol}-open"
        assert len({one.client_order_id for one in (SPREAD, order(leg(PUT, 3), leg(LOWER, -3), book="verticals"), CONDOR)}) == 3

    def test_what_legs_have_in_common_is_the_quantity(self) -> None:
        """Alpaca refuses ratios that are not in their simplest form."""
        assert (SPREAD.quantity, [one.ratio for one in SPREAD.legs]) == (3, [1, -1])
        backspread = order(leg(PUT, -2), leg(LOWER, 4))
        assert (backspread.quantity, {one.symbol: one.ratio for one in backspread.legs}) == (2, {PUT: -1, LOWER: 2})

    def test_one_leg_is_sold_or_bought_and_several_are_bought_as_one(self) -> None:
        assert (COVERED.symbol, COVERED.side, COVERED.leg, COVERED.quantity) == (CALL, Side.SELL, Leg.OPEN, 1)
        assert (CLOSING.symbol, CLOSING.side, CLOSING.leg, CLOSING.quantity) == (HELD, Side.BUY, Leg.CLOSE, 2)
        assert (SPREAD.side, SPREAD.leg, is_package(SPREAD.symbol)) == (Side.BUY, Leg.OPEN, True)

    def test_shares_beside_contracts_are_of_the_same_units_where_they_can_be(self) -> None:
        written = order(leg(CALL, -2), ContractLeg("AAA", 200, opens=True, multiplier=Decimal(1)))
        assert (written.quantity, {one.symbol: one.ratio for one in written.legs}) == (2, {CALL: -1, "AAA": 100})
        odd = order(leg(CALL, -2), ContractLeg("AAA", 101, opens=True, multiplier=Decimal(1)))
        assert (odd.quantity, {one.symbol: one.ratio for one in odd.legs}) == (1, {CALL: -2, "AAA": 101})

    @pytest.mark.parametrize("legs", [(), (leg(PUT, 0),), (leg(PUT, 1), leg(PUT, -1))])
    def test_an_order_of_nothing_is_refused(self, legs: tuple[ContractLeg, ...]) -> None:
        with pytest.raises(AtsError, match="legs of different contracts"):
            order(*legs)

    @given(
        st.lists(
            st.tuples(st.sampled_from([PUT, LOWER, CALL, HIGHER]), st.integers(-9, 9).filter(bool), st.booleans()),
            unique_by=lambda one: one[0],
        )
    )
    def test_legs_are_read_back_as_they_were_written(self, drawn: list[tuple[str, int, bool]]) -> None:
        legs = tuple(ContractLeg(symbol, ratio, opens, Decimal("10.5") if opens else Decimal(100)) for symbol, ratio, opens in drawn)
        assert legs_of(legs_text(legs)) == legs
        if legs:
            assert len(package_symbol((one.symbol, one.ratio) for one in legs)) <= 32

    def test_the_trade_state_keeps_them_and_those_of_shares_as_before(self, bench: Bench) -> None:
        execute(bench)
        bench.execute()
        with TradeState(bench.url) as state, state.begin() as connection:
            assert [intents_state.load(connection, one.client_order_id).intent for one in OPTIONS] == OPTIONS  # pyright: ignore[reportOptionalMemberAccess]
            rows = connection.execute(select(tables.intents).where(tables.intents.c.kind == "market_on_open")).all()
            assert {(row.legs, row.book) for row in rows} == {(None, None)}
            told = connection.execute(select(tables.audit.c.details).where(tables.audit.c.what == "planned")).scalars().all()
            assert sum("legs" in details for details in told) == len(OPTIONS)


class TestOnce:
    def test_however_often_it_is_executed(self, bench: Bench) -> None:
        bench.exchange.unique = False
        first = execute(bench)
        assert [outcome.state for outcome in first.outcomes] == ["accepted"] * 4
        assert execute(bench).outcomes == first.outcomes
        assert bench.broker.sent == NAMES
        finish(bench)

    @pytest.mark.parametrize("fault", list(Network))
    def test_each_fault_of_the_network_leads_to_one_order(self, bench: Bench, fault: Network) -> None:
        bench.exchange.unique = fault is Network.REPEATED
        bench.broker.network = [fault, fault, Network.WORKS, fault, fault]
        finish(bench)

    def test_an_answer_beyond_all_patience_meets_the_exchanges_promise(self, bench: Bench) -> None:
        bench.broker.network, bench.broker.late_seconds = [Network.WORKS, Network.WORKS, Network.LATE], 45.0
        finish(bench)
        assert bench.exchange.refused.total() == 1

    def test_with_the_records_lost_packages_are_found_again_with_their_executions(self, bench: Bench, tmp_path: Path) -> None:
        """Executions of legs have the broker's ids of legs alone: they are ours since their package is."""
        execute(bench)
        bench.exchange.fill(SPREAD.client_order_id, Decimal(3))
        bench.exchange.fill(CONDOR.client_order_id, Decimal(1))
        bench.url = f"sqlite:///{tmp_path / 'new.sqlite'}"
        bench.broker.sent.clear()
        assert [str(one.state) for one in execute(bench).outcomes] == ["accepted", "accepted", "filled", "filled"]
        assert bench.broker.sent == []
        finish(bench)

    def test_an_order_that_arrives_after_it_was_given_up_and_is_filled_at_once_is_ours(self, bench: Bench) -> None:
        """It is in no list of open orders: only its executions tell of it."""
        bench.broker.network, bench.timeouts = [Network.LATE], dataclasses.replace(Timeouts(), attempts=1)
        bench.broker.late_seconds = 45
        with bench.executor() as executor:
            executor.execute(SESSION, [CONDOR], options=True)
        assert bench.states() == {CONDOR.client_order_id: "planned"}
        bench.exchange.clock.sleep(60)
        bench.exchange.open()
        assert bench.reconcile() == []
        assert bench.states() == {CONDOR.client_order_id: "filled"}
        assert any("arrived late" in alert.title for alert in bench.alerts)

    @pytest.mark.slow
    @pytest.mark.parametrize("fault", [Network.WORKS, Network.ANSWER_LOST, Network.LATE])
    def test_killed_at_each_point_and_started_again(self, tmp_path: Path, fault: Network) -> None:
        """Before and after each commit and each request; in full with each fault at each point, else two of three, and with faults each ninth."""
        strides = [1] if FULL else [1, 2] if fault is Network.WORKS else [9]
        number, kills, done = 0, 0, False
        while not done:
            bench = bench_of(tmp_path, f"{fault}-{number}")
            bench.timeouts, bench.broker.network = Timeouts(retries=3), [fault, Network.WORKS, fault]
            points = Points(stop_at=number)
            try:
                execute(bench, points=points)
                done = True
            except Killed:
                kills += 1
            finish(bench)
            number += strides[kills % len(strides)]
        assert kills >= (60 if fault is Network.WORKS else 10)

    @pytest.mark.slow
    @settings(max_examples=rounds(6, 40))
    @given(
        network=st.lists(st.sampled_from(Network), max_size=12),
        stops=st.lists(st.integers(0, 130), max_size=4),
        late=st.floats(0, 200),
        blind=st.integers(0, 3),
    )
    def test_any_faults_any_stops_any_lateness(
        self, tmp_path_factory: pytest.TempPathFactory, network: list[Network], stops: list[int], late: float, blind: int
    ) -> None:
        bench = bench_of(tmp_path_factory.mktemp("any"))
        bench.broker.network, bench.broker.late_seconds, bench.broker.blind_finds = network, late, blind
        for stop in stops:
            with contextlib.suppress(Killed, BrokerError):
                execute(bench, points=Points(stop_at=stop))
            bench.exchange.clock.sleep(bench.timeouts.lease_seconds)
        finish(bench)

    @pytest.mark.slow
    def test_two_executors_one_of_them_stopped_past_its_lease_at_each_point(self, tmp_path: Path) -> None:
        """With the exchange's promise: a request that is on its way while its sender is stopped needs it."""
        passed = Points(act=lambda: None)
        execute(bench_of(tmp_path, "whole"), points=passed)
        total = len(passed.names)
        assert total > 60
        for number in range(0, total, 1 if FULL else 9):
            bench = bench_of(tmp_path, f"two-{number}")
            other = ExchangeBroker(bench.exchange)

            def take_over(bench: Bench = bench, other: ExchangeBroker = other) -> None:
                bench.exchange.clock.sleep(bench.timeouts.lease_seconds + 1)
                with TradeState(bench.url) as state:
                    assert bench.made(state, other).execute(SESSION, OPTIONS, options=True).stopped is None

            points = Points(stop_at=number, act=take_over)
            with contextlib.suppress(LeaseLostError):
                execute(bench, points=points)
            finish(bench)


class TestBesideShares:
    def test_neither_plan_withdraws_what_the_other_one_has(self, bench: Bench) -> None:
        """Both are planned and none is sent; the same session's other plan leaves them as they are."""
        bench.broker.closed = "not yet"
        bench.execute()
        execute(bench)
        bench.execute()
        assert set(bench.states().values()) == {"planned"}
        execute(bench, [COVERED])
        assert {name for name, said in bench.states().items() if said == "withdrawn"} == {*NAMES} - {COVERED.client_order_id}

    def test_a_plan_of_both_is_refused(self, bench: Bench) -> None:
        with pytest.raises(AtsError, match="these are two plans"):
            execute(bench, [*PLAN, COVERED])
        with pytest.raises(AtsError, match="these are two plans"):
            bench.execute([COVERED])

    def test_contracts_are_counted_as_contracts_and_paid_for_as_shares(self, bench: Bench) -> None:
        bench.execute([intent("AAA", "1")])
        execute(bench, [SPREAD])
        bench.exchange.clock.sleep(60)
        bench.exchange.fill(SPREAD.client_order_id, Decimal(3), Decimal("1.23"), Decimal("1.95"))
        assert bench.reconcile() == []
        with TradeState(bench.url) as state, state.begin() as connection:
            rows = connection.execute(select(tables.fills).order_by(tables.fills.c.fill_id)).all()
        assert [(row.symbol, row.side, row.quantity, row.multiplier) for row in rows] == [(LOWER, "buy", 3, 100), (PUT, "sell", 3, 100)]
        told = [one for one in bench.exchange.executions if one.symbol == PUT]
        assert [one.cash_flow for one in told] == [Decimal("369.00") - Decimal("1.95")]

    def test_an_assignment_is_two_entries_and_no_difference(self, bench: Bench) -> None:
        execute(bench)
        bench.exchange.open()
        assert bench.reconcile() == []
        at = bench.exchange.clock.now() + timedelta(hours=10)
        bench.exchange.clock.at = at
        bench.exchange.held |= {CALL: bench.exchange.held[CALL] + 1, "AAA": Decimal(0)}
        bench.exchange.cash += Decimal(1100)
        for kind, symbol, quantity, cash in ((EntryKind.ASSIGNMENT, CALL, 1, 0), (EntryKind.OPTION_SHARES, "AAA", -100, 1100)):
            bench.exchange.booked.append(
                AccountEntry(
                    entry_id=f"{kind}",
                    kind=kind,
                    at=at,
                    symbol=symbol,
                    quantity=Decimal(quantity),
                    cash=Decimal(cash),
                    description="assigned",
                )
            )
        assert bench.reconcile() == []

    def test_contracts_that_differ_are_described_in_contracts(self, bench: Bench) -> None:
        execute(bench)
        bench.exchange.held[CALL] = Decimal(-5)
        bench.exchange.held[HELD] = Decimal(-2)
        assert [one.message for one in bench.reconcile()] == [f"{CALL}: -5 contracts at the broker, 0 by our records"]


class TestWhatIsNotSent:
    def test_a_roll_whose_contract_was_assigned_meanwhile_is_withdrawn(self, bench: Bench) -> None:
        """Half of it would be an order that nobody decided."""
        roll = order(leg(HELD, 2, opens=False), leg(PUT, -2))
        bench.exchange.held[HELD] = Decimal(-1)
        (outcome,) = execute(bench, [roll]).outcomes
        assert (outcome.state, bench.broker.sent) == (IntentState.WITHDRAWN, [])
        assert outcome.reason == f"it is for 2 {roll.symbol}, and 1 are held any more"

    def test_nothing_under_the_kill_switch_or_in_a_halt(self, bench: Bench) -> None:
        bench.settings.kill_file.touch()
        assert "kill file" in str(execute(bench).stopped)
        bench.settings.kill_file.unlink()
        bench.exchange.held["ZZZ"] = Decimal(7)
        assert "trading is halted" in str(execute(bench).stopped)
        assert bench.broker.sent == []

    def test_what_is_rejected_has_its_reason(self, bench: Bench) -> None:
        bench.exchange.rejects[CALL] = "account not eligible to trade uncovered option contracts"
        said = {one.intent.client_order_id: (str(one.state), one.reason) for one in execute(bench).outcomes}
        assert said[COVERED.client_order_id] == ("rejected", "account not eligible to trade uncovered option contracts")
        assert [state for state, _ in said.values()] == ["accepted", "rejected", "accepted", "accepted"]

    def test_an_order_under_our_id_with_other_legs_stops_trading(self, bench: Bench) -> None:
        other = order(leg(CALL, -3), leg(HIGHER, 3), book="verticals")
        bench.exchange.take(dataclasses.replace(other, client_order_id=SPREAD.client_order_id))
        stopped = execute(bench, [SPREAD]).stopped
        assert f"{other.symbol} instead of {SPREAD.symbol}" in str(stopped)

    def test_a_split_of_the_underlying_at_the_coming_open_withdraws_them(self, bench: Bench) -> None:
        class Announced:
            def coming(self, _session: date, symbols: object) -> dict[str, Crossing]:
                assert symbols == {"AAA"}
                return {"AAA": Crossing(ratio=Decimal(7))}

        with PointedState(bench.url) as state:
            made = Executor(
                bench.broker,
                state,
                bench.settings,
                alert=bench.alerts.append,
                clock=bench.exchange.clock,
                session_of=lambda _at: SESSION,
                splits=Announced(),  # pyright: ignore[reportArgumentType]
            )
            execution = made.execute(SESSION, OPTIONS, options=True)
        assert {str(one.state) for one in execution.outcomes} == {"withdrawn"}
        assert bench.broker.sent == []

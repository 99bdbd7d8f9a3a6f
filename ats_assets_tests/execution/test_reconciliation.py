from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ats_assets.execution.broker import BrokerError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.order import AccountEntry, EntryKind, Leg, OrderStatus, Side
from ats_assets.execution.outcome import AccountMismatchError
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import NEXT, PLAN, SESSION, Bench, Network, intent

IDS = [planned.client_order_id for planned in PLAN]


def entry(bench: Bench, kind: EntryKind, cash: str = "0", symbol: str | None = None, quantity: str = "0") -> AccountEntry:
    return AccountEntry(
        entry_id=f"e{len(bench.exchange.booked)}",
        kind=kind,
        at=bench.exchange.clock.now(),
        symbol=symbol,
        quantity=Decimal(quantity),
        cash=Decimal(cash),
        description=str(kind),
    )


def test_an_account_with_a_past_is_taken_as_it_is(bench: Bench) -> None:
    bench.exchange.held["OLD"] = Decimal("5.5")
    bench.exchange.execute(replace(bench.exchange.take(intent("OLD2")), client_order_id="old"), Decimal(3), Decimal(7))  # pyright: ignore[reportArgumentType]
    bench.exchange.orders.clear()
    assert bench.reconcile() == []
    assert bench.execute().stopped is None


def test_partial_fills_in_any_number_of_readings(bench: Bench) -> None:
    bench.execute()
    for quantity in ("1", "2.5", "6.5"):
        bench.exchange.clock.sleep(60)
        bench.exchange.fill(IDS[0], Decimal(quantity), Decimal("10.01"))
        assert bench.reconcile() == []
        assert bench.reconcile() == []
    assert bench.states() == {IDS[0]: "filled", IDS[1]: "accepted", IDS[2]: "accepted"}
    with TradeState(bench.url) as state, state.begin() as connection:
        assert len(connection.execute(tables.fills.select()).all()) == 3
    assert len([alert for alert in bench.alerts if alert.key.startswith("fill:")]) == 3


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED])
def test_an_order_that_ends_partly_filled(bench: Bench, status: OrderStatus) -> None:
    bench.execute()
    bench.exchange.fill(IDS[0], Decimal(4))
    bench.exchange.change(IDS[0], status=status, reason="why")
    assert bench.reconcile() == []
    assert bench.states()[IDS[0]] == status.value


def test_a_position_that_differs_stops_trading_until_a_person_resumes(bench: Bench) -> None:
    bench.reconcile()
    bench.exchange.held["AAA"] = Decimal(2)
    (difference,) = bench.reconcile()
    assert difference.kind == "position"
    assert (difference.ours, difference.theirs) == (0, 2)
    assert [alert.severity for alert in bench.alerts] == ["critical"]
    bench.exchange.held.clear()
    assert bench.reconcile() == []
    assert "halted" in str(bench.execute().stopped)  # it has vanished, but nobody has looked at it
    assert bench.broker.sent == []
    with bench.executor() as executor:
        assert executor.resume("me", "seen to it") == 1
    assert bench.execute().stopped is None
    assert "resumed" in bench.audit()


def test_the_same_difference_makes_one_halt_and_one_alert(bench: Bench) -> None:
    bench.reconcile()
    bench.exchange.cash += 1
    bench.reconcile()
    bench.reconcile()
    assert len(bench.alerts) == 1
    with bench.executor() as executor:
        assert executor.resume("me", "look") == 1
    assert len(bench.reconcile()) == 1
    with bench.executor() as executor:
        assert executor.halted() is not None


@pytest.mark.parametrize(("off", "differences"), [("0.01", 0), ("-0.01", 0), ("0.02", 1), ("-0.02", 1)])
def test_cash_may_be_off_by_the_tolerance(bench: Bench, off: str, differences: int) -> None:
    bench.reconcile()
    bench.exchange.cash += Decimal(off)
    assert len(bench.reconcile()) == differences


def test_a_broker_that_rounds_each_execution_to_a_cent(bench: Bench) -> None:
    bench.execute([intent("AAA", "1000")])
    for _ in range(9):
        bench.exchange.fill(IDS[0], Decimal("1.5"), Decimal("3.333"))  # 4.9995, booked as 5.00
    bench.exchange.cash -= 9 * Decimal("0.0005") + 9 * Decimal("0.004")
    assert bench.reconcile() == []
    bench.exchange.cash -= Decimal("0.05")
    assert [difference.kind for difference in bench.reconcile()] == ["cash"]


def test_resuming_with_the_brokers_word(bench: Bench) -> None:
    bench.execute()
    bench.exchange.fill(IDS[0], Decimal(4))
    bench.exchange.held["AAA"] += 3
    bench.exchange.cash -= 17
    assert {difference.kind for difference in bench.reconcile()} == {"position", "cash"}
    with bench.executor() as executor:
        executor.resume("me", "bought by hand", accept=True)
    assert bench.reconcile() == []
    bench.exchange.clock.sleep(1)
    bench.exchange.fill(IDS[0], Decimal(6))
    assert bench.reconcile() == []


def test_a_foreign_fill_is_a_difference_once(bench: Bench) -> None:
    bench.reconcile()
    stranger = bench.exchange.take(replace(intent("XXX"), client_order_id="by-hand"))
    assert stranger is not None
    assert [difference.kind for difference in bench.reconcile()] == ["foreign_order"]
    bench.exchange.fill("by-hand", Decimal(10))
    found = bench.reconcile()
    assert [difference.kind for difference in found] == ["foreign_fill"]
    assert "order by-hand, which is not ours" in found[0].message
    with bench.executor() as executor:
        executor.resume("me", "mine")
    assert bench.reconcile() == []
    assert bench.execute().stopped is None


def test_a_fill_that_shows_after_its_position_is_waited_for(bench: Bench) -> None:
    bench.execute()
    bench.exchange.fill(IDS[0], Decimal(10))
    hidden = bench.exchange.executions.pop()
    sleep, times = bench.exchange.clock.sleep, []

    def show(seconds: float) -> None:
        times.append(seconds)
        if len(times) == 3:
            bench.exchange.executions.append(hidden)
        sleep(seconds)

    bench.exchange.clock.sleep = show
    assert bench.reconcile() == []
    assert len(times) == 3


def test_a_fill_that_never_shows_is_a_difference(bench: Bench) -> None:
    bench.execute()
    bench.exchange.fill(IDS[0], Decimal(10))
    bench.exchange.executions.clear()
    assert {difference.kind for difference in bench.reconcile()} == {"position", "cash", "fills"}


def test_an_order_that_the_broker_no_longer_has(bench: Bench) -> None:
    bench.execute()
    bench.exchange.orders.pop()
    assert [(difference.kind, difference.subject) for difference in bench.reconcile()] == [("order", IDS[2])]


def test_dividends_fees_and_deposits_are_counted(bench: Bench) -> None:
    bench.reconcile()
    for kind, cash in ((EntryKind.DIVIDEND, "12.34"), (EntryKind.FEE, "-0.07"), (EntryKind.TRANSFER, "5000")):
        bench.exchange.booked.append(entry(bench, kind, cash))
        bench.exchange.cash += Decimal(cash)
    assert bench.reconcile() == []
    assert bench.reconcile() == []


def test_a_split_of_a_held_position(bench: Bench) -> None:
    bench.exchange.held["AAA"] = Decimal(10)
    bench.reconcile()
    bench.exchange.held["AAA"] = Decimal(40)
    bench.exchange.booked.append(entry(bench, EntryKind.SPLIT, symbol="AAA", quantity="30"))
    assert bench.reconcile() == []


def test_an_order_that_arrives_after_all_was_given_up_is_counted_and_told(bench: Bench) -> None:
    bench.broker.network, bench.broker.late_seconds = [Network.LATE], 3600
    bench.timeouts = Timeouts(attempts=1)
    assert "not sent in 1 attempts" in str(bench.execute(PLAN[:1]).stopped)
    bench.execute([intent("DDD")])
    assert bench.states()[IDS[0]] == "withdrawn"
    bench.exchange.clock.sleep(3600)
    assert bench.reconcile() == []
    assert bench.states()[IDS[0]] == "accepted"
    assert any(alert.key.startswith("late:") for alert in bench.alerts)


def test_and_one_that_arrives_and_is_filled_in_between_too(bench: Bench) -> None:
    bench.broker.network, bench.broker.late_seconds = [Network.LATE], 3600
    bench.timeouts = Timeouts(attempts=1)
    bench.execute(PLAN[:1])
    bench.exchange.open()
    assert bench.reconcile() == []
    assert bench.states()[IDS[0]] == "filled"


def test_the_records_of_another_account_are_refused(bench: Bench) -> None:
    bench.reconcile()
    bench.exchange.account_id = "X2"
    with pytest.raises(AccountMismatchError, match="belongs to account X1 at exchange, not to X2"):
        bench.execute()
    assert bench.broker.sent == []


def test_an_account_that_changes_with_each_reading_is_not_compared(bench: Bench) -> None:
    bench.reconcile()
    original = bench.broker.account

    def restless() -> object:
        bench.exchange.cash += 1
        return original()

    bench.broker.account = restless  # pyright: ignore[reportAttributeAccessIssue]
    with pytest.raises(BrokerError, match="changes faster than it can be read"):
        bench.reconcile()


class TestSettlement:
    def test_a_session_is_stored_once_it_is_through(self, bench: Bench) -> None:
        bench.execute()
        with bench.executor() as executor:
            early = executor.settle(NEXT)
            assert early.waiting is not None
            assert "3 orders are still open" in early.waiting
        bench.exchange.open()
        with bench.executor() as executor:
            settled = executor.settle(NEXT)
            assert settled.waiting is None
            assert len(settled.orders) == len(settled.fills) == 3
            assert {position.symbol: position.quantity for position in settled.positions} == {"AAA": 10, "BBB": 7, "CCC": Decimal("3.5")}
            assert settled.account.cash == bench.exchange.cash
        bench.exchange.cash += 1000  # what comes later does not change it
        bench.broker.broken = {"account", "positions"}
        with bench.executor() as executor:
            assert executor.settle(NEXT) == settled

    def test_a_difference_keeps_it_from_being_stored(self, bench: Bench) -> None:
        bench.execute()
        bench.exchange.open()
        bench.exchange.cash += 1
        with bench.executor() as executor:
            settled = executor.settle(NEXT)
        assert len(settled.differences) == 1
        assert "a person must see to" in str(settled.waiting)

    def test_a_session_that_was_missed_is_not_made_up(self, bench: Bench) -> None:
        bench.execute()
        bench.exchange.open()
        later = NEXT + timedelta(days=1)
        bench.exchange.clock.sleep(86400)
        stranger = intent("AAA", "1", Side.SELL, Leg.CLOSE, NEXT)
        with bench.executor() as executor:
            executor.execute(NEXT, [stranger])
        bench.exchange.fill(stranger.client_order_id, Decimal(1))
        with bench.executor() as executor:
            assert "was not settled in its time" in str(executor.settle(NEXT).waiting)
            assert executor.settle(later).waiting is None

    def test_a_session_without_orders(self, bench: Bench) -> None:
        with bench.executor() as executor:
            settled = executor.settle(SESSION)
        assert (settled.waiting, settled.orders, settled.fills) == (None, (), ())

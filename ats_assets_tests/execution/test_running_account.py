"""Reconciliation after years costs what it cost on the first day, passes over no more, and counts each fill once whatever is interrupted."""

import contextlib
import copy
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from ats_assets.execution.order import AccountEntry, AccountState, EntryKind, Fill, Position, Side
from ats_assets.execution.reconciliation import BrokerView, compare, expected_cash
from ats_assets.execution.rows import record_entry, record_fill, record_snapshot
from ats_assets.execution.running_account import read_running_account, store_running_account
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import NEXT, PLAN, Bench, ExchangeBroker, Killed, PointedState, Points, intent
from ats_assets_tests.execution.history import Steps, add_history
from ats_assets_tests.rounds import rounds

START = datetime(2024, 1, 2, 15, tzinfo=UTC)
LAST = date(2024, 2, 15)
"""More than the ten days that are read again before the session of the tests."""
CENT = Decimal("0.01")


def account(cash: str = "100000.00", at: datetime = START) -> AccountState:
    return AccountState(account_id="X1", at=at, cash=Decimal(cash), equity=Decimal(cash), buying_power=Decimal(cash))


def view_of(cash: Decimal, positions: dict[str, Decimal] | None = None) -> BrokerView:
    held = tuple(Position(symbol=s, quantity=q, cost=q, price=q) for s, q in (positions or {}).items())
    return BrokerView(account=replace(account(), cash=cash), positions=held, fills=(), entries=(), open_orders=())


def fill(number: int, symbol: str, side: Side, quantity: Decimal, price: Decimal, at: datetime = START) -> Fill:
    name = f"o{number}"
    return Fill(
        fill_id=f"f{number}",
        broker_order_id=name,
        client_order_id=name,
        symbol=symbol,
        side=side,
        quantity=quantity,
        price=price,
        fees=Decimal(0),
        at=at,
    )


def acknowledge(connection: Connection) -> None:
    connection.execute(tables.fills.update().values(acknowledged_at=START))


class TestTheTolerance:
    """126.00 missing after 25,200 executions of fractional shares went unnoticed: the tolerance was half a cent for each since the baseline."""

    def test_is_bounded_however_many_executions(self, tmp_path: Path) -> None:
        with TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state, state.begin() as connection:
            baseline = record_snapshot(connection, "baseline", "exchange", account(), [])
            for number in range(1_200):
                side = (Side.BUY, Side.SELL)[number % 2]
                record_fill(
                    connection, fill(number, "A", side, Decimal("1.5"), Decimal("10.01")), intent_id=None, baseline_id=baseline, now=START
                )
            acknowledge(connection)
            cash, rounding = expected_cash(connection, baseline)
            assert (cash, rounding) == (Decimal(100000), Decimal("5.00"))
            for missing, found in (("5.01", []), ("5.02", ["cash"]), ("6.00", ["cash"]), ("-5.02", ["cash"])):
                assert [one.kind for one in compare(connection, baseline, view_of(cash - Decimal(missing)), CENT)] == found

    def test_in_one_session_is_that_of_its_own_executions(self, tmp_path: Path) -> None:
        """After weeks of fifty a day, a session with two passes over two cents, not over all that the weeks may hide."""
        with TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state:
            before = add_history(state, sessions=20, orders=50, last=LAST, account=account())
            with state.begin() as connection:
                baseline = connection.execute(select(tables.running_accounts.c.baseline_id).limit(1)).scalar_one()
                for number, side in enumerate((Side.BUY, Side.SELL)):
                    one = fill(number, "A", side, Decimal("1.5"), Decimal("10.01"))
                    record_fill(connection, one, intent_id=None, baseline_id=baseline, now=START)
                acknowledge(connection)
                for off, found in (("0.02", []), ("-0.02", []), ("0.03", ["cash"]), ("-0.03", ["cash"])):
                    assert [one.kind for one in compare(connection, baseline, view_of(before.cash + Decimal(off)), CENT)] == found

    def test_a_little_that_goes_missing_in_each_session_is_found(self, tmp_path: Path) -> None:
        """Forty cents a session, each time within the roundings of a hundred executions: the bound of all of them together tells."""
        with TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state:
            before = add_history(state, sessions=1, orders=0, last=LAST, account=account())
            theirs, numbers, stopped = before.cash, count(), None
            for session in range(1, 30):
                with state.begin() as connection:
                    baseline = connection.execute(select(tables.running_accounts.c.baseline_id).limit(1)).scalar_one()
                    for _ in range(100):
                        number = next(numbers)
                        one = fill(number, "A", (Side.BUY, Side.SELL)[number % 2], Decimal("1.5"), Decimal("10.01"))
                        record_fill(connection, one, intent_id=None, baseline_id=baseline, now=START)
                    acknowledge(connection)
                    theirs -= Decimal("0.40")
                    differences = compare(connection, baseline, view_of(theirs), CENT)
                    if differences:
                        stopped = session
                        break
                    snapshot = record_snapshot(connection, "session", "exchange", replace(before, cash=theirs), [], session=LAST)
                    store_running_account(connection, baseline, snapshot)
            assert stopped == 13  # 13 * 0.40 is more than 5.01
            assert "roundings of 1300 executions since the baseline" in differences[0].message

    def test_is_told_of_before_it_stops_trading(self, sqlite_bench: Bench) -> None:
        sqlite_bench.settings = sqlite_bench.settings.model_copy(update={"rounding_limit": 0.05})
        sqlite_bench.execute([intent("AAA", "15")])
        for _ in range(10):
            sqlite_bench.exchange.fill(intent("AAA").client_order_id, Decimal("1.5"), Decimal("3.333"))
        sqlite_bench.exchange.clock.at = datetime(2024, 3, 4, 21, tzinfo=UTC)
        sqlite_bench.exchange.cash -= Decimal("0.04")
        with sqlite_bench.executor() as executor:
            assert executor.settle(NEXT).waiting is None
        (told,) = [alert for alert in sqlite_bench.alerts if alert.key.startswith("rounding:")]
        assert "-0.040" in told.text
        assert "trading stops beyond 0.05 (orders.rounding_limit)" in told.text


def recount(connection: Connection, baseline: int) -> tuple[Decimal, int, dict[str, Decimal]]:
    """Cash, inexact executions and shares by all rows from the baseline on: what was read at each comparison before."""
    cash = connection.execute(select(tables.account_snapshots.c.cash).where(tables.account_snapshots.c.id == baseline)).scalar_one()
    held: dict[str, Decimal] = {}
    for row in connection.execute(tables.positions.select().where(tables.positions.c.snapshot_id == baseline)):
        held[row.symbol] = held.get(row.symbol, Decimal(0)) + row.quantity
    inexact = 0
    for row in connection.execute(tables.fills.select().where(tables.fills.c.baseline_id == baseline)):
        worth = row.quantity * row.price
        cash += (worth if row.side == "sell" else -worth) - row.fees
        inexact += (worth + row.fees) % CENT != 0
        held[row.symbol] = held.get(row.symbol, Decimal(0)) + (row.quantity if row.side == "buy" else -row.quantity)
    for row in connection.execute(tables.entries.select().where(tables.entries.c.baseline_id == baseline)):
        cash += row.cash
        if row.symbol:
            held[row.symbol] = held.get(row.symbol, Decimal(0)) + row.quantity
    return cash, inexact, {symbol: quantity for symbol, quantity in sorted(held.items()) if quantity}


EVENTS = st.lists(
    st.one_of(
        st.tuples(
            st.just("fill"),
            st.sampled_from("AB"),
            st.sampled_from(Side),
            st.decimals("0.001", 9, places=3),
            st.decimals("0.0001", 99, places=4),
            st.integers(-30, 3),
            st.booleans(),
        ),
        st.tuples(st.just("entry"), st.sampled_from(["A", None]), st.decimals(-5, 5, places=3), st.decimals(-9, 9, places=2)),
        st.tuples(st.just("settle")),
        st.tuples(st.just("crash")),
        st.tuples(st.just("baseline")),
    ),
    max_size=25,
)


def test_the_running_account_is_the_count_of_everything(trade_state_url: str) -> None:
    """Over fills that come late or twice, entries, settlements, new baselines and transactions that never commit; SQLite and PostgreSQL."""
    numbers = count()
    with PointedState(trade_state_url) as state:

        @settings(max_examples=rounds(10, 25), deadline=None)
        @given(EVENTS)
        def check(events: list[tuple]) -> None:
            with state.begin() as connection:
                baseline = record_snapshot(connection, "baseline", "exchange", account(), view_of(CENT, {"A": Decimal(7)}).positions)
            for what, *values in events:
                with contextlib.suppress(Killed), state.begin() as connection:
                    baseline = _happen(connection, baseline, what, values, numbers)
                    if what == "crash":
                        raise Killed
                with state.begin() as connection:
                    found = read_running_account(connection, baseline)
                    assert (found.cash, found.inexact, found.positions) == recount(connection, baseline)
                    assert what != "settle" or (found.change, found.inexact_since) == (0, 0)

        check()


def _happen(connection: Connection, baseline: int, what: str, values: list, numbers: Iterator[int]) -> int:
    if what == "fill":
        symbol, side, quantity, price, days, twice = values
        new = fill(next(numbers), symbol, side, quantity, price, START + timedelta(days=days))
        recorded = [record_fill(connection, new, intent_id=None, baseline_id=baseline, now=START) for _ in range(1 + twice)]
        assert recorded == [True, False][: 1 + twice]
    elif what == "entry":
        symbol, quantity, cash = values
        entry = AccountEntry(
            entry_id=f"e{next(numbers)}", kind=EntryKind.OTHER, at=START, symbol=symbol, quantity=quantity, cash=cash, description=""
        )
        record_entry(connection, entry, baseline_id=baseline, now=START)
    elif what == "baseline":
        return record_snapshot(connection, "baseline", "exchange", account("5.55"), [])
    else:
        cash = read_running_account(connection, baseline).cash.quantize(CENT)
        store_running_account(connection, baseline, record_snapshot(connection, "session", "exchange", replace(account(), cash=cash), []))
    return baseline


def _settled_bench(tmp_path: Path, name: str, sessions: int) -> Bench:
    bench = Bench.at(f"sqlite:///{tmp_path / name}.sqlite", tmp_path / "KILL")
    with TradeState(bench.url) as state:
        bench.exchange.cash = add_history(state, sessions=sessions, orders=20, last=LAST, account=account()).cash
    return bench


def _a_session(bench: Bench) -> list[int]:
    """What each part of a day reads, in steps of the database."""
    counted = []
    with bench.executor() as executor:
        steps = Steps(executor._state.engine)

        def part(done: object) -> None:
            counted.append(steps.number)
            steps.number = 0
            assert done is not None

        part(executor.execute(intent().session, PLAN).stopped is None or pytest.fail("it was not sent"))
        bench.exchange.open()
        part(executor.reconcile() == [] or pytest.fail("it differs"))
        part(executor.settle(NEXT).waiting is None or pytest.fail("it is not settled"))
        part(executor.settle(NEXT).fills)
        part(executor.reconcile() == [] or pytest.fail("it differs"))
    return counted


def test_what_a_day_reads_does_not_depend_on_what_came_before(tmp_path: Path) -> None:
    """One comparison read every fill, every order and every intent since the baseline. Sending, reconciling and settling, each to the step."""
    assert _a_session(_settled_bench(tmp_path, "days", 10)) == _a_session(_settled_bench(tmp_path, "year", 200))


def test_an_order_of_old_of_which_more_is_heard_is_compared_again(sqlite_bench: Bench) -> None:
    """A settled order's late fill, and a fill that never comes."""
    sqlite_bench.execute([intent("AAA")])
    sqlite_bench.exchange.open()
    with sqlite_bench.executor() as executor:
        assert executor.settle(NEXT).waiting is None
    order = sqlite_bench.exchange.named(intent("AAA").client_order_id)
    sqlite_bench.exchange.clock.sleep(86400)
    sqlite_bench.exchange.execute(order, Decimal(1), Decimal(10))  # the order itself says nothing of it
    assert [(one.kind, one.theirs, one.ours) for one in sqlite_bench.reconcile()] == [("fills", 10, 11)]


def test_settling_is_stopped_at_each_point_and_counts_once(tmp_path: Path) -> None:
    """The process is gone before or after any commit; the next one settles, and what came since is counted once."""
    before = Bench.at(f"sqlite:///{tmp_path / 'before.sqlite'}", tmp_path / "KILL")
    before.execute([intent("AAA", "1.5")])
    before.exchange.open()
    number, killed = 0, True
    while killed:
        shutil.copy(tmp_path / "before.sqlite", tmp_path / f"{number}.sqlite")
        exchange = copy.deepcopy(before.exchange)
        bench = replace(before, url=f"sqlite:///{tmp_path / f'{number}.sqlite'}", exchange=exchange, broker=ExchangeBroker(exchange))
        killed = False
        try:
            with PointedState(bench.url, Points(stop_at=number)) as state:
                bench.made(state, bench.broker).settle(NEXT)
        except Killed:
            killed = True
        bench.exchange.clock.sleep(bench.timeouts.lease_seconds + 1)
        with bench.executor() as executor:
            assert executor.settle(NEXT).waiting is None
            assert executor.reconcile() == []
        with TradeState(bench.url) as state, state.begin() as connection:
            (row,) = connection.execute(tables.running_accounts.select()).all()
            running = read_running_account(connection, row.baseline_id)
        assert (running.cash, running.agreed, running.change) == (bench.exchange.cash, bench.exchange.cash, 0)
        assert running.positions == {"AAA": Decimal("1.5")}
        number += 1
    assert number > 10

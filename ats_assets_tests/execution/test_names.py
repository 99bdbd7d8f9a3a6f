"""A position is the same under its old and its new ticker: no phantom difference, no halt, whichever side uses which name, and whenever."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from ats_assets.execution.names import under_their_names, without_changes_of_name
from ats_assets.execution.order import AccountEntry, EntryKind, Leg, OrderKind, OrderStatus, Side
from ats_assets.execution.outcome import Difference, DifferenceKind
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import NEXT, PLAN, SESSION, Bench, Network, intent

FIRST = PLAN[0].client_order_id


def changes(*rows: tuple[date, str, str]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"session": pl.Date, "symbol": pl.String, "new_symbol": pl.String}, orient="row")


def knows(bench: Bench, *rows: tuple[date, str, str]) -> None:
    told = changes(*rows)
    bench.name_changes = lambda since: told.filter(pl.col("session") >= since)


def rename(bench: Bench, old: str, new: str) -> None:
    """What a broker does before the open: positions and open orders have the new ticker."""
    exchange = bench.exchange
    exchange.held[new] = exchange.held.pop(old)
    exchange.orders = [replace(one, symbol=new) if one.symbol == old else one for one in exchange.orders]


def settle(bench: Bench, session: date) -> list[tuple[str, Decimal]]:
    with bench.executor() as executor:
        settled = executor.settle(session)
    assert settled.waiting is None
    return [(position.symbol, position.quantity) for position in settled.positions]


def running(bench: Bench) -> dict[str, Decimal]:
    with TradeState(bench.url) as state, state.begin() as connection:
        newest = connection.execute(tables.running_positions.select().order_by(tables.running_positions.c.snapshot_id.desc())).all()
    return {row.symbol: row.quantity for row in newest if row.snapshot_id == newest[0].snapshot_id}


def test_a_position_under_its_new_ticker_is_no_difference(sqlite_bench: Bench) -> None:
    """Settled as AAA, called AAX by the broker since: no halt; and from the next settlement on the records say AAX, too."""
    bench = sqlite_bench
    bench.execute()
    bench.exchange.open()
    assert ("AAA", Decimal(10)) in settle(bench, NEXT)
    rename(bench, "AAA", "AAX")
    bench.exchange.clock.sleep(24 * 3600)
    assert [one.subject for one in bench.reconcile()] == ["AAA", "AAX"]  # nothing tells of a change
    with bench.executor() as executor:
        executor.resume("me", "it was a change of name")
    knows(bench, (date(2024, 3, 5), "AAA", "AAX"))
    assert bench.reconcile() == []
    assert ("AAX", Decimal(10)) in settle(bench, date(2024, 3, 5))
    assert running(bench) == {"AAX": Decimal(10), "BBB": Decimal(7), "CCC": Decimal("3.5")}
    bench.exchange.clock.sleep(60 * 24 * 3600)
    assert bench.reconcile() == []  # long after, without any knowledge of it


def test_the_brokers_own_entries_may_come_days_later(sqlite_bench: Bench) -> None:
    bench = sqlite_bench
    bench.execute()
    bench.exchange.open()
    settle(bench, NEXT)
    rename(bench, "AAA", "AAX")
    knows(bench, (date(2024, 3, 5), "AAA", "AAX"))
    bench.exchange.clock.sleep(24 * 3600)
    settle(bench, date(2024, 3, 5))
    bench.exchange.clock.sleep(24 * 3600)
    for symbol, quantity in (("AAA", -10), ("AAX", 10)):
        at = bench.exchange.clock.now()
        booked = AccountEntry(
            entry_id=symbol,
            kind=EntryKind.CORPORATE_ACTION,
            at=at,
            symbol=symbol,
            quantity=Decimal(quantity),
            cash=Decimal(0),
            description="NC",
        )
        bench.exchange.booked.append(booked)
    assert bench.reconcile() == []
    settle(bench, date(2024, 3, 6))
    assert running(bench)["AAX"] == 10


def test_a_missing_share_is_missing_under_either_name(sqlite_bench: Bench) -> None:
    bench = sqlite_bench
    bench.execute()
    bench.exchange.open()
    settle(bench, NEXT)
    rename(bench, "AAA", "AAX")
    bench.exchange.held["AAX"] -= 1
    knows(bench, (date(2024, 3, 5), "AAA", "AAX"))
    bench.exchange.clock.sleep(24 * 3600)
    assert {(one.subject, one.ours, one.theirs) for one in bench.reconcile()} == {("AAA", 10, 0), ("AAX", 0, 9)}


def test_an_order_sent_before_the_change_is_ours_under_the_new_ticker(sqlite_bench: Bench) -> None:
    """Its answer is lost, and the broker lists it as AAX: it is not another order, and its fill is ours."""
    bench = sqlite_bench
    bench.broker.network = [Network.ANSWER_LOST]
    knows(bench, (NEXT, "AAA", "AAX"))
    bench.broker.blind_finds = 0
    taken = bench.exchange.take
    bench.exchange.take = lambda planned: taken(replace(planned, symbol="AAX") if planned.symbol == "AAA" else planned)  # pyright: ignore[reportAttributeAccessIssue]
    assert bench.execute().stopped is None
    bench.exchange.open()
    assert ("AAX", Decimal(10)) in settle(bench, NEXT)
    assert bench.states()[FIRST] == OrderStatus.FILLED
    assert [alert.severity for alert in bench.alerts if alert.severity == "critical"] == []


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ({"A": 5}, {"B": 5}, {"B": 5}),
        ({"A": 5, "C": 1}, {"B": 5, "C": 1}, {"B": 5, "C": 1}),
        ({"A": 5}, {"B": 4}, {"A": 5}),
        ({"A": -5, "B": 12}, {"B": 7}, {"B": 7}),
        ({"A": 5, "B": 3}, {"A": 3, "B": 5}, {"A": 3, "B": 5}),
    ],
)
def test_records_take_the_brokers_names_where_the_numbers_agree(
    ours: dict[str, int], theirs: dict[str, int], expected: dict[str, int]
) -> None:
    exact = [{symbol: Decimal(number) for symbol, number in one.items()} for one in (ours, theirs, expected)]
    assert under_their_names(exact[0], exact[1], changes((SESSION, "A", "B"))) == exact[2]


def test_chains_are_counted_together_and_other_differences_stay() -> None:
    def differs(symbol: str, ours: int, theirs: int) -> Difference:
        return Difference(kind=DifferenceKind.POSITION, subject=symbol, ours=Decimal(ours), theirs=Decimal(theirs), message="")

    found = [
        differs("A", 5, 0),
        differs("C", 0, 5),
        differs("D", 1, 2),
        Difference(kind=DifferenceKind.CASH, subject="cash", ours=None, theirs=None, message=""),
    ]
    left = without_changes_of_name(found, changes((SESSION, "A", "B"), (NEXT, "B", "C")))
    assert [one.subject for one in left] == ["D", "cash"]


def test_the_exits_of_a_bracket_are_found_under_the_new_ticker(sqlite_bench: Bench) -> None:
    """They give way to a sale of the renamed position; and where the broker has ended them with the change, the position gets new ones."""
    bench, prices = sqlite_bench, {"limit_price": Decimal("10.1"), "take_profit": Decimal(11), "stop_loss": Decimal(9)}
    bought = [replace(intent(symbol, "100"), kind=OrderKind.BRACKET, **prices) for symbol in ("AAA", "BBB")]
    with bench.executor() as executor:
        executor.execute(SESSION, bought)
    bench.exchange.open()
    settle(bench, NEXT)
    rename(bench, "AAA", "AAX")
    rename(bench, "BBB", "BBX")
    for order in bench.exchange.orders:
        if order.symbol == "BBX":
            bench.exchange.change(order.client_order_id, **({} if order.status.final else {"status": OrderStatus.CANCELED}))
    knows(bench, (date(2024, 3, 5), "AAA", "AAX"), (date(2024, 3, 5), "BBB", "BBX"))
    bench.exchange.clock.sleep(24 * 3600)
    day = date(2024, 3, 5)
    with bench.executor() as executor:
        executed = executor.execute(day, [intent("AAX", "60", Side.SELL, Leg.CLOSE, day)])
    assert executed.stopped is None
    assert sorted((one.symbol, one.quantity, one.client_order_id) for one in bench.exchange.orders if not one.status.final) == [
        ("AAX", 40, "main-20240305-AAX-exit"),
        ("AAX", 40, "main-20240305-AAX-exit/stop"),
        ("AAX", 60, "main-20240305-AAX-close"),
        ("BBX", 100, "main-20240305-BBX-exit"),
        ("BBX", 100, "main-20240305-BBX-exit/stop"),
    ]

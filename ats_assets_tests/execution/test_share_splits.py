"""No order and no exit in old shares crosses a split, whether it was announced before the plan, after it, or not at all by the source."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import OrderIntent, OrderKind
from ats_assets.execution.outcome import Execution
from ats_assets.execution.share_splits import Crossing, DeployedSplits
from ats_assets.execution.trading import session_at
from ats_assets.settings import Settings
from ats_assets_tests.execution.exchange import EVENING, NEXT, SESSION, Bench, Killed, PointedState, Points, intent
from ats_assets_tests.execution.test_exits import NEXT_EVENING, bracket, execute, sale

XNYS = session_calendar("XNYS", date(2024, 1, 2))
TUESDAY = date(2024, 3, 5)
BEFORE_THE_OPEN, AFTER_THE_OPEN = NEXT_EVENING.replace(hour=13), NEXT_EVENING.replace(hour=14, minute=31)


@dataclass
class Announced:
    """Ratios by ex-session and symbol, as they are announced by now."""

    ratios: dict[tuple[date, str], Decimal] = field(default_factory=dict)
    renamed: dict[tuple[date, str], str] = field(default_factory=dict)
    asked: int = 0
    broken: bool = False

    def coming(self, session: date, symbols: Collection[str]) -> Mapping[str, Crossing]:
        self.asked += 1
        if self.broken:
            raise SourceError("the source can't be asked")
        day = XNYS.offset(session, 1)
        ratios = {symbol: ratio for (ex, symbol), ratio in self.ratios.items() if ex == day and symbol in symbols}
        renamed = {name for (ex, symbol), new in self.renamed.items() if ex == day for name in (symbol, new)} & {*symbols}
        return {name: Crossing(ratio=ratios.get(name, Decimal(1)), renamed=name in renamed) for name in {*ratios, *renamed}}

    def since(self, session: date, symbol: str, until: date) -> Decimal:
        found = Decimal(1)
        for (ex, name), ratio in self.ratios.items():
            found *= ratio if name == symbol and session < ex <= until else 1
        return found


@contextmanager
def trading(bench: Bench, splits: Announced, points: Points | None = None) -> Iterator[Executor]:
    bench.broker.points = points or Points()
    with PointedState(bench.url, points) as state:
        yield Executor(
            bench.broker,
            state,
            bench.settings,
            alert=bench.alerts.append,
            clock=bench.exchange.clock,
            session_of=lambda at: session_at(XNYS, at),
            splits=splits,
        )


def held(bench: Bench) -> None:
    """100 AAA and 100 BBB with exits, in the evening before the session of the split."""
    execute(bench, bracket(), bracket("BBB"), session=SESSION)
    bench.exchange.open()
    bench.exchange.clock.at = NEXT_EVENING


def split(bench: Bench, splits: Announced) -> None:
    """AAA: two for one, by the time of the open; the broker books it."""
    bench.exchange.clock.at = AFTER_THE_OPEN
    bench.broker.closed, bench.broker.late = "the auction is over", True
    with trading(bench, splits) as executor:
        bench.exchange.held["AAA"] *= 2
        executor.resume("a person", "the split is booked", accept=True)


def states(done: Execution) -> dict[str, str]:
    return {one.intent.client_order_id.removeprefix("main-20240304-"): str(one.state) for one in done.outcomes}


def wide(one: OrderIntent) -> OrderIntent:
    """With exits that lie at 11 and 9 after two for one."""
    return replace(one, take_profit=Decimal(22), stop_loss=Decimal(18))


def test_what_is_planned_for_a_symbol_that_splits_is_not_sent(sqlite_bench: Bench) -> None:
    bench, splits = sqlite_bench, Announced({(TUESDAY, "AAA"): Decimal(2)})
    held(bench)
    with trading(bench, splits) as executor:
        done = executor.execute(NEXT, [sale("30"), sale("100", "BBB"), intent("CCC", "5", session=NEXT)])
    assert done.stopped is None
    assert states(done) == {"AAA-close": "withdrawn", "BBB-close": "accepted", "CCC-open": "accepted"}
    assert done.outcomes[0].reason == "corporate_action: 2 new shares for an old one at the next open"
    assert bench.exchange.open_pairs() == {}  # the exits of AAA would sell at 9 what costs 5


@pytest.mark.parametrize("by", ["the watch", "the plan run again"])
def test_what_was_sent_before_the_split_was_announced_is_cancelled_before_the_open(sqlite_bench: Bench, by: str) -> None:
    """By `ats orders watch`; and by the sensor or `ats trade`, which run the plan again."""
    bench, splits = sqlite_bench, Announced()
    held(bench)
    plan = [sale("30"), wide(bracket("CCC", "50", NEXT)), intent("DDD", "5", session=NEXT)]
    with trading(bench, splits) as executor:
        done = executor.execute(NEXT, plan)
        assert states(done) == {"AAA-close": "accepted", "CCC-open": "accepted", "DDD-open": "accepted", "AAA-exit": "accepted"}
        splits.ratios = {(TUESDAY, "AAA"): Decimal(2), (TUESDAY, "CCC"): Decimal("0.1")}
        bench.exchange.clock.at = BEFORE_THE_OPEN
        look = executor.follow_up if by == "the watch" else lambda: executor.execute(NEXT, plan)
        look()
        assert {one.client_order_id for one in bench.broker.open_orders()} == {
            "main-20240304-DDD-open",
            "main-20240301-BBB-open/profit",
            "main-20240301-BBB-open/stop",
        }
        assert bench.audit().count("cancel asked for") == 2 + 4  # two exits for the sale; then the sale, the new exits, and the entry
        look()
    assert {alert.title for alert in bench.alerts if alert.key.startswith("split:")} == {
        "Orders of AAA are in old shares",
        "Orders of CCC are in old shares",
    }


def test_exits_come_back_in_new_shares_at_the_open(sqlite_bench: Bench) -> None:
    bench, splits = sqlite_bench, Announced({(TUESDAY, "AAA"): Decimal(2)})
    execute(bench, wide(bracket()), session=SESSION)
    bench.exchange.open()
    bench.exchange.clock.at = NEXT_EVENING
    with trading(bench, splits) as executor:
        executor.execute(NEXT, [])
        bench.exchange.clock.at = BEFORE_THE_OPEN
        executor.follow_up()
        assert bench.exchange.open_pairs() == {}
    split(bench, splits)
    with trading(bench, splits) as executor:
        executor.settle(NEXT)
        done = executor.follow_up()
    assert done is not None
    assert sum(bench.exchange.open_pairs().values()) == 200
    exits = [one.intent for one in done.outcomes if one.intent.leg == "exit"]
    assert [(one.take_profit, one.stop_loss, one.quantity) for one in exits] == [(11, 9, 200)]


def test_killed_between_the_cancels_of_a_split(sqlite_bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The next look ends it; nothing in old shares is left, and nothing is sent twice."""

    def late(bench: Bench) -> Announced:
        splits = Announced()
        held(bench)
        with trading(bench, splits) as executor:
            executor.execute(NEXT, [sale("30")])
        splits.ratios = {(TUESDAY, "AAA"): Decimal(2)}
        bench.exchange.clock.at = BEFORE_THE_OPEN
        return splits

    points, splits = Points(), late(sqlite_bench)
    with trading(sqlite_bench, splits, points) as executor:
        executor.follow_up()
    for stop_at in range(0, len(points.names), 9):
        folder = tmp_path_factory.mktemp("killed")
        bench = Bench.at(f"sqlite:///{folder / 'trade_state.sqlite'}", folder / "KILL")
        splits = late(bench)
        with trading(bench, splits, Points(stop_at=stop_at)) as executor, pytest.raises(Killed):
            executor.follow_up()
        bench.exchange.clock.sleep(300)
        with trading(bench, splits) as executor:
            executor.follow_up()
        assert {one.symbol for one in bench.broker.open_orders()} == {"BBB"}, stop_at
        assert max(bench.exchange.counts().values()) == 1


def test_the_source_is_asked_now_and_then_and_not_after_the_open(sqlite_bench: Bench) -> None:
    bench, splits = sqlite_bench, Announced()
    held(bench)
    with trading(bench, splits) as executor:
        executor.execute(NEXT, [sale("30")])
        for minutes in range(0, 60, 5):
            bench.exchange.clock.at = BEFORE_THE_OPEN - timedelta(minutes=60 - minutes)
            executor.follow_up()
        assert 4 <= splits.asked <= 6
        asked = splits.asked
        bench.exchange.clock.at = AFTER_THE_OPEN
        executor.follow_up()
        assert splits.asked == asked


def test_a_source_that_can_not_be_asked_is_told_and_stops_nothing(sqlite_bench: Bench) -> None:
    with trading(sqlite_bench, Announced(broken=True)) as executor:
        sqlite_bench.exchange.clock.at = EVENING
        done = executor.execute(SESSION, [intent("AAA")])
    assert [str(one.state) for one in done.outcomes] == ["accepted"]
    assert any("can't be looked up" in alert.title for alert in sqlite_bench.alerts)


def test_cancels_that_stay_pending_are_told(sqlite_bench: Bench) -> None:
    bench, splits = sqlite_bench, Announced()
    held(bench)
    with trading(bench, splits) as executor:
        executor.settle(NEXT)
        executor.execute(NEXT, [])
        splits.ratios = {(TUESDAY, "AAA"): Decimal(2)}
        bench.exchange.cancels_take = 14 * 3600.0
        bench.exchange.clock.at = BEFORE_THE_OPEN
        executor.follow_up()
    assert any("pending still: see to them" in alert.text for alert in bench.alerts)


def test_ratios_come_from_the_stored_actions_and_from_the_source_for_what_is_not_stored_yet(tmp_path: Path) -> None:
    days = XNYS.sessions(date(2024, 3, 1), date(2024, 3, 8))
    rows = [{"symbol": "AAA", "date": day, "open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 100.0} for day in days]
    pl.DataFrame(rows).write_parquet(tmp_path / "bars.parquet")
    actions = [
        ("AAA", TUESDAY, "split", 2.0, None),
        ("AAA", TUESDAY, "split", 2.0, None),  # announced again, under another id: it is no split of four for one
        ("AAA", TUESDAY, "cash_dividend", None, 0.5),
        ("BBB", TUESDAY, "cash_dividend", None, 0.5),
    ]
    pl.DataFrame(actions, schema=["symbol", "date", "kind", "ratio", "cash"], orient="row").write_csv(tmp_path / "actions.csv")
    deployment = Deployment(
        Settings(
            calendar={"first_session": days[0]},  # pyright: ignore[reportArgumentType]
            storage={"data": tmp_path / "data", "warehouse": tmp_path / "warehouse", "models": tmp_path / "models"},  # pyright: ignore[reportArgumentType]
            source={"kind": "files", "files": {"path": tmp_path / "bars.parquet", "actions": tmp_path / "actions.csv"}},  # pyright: ignore[reportArgumentType]
        )
    )
    splits = DeployedSplits(deployment)
    assert splits.coming(NEXT, ["AAA", "BBB"]) == {"AAA": Crossing(ratio=Decimal(2))}  # a payment changes no order
    assert splits.coming(SESSION, ["AAA", "BBB"]) == {}
    assert [splits.since(SESSION, "AAA", until) for until in (SESSION, NEXT, TUESDAY, days[-1])] == [1, 1, 2, 2]
    stored = pl.DataFrame([(TUESDAY, "AAA", "split", 3.0, None)], schema=["session", "symbol", "kind", "ratio", "cash"], orient="row")
    deployment.warehouse.write("corporate_actions", TUESDAY, stored.with_columns(new_symbol=pl.lit(None, pl.String)))
    assert splits.since(SESSION, "AAA", days[-1]) == 3
    assert splits.since(TUESDAY, "AAA", days[-1]) == 1


def test_what_is_for_a_ticker_that_is_given_up_at_the_open_is_withdrawn_and_cancelled(sqlite_bench: Bench) -> None:
    """Orders and exits under the old ticker stayed working over a change of name: at the open it is nobody's, or another company's."""
    bench, splits = sqlite_bench, Announced(renamed={(TUESDAY, "EEE"): "FFF"})
    held(bench)
    with trading(bench, splits) as executor:
        done = executor.execute(NEXT, [sale("30"), *(intent(name, "5", session=NEXT) for name in ("DDD", "EEE"))])
        splits.renamed |= {(TUESDAY, "AAA"): "NEW"}
        bench.exchange.clock.at = BEFORE_THE_OPEN
        executor.follow_up()
    assert {one.symbol for one in bench.broker.open_orders()} == {"BBB", "DDD"}
    assert states(done)["EEE-open"] == "withdrawn"
    assert done.outcomes[2].reason == "corporate_action: a change of name at the next open"
    assert "Orders of AAA are under an old ticker" in [alert.title for alert in bench.alerts]


@pytest.mark.parametrize("told_under", ["FB", "META"])
def test_a_split_and_a_change_of_name_on_one_day_are_both_seen(tmp_path: Path, told_under: str) -> None:
    """FB becomes META, two for one; by ticker alone the exits of META would have been given at the prices of old shares."""
    days = XNYS.sessions(date(2024, 3, 1), date(2024, 3, 8))
    bar = {"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 100.0}
    rows = [{"symbol": name, "date": day} | bar for day in days for name in ("FB" if day < TUESDAY else "META", "AAA")]
    pl.DataFrame(rows).write_parquet(tmp_path / "bars.parquet")
    told = [("FB", TUESDAY, "name_change", None, None, "META"), (told_under, TUESDAY, "split", 2.0, None, None)]
    pl.DataFrame(told, schema=["symbol", "date", "kind", "ratio", "cash", "new_symbol"], orient="row").write_csv(tmp_path / "actions.csv")
    deployment = Deployment(
        Settings(
            calendar={"first_session": days[0]},  # pyright: ignore[reportArgumentType]
            storage={"data": tmp_path / "data", "warehouse": tmp_path / "warehouse", "models": tmp_path / "models"},  # pyright: ignore[reportArgumentType]
            source={"kind": "files", "files": {"path": tmp_path / "bars.parquet", "actions": tmp_path / "actions.csv"}},  # pyright: ignore[reportArgumentType]
        )
    )
    splits = DeployedSplits(deployment)
    for day in (SESSION, NEXT):
        deployment.warehouse.write("corporate_actions", day, CORPORATE_ACTIONS_SCHEMA.to_frame())
    both = Crossing(ratio=Decimal(2), renamed=True)
    assert splits.coming(NEXT, ["FB", "META", "AAA"]) == {"FB": both, "META": both}
    assert splits.since(SESSION, "META", days[-1]) == 2
    assert splits.since(SESSION, "AAA", days[-1]) == 1


def test_kinds_of_the_plan_are_all_withdrawn(sqlite_bench: Bench) -> None:
    """A limit order and a bracket, as well as one for the auction."""
    splits = Announced({(NEXT, symbol): Decimal("0.1") for symbol in ("AAA", "BBB", "CCC")})
    plan = [intent("AAA"), replace(intent("BBB"), kind=OrderKind.LIMIT, limit_price=Decimal(10)), bracket("CCC")]
    with trading(sqlite_bench, splits) as executor:
        done = executor.execute(SESSION, plan)
        again = executor.execute(SESSION, plan)
    assert [str(one.state) for one in (*done.outcomes, *again.outcomes)] == ["withdrawn"] * 6
    assert sqlite_bench.exchange.orders == []

"""From a clean state to paper positions, driven by the sensors and the schedule alone: bars from a server that speaks Alpaca's wire format, a clock that the test moves."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import dagster as dg
import polars as pl
import pytest

from ats_assets.automation.jobs import JOB
from ats_assets.automation.new_session import judge_source
from ats_assets.automation.trading import MAX_ATTEMPTS, judge_remembering, judge_trading
from ats_assets.backtests import run_backtest
from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.explaining import Explaining, Made, Many
from ats_assets.orders.schema import ORDERS_SCHEMA, POSITIONS_SCHEMA
from ats_assets.runs.sessions_to_trade import sessions_to_trade
from ats_assets.settings import Settings, SyntheticSettings
from ats_assets.sources.adapters.synthetic.source import SyntheticSource
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, AlpacaDouble, MarketData, Reference, serving
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import EARLY_MODELS, make_history, run_job, small_market

NEW_YORK = ZoneInfo("America/New_York")
FIRST, START, LAST = date(2021, 1, 4), date(2021, 2, 1), date(2021, 3, 1)
"""Bars begin; trading begins, at the 20th session; the 20th session of trading."""
SYMBOLS = 12
SESSIONS = rounds(10, 20)
"""That are traded: in these the brake is on at least once, and positions are opened, changed and closed."""


def calendar() -> SessionCalendar:
    return session_calendar("XNYS", date(2020, 10, 1))


def market_data(symbols: list[str]) -> MarketData:
    """A synthetic market, as a server's daily bars, stamped at midnight in New York."""
    source = SyntheticSource(
        SyntheticSettings(symbols=SYMBOLS, first_session=FIRST, last_session=LAST, defective_share=0, splits_per_year=0), calendar()
    )
    data = MarketData(page_limit=37)
    bars = source.bars(calendar().sessions(FIRST, LAST)).partition_by("symbol", as_dict=True)
    for i, rows in enumerate(bars.values()):
        symbol = f"SY{chr(ord('A') + i)}"  # spelled as a ticker
        symbols.append(symbol)
        data.add(
            "stocks",
            "bars/1Day",
            symbol,
            [
                {
                    "t": datetime.combine(row["session"], datetime.min.time(), NEW_YORK).astimezone(UTC),
                    **{key: row[name] for key, name in (("o", "open"), ("h", "high"), ("l", "low"), ("c", "close"), ("vw", "vwap"))},
                    "v": int(row["volume"]),
                    "n": 100,
                }
                for row in rows.iter_rows(named=True)
            ],
            feed="iex",
        )
    return data


def after_close(session: date) -> datetime:
    """In the evening of a session, when its partition exists: 19:30 in New York, or 20:30 in winter's UTC."""
    return calendar().closes_at(session) + timedelta(hours=4)


@pytest.fixture
def double() -> Iterator[tuple[AlpacaDouble, list[str]]]:
    symbols: list[str] = []
    data = market_data(symbols)
    reference = Reference()
    for symbol in symbols:
        reference.add_asset(symbol)
    with serving(reference, data, now=after_close(START)) as server:
        yield server, symbols


@pytest.fixture
def deployment(double: tuple[AlpacaDouble, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY_ID)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET_KEY)
    server, symbols = double
    return small_market(
        tmp_path,
        source={"kind": "alpaca", "alpaca": {"symbols": sorted(symbols), "first_session": FIRST}},
        alpaca={"data_url": server.url, "trading_url": server.url},
        orders={"enabled": True, "brake": {"max_drawdown": 0.5, "max_session_loss": 0.004, "after_loss": 0.5, "cooldown_sessions": 2}},
        backtest={"initial_cash": 50_000.0, "min_commission": 0.35},
        **EARLY_MODELS,
        features={"families": ("alpha158",)},
    )


class Daemon:
    """Evaluates what Dagster's daemon would, at the times that a test names, and runs what is asked for."""

    def __init__(self, deployment: Deployment, instance: dg.DagsterInstance) -> None:
        self._deployment = deployment
        self._instance = instance
        self._definitions = build(deployment)
        self.ran: list[tuple[str, str]] = []
        self.said: list[str] = []
        """Why the sensors asked for nothing more."""

    def evening(self, now: datetime) -> None:
        """Both sensors, until they ask for nothing."""
        for judge in (judge_source, judge_trading):
            while isinstance(asked := judge(self._deployment, now, self._instance), dg.RunRequest):
                self._run(asked)
            self.said.append(asked.skip_message or "")

    def night(self, day: date) -> None:
        """The nightly schedule."""
        at = datetime(day.year, day.month, day.day, 22, 30, tzinfo=NEW_YORK)
        repository = self._definitions.get_repository_def()
        context = dg.build_schedule_context(self._instance, scheduled_execution_time=at, repository_def=repository)
        for request in self._definitions.resolve_schedule_def("nightly_retraining_schedule").evaluate_tick(context).run_requests or []:
            self._run(request)

    def _run(self, request: dg.RunRequest) -> None:
        job = self._definitions.resolve_job_def(str(request.job_name))
        tags = {**request.tags, "dagster/run_key": str(request.run_key)}
        assert job.execute_in_process(instance=self._instance, partition_key=request.partition_key, tags=tags).success
        self.ran.append((str(request.job_name), str(request.partition_key or request.tags["dagster/asset_partition_range_end"])))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_sessions_of_paper_trading_come_to_the_backtest_of_their_targets(
    double: tuple[AlpacaDouble, list[str]], deployment: Deployment
) -> None:
    server, _ = double
    traded = calendar().sessions(START, LAST)[:SESSIONS]
    assert len(traded) == SESSIONS
    assert make_history(deployment, FIRST, START).success
    with asked_instance() as instance:
        daemon = Daemon(deployment, instance)
        for day in traded:
            server.now = after_close(day)
            daemon.evening(after_close(day))
            daemon.night(day)
    assert [day for job, day in daemon.ran if job == JOB] == [day.isoformat() for day in traded], daemon.said
    assert sum(job == "nightly_retraining" for job, _ in daemon.ran) == SESSIONS - 1  # of the first day it was in the history

    settings, warehouse = deployment.settings, deployment.warehouse
    targets = warehouse.read("targets", traded, ["symbol", "session", "target_weight"])
    expected = run_backtest(
        targets,
        warehouse.read("bars", traded),
        traded,
        portfolio=settings.portfolio,
        settings=settings.backtest,
        limits=settings.orders.limits,
        brake=settings.orders.brake,
    )
    without = run_backtest(
        targets,
        warehouse.read("bars", traded),
        traded,
        portfolio=settings.portfolio,
        settings=settings.backtest,
        limits=settings.orders.limits,
    )
    assert not without.equity["equity"].equals(expected.equity["equity"]), "no session lost so much that the brake was on"
    account = warehouse.read("account", traded)
    assert account["differences"].null_count() == SESSIONS
    assert account.select("session", "cash", "equity").equals(expected.equity.select("session", "cash", "equity"))
    ours = warehouse.read("positions", traded).select(
        "session", "symbol", pl.col("quantity").alias("shares"), pl.col("cost").alias("basis")
    )
    assert ours.equals(expected.positions.select("session", "symbol", "shares", "basis"))
    fills = warehouse.read("fills", traded)
    assert len(fills) == len(expected.trades) > SESSIONS
    assert fills["cash_flow"].sum() == pytest.approx(expected.trades["cash_flow"].sum(), abs=1e-6)
    assert warehouse.read("orders", traded)["state"].unique().to_list() == ["accepted"]
    _the_last_order_is_explained(deployment)


def _the_last_order_is_explained(deployment: Deployment) -> None:
    day, symbol = deployment.warehouse.read("orders", deployment.warehouse.stored_sessions("orders")).select("session", "symbol").row(-1)
    index = LineageIndex(deployment)
    index.refresh()
    explained = Explaining(deployment, index.entries()).order(symbol, day.isoformat())

    def assets(node: Made | Many) -> set[str]:
        return {node.asset}.union(*(assets(below) for below in node.made_from))

    assert {
        "orders",
        "order_plan",
        "account",
        "positions",
        "targets",
        "signals",
        "predictions",
        "lightgbm_model",
        "alpha158",
        "bars",
        "raw_bars",
    } <= assets(explained)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with asked_instance() as found:
        yield found


TARGETS = pl.DataFrame({"symbol": ["A"], "session": [START], "target_weight": [0.5]})


def said(deployment: Deployment, now: datetime, instance: dg.DagsterInstance) -> str:
    asked = judge_trading(deployment, now, instance)
    return f"run {asked.partition_key}" if isinstance(asked, dg.RunRequest) else asked.skip_message or ""


def test_the_sensor_trades_one_session_after_the_other_and_says_why_not(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    now = after_close(START)
    assert "orders.enabled is false" in said(small_market(tmp_path), now, instance)
    deployment = small_market(tmp_path, orders={"enabled": True})
    assert said(deployment, now, instance) == "no session with targets waits for its orders"
    first, second, third = calendar().sessions(START, date(2021, 2, 3))
    for day in (calendar().offset(START, -1), first):
        deployment.warehouse.write("targets", day, TARGETS)
    assert said(deployment, now, instance) == f"run {first}"  # the newest: nothing is traded that lies before
    deployment.warehouse.write("orders", first, TARGETS)
    assert said(deployment, now, instance) == "no session with targets waits for its orders"
    for day in (second, third):
        deployment.warehouse.write("targets", day, TARGETS)
    assert said(deployment, after_close(third), instance) == f"run {second}"
    assert said(deployment, now, instance) == "no session with targets waits for its orders"  # the second is no partition yet


def test_a_session_that_turns_out_to_be_closed_is_gone_past(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """It has no targets and never will have: trading waited for them."""
    deployment = small_market(tmp_path, orders={"enabled": True})
    first, gone, later = calendar().sessions(START, date(2021, 2, 3))
    now = after_close(later)
    deployment.calendar_store.keep()
    for asset, day in (("orders", first), ("targets", first), ("targets", later)):
        deployment.warehouse.write(asset, day, TARGETS)
    why = f'the session after {first} is {gone}, which has no targets, and {later} has: .*set calendar.closed = ."{gone}".'
    assert re.search(why, said(deployment, now, instance))
    with pytest.raises(AtsError, match=why):
        sessions_to_trade(deployment, None, None)
    small_market(tmp_path).calendar_store.close(gone)  # by the process that settles, or that asks the source
    assert said(deployment, now, instance) == f"run {later}"
    assert sessions_to_trade(deployment, None, None) == [later]
    deployment.warehouse.write("orders", gone, TARGETS)  # traded on paper before it was known
    assert said(deployment, now, instance) == f"run {later}"


def test_settling_a_closed_session_stores_the_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY_ID)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET_KEY)
    reference = Reference()
    reference.closed.add(START)
    with AlpacaDouble([reference, Trading(reference)], now=after_close(START)) as server:
        deployment = small_market(tmp_path, alpaca={"trading_url": server.url}, orders={"broker": "alpaca"})
        rows = TARGETS.with_columns(session=pl.lit(START))
        deployment.warehouse.write_vintage("raw_bars", START, rows, known=after_close(START))
        for asset in ("bars", "targets"):
            deployment.warehouse.write(asset, START, rows)
        with pytest.raises(Exception, match=f"session {START} is not settled: Alpaca's calendar has no session {START}"):
            run_job(deployment, JOB, [START])
    assert deployment.refresh_calendar()
    assert not deployment.calendar.is_session(START)
    assert not deployment.warehouse.exists("account", START)


def test_a_failed_run_is_tried_again_later_and_not_for_ever(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    deployment = small_market(tmp_path, orders={"enabled": True})
    deployment.warehouse.write("targets", START, TARGETS)
    now = datetime.now(UTC)  # runs end by the machine's clock
    for attempt in range(MAX_ATTEMPTS):
        asked = judge_trading(deployment, now + timedelta(hours=2), instance)
        assert isinstance(asked, dg.RunRequest)
        assert asked.run_key == f"{asked.tags['ats/request']}:{attempt}"
        run = instance.create_run_for_job(dg.job(name=JOB)(lambda: None), tags=asked.tags)  # pyright: ignore[reportCallIssue, reportArgumentType]
        instance.report_run_failed(run)
        assert "again at" in said(deployment, now, instance) or attempt == MAX_ATTEMPTS - 1
    assert "launch trading by hand" in said(deployment, now + timedelta(hours=2), instance)


def test_orders_that_the_kill_switch_holds_back_are_sent_when_it_is_released(tmp_path: Path) -> None:
    last = date(2021, 1, 29)
    deployment = small_market(tmp_path, last_session=last, **EARLY_MODELS, features={"families": ("alpha158",)})
    assert make_history(deployment, FIRST, last).success
    held = small_market(tmp_path, last_session=last, orders={"kill": True}, **EARLY_MODELS, features={"families": ("alpha158",)})
    kill = deployment.settings.orders.kill_file
    kill.parent.mkdir(parents=True, exist_ok=True)
    with pytest.raises(Exception, match="not all orders of 2021-01-29 are sent, and they still can be"):
        run_job(held, JOB, [last])
    kill.touch()
    with pytest.raises(Exception, match="not all orders of 2021-01-29 are sent, and they still can be"):
        run_job(deployment, JOB, [last])
    assert not deployment.warehouse.exists("orders", last)
    kill.unlink()
    assert run_job(deployment, JOB, [last]).success
    sent = deployment.warehouse.read("orders", [last])
    assert sent["state"].unique().to_list() == ["accepted"]
    before = deployment.warehouse.folder("orders", last).joinpath("data.parquet").read_bytes()
    assert run_job(deployment, JOB, [last]).success  # again: nothing is sent twice, and the record is the same
    assert deployment.warehouse.folder("orders", last).joinpath("data.parquet").read_bytes() == before


def test_orders_are_made_session_by_session(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    for day in calendar().sessions(START, date(2021, 2, 2)):
        deployment.warehouse.write("raw_bars", day, TARGETS)
        deployment.warehouse.write("targets", day, TARGETS)
    with pytest.raises(Exception, match="session by session, not 2 in one run"):
        run_job(deployment, JOB, calendar().sessions(START, date(2021, 2, 2)), ["fills", "positions", "account", "instruments"])


DAY, FOLLOWING = date(2021, 2, 1), date(2021, 2, 2)


def at_alpaca(root: Path, **orders: str) -> Deployment:
    """A deployment of files, with a plan of `DAY` sent to Alpaca."""
    days = calendar().sessions(date(2021, 1, 25), DAY)
    bars = [
        {"symbol": name, "date": day} | dict.fromkeys(("open", "high", "low", "close"), 10.0) for day in days for name in ("AAA", "BBB")
    ]
    pl.DataFrame(bars).with_columns(volume=100.0).write_parquet(root / "bars.parquet")
    announced(root)
    deployment = Deployment(
        Settings(
            calendar={"first_session": date(2020, 10, 1)},  # pyright: ignore[reportArgumentType]
            storage={"warehouse": root / "warehouse", "models": root / "models", "data": root / "data"},  # pyright: ignore[reportArgumentType]
            source={"kind": "files", "files": {"path": root / "bars.parquet", "actions": root / "actions.csv"}},  # pyright: ignore[reportArgumentType]
            orders={"broker": "alpaca", "enabled": True} | orders,  # pyright: ignore[reportArgumentType]
        )
    )
    rows = [(DAY, "BBB", "files:BBB", 10.0, 100.0, 10.0, 100.0)]
    deployment.warehouse.write("positions", DAY, pl.DataFrame(rows, schema=POSITIONS_SCHEMA, orient="row"))
    deployment.warehouse.write("targets", DAY, TARGETS)
    sent(deployment, "accepted")
    return deployment


def sent(deployment: Deployment, *states: str) -> None:
    rows = [(DAY, f"main-{state}", "AAA", "files:AAA", "close", "sell", 10.0, "limit", state, None, None, None) for state in states]
    deployment.warehouse.write("orders", DAY, pl.DataFrame(rows, schema=ORDERS_SCHEMA, orient="row"))


def announced(root: Path, *symbols: str) -> None:
    rows = [(symbol, FOLLOWING, "split", 2.0) for symbol in symbols]
    pl.DataFrame(rows, schema=["symbol", "date", "kind", "ratio"], orient="row").write_csv(root / "actions.csv")


def ended(instance: dg.DagsterInstance, request: dg.RunRequest) -> None:
    """The run that was asked for has succeeded."""
    assert dg.job(name=JOB)(lambda: None).execute_in_process(instance=instance, tags=dict(request.tags)).success  # pyright: ignore[reportCallIssue, reportArgumentType]


def test_what_was_passed_over_is_launched_again_once_the_session_is_open(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """A broker that lets go of shares at the open only: the sensor runs the plan again then, while orders of it to close are planned still."""
    deployment = at_alpaca(tmp_path)
    opens, closes = deployment.calendar.opens_at(FOLLOWING), deployment.calendar.closes_at(FOLLOWING)
    sent(deployment, "planned", "accepted")
    assert isinstance(judge_trading(deployment, opens - timedelta(minutes=1), instance), dg.SkipReason)
    request = judge_trading(deployment, opens, instance)
    assert isinstance(request, dg.RunRequest)
    assert (request.partition_key, request.job_name) == (DAY.isoformat(), JOB)
    assert isinstance(judge_trading(deployment, closes, instance), dg.SkipReason)
    sent(deployment, "accepted", "withdrawn")
    assert isinstance(judge_trading(deployment, opens, instance), dg.SkipReason)


def test_ats_trade_takes_up_what_the_last_plan_has_left_until_the_close_after_it(tmp_path: Path) -> None:
    """Without the day it said that nothing waits for its orders, while a sale of the last plan did."""
    deployment = at_alpaca(tmp_path)
    for now in (deployment.calendar.closes_at(DAY), deployment.calendar.opens_at(FOLLOWING)):
        assert sessions_to_trade(deployment, None, None, now=now) == [DAY]
    with pytest.raises(AtsError, match="no session with targets waits"):
        sessions_to_trade(deployment, None, None, now=deployment.calendar.closes_at(FOLLOWING))


def test_a_split_that_is_announced_after_the_plan_is_looked_for_until_the_open(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """Only `ats orders watch` did. Files that have come since are read, though the process has read them before."""
    deployment, looked = at_alpaca(tmp_path), None
    now = opens = deployment.calendar.opens_at(FOLLOWING)

    def tick(minutes: float) -> dg.RunRequest | dg.SkipReason:
        nonlocal looked
        outcome, looked = judge_remembering(deployment, opens - timedelta(minutes=minutes), instance, looked)
        return outcome

    assert isinstance(tick(60), dg.SkipReason)
    announced(tmp_path, "CCC")
    assert isinstance(tick(44), dg.SkipReason), "neither held nor ordered"
    announced(tmp_path, "AAA", "CCC")
    assert isinstance(tick(34), dg.SkipReason), "it is asked every 15 minutes"
    asked = tick(28)
    assert isinstance(asked, dg.RunRequest)
    assert asked.partition_key == DAY.isoformat()
    assert isinstance(tick(27), dg.RunRequest), "until the run is there"
    ended(instance, asked)
    assert isinstance(tick(26), dg.SkipReason)
    announced(tmp_path, "AAA", "BBB")
    assert isinstance(tick(10), dg.RunRequest), "another one, of what is held"
    assert isinstance(judge_remembering(deployment, now, instance, looked)[0], dg.SkipReason)


def test_a_source_that_can_not_be_asked_for_late_splits_is_told(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, alerts = at_alpaca(tmp_path), []
    monkeypatch.setattr("ats_assets.automation.trading.open_alerts", lambda _: SimpleNamespace(send=alerts.append))
    tmp_path.joinpath("actions.csv").write_text("no actions at all")
    before = deployment.calendar.opens_at(FOLLOWING) - timedelta(hours=1)
    outcome, looked = judge_remembering(deployment, before, instance, None)
    assert isinstance(outcome, dg.SkipReason)
    assert (looked, [alert.title for alert in alerts]) == (None, [f"The splits after {DAY} can't be looked up"])


def test_exits_are_seen_to_after_the_open_where_there_are_brackets(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    """Of a position whose exits ended at the open nobody knew, without the watch."""
    deployment = at_alpaca(tmp_path, kind="bracket")
    opens = deployment.calendar.opens_at(FOLLOWING)
    for minutes in (0, 20):
        asked = judge_trading(deployment, opens + timedelta(minutes=minutes), instance)
        assert isinstance(asked, dg.RunRequest)
        ended(instance, asked)
        assert isinstance(judge_trading(deployment, opens + timedelta(minutes=minutes + 1), instance), dg.SkipReason)


def test_the_sensor_asks_for_closings_where_targets_are_skipped(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files without rows of a day of mourning: trading waited for a person to set `calendar.closed`."""
    monkeypatch.setenv("APCA_API_KEY_ID", KEY_ID)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET_KEY)
    reference, later = Reference(), date(2021, 2, 3)
    reference.closed.add(FOLLOWING)
    with serving(reference, now=after_close(later)) as server:
        deployment = small_market(tmp_path, alpaca={"trading_url": server.url}, orders={"broker": "alpaca", "enabled": True})
        for asset, day in (("orders", DAY), ("targets", DAY), ("targets", later)):
            deployment.warehouse.write(asset, day, TARGETS)
        assert said(deployment, after_close(later), instance) == f"run {later}"

"""Each component says what is wrong with it when something is, and nothing when nothing is; what needs a person is told apart from what does not."""

import gc
import socket
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.automation.alerts import late_data
from ats_assets.deployment import Deployment
from ats_assets.monitoring.collectors import trading_metrics
from ats_assets.monitoring.components import STATES, Component, Observed, components_observed, status_document, verdict_of, worst_first
from ats_assets.monitoring.dagster_state import ActiveRuns, CheckResult, DaemonBeat, EndedRun, TriggerState
from ats_assets.monitoring.exposition import Exposition
from ats_assets.monitoring.lateness import bars_late, signals_late
from ats_assets.monitoring.samples import Samples
from ats_assets.monitoring.trading_facts import OpenHalt, SettledAccount, TradingFacts, trading_facts
from ats_assets.monitoring.watch import Watch
from ats_assets.orchestration import dagster_home
from ats_assets.serving.queries.quality_of_data import newest_checks
from ats_assets.settings import Settings
from ats_assets.trade_state import open_trade_state
from ats_assets.trade_state.tables import account_snapshots, halts, positions
from ats_assets_tests.monitoring.conftest import Deploy

FRIDAY, MONDAY = date(2024, 1, 5), date(2024, 1, 8)
NOW = datetime(2024, 1, 8, 18, tzinfo=UTC)
"""Monday, while New York trades: Friday's session is the newest that anything is due of."""
LIVE: Mapping[str, object] = {"source": {"kind": "files"}, "calendar": {"first_session": "2023-01-03"}}
"""A source that goes on."""
ACCOUNT = SettledAccount(
    session=FRIDAY,
    at=NOW,
    broker="paper",
    equity=Decimal(1000),
    cash=Decimal(0),
    buying_power=Decimal(0),
    trading_blocked=False,
    equity_before=None,
    value={"AAPL": Decimal(1000)},
)


def observed(deployment: Deployment, now: datetime = NOW, **known: object) -> Observed:
    """What is seen of a deployment in which all is well, but for `known`."""
    found = Observed(deployment, now)
    found.__dict__.update({"beats": [], "triggers": {}, "active": [], "ended": [], "checks": [], "trading": TradingFacts()} | known)
    return found


def state_of(found: Observed, name: str) -> Component:
    (one,) = [one for one in components_observed(found) if one.name == name]
    return one


def store(deployment: Deployment, day: date, *assets: str) -> None:
    for asset in assets:
        deployment.warehouse.write_vintage(
            asset, day, pl.DataFrame({"a": [1]}), known=NOW
        ) if asset == "raw_bars" else deployment.warehouse.write(asset, day, pl.DataFrame({"a": [1]}))


def test_a_deployment_in_which_nothing_was_ever_made_needs_nobody(deploy: Deploy) -> None:
    found = components_observed(Observed(deploy(), datetime.now(UTC)))
    assert not [one for one in found if one.needs_person]
    assert {one.name: one.what_to_do for one in found if one.state == "warning"} == {
        "deliveries": "ats run",
        "signals": "ats run",
        "model lightgbm": "ats run",
    }


def test_bars_and_signals_that_do_not_come(deploy: Deploy) -> None:
    deployment = deploy(**LIVE)
    store(deployment, date(2024, 1, 3), "raw_bars", "targets")
    found = observed(deployment)
    bars, signals = state_of(found, "deliveries"), state_of(found, "signals")
    assert (bars.state, signals.state) == ("late", "late")
    assert "2024-01-05 should be there, and 1 before it" in bars.text
    assert bars.what_to_do.endswith("ats run --from 2024-01-04")
    assert bars.late_by == NOW - datetime(2024, 1, 5, 2, tzinfo=UTC)  # Thursday's close at 21:00, and 300 minutes
    assert signals.late_by == NOW - datetime(2024, 1, 5, 13, 30, tzinfo=UTC)  # an hour before Friday's open
    store(deployment, date(2024, 1, 4), "raw_bars", "targets")
    store(deployment, FRIDAY, "raw_bars", "targets")
    assert {state_of(found, name).state for name in ("deliveries", "signals")} == {"ok"}


@given(hours=st.integers(0, 24 * 20), stored=st.integers(0, 9))
def test_the_sensor_and_the_state_say_the_same_of_late_bars(tmp_path_factory: pytest.TempPathFactory, hours: int, stored: int) -> None:
    """What alerts of the sensor say and what `ats status` and metrics say follow from one function."""
    folder = tmp_path_factory.getbasetemp() / f"late{stored}"
    storage = {name: folder / name for name in ("warehouse", "models", "data")}
    deployment = Deployment(Settings.model_validate({**LIVE, "storage": storage}))
    days = deployment.calendar.sessions(date(2024, 1, 2), date(2024, 1, 31))
    if not deployment.warehouse.stored_sessions("raw_bars"):
        store(deployment, days[stored], "raw_bars")
    now = datetime(2024, 1, 9, tzinfo=UTC) + timedelta(hours=hours)
    told = [alert.title for alert in late_data(deployment, now)]
    late = bars_late(deployment, now)
    assert bool(told) == (late is not None) == (state_of(observed(deployment, now), "deliveries").state == "late")
    due = [day for day in days if deployment.calendar.closes_at(day) + timedelta(minutes=300) <= now and day < now.date()]
    assert (late.sessions if late else 0) == len([day for day in due if day > days[stored]])


def test_signals_are_due_before_the_next_open_and_not_over_a_weekend(deploy: Deploy) -> None:
    deployment = deploy(**LIVE, monitoring={"signals_before_open_minutes": 60})
    store(deployment, date(2024, 1, 4), "targets")
    assert signals_late(deployment, datetime(2024, 1, 8, 13, 29, tzinfo=UTC)) is None
    assert signals_late(deployment, datetime(2024, 1, 8, 13, 31, tzinfo=UTC)) is not None


def test_the_daemon_is_missed_only_where_something_waits_for_it(deploy: Deploy) -> None:
    dead = [DaemonBeat(daemon_type="SENSOR", at=NOW - timedelta(seconds=51))]
    on = {"new_session_sensor": TriggerState(name="new_session_sensor", kind="sensor", is_on=True)}
    deployment = deploy()
    assert state_of(observed(deployment, beats=dead), "daemon").state == "off"
    missed = state_of(observed(deployment, beats=dead, triggers=on), "daemon")
    assert (missed.state, missed.late_by) == ("failed", timedelta(seconds=51))
    alive = [*dead, DaemonBeat(daemon_type="SCHEDULER", at=NOW - timedelta(seconds=49))]
    assert state_of(observed(deployment, beats=alive, triggers=on), "daemon").state == "ok"
    assert state_of(observed(deployment, triggers=on), "daemon").state == "failed"
    idle = {name: TriggerState(name=name, kind="sensor", is_on=True) for name in ("alert_sensor", "trading_sensor")}
    for beats in ([], dead):
        unused = state_of(observed(deployment, beats=beats, triggers=idle), "daemon")
        assert (unused.state, unused.what_to_do.split(",")[0]) == ("off", "for sessions that are made by themselves: ats start")
    routed = deploy(alerts={"routes": {"DESK": "warning"}})
    assert state_of(observed(routed, triggers=idle), "daemon").state == "failed"


@pytest.mark.parametrize(
    ("tick", "seconds", "state"), [("success", 100, "ok"), ("skipped", 599, "ok"), ("skipped", 601, "late"), ("failure", 1, "failed")]
)
def test_a_sensor_that_fails_or_falls_silent(deploy: Deploy, tick: str, seconds: int, state: str) -> None:
    sensor = TriggerState(
        name="trading_sensor",
        kind="sensor",
        is_on=True,
        tick_status=tick,
        tick_at=NOW - timedelta(seconds=seconds),
        text="the vendor says no\nwith a traceback",
        interval=timedelta(seconds=60),
    )
    beats = [DaemonBeat(daemon_type="SENSOR", at=NOW)]
    found = state_of(observed(deploy(), beats=beats, triggers={sensor.name: sensor}), "sensor trading_sensor")
    assert found.state == state
    assert "traceback" not in found.text


def test_runs_that_fail_or_are_stuck(deploy: Deploy) -> None:
    ended = EndedRun(job="daily_signals", location="x", run_id="abc", status="failure", ended=NOW - timedelta(hours=1), seconds=3.0)
    failed = state_of(observed(deploy(), ended=[ended]), "runs")
    assert failed.state == "failed"
    assert "daily_signals" in failed.text
    waiting = ActiveRuns(job="trading", status="queued", count=1, since=NOW - timedelta(minutes=31))
    stuck = state_of(observed(deploy(), active=[waiting]), "runs")
    assert (stuck.state, stuck.late_by) == ("late", timedelta(minutes=1))


@pytest.mark.parametrize(("severity", "state"), [("ERROR", "failed"), ("WARN", "warning")])
def test_a_check_that_failed(deploy: Deploy, severity: str, state: str) -> None:
    check = CheckResult(
        asset="bars",
        check="contract",
        partition="2024-01-05",
        passed=False,
        severity=severity,
        at=NOW,
        run_id="a",
        description="3% rejected",
    )
    found = state_of(observed(deploy(), checks=[check]), "checks")
    assert found.state == state
    assert "bars.contract of 2024-01-05" in found.text


def test_halts_the_kill_switch_and_orders_of_which_nobody_knows(deploy: Deploy) -> None:
    deployment = deploy()
    halt = OpenHalt(at=NOW, kind="reconciliation", reason="paper and our records differ: cash")
    stopped = state_of(observed(deployment, trading=TradingFacts(halts=(halt,))), "halts")
    assert (stopped.state, "ats orders resume" in stopped.what_to_do) == ("failed", True)
    assert state_of(observed(deployment, trading=TradingFacts(intents={"sending": 1, "filled": 9})), "executor").state == "failed"
    working = TradingFacts(intents={"sending": 1}, executor=("host:1:2:abc", NOW + timedelta(seconds=5)))
    assert state_of(observed(deployment, trading=working), "executor").state == "ok"
    deployment.settings.orders.kill_file.parent.mkdir(parents=True, exist_ok=True)
    deployment.settings.orders.kill_file.touch()
    assert state_of(observed(deployment), "kill switch").state == "failed"


def test_positions_that_nobody_settles(deploy: Deploy) -> None:
    deployment = deploy(**LIVE, orders={"enabled": True})
    store(deployment, FRIDAY, "targets")
    assert state_of(observed(deployment, trading=TradingFacts(account=ACCOUNT)), "positions").state == "ok"
    old = TradingFacts(account=SettledAccount(**{**vars(ACCOUNT), "session": date(2024, 1, 3)}))
    late = state_of(observed(deployment, trading=old), "positions")
    assert (late.state, "2 sessions not settled" in late.text) == ("late", True)
    assert state_of(observed(deploy(**LIVE), trading=old), "positions").state == "ok", "by hand nothing is due"


@pytest.mark.parametrize(("stored", "sessions"), [(FRIDAY, 2), (date(2024, 1, 4), 0)])
def test_the_metric_of_positions_says_what_the_state_says(deploy: Deploy, stored: date, sessions: int) -> None:
    """Where signals are late nothing can be settled: that is told of the signals, and was told of positions as well, by the metric and its alert alone."""
    deployment = deploy(**LIVE, orders={"enabled": True})
    store(deployment, stored, "targets")
    old = SettledAccount(**{**vars(ACCOUNT), "session": date(2024, 1, 3)})
    found = observed(deployment, trading=TradingFacts(account=old))
    with open_trade_state(deployment.settings):
        pass
    samples = Samples(trading_metrics.METRICS)
    trading_metrics.collect(Watch(deployment), found, samples)
    assert samples.told()["ats_positions_late_sessions"] == {(): sessions}
    assert (state_of(found, "positions").state == "late") is bool(sessions)


def test_a_route_of_alerts_that_fails(deploy: Deploy) -> None:
    deployment = deploy(alerts={"routes": {"SLACK_URL": "info"}})
    facts = TradingFacts(waiting_alerts={"SLACK_URL": 3}, failing_routes=("SLACK_URL",))
    assert state_of(observed(deployment, trading=facts), "alerts").state == "failed"


def test_a_service_in_a_container_of_its_own_does_not_call_what_it_can_not_see_dead(
    deploy: Deploy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It holds no address of Dagster's database, by intention; that needed a person, always, and no page of data quality could be made."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setattr(dagster_home, "INSTANCE_FILE", "dagster-elsewhere.yaml")
    found = Observed(deploy(), NOW)
    assert {name: state_of(found, name).state for name in ("checks", "daemon")} == {"checks": "warning", "daemon": "warning"}
    assert newest_checks() == []
    monkeypatch.setenv("DAGSTER_HOME", "/nowhere")
    assert state_of(Observed(deploy(), NOW), "daemon").state == "failed", "one that is named has to be there"


def test_a_disk_that_fills(deploy: Deploy) -> None:
    low = deploy(monitoring={"low_disk_gigabytes": 1e9, "full_disk_gigabytes": 0.0})
    assert state_of(observed(low), "disk data").state == "warning"
    full = deploy(monitoring={"low_disk_gigabytes": 1e9, "full_disk_gigabytes": 1e8})
    assert state_of(observed(full), "disk data").state == "failed"


def test_the_service_is_there_where_it_listens(deploy: Deploy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        deployment = deploy(serving={"port": server.getsockname()[1]})
        assert state_of(observed(deployment), "service").state == "ok"
    assert state_of(observed(deployment), "service").state == "off"


def test_what_can_not_be_read_hides_nothing_else(deploy: Deploy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DB_CONNECTION_STR", "postgresql://ats:s3cretWord99@127.0.0.1:1/trading")
    monkeypatch.setenv("DAGSTER_HOME", "/nonexistent/home")
    found = {one.name: one for one in components_observed(Observed(deploy(), NOW))}
    assert {found[name].state for name in ("trade state", "daemon")} == {"failed"}
    assert {"halts", "sensor trading_sensor"} & found.keys() == set()
    assert {"deliveries", "kill switch", "disk data"} <= found.keys()
    assert "s3cret" not in str(status_document(list(found.values()), NOW))


def test_facts_of_the_trade_state(deploy: Deploy, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite and on PostgreSQL."""
    monkeypatch.setenv("DB_CONNECTION_STR", database_url)
    deployment = deploy()
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        connection.execute(halts.insert().values(at=NOW, reason="paper and our records differ: cash"))
        connection.execute(halts.insert().values(at=NOW, reason="a holiday", cleared_at=NOW, cleared_by="me", note=""))
        account = {
            "broker": "paper",
            "account_id": "a",
            "at": NOW,
            "cash": Decimal("10.5"),
            "buying_power": Decimal(0),
            "trading_blocked": False,
        }
        for number, equity in ((1, "1000.10"), (2, "1010.30")):
            connection.execute(
                account_snapshots.insert().values(id=number, kind="session", session=FRIDAY, equity=Decimal(equity), **account)
            )
        held = {"snapshot_id": 2, "cost": None, "multiplier": None}
        connection.execute(positions.insert().values(symbol="AAPL", quantity=Decimal("1.5"), price=Decimal("100.2"), **held))
        connection.execute(positions.insert().values(symbol="GONE", quantity=Decimal(3), price=None, **held))
        facts = trading_facts(connection, NOW)
    with closing(Exposition(deployment, now=lambda: NOW)) as exposition:
        samples = exposition.samples().told()
    gc.collect()  # a connection that nobody has closed warns then, and that fails the test
    assert samples["ats_exporter_collector_success"]["trading",] == 1
    assert samples["ats_halted"]["reconciliation",] == 1
    assert samples["ats_position_value"]["AAPL",] == 150.3
    assert [(one.kind, one.at) for one in facts.halts] == [("reconciliation", NOW)]
    assert facts.halts_ever == {"reconciliation": 1, "other": 1}
    assert facts.account is not None
    assert (facts.account.equity, facts.account.equity_before) == (Decimal("1010.30"), Decimal("1000.10"))
    assert (facts.account.value, facts.account.unpriced) == ({"AAPL": Decimal("150.30")}, 1)


@given(states=st.lists(st.sampled_from(STATES), max_size=8))
def test_the_verdict_needs_a_person_where_a_component_does(states: list[str]) -> None:
    found = [Component(name=str(n), group="data", state=state, text="") for n, state in enumerate(states)]  # pyright: ignore[reportArgumentType]
    needy = {"failed", "late"} & set(states)
    assert ("a person:" in verdict_of(found)) == bool(needy) == status_document(found, NOW)["needs_person"]
    assert [STATES.index(one.state) for one in worst_first(found)] == sorted(STATES.index(one.state) for one in found)

"""What the sensor tells of: real runs that fail, checks that fail, bars that do not come."""

import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ats_assets.alerts import Alerts, open_alerts
from ats_assets.automation.alerts import alert_sensor, late_data, tell
from ats_assets.deployment import Deployment
from ats_assets.settings import load_settings
from ats_assets_tests.alerts.receiver import Receiver, receiving
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.cli.market import ats, make_home

SECRET = "Sk-9f8e7d6c5b4a"


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01"))
def good() -> None: ...


@dg.asset
def bad() -> None:
    raise ValueError(f"the vendor said no to {SECRET}")


@dg.asset_check(asset=good)
def strange() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="7 symbols are missing")


@dg.asset_check(asset=good)
def broken() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.ERROR, description="half of the rows are rejected")


DEFINITIONS = dg.Definitions(
    [good, bad],
    asset_checks=[strange, broken],
    jobs=[dg.define_asset_job("daily_signals", ["bad"]), dg.define_asset_job("some", ["good"])],
)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    with receiving() as server:
        monkeypatch.setenv("DESK", server.address)
        yield server


@pytest.fixture
def deployment(home: Path) -> Deployment:
    (home / "ats.toml").write_text('[alerts]\nroutes = {DESK = "info"}\n[source]\nkind = "files"\n')
    return Deployment(load_settings())


@pytest.fixture
def alerts(deployment: Deployment) -> Alerts:
    return open_alerts(deployment.settings)


def test_failed_runs_and_checks_are_told_once(deployment: Deployment, alerts: Alerts, receiver: Receiver):
    begun = datetime.now(UTC) - timedelta(minutes=1)
    with asked_instance() as instance:
        run = DEFINITIONS.resolve_job_def("daily_signals").execute_in_process(instance=instance, raise_on_error=False)
        DEFINITIONS.resolve_job_def("some").execute_in_process(instance=instance, partition_key="2024-01-05")
        for _ in range(2):
            tell(deployment, alerts, instance, begun, datetime.now(UTC))
    told = {message["title"]: message for message in receiver.messages}
    assert len(receiver.messages) == len(told) == 3
    failed = told["daily_signals failed"]
    assert (failed["type"], "the vendor said no to ***" in failed["message"], run.run_id in failed["message"]) == ("failure", True, True)
    assert (told["check good.strange warns, 2024-01-05"]["type"], told["check good.broken failed, 2024-01-05"]["type"]) == (
        "warning",
        "failure",
    )
    assert told["check good.strange warns, 2024-01-05"]["message"] == "7 symbols are missing"


def test_runs_of_another_graph_are_its_own_affair(home: Path, receiver: Receiver):
    (home / "ats.toml").write_text('[graph]\nprefix = "crypto"\n[alerts]\nroutes = {DESK = "info"}\n')
    crypto = Deployment(load_settings())
    with asked_instance() as instance:
        DEFINITIONS.resolve_job_def("daily_signals").execute_in_process(instance=instance, raise_on_error=False)
        tell(crypto, open_alerts(crypto.settings), instance, datetime.now(UTC) - timedelta(minutes=1), datetime.now(UTC))
    assert receiver.messages == []


FRIDAY, MONDAY = date(2024, 1, 5), date(2024, 1, 8)


@pytest.mark.parametrize(
    ("now", "late"),
    [
        (datetime(2024, 1, 8, 23, tzinfo=UTC), None),  # Monday's session has closed, but is no partition yet
        (datetime(2024, 1, 9, 1, 59, tzinfo=UTC), None),  # the close was at 21:00
        (datetime(2024, 1, 9, 2, 1, tzinfo=UTC), "no bars of 2024-01-08"),
        (datetime(2024, 1, 10, 1, tzinfo=UTC), "no bars of 2024-01-08"),
        (datetime(2024, 1, 10, 3, tzinfo=UTC), "no bars of 2024-01-09 and 1 sessions before"),
    ],
)
def test_bars_that_do_not_come_are_told_five_hours_after_the_close(deployment: Deployment, now: datetime, late: str | None):
    deployment.warehouse.write_vintage("raw_bars", FRIDAY, pl.DataFrame(), known=now)
    assert [alert.title for alert in late_data(deployment, now)] == ([late] if late else [])


def test_nothing_is_late_without_a_history_or_from_a_simulation(deployment: Deployment, home: Path):
    now = datetime(2024, 1, 10, tzinfo=UTC)
    assert list(late_data(deployment, now)) == []
    simulated = Deployment(load_settings(source={"kind": "synthetic"}))
    simulated.warehouse.write_vintage("raw_bars", FRIDAY, pl.DataFrame(), known=now)
    assert list(late_data(simulated, now)) == []


def test_the_sensor_starts_with_what_comes_and_goes_on_from_there(deployment: Deployment, receiver: Receiver):
    sensor = alert_sensor(deployment)
    with asked_instance() as instance:
        first = sensor.evaluate_tick(dg.build_sensor_context(instance=instance))
        assert first.cursor
        DEFINITIONS.resolve_job_def("daily_signals").execute_in_process(instance=instance, raise_on_error=False)
        second = sensor.evaluate_tick(dg.build_sensor_context(instance=instance, cursor=first.cursor))
    assert receiver.titles == ["daily_signals failed"]
    assert str(second.skip_message) == "1 alerts"


def test_without_routes_the_sensor_does_nothing(home: Path):
    with asked_instance() as instance:
        tick = alert_sensor(Deployment(load_settings())).evaluate_tick(dg.build_sensor_context(instance=instance))
    assert "alerts.routes" in str(tick.skip_message)


def test_the_command_tests_every_route_and_shows_no_address(tmp_path: Path, receiver: Receiver):
    home = make_home(tmp_path)
    with (home / "ats.toml").open("a") as file:
        file.write('[alerts]\nroutes = {DESK = "info", PAGER = "critical", NOBODY = "info"}\n')
    made = ats(home, "alerts", "test", PAGER="json://me:An0therSecret@127.0.0.1:1/x")
    assert made.returncode == 1
    lines = {line.split()[0]: line for line in made.stdout.splitlines()}
    assert "delivered" in lines["DESK"]
    assert "did not take it" in lines["PAGER"]
    assert "NOBODY is not set" in lines["NOBODY"]
    assert receiver.titles == ["Test of ATS Assets"]
    assert not any(secret in made.stdout + made.stderr for secret in ("An0therSecret", "pass7Word9", "T0ken4Receiver"))
    shutil.rmtree(home)

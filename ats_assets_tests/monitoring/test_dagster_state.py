"""What is read of Dagster's storage by SQL is what Dagster itself says; SQLite and PostgreSQL."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorTick, TickData, TickStatus
from dagster._core.storage.event_log.schema import SqlEventLogStorageMetadata
from dagster._core.storage.runs.schema import DaemonHeartbeatsTable, RunsTable, RunStorageSqlMetadata
from dagster._core.storage.schedules.schema import ScheduleStorageSqlMetadata
from dagster._daemon.types import DaemonHeartbeat
from sqlalchemy import create_engine, insert

from ats_assets.monitoring.dagster_state import active_runs, check_results, daemon_beats, ended_runs, trigger_states
from ats_assets.monitoring.dagster_storage import DagsterStorage, DagsterStorageError, stored_time
from ats_assets.orchestration.dagster_home import dagster_home
from ats_assets.runs.startup import open_instance
from ats_assets.runs.triggers import start_triggers
from ats_assets_tests.monitoring.conftest import Deploy
from ats_assets_tests.monitoring.prometheus import ROOT
from ats_assets_tests.trade_state.databases import create_database

DAYS = dg.StaticPartitionsDefinition(["2024-03-01", "2024-03-04"])


@dg.asset(partitions_def=DAYS)
def bars() -> None: ...


@dg.asset_check(asset=bars, partitions_def=DAYS)
def complete(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    is_new = context.run.tags["dagster/partition"] == "2024-03-04"
    return dg.AssetCheckResult(passed=not is_new, severity=dg.AssetCheckSeverity.ERROR, description="7 symbols are missing")


@dg.asset
def broken() -> None:
    raise ValueError("no")


DEFINITIONS = dg.Definitions(
    [bars, broken], asset_checks=[complete], jobs=[dg.define_asset_job("daily", ["bars"]), dg.define_asset_job("nightly", ["broken"])]
)


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    assert home.is_dir()
    with open_instance() as opened:
        yield opened


def test_heartbeats_are_those_of_the_instance(instance: dg.DagsterInstance) -> None:
    at = datetime(2024, 3, 1, 22, 0, 30, tzinfo=UTC)
    instance.add_daemon_heartbeat(DaemonHeartbeat(at.timestamp(), "SENSOR", "one", []))
    instance.add_daemon_heartbeat(DaemonHeartbeat((at + timedelta(seconds=30)).timestamp(), "SENSOR", "one", []))
    with DagsterStorage(dagster_home()).reading("runs") as ask:
        found = daemon_beats(ask)
    stored = instance.get_daemon_heartbeats()
    assert [(one.daemon_type, one.at.timestamp()) for one in found] == [("SENSOR", stored["SENSOR"].timestamp)]


def test_the_newest_partition_of_a_check_counts_and_not_the_run_that_came_last(instance: dg.DagsterInstance) -> None:
    """A session that is made again and passes hides no newer one that failed."""
    job = DEFINITIONS.resolve_job_def("daily")
    for day in ("2024-03-04", "2024-03-01"):
        job.execute_in_process(instance=instance, partition_key=day, raise_on_error=False)
    DEFINITIONS.resolve_job_def("nightly").execute_in_process(instance=instance, raise_on_error=False)
    storage = DagsterStorage(dagster_home())
    with storage.reading("events") as ask:
        (check,) = check_results(ask)
    told = (check.asset, check.check, check.partition, check.passed, check.severity, check.description)
    assert told == ("bars", "complete", "2024-03-04", False, "ERROR", "7 symbols are missing")
    with storage.reading("runs") as ask:
        ended, active = ended_runs(ask), active_runs(ask)
    assert [(one.job, one.status) for one in ended] == [("daily", "success"), ("nightly", "failure")]
    records = {record.dagster_run.run_id: record for record in instance.get_run_records()}
    assert all(one.ended is not None and one.ended.timestamp() == pytest.approx(records[one.run_id].end_time) for one in ended)
    assert active == []


def test_schedules_and_sensors_have_the_tick_that_came_last(instance: dg.DagsterInstance, deploy: Deploy) -> None:
    start_triggers(deploy(), instance, ["new_session_sensor"])
    (state,) = instance.all_instigator_state()
    for second, status, reason in ((0, TickStatus.SUCCESS, None), (60, TickStatus.SKIPPED, "no new session")):
        at = datetime(2024, 3, 1, 22, 0, tzinfo=UTC) + timedelta(seconds=second)
        data = TickData(
            state.instigator_origin_id,
            state.instigator_name,
            state.instigator_type,
            status,
            at.timestamp(),
            run_ids=[],
            skip_reason=reason,
            selector_id=state.selector_id,
        )
        instance.create_tick(data)
    (newest,) = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1)
    assert isinstance(newest, InstigatorTick)
    with DagsterStorage(dagster_home()).reading("schedules") as ask:
        (found,) = trigger_states(ask)
    assert (found.name, found.kind, found.is_on, found.location) == ("new_session_sensor", "sensor", True, "ats_assets.definitions")
    assert (found.tick_status, found.text) == ("skipped", "no new session")
    assert found.tick_at is not None
    assert found.tick_at.timestamp() == newest.timestamp


def test_where_nothing_was_ever_stored_there_is_nothing(home: Path) -> None:
    storage = DagsterStorage(home)
    assert storage.rows("runs", "SELECT * FROM runs") == []
    assert not (home / "data").exists(), "whoever only looks makes no file"


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("", "."),
        ("storage:\n  sqlite:\n    base_dir: other\n", "other"),
        ("storage:\n  sqlite:\n    base_dir:\n      env: PLACE\n", "placed"),
        ("telemetry:\n  enabled: false\n", "."),
    ],
)
def test_the_folder_is_the_one_that_the_instance_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, folder: str) -> None:
    monkeypatch.setenv("PLACE", "placed")
    (tmp_path / "dagster.yaml").write_text(text)
    assert DagsterStorage(tmp_path).folder == tmp_path / folder


def test_a_password_is_in_no_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_PASSWORD", "s3cret-Word/9")
    (tmp_path / "dagster.yaml").write_text(
        "storage:\n  postgres:\n    postgres_db:\n      username: ats\n      password: {env: DAGSTER_PASSWORD}\n"
        "      hostname: 127.0.0.1\n      port: 1\n      db_name: dagster\n"
    )
    storage = DagsterStorage(tmp_path)
    assert storage.address == "postgresql://ats:s3cret-Word%2F9@127.0.0.1:1/dagster"
    with pytest.raises(DagsterStorageError) as raised:
        storage.rows("runs", "SELECT * FROM runs")
    assert "s3cret" not in str(raised.value)


def test_postgresql_is_read_like_sqlite(tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    url = create_database(postgresql, f"dagster{os.getpid()}")
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    for metadata in (RunStorageSqlMetadata, SqlEventLogStorageMetadata, ScheduleStorageSqlMetadata):
        metadata.create_all(engine)
    at = datetime(2024, 3, 1, 22, 0, 30)  # noqa: DTZ001 - as Dagster stores it
    with engine.begin() as connection:
        connection.execute(insert(DaemonHeartbeatsTable).values(daemon_type="SENSOR", daemon_id="one", timestamp=at, body="{}"))
        run = {"run_id": "a", "pipeline_name": "daily", "status": "STARTED", "run_body": "{}", "update_timestamp": at}
        connection.execute(insert(RunsTable).values(**run))
        connection.execute(insert(RunsTable).values(**run | {"run_id": "b", "status": "SUCCESS", "start_time": 1.0, "end_time": 3.5}))
    engine.dispose()
    monkeypatch.setenv("DAGSTER_DSN", url.replace("postgresql+psycopg://", "postgresql://"))
    (tmp_path / "dagster.yaml").write_text("storage:\n  postgres:\n    postgres_url:\n      env: DAGSTER_DSN\n")
    storage = DagsterStorage(tmp_path)
    with storage.reading("runs") as ask:
        assert [(one.daemon_type, one.at) for one in daemon_beats(ask)] == [("SENSOR", at.replace(tzinfo=UTC))]
        assert [(one.job, one.status, one.count, one.since) for one in active_runs(ask)] == [
            ("daily", "started", 1, at.replace(tzinfo=UTC))
        ]
        assert [(one.job, one.status, one.seconds) for one in ended_runs(ask)] == [("daily", "success", 2.5)]
        with pytest.raises(Exception, match="read-only"):
            ask("DELETE FROM runs RETURNING run_id")
    with storage.reading("events") as ask:
        assert check_results(ask) == []
    monkeypatch.setenv("RUNS_DB_URL", url.replace("postgresql://", "postgresql+psycopg2://"))
    deployed = (ROOT / "deploy" / "compose" / "config" / "dagster.yaml").read_text()
    (tmp_path / "dagster.yaml").write_text(deployed)
    with DagsterStorage(tmp_path).reading("runs") as ask:
        assert [one.daemon_type for one in daemon_beats(ask)] == ["SENSOR"]


@pytest.mark.parametrize("place", ["compose/config", "kubernetes/base/config"])
def test_what_is_deployed_is_read_where_it_is_stored(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In containers it is PostgreSQL, by a class of the project's: it was taken for files that are not there, so that nothing was ever seen to fail."""
    storage = DagsterStorage(ROOT / "deploy" / place)
    monkeypatch.delenv("RUNS_DB_URL", raising=False)
    with pytest.raises(DagsterStorageError, match="RUNS_DB_URL, which is not set"):
        storage.rows("runs", "SELECT * FROM runs")
    monkeypatch.setenv("RUNS_DB_URL", "postgresql://runs:word@postgres/runs")
    assert DagsterStorage(ROOT / "deploy" / place).address == "postgresql://runs:word@postgres/runs"
    assert DagsterStorage(ROOT).address is None


def test_a_storage_that_is_not_known_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("storage:\n  custom:\n    module: other\n    class: Elsewhere\n    config:\n      host: there\n")
    with pytest.raises(DagsterStorageError, match="Elsewhere"):
        DagsterStorage(tmp_path).rows("runs", "SELECT * FROM runs")


@pytest.mark.parametrize(
    "make", [lambda at: at.timestamp(), lambda at: str(at.replace(tzinfo=None)), lambda at: at.replace(tzinfo=None), lambda at: at]
)
def test_a_time_is_the_same_however_it_is_stored(make: Callable[[datetime], object]) -> None:
    at = datetime(2024, 3, 1, 22, 0, 30, 250_000, tzinfo=UTC)
    assert stored_time(make(at)) == at

"""The project's own `dagster.yaml`, in another folder: everything it stores lies below that folder."""

import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus

from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage
from ats_assets.orchestration.instance import ProjectArtifacts, ProjectComputeLogs, ProjectStorage

YAML = Path(__file__).resolve().parents[2] / "dagster.yaml"


@pytest.fixture
def instance(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    shutil.copy(YAML, home / "dagster.yaml")
    monkeypatch.chdir("/")  # the folder that one happens to be in does not count
    with dg.DagsterInstance.get() as found:
        yield found


def test_the_storages_are_the_project_s_and_lie_in_the_data_folder(instance: dg.DagsterInstance, home: Path) -> None:
    assert isinstance(instance.get_ref().storage, ProjectStorage)
    assert isinstance(instance.event_log_storage, BatchedSqliteEventLogStorage)
    assert isinstance(instance.get_ref().local_artifact_storage, ProjectArtifacts)
    assert isinstance(instance.compute_log_manager, ProjectComputeLogs)
    instance.report_runless_asset_event(dg.AssetMaterialization("thing", partition="2023-01-03"))
    assert (home / "data" / "dagster" / "history" / "runs" / "index.db").is_file()
    assert {entry.name for entry in home.iterdir()} == {"ats.toml", "dagster.yaml", "data"}
    assert str(home) not in YAML.read_text(encoding="utf-8")


@pytest.mark.parametrize("given", [None, "7"])
def test_dagsters_own_commands_store_events_in_batches_too(home: Path, monkeypatch: pytest.MonkeyPatch, given: str | None) -> None:
    """Whoever opens the instance; `dagster asset materialize` stored them one by one where nobody had set the variable."""
    shutil.copy(YAML, home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", given or "")
    if given is None:
        del os.environ["DAGSTER_EVENT_BATCH_SIZE"]
    with dg.DagsterInstance.get():
        assert os.environ["DAGSTER_EVENT_BATCH_SIZE"] == (given or "500")


def test_what_is_stored_is_found_again(instance: dg.DagsterInstance, home: Path) -> None:
    @dg.op
    def work(context: dg.OpExecutionContext) -> None:
        context.log.info("at work")

    @dg.job
    def job() -> None:
        work()

    run_id = job.execute_in_process(instance=instance).run_id
    with dg.DagsterInstance.get() as other:
        run = other.get_run_by_id(run_id)
        assert run is not None
        assert run.is_success
        assert any("at work" in entry.user_message for entry in other.all_logs(run_id))
    assert {entry.name for entry in home.iterdir()} == {"ats.toml", "dagster.yaml", "data"}


def test_ticks_are_purged_and_trainings_run_one_at_a_time(instance: dg.DagsterInstance) -> None:
    for kind in (InstigatorType.SCHEDULE, InstigatorType.SENSOR):
        days = instance.get_tick_retention_settings(kind)
        assert days[TickStatus.SKIPPED] == 7
        assert days[TickStatus.FAILURE] == days[TickStatus.SUCCESS] == 90
    assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"


def test_a_crash_is_retried_and_a_failed_step_is_not(instance: dg.DagsterInstance) -> None:
    assert instance.run_retries_enabled
    assert instance.run_retries_max_retries == 2
    assert not instance.run_retries_retry_on_asset_or_op_failure
    assert instance.run_monitoring_enabled
    assert instance.telemetry_enabled is False


def test_the_file_holds_no_path_of_a_machine() -> None:
    text = YAML.read_text(encoding="utf-8")
    assert yaml.safe_load(text)["storage"]["custom"]["config"] == {"base_dir": "data/dagster", "run_log_days": 90}
    assert "/home" not in text


def test_a_new_folder_is_set_up_once_whoever_comes_at_once(tmp_path: Path) -> None:
    """The web server, the daemon and a run may all be the first; so for the file of a new run."""
    for number in range(5):
        folder, together = tmp_path / str(number), threading.Barrier(4, timeout=30)
        folder.mkdir()

        def come(_: int, folder: Path = folder, together: threading.Barrier = together) -> int:
            together.wait()
            storage = ProjectStorage(str(folder))
            together.wait()
            with storage.event_log_storage.run_connection("run") as connection:  # pyright: ignore[reportAttributeAccessIssue]
                return connection.exec_driver_sql("SELECT count(*) FROM alembic_version").scalar_one()

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(come, range(4))) == [1, 1, 1, 1]

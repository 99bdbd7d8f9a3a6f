"""The batched event log stores exactly what Dagster's own stores, at once or not at all."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from ats_assets.event_log import BatchedSqliteEventLogStorage, batched_events
from ats_assets.instance import ProjectStorage

PARTITIONS = dg.StaticPartitionsDefinition([f"p{i}" for i in range(12)])
KEY = dg.AssetKey("thing")


@dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
def thing(context: dg.AssetExecutionContext) -> None:
    for key in context.partition_keys:
        context.add_asset_metadata({"n": len(key)}, partition_key=key)


@dg.asset_check(asset=thing)
def fine(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    with batched_events(context.instance), batched_events(context.instance):
        for key in context.op_execution_context.partition_keys:
            context.op_execution_context.log_event(
                dg.AssetCheckEvaluation(asset_key=KEY, check_name="fine", passed=key != "p3", metadata={}, partition=key)
            )
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


JOB = dg.Definitions(
    assets=[thing], asset_checks=[fine], jobs=[dg.define_asset_job("all", executor_def=dg.in_process_executor)]
).resolve_job_def("all")
RANGE = {"dagster/asset_partition_range_start": "p0", "dagster/asset_partition_range_end": "p11"}


def instance_of(folder: Path, storage: type[DagsterSqliteStorage]) -> dg.DagsterInstance:
    """An instance in `folder` whose runs and events are kept by `storage`."""
    folder.mkdir()
    (folder / "dagster.yaml").write_text("telemetry: {enabled: false}", encoding="utf-8")
    config = {"module": storage.__module__, "class": storage.__name__, "config": {"base_dir": str(folder)}}
    return dg.DagsterInstance.local_temp(str(folder), overrides={"storage": {"custom": config}})


@pytest.fixture(params=[DagsterSqliteStorage, ProjectStorage], ids=["stock", "batched"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with instance_of(tmp_path / "i", request.param) as found:
        yield found


@pytest.fixture
def batched(tmp_path: Path) -> Iterator[tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage]]:
    with instance_of(tmp_path / "i", ProjectStorage) as found:
        storage = found.event_log_storage
        assert isinstance(storage, BatchedSqliteEventLogStorage)
        yield found, storage


def stored(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """All that the event log answers about a run, without ids and times."""
    events = [(e.dagster_event_type, e.step_key, e.dagster_event and e.dagster_event.partition) for e in instance.all_logs(run_id)]
    checks = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(KEY, "fine"), limit=100)
    stats = instance.get_run_stats(run_id)
    records = instance.fetch_materializations(KEY, limit=100).records
    return {
        "events": events,
        "partitions": instance.get_materialized_partitions(KEY),
        "checks": sorted(
            (str(c.event and c.event.dagster_event and c.event.dagster_event.asset_check_evaluation_data.partition), str(c.status))
            for c in checks
        ),
        "materializations": sorted(
            (r.partition_key or "", str(r.asset_materialization and r.asset_materialization.metadata)) for r in records
        ),
        "stats": (stats.steps_succeeded, stats.steps_failed, stats.materializations),
        "latest": str((instance.get_latest_materialization_event(KEY) or KEY).__class__),
    }


def run_range(instance: dg.DagsterInstance) -> dict[str, Any]:
    result = JOB.execute_in_process(instance=instance, tags=RANGE)
    assert result.success
    return stored(instance, result.run_id)


def test_a_batch_stores_what_dagster_stores(tmp_path: Path) -> None:
    with instance_of(tmp_path / "a", DagsterSqliteStorage) as stock, instance_of(tmp_path / "b", ProjectStorage) as ours:
        expected, found = run_range(stock), run_range(ours)
    assert found == expected
    assert found["partitions"] == set(PARTITIONS.get_partition_keys())
    assert ("p3", "AssetCheckExecutionRecordStatus.FAILED") in found["checks"]
    assert len(found["checks"]) == 13


def report(instance: dg.DagsterInstance, *partitions: str) -> None:
    for partition in partitions:
        instance.report_runless_asset_event(dg.AssetMaterialization(KEY, partition=partition))


def test_after_a_batch_events_are_stored_one_by_one_again(instance: dg.DagsterInstance) -> None:
    with batched_events(instance):
        report(instance, "p1")
        with batched_events(instance):
            report(instance, "p2")
        report(instance, "p3")
    report(instance, "p4")
    with batched_events(instance):
        report(instance, "p5")
    assert instance.get_materialized_partitions(KEY) == {"p1", "p2", "p3", "p4", "p5"}


def test_an_exception_takes_back_the_whole_batch_and_nothing_before_it(
    batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage],
) -> None:
    instance, storage = batched
    report(instance, "p1")
    with pytest.raises(ZeroDivisionError), storage.batch():  # noqa: PT012
        report(instance, "p2")
        with storage.batch():
            report(instance, "p3")
            raise ZeroDivisionError
    assert instance.get_materialized_partitions(KEY) == {"p1"}
    with storage.batch():
        report(instance, "p4")
    assert instance.get_materialized_partitions(KEY) == {"p1", "p4"}


READER = """
import sys
import time
import dagster as dg
from ats_assets.event_log import BatchedSqliteEventLogStorage
storage = BatchedSqliteEventLogStorage(sys.argv[1])
print(sorted(storage.get_materialized_partitions(dg.AssetKey("thing"))))
"""


def test_another_process_reads_while_a_batch_is_open(
    batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage], tmp_path: Path
) -> None:
    instance, storage = batched
    report(instance, "p1")

    def seen() -> str:
        command = [sys.executable, "-W", "ignore", "-c", READER, str(tmp_path / "i" / "history" / "runs")]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.strip()

    with storage.batch():
        report(instance, "p2")
        assert seen() == "['p1']"
    assert seen() == "['p1', 'p2']"


def test_an_instance_with_another_event_log_is_left_alone() -> None:
    with dg.DagsterInstance.ephemeral() as ephemeral, batched_events(ephemeral):
        report(ephemeral, "p1")
        assert ephemeral.get_materialized_partitions(KEY) == {"p1"}


def test_the_logs_of_old_runs_are_purged_when_a_run_ends_and_the_history_of_partitions_stays(
    batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage], tmp_path: Path
) -> None:
    instance, storage = batched
    old = JOB.execute_in_process(instance=instance, tags=RANGE).run_id
    young = JOB.execute_in_process(instance=instance, tags=RANGE).run_id
    long_ago = time.time() - 91 * 86_400
    os.utime(storage.path_for_shard(old), (long_ago, long_ago))
    history = instance.get_materialized_partitions(KEY)
    with instance_of(tmp_path / "j", ProjectStorage) as elsewhere:
        other = BatchedSqliteEventLogStorage(str(Path(storage.path_for_shard(old)).parent), run_log_days=90)
        other.register_instance(elsewhere)
        ended = next(record.event_log_entry for record in reversed(instance.get_records_for_run(young).records) if is_run_end(record))
        other.store_event(ended)
    assert set(storage.get_all_run_ids()) == {young}
    assert instance.all_logs(old) == []  # the file is made anew, also by a storage that had it open before
    assert instance.get_materialized_partitions(KEY) == history == {f"p{i}" for i in range(12)}
    run = instance.get_run_by_id(old)
    assert run is not None
    assert run.is_success


def test_no_run_log_is_purged_where_no_limit_is_set(batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage]) -> None:
    instance, storage = batched
    first = JOB.execute_in_process(instance=instance, tags=RANGE).run_id
    os.utime(storage.path_for_shard(first), (0, 0))
    JOB.execute_in_process(instance=instance, tags=RANGE)
    assert first in storage.get_all_run_ids()
    assert instance.all_logs(first)


def is_run_end(record: dg.EventLogRecord) -> bool:
    return record.event_log_entry.is_dagster_event and record.event_log_entry.dagster_event_type is dg.DagsterEventType.RUN_SUCCESS

"""The batched event log stores exactly what Dagster's own stores, at once or not at all."""

import os
import queue
import sqlite3
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster_shared.serdes import serialize_value

from ats_assets.orchestration.event_log import OPEN_FILES, BatchedSqliteEventLogStorage, batched_events
from ats_assets.orchestration.instance import ProjectStorage

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
from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage
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


WRITER = """
import sys
import dagster as dg
from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage
from dagster_shared.serdes import deserialize_value
storage = BatchedSqliteEventLogStorage(sys.argv[1])
for line in sys.stdin:
    storage.store_event(deserialize_value(line, dg.EventLogEntry))
    print("stored", flush=True)
"""


def test_who_watches_a_run_sees_its_events_while_the_process_that_stores_them_goes_on(
    batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage], tmp_path: Path
) -> None:
    """As the page of a run in the browser does: the database file itself is not written to as long as the other process keeps it open."""
    instance, storage = batched
    events = [
        record.event_log_entry
        for record in instance.get_records_for_run(JOB.execute_in_process(instance=instance, tags=RANGE).run_id).records[:3]
    ]
    lines = [serialize_value(event._replace(run_id="watched")) for event in events]
    seen: queue.Queue[str] = queue.Queue()
    command = [sys.executable, "-W", "ignore", "-c", WRITER, str(tmp_path / "i" / "history" / "runs")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for i, line in enumerate(lines):
            writer.stdin.write(line + "\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "stored\n"
            if i == 0:
                storage.watch("watched", None, lambda event, _cursor: seen.put(event.message))
            else:
                assert seen.get(timeout=20)
        writer.stdin.close()
        assert writer.wait(timeout=60) == 0
    storage.end_watch("watched", next(iter(storage._watchers["watched"])))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_forked_process_and_its_parent_both_go_on_storing(batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage]) -> None:
    """A connection to SQLite must not be used on both sides of a fork; it is open whenever something was stored before."""
    instance, storage = batched
    report(instance, "p1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: those of Polars
        child = os.fork()
    if child == 0:
        try:
            for _ in range(20):
                report(instance, "p2")
            storage.dispose()
        finally:
            os._exit(0)
    for _ in range(20):
        report(instance, "p3")
    assert os.waitpid(child, 0)[1] == 0
    assert len(instance.fetch_materializations(KEY, limit=100).records) == 41
    with sqlite3.connect(storage.path_for_shard("index")) as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)
    connection.close()


def test_connections_are_kept_to_a_few_files_only(batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage]) -> None:
    _, storage = batched
    for i in range(8):
        assert storage.get_records_for_run(f"run{i}").records == []
    assert len(storage._engines) == OPEN_FILES
    assert {"run7", "run6", "run5"} < set(storage._engines)


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
    for file in Path(storage.path_for_shard(old)).parent.glob(f"{old}.db*"):
        os.utime(file, (long_ago, long_ago))
    history = instance.get_materialized_partitions(KEY)
    with instance_of(tmp_path / "j", ProjectStorage) as elsewhere:
        other = BatchedSqliteEventLogStorage(str(Path(storage.path_for_shard(old)).parent), run_log_days=90)
        other.register_instance(elsewhere)
        ended = next(record.event_log_entry for record in reversed(instance.get_records_for_run(young).records) if is_run_end(record))
        other.store_event(ended)
    assert set(storage.get_all_run_ids()) == {young}
    assert instance.all_logs(old) == []  # the file is rebuilt, also by a storage that had it open before
    assert instance.get_materialized_partitions(KEY) == history == {f"p{i}" for i in range(12)}
    run = instance.get_run_by_id(old)
    assert run is not None
    assert run.is_success


def test_no_run_log_is_purged_where_no_limit_is_set(batched: tuple[dg.DagsterInstance, BatchedSqliteEventLogStorage]) -> None:
    instance, storage = batched
    first = JOB.execute_in_process(instance=instance, tags=RANGE).run_id
    for file in Path(storage.path_for_shard(first)).parent.glob(f"{first}.db*"):
        os.utime(file, (0, 0))
    JOB.execute_in_process(instance=instance, tags=RANGE)
    assert first in storage.get_all_run_ids()
    assert instance.all_logs(first)


def is_run_end(record: dg.EventLogRecord) -> bool:
    return record.event_log_entry.is_dagster_event and record.event_log_entry.dagster_event_type is dg.DagsterEventType.RUN_SUCCESS


def test_a_new_file_has_the_tables_indexes_and_schema_version_that_dagster_makes(tmp_path: Path) -> None:
    def schema(folder: Path, run_id: str) -> set[tuple[str, ...]]:
        with sqlite3.connect(folder / "history" / "runs" / f"{run_id}.db") as connection:
            (mode,) = connection.execute("PRAGMA journal_mode").fetchone()
            (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            made = connection.execute("SELECT type, name, coalesce(sql, '') FROM sqlite_master").fetchall()
            rows = connection.execute("SELECT count(*) FROM event_logs").fetchone()
        return {(mode,), (revision,), tuple(map(str, rows)), *made}

    found = []
    for name, storage in (("stock", DagsterSqliteStorage), ("batched", ProjectStorage)):
        with instance_of(tmp_path / name, storage) as one:
            for run_id in ("first", "second"):
                assert not one.event_log_storage.get_logs_for_run(run_id)
        found += [schema(tmp_path / name, "first"), schema(tmp_path / name, "second")]
    assert found[0] == found[1] == found[2] == found[3]
    assert len(found[0]) > 10

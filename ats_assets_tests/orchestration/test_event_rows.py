"""For the same events, in whatever batches, every table of the event log holds what Dagster's own storage puts there, row by row and id by id.

A run of every kind of event is recorded once: materialisations with data versions, tags and metadata, observations, planned and made, checks of partitions and of the
whole, a step that fails, and events that no run made. They are then given to Dagster's storage one by one, and to ours in batches cut at random.
"""

import sqlite3
import tempfile
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.definitions.events import (
    AssetMaterializationFailure,
    AssetMaterializationFailureReason,
    AssetMaterializationFailureType,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster_shared.serdes import serialize_value
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage

DAYS = [f"2024-03-{day:02}" for day in range(1, 9)]
PARTITIONS = dg.DailyPartitionsDefinition(DAYS[0], end_date="2024-03-09")
RANGE = {"dagster/asset_partition_range_start": DAYS[0], "dagster/asset_partition_range_end": DAYS[-1]}
SINGLE_RUN = dg.BackfillPolicy.single_run()
NOT_OF_THE_EVENT = {"create_timestamp", "migration_completed"}
"""Columns that the database fills in with the time of the insert."""


@dg.multi_asset(
    specs=[dg.AssetSpec(name, partitions_def=PARTITIONS) for name in ("left", "right")], can_subset=False, backfill_policy=SINGLE_RUN
)
def both(context: dg.AssetExecutionContext) -> tuple[None, None]:
    for number, key in enumerate(context.partition_keys):
        context.log_event(
            dg.AssetObservation("left", partition=key, metadata={"seen": number}, tags={"dagster/data_version": f"v{number}"})
        )
        context.add_asset_metadata({"rows": number}, asset_key="left", partition_key=key)
    context.set_data_version(dg.AssetKey("left"), dg.DataVersion("of-the-range"))
    return None, None


@dg.asset(deps=["left"], partitions_def=PARTITIONS, backfill_policy=SINGLE_RUN)
def after(context: dg.AssetExecutionContext) -> None:
    context.log.info("a line of the user's own, with “quotes” and 'quotes'")


@dg.asset(deps=["right"], partitions_def=PARTITIONS, backfill_policy=SINGLE_RUN)
def failing() -> None:
    raise ValueError("it fails")


@dg.asset(deps=["failing"], partitions_def=PARTITIONS, backfill_policy=SINGLE_RUN)
def never() -> None:
    """What is planned and not made."""


@dg.asset_check(asset="left", partitions_def=PARTITIONS)
def by_day(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    for key in DAYS[:6]:
        for passed in (False, True) if key == DAYS[3] else (key != DAYS[2],):  # one is told twice
            told = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("left"), check_name="by_day", passed=passed, metadata={}, partition=key)
            context.op_execution_context.log_event(told)  # pyright: ignore[reportArgumentType]
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN, description="two days")


@dg.asset_check(asset="right")
def whole(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"n": 3})


def run_of(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, *, subsets: bool) -> None:
    monkeypatch.setenv("DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS", str(subsets).lower())
    definitions = dg.Definitions(
        assets=[both, after, failing, never],
        asset_checks=[by_day, whole],
        jobs=[dg.define_asset_job("all", executor_def=dg.in_process_executor)],
    )
    job = definitions.resolve_job_def("all")
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    assert not job.execute_in_process(instance=instance, tags=RANGE, raise_on_error=False, run_config=quiet).success


@cache
def recorded() -> list[dg.EventLogEntry]:
    """The events of two runs and of none, in the order of their storing."""
    events: list[dg.EventLogEntry] = []
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as monkeypatch:
        storage, store = instance.event_log_storage, instance.event_log_storage.store_event
        monkeypatch.setattr(storage, "store_event", lambda event: (events.append(event), store(event)))
        run_of(instance, monkeypatch, subsets=True)
        instance.report_runless_asset_event(dg.AssetMaterialization("left", partition=DAYS[1], metadata={"by": "hand"}))
        instance.report_runless_asset_event(dg.AssetObservation("elsewhere", tags={"dagster/data_version": "7", "other": "x"}))
        told = dg.AssetCheckEvaluation(asset_key=dg.AssetKey("left"), check_name="by_day", passed=True, metadata={}, partition=DAYS[7])
        instance.report_runless_asset_event(told)
        events.append(failure(events[-1]))
        run_of(instance, monkeypatch, subsets=False)
    return events


def failure(like: dg.EventLogEntry) -> dg.EventLogEntry:
    """An event that Dagster's own executors do not send yet, in the place of one of a run."""
    failed = AssetMaterializationFailure(
        "failing", AssetMaterializationFailureType.FAILED, AssetMaterializationFailureReason.FAILED_TO_MATERIALIZE, partition=DAYS[0]
    )
    return like._replace(dagster_event=DagsterEvent.build_asset_failed_to_materialize_event("all", "failing", failed))


def tables(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of every database file, without the times of inserting."""
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(folder.glob("*.db")):
        with sqlite3.connect(file) as connection:
            connection.row_factory = sqlite3.Row
            for (name,) in connection.execute("select name from sqlite_master where type = 'table' order by name").fetchall():
                rows = [dict(row) for row in connection.execute(f'select * from "{name}" order by rowid')]
                found[f"{file.name}:{name}"] = [{key: row[key] for key in row if key not in NOT_OF_THE_EVENT} for row in rows]
        connection.close()
    return found


@cache
def expected() -> dict[str, list[dict[str, Any]]]:
    with tempfile.TemporaryDirectory() as folder:
        storage = SqliteEventLogStorage(folder)
        for event in recorded():
            storage.store_event(event)
        return tables(Path(folder))


def assert_same(events: Sequence[dg.EventLogEntry], cuts: Sequence[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        storage = BatchedSqliteEventLogStorage(folder)
        for begin, end in pairwise([0, *cuts, len(events)]):
            storage.store_event_batch(events[begin:end])
        storage.dispose()
        found = tables(Path(folder))
    assert found.keys() == expected().keys()
    for name, rows in expected().items():
        assert found[name] == rows, name


def test_the_recording_has_every_kind_of_event_and_every_table_has_rows() -> None:
    kinds = {event.dagster_event_type for event in recorded() if event.is_dagster_event}
    kind = dg.DagsterEventType
    assert kinds >= {
        kind.ASSET_MATERIALIZATION,
        kind.ASSET_MATERIALIZATION_PLANNED,
        kind.ASSET_OBSERVATION,
        kind.ASSET_CHECK_EVALUATION,
        kind.ASSET_CHECK_EVALUATION_PLANNED,
        kind.ASSET_FAILED_TO_MATERIALIZE,
        kind.STEP_FAILURE,
        kind.RUN_FAILURE,
    }
    assert any(not event.is_dagster_event for event in recorded())
    for name in ("event_logs", "asset_event_tags", "asset_check_executions", "asset_keys"):
        assert len(expected()[f"index.db:{name}"]) > 3, name
    assert {row["execution_status"] for row in expected()["index.db:asset_check_executions"]} == {"PLANNED", "SUCCEEDED", "FAILED"}


@settings(max_examples=4)
@given(st.data())
def test_every_table_is_as_dagster_fills_it_whatever_the_batches(data: st.DataObject) -> None:
    events = recorded()
    cuts = data.draw(st.lists(st.integers(1, len(events) - 1), max_size=12, unique=True).map(sorted))
    assert_same(events, cuts)


def test_every_table_is_as_dagster_fills_it_one_by_one() -> None:
    assert_same(recorded(), range(1, len(recorded())))


def test_what_waits_in_a_batch_is_seen_by_who_asks_in_it(tmp_path: Path) -> None:
    storage, plain = BatchedSqliteEventLogStorage(str(tmp_path)), BatchedSqliteEventLogStorage(str(tmp_path))
    made = [event for event in recorded() if event.dagster_event_type is dg.DagsterEventType.ASSET_MATERIALIZATION]
    with storage.batch():
        for number, event in enumerate(made, 1):
            storage.store_event(event)
            assert len(storage.get_records_for_run(event.run_id).records) == number or event.run_id != made[0].run_id
        assert plain.all_asset_keys() == []
    assert plain.all_asset_keys() == storage.all_asset_keys() != []
    storage.dispose()
    plain.dispose()


def test_a_check_that_was_planned_twice_is_refused_as_dagster_refuses_it_and_the_batch_is_taken_back(tmp_path: Path) -> None:
    kind = dg.DagsterEventType
    checks = [
        event for event in recorded() if event.dagster_event_type in (kind.ASSET_CHECK_EVALUATION_PLANNED, kind.ASSET_CHECK_EVALUATION)
    ]
    planned, result = [event for event in checks if event.run_id == checks[0].run_id and '"whole"' in serialize_value(event)]
    of_no_partition = AssetCheckEvaluationPlanned(asset_key=dg.AssetKey("right"), check_name="whole")
    planned = planned._replace(dagster_event=planned.get_dagster_event()._replace(event_specific_data=of_no_partition))
    stock = SqliteEventLogStorage(str(tmp_path / "stock"))
    stock.store_event(planned)
    stock.store_event(planned)
    with pytest.raises(dg.DagsterInvariantViolationError, match="Updated 2 rows"):
        stock.store_event(result)
    storage = BatchedSqliteEventLogStorage(str(tmp_path / "ours"))
    with pytest.raises(dg.DagsterInvariantViolationError, match="planned 2 times"):
        storage.store_event_batch([planned, planned, result])
    assert storage.get_records_for_run(planned.run_id).records == []
    storage.dispose()

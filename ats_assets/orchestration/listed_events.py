"""A Dagster instance for runs whose events nobody asks for: it keeps them as a list.

Such are the runs of a world that is made to be compared: what is reproduced, what would have been without a restatement, a variant of an experiment, a run as of a time.
`DagsterInstance.ephemeral()` stores each event in several tables of SQLite in memory; over a range of a small market that takes longer than the assets themselves.
Here an event is appended to a list. What a run itself asks of its log (which data versions its inputs had, for tags of its own events) is answered with "nothing is
known"; whoever asks anything else gets an error, never an empty answer. Who looks at events or runs afterwards takes `ephemeral()`.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster._core.events import EVENT_TYPE_TO_PIPELINE_RUN_STATUS as STATUS
from dagster._core.instance.types import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.dagster_run import RunRecord
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from sqlalchemy import Connection
from typing_extensions import override


class NotKeptError(Exception):
    """Something was asked of a list that only the tables of a real instance can answer."""

    def __init__(self) -> None:
        super().__init__("this run's events are kept as a list, which can't be asked for them: use `dg.DagsterInstance.ephemeral()`")


class ListedEvents(InMemoryEventLogStorage):
    """An event log without tables."""

    def __init__(self) -> None:  # not that of the super class: it makes the tables
        self.events: list[dg.EventLogEntry] = []

    @override
    def store_event(self, event: dg.EventLogEntry) -> None:
        self.events.append(event)

    @override
    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        self.events.extend(events)

    @override
    def get_asset_records(self, asset_keys: Sequence[dg.AssetKey] | None = None) -> Sequence[Any]:
        return ()

    @override
    def fetch_materializations(
        self, records_filter: dg.AssetKey | dg.AssetRecordsFilter, limit: int, cursor: str | None = None, ascending: bool = False
    ) -> dg.EventRecordsResult:
        """The newest of this run's of one asset, of some of its partitions: a check asks which one it judges."""
        asked = records_filter if isinstance(records_filter, dg.AssetRecordsFilter) else dg.AssetRecordsFilter(records_filter)
        if asked != dg.AssetRecordsFilter(asked.asset_key, asset_partitions=asked.asset_partitions) or cursor or ascending:
            raise NotKeptError
        found = [
            dg.EventLogRecord(number, entry)
            for number, entry in enumerate(self.events, 1)
            if entry.is_dagster_event
            and entry.get_dagster_event().is_step_materialization
            and entry.get_dagster_event().asset_key == asked.asset_key
            and (asked.asset_partitions is None or entry.get_dagster_event().partition in asked.asset_partitions)
        ]
        return dg.EventRecordsResult(found[: -limit - 1 : -1], cursor="", has_more=len(found) > limit)

    @override
    def fetch_observations(self, *args: object, **kwargs: object) -> dg.EventRecordsResult:
        return dg.EventRecordsResult([], cursor="", has_more=False)

    @contextmanager
    @override
    def _connect(self) -> Iterator[Connection]:
        raise NotKeptError
        yield

    @override
    def watch(self, run_id: str, cursor: str, callback: object) -> None:
        raise NotKeptError

    @override
    def has_table(self, table_name: str) -> bool:
        raise NotKeptError

    @override
    def dispose(self) -> None:
        self.events.clear()


class ListedRuns(InMemoryRunStorage):
    """Runs without tables: they are found by their id."""

    def __init__(self) -> None:  # not that of the super class: it makes the tables
        self.runs: dict[str, RunRecord] = {}

    @override
    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        now = datetime.now(UTC)
        self.runs[dagster_run.run_id] = RunRecord(
            storage_id=len(self.runs) + 1, dagster_run=dagster_run, create_timestamp=now, update_timestamp=now
        )
        return dagster_run

    @override
    def get_run_records(self, filters: dg.RunsFilter | None = None, *args: object, **kwargs: object) -> Sequence[RunRecord]:
        if filters is None or filters != dg.RunsFilter(run_ids=filters.run_ids):
            raise NotKeptError
        return [self.runs[run_id] for run_id in filters.run_ids or () if run_id in self.runs]

    @override
    def handle_run_event(self, run_id: str, event: dg.DagsterEvent, update_timestamp: datetime | None = None) -> None:
        status = STATUS.get(event.event_type)
        if status is not None:
            record = self.runs[run_id]
            self.runs[run_id] = RunRecord(
                storage_id=record.storage_id,
                dagster_run=record.dagster_run.with_status(status),
                create_timestamp=record.create_timestamp,
                update_timestamp=datetime.now(UTC),
            )

    @override
    def has_job_snapshot(self, job_snapshot_id: str) -> bool:
        return True  # so that none is stored

    @override
    def has_execution_plan_snapshot(self, execution_plan_snapshot_id: str) -> bool:
        return True

    @contextmanager
    @override
    def connect(self) -> Iterator[Connection]:
        raise NotKeptError
        yield

    @override
    def dispose(self) -> None:
        self.runs.clear()


def listed_instance() -> dg.DagsterInstance:
    """An instance for runs whose events nobody asks for; otherwise as `dg.DagsterInstance.ephemeral()`."""
    return dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),
        run_storage=ListedRuns(),
        event_storage=ListedEvents(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    )

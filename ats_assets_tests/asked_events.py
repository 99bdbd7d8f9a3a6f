"""A Dagster instance in memory for runs whose events a test, a sensor or a schedule asks for.

It has the tables of `DagsterInstance.ephemeral()` with the same rows, stored as the project's own event log stores them: an event is serialised once, and those of a batch
are in one transaction. Dagster's own takes several connections and commits for each event, which is most of a small run's time. Where nobody asks, `listed_instance` keeps no tables.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster._core.instance.types import InstanceType
from dagster._core.launcher.sync_in_memory_run_launcher import SyncInMemoryRunLauncher
from dagster._core.run_coordinator import DefaultRunCoordinator
from dagster._core.storage.event_log import InMemoryEventLogStorage
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.root import TemporaryLocalArtifactStorage
from dagster._core.storage.runs import InMemoryRunStorage
from typing_extensions import override

from ats_assets.orchestration.event_rows import index_events, insert_events, is_mirrored


class RowsInMemory(InMemoryEventLogStorage):
    """Dagster's event log in memory, filled by rows of many events."""

    @override
    def store_event(self, event: dg.EventLogEntry) -> None:
        self.store_event_batch([event])

    @override
    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        with self._connect() as connection:
            for mirrored, some in itertools.groupby(events, key=is_mirrored):
                alike = list(some)
                rows: list[dict[str, Any]] = [self._event_to_row(one) for one in alike]
                if mirrored:
                    index_events(self, connection, alike, rows)
                else:
                    insert_events(connection, rows)

    @override
    def has_table(self, table_name: str) -> bool:
        return True  # all are made at once


def asked_instance() -> dg.DagsterInstance:
    """An instance that can be asked; otherwise as `dg.DagsterInstance.ephemeral()`."""
    return dg.DagsterInstance(
        instance_type=InstanceType.EPHEMERAL,
        local_artifact_storage=TemporaryLocalArtifactStorage(),
        run_storage=InMemoryRunStorage(),
        event_storage=RowsInMemory(),
        compute_log_manager=NoOpComputeLogManager(),
        run_coordinator=DefaultRunCoordinator(),
        run_launcher=SyncInMemoryRunLauncher(),
    )

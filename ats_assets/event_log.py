"""Dagster's SQLite event log with batches: many events in one transaction.

Dagster stores the events of a range run one by one, each with connections and commits of its own, which for thousands of partitions takes
longer than the work. Here a batch keeps one connection and transaction open for each database file that it touches; all else is Dagster's own code.
"""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from filelock import FileLock
from sqlalchemy import Connection, Engine, NullPool, create_engine
from typing_extensions import override

DAY: Final = 86_400.0
RUN_ENDS: Final = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)


class BatchedSqliteEventLogStorage(SqliteEventLogStorage):
    """SQLite event log that stores a batch of events in one transaction a database file, and keeps the logs of runs for a time only.

    Parameters
    ----------
    base_dir
        Folder of `index.db` and of one file a run.
    run_log_days
        Days for which a run's own log is kept after its last event; None keeps it for ever. What the index holds stays: the
        materialisations and check results of every partition, and that the run took place.
    """

    def __init__(self, base_dir: str, *, run_log_days: float | None = None) -> None:
        self._batch = threading.local()
        self._check_states: dict[dg.AssetCheckKey, Any] = {}
        self._tables: set[str] = set()
        self._run_log_days = run_log_days
        super().__init__(base_dir)

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """While open, what this thread stores shares a transaction; an exception rolls it back. Nested batches join the outer one."""
        if getattr(self._batch, "stack", None) is not None:
            yield
            return
        self._batch.connections = {}
        try:
            with contextlib.ExitStack() as stack:
                self._batch.stack = stack
                yield
        finally:
            self._batch.stack = None
            self._batch.connections = {}

    @override
    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Dagster's, by one process at a time: two at once may both write the schema's version into a new file, which no later one can read."""
        with FileLock(Path(self._base_dir) / "shards.lock"):
            super()._initdb(engine, for_index_shard)

    @contextlib.contextmanager
    @override
    def _connect(self, shard: str) -> Iterator[Connection]:
        stack: contextlib.ExitStack | None = getattr(self._batch, "stack", None)
        if not Path(self.path_for_shard(shard)).exists():
            self._initialized_dbs.discard(shard)  # another process may have purged it
        if stack is None:
            with super()._connect(shard) as connection:
                yield connection
            return
        connections: dict[str, Connection] = self._batch.connections
        if shard not in connections:
            connections[shard] = stack.enter_context(self._unlocked(shard))
        yield connections[shard]

    @contextlib.contextmanager
    def _unlocked(self, shard: str) -> Iterator[Connection]:
        """A connection with a transaction that does not hold the storage's lock, so that a batch can use several shards."""
        with super()._connect(shard):
            pass  # makes and migrates the file where it is new
        engine = create_engine(self.conn_string_for_shard(shard), poolclass=NullPool, connect_args={"timeout": 60})
        try:
            with engine.connect() as connection, connection.begin():
                yield connection
        finally:
            engine.dispose()

    @override
    def get_asset_check_state(
        self, keys: Sequence[tuple[dg.AssetCheckKey, dg.PartitionsDefinition | None]]
    ) -> Mapping[dg.AssetCheckKey, Any]:
        """Dagster's states, kept as the point from which the next call goes on.

        Else it would judge every record of every partition anew, for which the UI asks every few seconds.
        """
        states = super().get_asset_check_state(keys)
        self._check_states.update(states)
        return states

    @override
    def get_checkpointed_asset_check_state(self, keys: Sequence[dg.AssetCheckKey]) -> Mapping[dg.AssetCheckKey, Any]:
        fresh = super().get_checkpointed_asset_check_state(keys)
        return {key: self._check_states.get(key, fresh[key]) for key in keys}

    @override
    def has_table(self, table_name: str) -> bool:
        """Dagster asks with each event; a table that is there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @override
    def delete_events(self, run_id: str) -> None:
        super().delete_events(run_id)
        self._check_states.clear()

    @override
    def wipe(self) -> None:
        super().wipe()
        self._check_states.clear()

    @override
    def store_event(self, event: dg.EventLogEntry) -> None:
        super().store_event(event)
        if self._run_log_days is not None and event.is_dagster_event and event.dagster_event_type in RUN_ENDS:
            self.purge_run_logs(self._run_log_days)

    @override
    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        with self.batch():
            for event in events:
                self.store_event(event)

    def purge_run_logs(self, days: float) -> list[str]:
        """Delete the logs of runs whose last event is older than so many days; the ids of these runs."""
        oldest = time.time() - days * DAY
        purged: list[str] = []
        for run_id in self.get_all_run_ids():
            path = Path(self.path_for_shard(run_id))
            files = [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]
            with contextlib.suppress(FileNotFoundError):  # another process was faster
                if max(file.stat().st_mtime for file in files if file.exists()) < oldest:
                    for file in files:
                        file.unlink(missing_ok=True)
                    purged.append(run_id)
        return purged


@contextlib.contextmanager
def batched_events(instance: dg.DagsterInstance) -> Iterator[None]:
    """Store what the block logs in one transaction, where the instance's event log can do that."""
    storage = instance.event_log_storage
    if isinstance(storage, BatchedSqliteEventLogStorage):
        with storage.batch():
            yield
    else:
        yield

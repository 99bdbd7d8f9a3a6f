"""Dagster's SQLite event log with batches: many events in one transaction, each serialised once.

Dagster stores the events of a range run one by one, each with connections and commits of its own, which for thousands of partitions takes
longer than the work. Here what is stored while a batch is open is kept until it ends, or until it is asked for, and then stored as rows of many events at once
(`event_rows`), in one transaction a database file. An event outside of a batch is a batch of its own.

A connection to each database file in use stays open, since SQLite writes its log back into the file, and removes it, whenever the last one is closed; that costs more than
storing an event. A commit does not wait for the disk: a killed process loses nothing that was committed, a lost power supply perhaps the newest events. The files of
the warehouse are authoritative, and these are synced before their events are stored.
"""

import contextlib
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import dagster as dg
from dagster._core.event_api import EventHandlerFn
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage, SqliteEventLogStorageWatchdog
from filelock import FileLock
from sqlalchemy import Connection, Engine, QueuePool, create_engine, event
from typing_extensions import override
from watchdog.observers import Observer

from ats_assets.orchestration.empty_storages import EMPTY_EVENT_LOG
from ats_assets.orchestration.event_rows import index_events, insert_events, is_mirrored
from ats_assets.orchestration.event_text import event_row
from ats_assets.secrecy.event_documents import RedactedDocument, redacted_document

DAY: Final = 86_400.0
RUN_ENDS: Final = (dg.DagsterEventType.RUN_SUCCESS, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED)
OPEN_FILES: Final = 4
"""Database files to which a connection is kept open: the index, and those of the runs that were asked for last."""


@dataclass
class _Batch:
    """What one thread has open: events that are not stored yet, and a transaction for each database file that has been used."""

    pending: list[dg.EventLogEntry] = field(default_factory=list)
    stack: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    connections: dict[str, Connection] = field(default_factory=dict)


@dataclass(frozen=True)
class _Opened:
    """The engine of a database file, and which file that is: a purged one is rebuilt under the same name."""

    engine: Engine
    file: int


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
        self._open = threading.local()
        self._engines: OrderedDict[str, _Opened] = OrderedDict()
        self._keeping = threading.Lock()
        self._check_states: dict[dg.AssetCheckKey, Any] = {}
        self._tables: set[str] = set()
        self._run_log_days = run_log_days
        super().__init__(base_dir)
        _STORAGES.add(self)

    @contextlib.contextmanager
    def batch(self) -> Iterator[_Batch]:
        """While open, what this thread stores shares a transaction; an exception rolls it back. Nested batches join the outer one."""
        if self._batch is not None:
            yield self._batch
            return
        self._open.batch = batch = _Batch()
        try:
            with batch.stack:  # which closes the connections: what is not committed is rolled back
                yield batch
                self._store(batch)
                for connection in batch.connections.values():
                    connection.commit()
        finally:
            self._open.batch = None

    @property
    def _batch(self) -> _Batch | None:
        return getattr(self._open, "batch", None)

    @override
    def store_event(self, event: dg.EventLogEntry) -> None:
        self.store_event_batch([event])

    @override
    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        if (batch := self._batch) is not None:
            batch.pending.extend(events)
        else:
            with self.batch() as batch:
                batch.pending.extend(events)
        if self._run_log_days is not None and any(one.is_dagster_event and one.dagster_event_type in RUN_ENDS for one in events):
            self.purge_run_logs(self._run_log_days)

    def _store(self, batch: _Batch) -> None:
        """Store the events that wait: in the log of their run, and those that are found across runs in the index."""
        events, batch.pending = batch.pending, []
        of_runs: dict[str, list[dict[str, Any]]] = {}
        mirrored, rows = list[dg.EventLogEntry](), list[dict[str, Any]]()
        for one in events:
            row = event_row(one, self._event_insert_timestamp(one))
            row["event"] = RedactedDocument(redacted_document(row["event"]))  # once for the tables that it goes into, up to three
            of_runs.setdefault(one.run_id, []).append(row)
            if is_mirrored(one):
                mirrored.append(one)
                rows.append(row)
        for run_id, of_run in of_runs.items():
            insert_events(self._connection(batch, run_id), of_run)
        if mirrored:
            index_events(self, self._connection(batch, INDEX_SHARD_NAME), mirrored, rows)

    @contextlib.contextmanager
    @override
    def _connect(self, shard: str) -> Iterator[Connection]:
        batch = self._batch
        if batch is None:
            with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
                yield connection
        else:
            self._store(batch)  # it may be asked for what waits
            yield self._connection(batch, shard)

    def _connection(self, batch: _Batch, shard: str) -> Connection:
        """A batch's own connection to a database file, in a transaction."""
        if shard not in batch.connections:
            connection = batch.stack.enter_context(self._engine(shard).connect())
            connection.begin()
            batch.connections[shard] = connection
        return batch.connections[shard]

    def _engine(self, shard: str) -> Engine:
        """The engine of a database file, which is made where it is not there; another process may have purged it."""
        path, opened = self.path_for_shard(shard), self._engines.get(shard)
        file = _inode(path)
        if opened is None or opened.file != file:
            engine = _engine(self.conn_string_for_shard(shard))
            if file is None or opened is not None or shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            opened = _Opened(engine, _inode(path) or 0)
        self._keep(shard, opened)
        return opened.engine

    def _keep(self, shard: str, opened: _Opened) -> None:
        with self._keeping:
            before = self._engines.pop(shard, opened)
            self._engines[shard] = opened
            over = [] if before is opened else [before]
            if len(self._engines) > OPEN_FILES:
                over.append(self._engines.pop(next(name for name in self._engines if name != INDEX_SHARD_NAME)))
        for one in over:
            one.engine.dispose()

    def close_connections(self) -> None:
        """Keep no connection open any more; the next question opens one."""
        with self._keeping:
            over = list(self._engines.values())
            self._engines.clear()
        for one in over:
            one.engine.dispose()

    def after_fork(self) -> None:
        """In a forked process: leave the connections, and the locks that a thread may have held, to the parent."""
        _INHERITED.extend(self._engines.values())
        self._engines = OrderedDict()
        self._keeping, self._db_lock, self._open = threading.Lock(), threading.Lock(), threading.local()

    @override
    def dispose(self) -> None:
        self.close_connections()
        super().dispose()

    @override
    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Dagster's, by one process at a time: two at once may both write the schema's version into a new file, which no later one can read.

        A new file is a copy of an empty one that this version of Dagster has made: a run need not make its tables one by one.
        """
        with FileLock(Path(self._base_dir) / "shards.lock"):
            if not EMPTY_EVENT_LOG.put(Path(engine.url.database or ""), fsync=False):
                super()._initdb(engine, for_index_shard)

    @override
    def watch(self, run_id: str, cursor: str | None, callback: EventHandlerFn) -> None:
        """Call back with the events of a run as they are stored: they are in SQLite's log before they are in the database file."""
        if not self._obs:
            self._obs = Observer()
            self._obs.start()
        watchdog = _LogWatchdog(self, run_id, callback, cursor)
        self._watchers[run_id][callback] = (watchdog, self._obs.schedule(watchdog, self._base_dir, recursive=True))

    @override
    def get_asset_check_state(
        self, keys: Sequence[tuple[dg.AssetCheckKey, dg.PartitionsDefinition | None]]
    ) -> Mapping[dg.AssetCheckKey, Any]:
        """Dagster's states, kept as the point from which the next call goes on.

        Else it would judge every record of every partition again, for which the UI asks every few seconds.
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
        self.close_connections()
        super().wipe()
        self._check_states.clear()

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


class _LogWatchdog(SqliteEventLogStorageWatchdog):
    """Looks at a run's events again when SQLite's log beside its database file is written to, too."""

    def __init__(self, storage: SqliteEventLogStorage, run_id: str, callback: EventHandlerFn, cursor: str | None) -> None:
        super().__init__(storage, run_id, callback, cursor)
        self._patterns = [self._log_path, f"{self._log_path}-wal"]

    @override
    def on_modified(self, event: Any) -> None:
        self._process_log()


_STORAGES: weakref.WeakSet[BatchedSqliteEventLogStorage] = weakref.WeakSet()
_INHERITED: list[_Opened] = []
"""Of the parent process; they are held, since SQLite must not close them here."""


def _after_fork() -> None:
    for storage in list(_STORAGES):
        storage.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _engine(conn_string: str) -> Engine:
    made = create_engine(conn_string, poolclass=QueuePool, pool_size=1, max_overflow=-1, connect_args={"timeout": 60})

    @event.listens_for(made, "connect")
    def set_up(connection: Any, _record: Any) -> None:  # pyright: ignore[reportUnusedFunction]
        connection.execute("PRAGMA synchronous=NORMAL")

    return made


def _inode(path: str) -> int | None:
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - asked for with each event
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def batched_events(instance: dg.DagsterInstance) -> Iterator[None]:
    """Store what the block logs in one transaction, where the instance's event log can do that."""
    storage = instance.event_log_storage
    if isinstance(storage, BatchedSqliteEventLogStorage):
        with storage.batch():
            yield
    else:
        yield

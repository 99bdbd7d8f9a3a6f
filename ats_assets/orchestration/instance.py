"""Dagster's storages for `dagster.yaml`: SQLite with batched events, in folders relative to DAGSTER_HOME, so that the file holds no absolute path."""

import contextlib
import functools
import os
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.runs.schema import BulkActionsTable, DaemonHeartbeatsTable
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from filelock import FileLock
from sqlalchemy import Column, Connection, Dialect, Engine, NullPool, Text, create_engine
from sqlalchemy.types import TypeDecorator, TypeEngine
from typing_extensions import override

from ats_assets.errors import SettingsError
from ats_assets.orchestration.empty_storages import put_empty_storages
from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage
from ats_assets.orchestration.latest_partitions import mend_latest_partitions
from ats_assets.orchestration.mirrored_output import mirrored
from ats_assets.orchestration.remembered_partitions import remember_partitions
from ats_assets.orchestration.remembered_revisions import remember_revisions
from ats_assets.orchestration.step_lines import repeat_lines_of_steps
from ats_assets.secrecy import guard_secrets, redacted_document, redacted_tags
from ats_assets.settings import load_settings, settings_file
from ats_assets.storage.quick_end import collect_rarely

EVENTS_AT_ONCE = "500"
WORKING = {"materialize", "execute_run", "execute_step"}
"""Words in the commands of Dagster's processes that do one thing and end."""


def _in_home(base_dir: str) -> str:
    folder = Path(os.environ.get("DAGSTER_HOME", "."), base_dir).expanduser().absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)


def guard_instance() -> None:
    """The UI and the daemon open the instance and nothing else of ours: here they learn what they must not write, and which partitions are the latest."""
    if WORKING & set(sys.argv):
        collect_rarely()
    guard_secrets(settings_file().parent)
    guard_documents()
    mend_latest_partitions()
    remember_partitions()
    remember_revisions()
    repeat_lines_of_steps()
    with contextlib.suppress(SettingsError):  # which the code location shows
        load_settings()


class Document(TypeDecorator[str]):
    """The type of a column of documents, which are stored without secrets in their texts."""

    impl = Text
    cache_ok = True

    def __init__(self, stored: TypeEngine[Any]) -> None:
        super().__init__()
        self._stored = stored

    @override
    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(self._stored)

    @override
    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else redacted_document(value)


@functools.cache
def guard_documents() -> None:
    """From now on, what this process stores of Dagster's events, ticks and heartbeats, in whichever database, has no secret in its texts."""
    columns: tuple[Column[Any], ...] = (
        SqlEventLogStorageTable.c.event,
        AssetKeyTable.c.last_materialization,
        AssetCheckExecutionsTable.c.evaluation_event,
        BulkActionsTable.c.body,
        DaemonHeartbeatsTable.c.body,
        JobTickTable.c.tick_body,
    )
    for column in columns:
        column.type = Document(column.type)


class ProjectRunStorage(SqliteRunStorage):
    """Runs whose tags hold no secret. One engine serves all questions: to make one, and to find it among the garbage, takes longer than most of them."""

    @functools.cached_property
    def _engine(self) -> Engine:
        return create_engine(self._conn_string, poolclass=NullPool)  # which keeps no connection, so that threads and forks may share it

    @contextlib.contextmanager
    @override
    def connect(self) -> Iterator[Connection]:
        with self._engine.connect() as connection, connection.begin():
            yield connection

    @override
    def add_run(self, dagster_run: dg.DagsterRun) -> dg.DagsterRun:
        return super().add_run(dagster_run.with_tags(redacted_tags(dagster_run.tags)))

    @override
    def add_run_tags(self, run_id: str, new_tags: Mapping[str, str]) -> None:
        super().add_run_tags(run_id, redacted_tags(new_tags))


class ProjectStorage(DagsterSqliteStorage):
    """Runs, events and schedules in SQLite under `base_dir`, which is there; a run's own log is kept for `run_log_days`."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None, run_log_days: float | None = None) -> None:
        with FileLock(Path(base_dir, "storage.lock")):  # Dagster's own set-up of new files fails where two processes do it at once
            put_empty_storages(Path(base_dir))
            super().__init__(base_dir, inst_data)
            self._run_storage = ProjectRunStorage.from_local(str(Path(base_dir, "history")))
            self._event_log_storage = BatchedSqliteEventLogStorage(str(Path(base_dir, "history", "runs")), run_log_days=run_log_days)

    @classmethod
    @override
    def config_type(cls) -> Any:
        days = dg.Field(dg.Noneable(dg.Float), is_required=False, description="days for which a run's log is kept; null: for ever")
        return {"base_dir": dg.StringSource, "run_log_days": days}

    @classmethod
    @override
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> "ProjectStorage":
        guard_instance()
        os.environ.setdefault("DAGSTER_EVENT_BATCH_SIZE", EVENTS_AT_ONCE)  # which Dagster reads with each event; else none is in a batch
        return cls(_in_home(config_value["base_dir"]), inst_data=inst_data, run_log_days=config_value.get("run_log_days"))


class ProjectArtifacts(LocalArtifactStorage):
    """Files of runs under `base_dir`."""

    @classmethod
    @override
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "ProjectArtifacts":
        return cls(_in_home(config_value["base_dir"]), inst_data=inst_data)


class ProjectComputeLogs(LocalComputeLogManager):
    """Standard output and error of steps under `base_dir`."""

    @contextlib.contextmanager
    @override
    def capture_logs(self, log_key: Sequence[str]) -> Generator[CapturedLogContext, None, None]:
        if os.name == "nt":  # where Dagster knows when it can't be done
            with super().capture_logs(log_key) as context:
                yield context
            return
        out, error = (Path(self.get_captured_local_path(log_key, ending)) for ending in ("out", "err"))
        with mirrored(sys.stdout, out), mirrored(sys.stderr, error):
            yield CapturedLogContext(log_key)
        Path(self.complete_artifact_path(log_key)).touch()  # by which Dagster knows that nothing comes any more

    @classmethod
    @override
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "ProjectComputeLogs":
        return cls(_in_home(config_value["base_dir"]), inst_data=inst_data)

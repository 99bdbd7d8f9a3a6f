"""Dagster's SQLite storages as its own code makes them in a new instance: made once for each of its versions, and copied (`empty_database`)."""

from importlib.metadata import version
from pathlib import Path
from typing import Final

from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.schedules import SqliteScheduleStorage

from ats_assets.storage.empty_database import EmptyDatabase

VERSIONS: Final = tuple(version(library) for library in ("dagster", "sqlalchemy", "alembic"))


def put_empty_storages(base_dir: Path) -> None:
    """Put the databases of runs, events and schedules where an instance under `base_dir` has them, each unless it is there."""
    for name, empty in PLACES.items():
        place = base_dir / name
        place.parent.mkdir(parents=True, exist_ok=True)
        empty.put(place)


def _make_runs(folder: Path) -> Path:
    """Without the id of the instance, which Dagster adds when it is asked for it."""
    SqliteRunStorage.from_local(str(folder)).dispose()
    return folder / "runs.db"


def _make_schedules(folder: Path) -> Path:
    SqliteScheduleStorage.from_local(str(folder)).dispose()
    return folder / "schedules.db"


def _make_event_index(folder: Path) -> Path:
    """Marked as having nothing to be migrated."""
    SqliteEventLogStorage(str(folder)).dispose()
    return folder / f"{INDEX_SHARD_NAME}.db"


def _make_event_log(folder: Path) -> Path:
    """As Dagster makes it when it is first asked for the log of a run."""
    storage = SqliteEventLogStorage(str(folder))
    with storage.run_connection("run"):
        pass
    storage.dispose()
    return folder / "run.db"


EMPTY_RUNS: Final = EmptyDatabase("dagster-runs", VERSIONS, _make_runs)
EMPTY_SCHEDULES: Final = EmptyDatabase("dagster-schedules", VERSIONS, _make_schedules)
EMPTY_EVENT_INDEX: Final = EmptyDatabase("dagster-event-index", VERSIONS, _make_event_index)
EMPTY_EVENT_LOG: Final = EmptyDatabase("dagster-event-log", VERSIONS, _make_event_log)
PLACES: Final = {
    "history/runs.db": EMPTY_RUNS,
    "history/runs/index.db": EMPTY_EVENT_INDEX,
    "schedules/schedules.db": EMPTY_SCHEDULES,
}
"""Where an instance has them, below its folder."""

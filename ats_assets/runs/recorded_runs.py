"""The runs that Dagster has recorded, counted without Dagster, whose import takes a second and more: its SQLite file is opened read-only."""

import contextlib
import hashlib
import importlib.metadata
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ats_assets.orchestration.dagster_home import INSTANCE_FILE
from ats_assets.runs.known_facts import KnownFacts
from ats_assets.runs.startup import open_instance
from ats_assets.storage.processes import PROCESS, is_alive

IN_PROGRESS = ("STARTING", "STARTED", "CANCELING", "SUSPENDED")
"""The statuses of runs that have begun and not ended, as Dagster names them."""
STORAGE = {"module": "ats_assets.orchestration.instance", "class": "ProjectStorage"}
INSTANCE = "instance"


@dataclass(frozen=True, kw_only=True)
class RecordedRuns:
    """How many runs there are, and how many of them were left behind by killed processes of this machine."""

    recorded: int
    left: int


def recorded_runs(home: Path, facts: KnownFacts) -> RecordedRuns:
    """Count the runs of Dagster's home.

    Dagster opens its instance where these settings of it have not been opened before, for it alone can say whether they are right, where they are not this project's storage, and where
    the file can't be read.

    Raises
    ------
    SettingsError
        If its settings are wrong.
    """
    fact = opened_instance(home)
    if facts.get(INSTANCE, lambda: None) == fact:
        with contextlib.suppress(OSError, sqlite3.Error, KeyError, TypeError, ValueError):
            return _counted(_database(home))
    from ats_assets.runs.abandoned import abandoned_runs  # noqa: PLC0415 - Dagster takes seconds

    with open_instance() as instance:
        found = RecordedRuns(recorded=instance.get_runs_count(), left=len(list(abandoned_runs(instance))))
    facts.keep(INSTANCE, fact)
    return found


def opened_instance(home: Path) -> str:
    """What is kept of settings with which an instance was opened: their digest, and Dagster's version."""
    digest = hashlib.sha256((home / INSTANCE_FILE).read_bytes()).hexdigest()
    return f"{home} {digest} {importlib.metadata.version('dagster')}"


def _database(home: Path) -> Path:
    """Where the runs lie; ValueError where the settings do not say so plainly."""
    import yaml  # noqa: PLC0415 - other commands have no need of it

    told = yaml.safe_load((home / INSTANCE_FILE).read_text(encoding="utf-8"))
    storage = told["storage"]["custom"]
    folder = storage["config"]["base_dir"]
    if "env:" in str(told) or any(storage[name] != value for name, value in STORAGE.items()) or not isinstance(folder, str):
        raise ValueError("the storage is not this project's, or depends on the environment")
    return Path(home, folder).expanduser() / "history" / "runs.db"


def _counted(database: Path) -> RecordedRuns:
    """The runs of a file."""
    statuses = ", ".join("?" * len(IN_PROGRESS))
    select = f"SELECT t.value FROM runs r JOIN run_tags t USING (run_id) WHERE t.key = ? AND r.status IN ({statuses})"  # noqa: S608 - question marks
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
        (recorded,) = connection.execute("SELECT COUNT(*) FROM runs").fetchone()
        left = sum(is_alive(value) is False for (value,) in connection.execute(select, (PROCESS, *IN_PROGRESS)))
    return RecordedRuns(recorded=recorded, left=left)

"""The runs that Dagster has recorded, counted without Dagster, whose import takes a second and more: its SQLite file is opened read-only."""

import contextlib
import hashlib
import importlib.metadata
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from ats_assets.errors import AtsError
from ats_assets.orchestration.dagster_home import INSTANCE_FILE
from ats_assets.runs.known_facts import KnownFacts
from ats_assets.runs.startup import open_instance
from ats_assets.storage.processes import PROCESS, is_alive

IN_PROGRESS = ("STARTING", "STARTED", "CANCELING", "SUSPENDED")
"""The statuses of runs that have begun and not ended, as Dagster names them."""
STORAGE = {"module": "ats_assets.orchestration.instance", "class": "ProjectStorage"}
INSTANCE = "instance"
TEMPLATE = Path(__file__).parent / "new_deployment" / "templates" / INSTANCE_FILE
"""The settings that `ats init` writes, and that a checkout has."""


@dataclass(frozen=True, kw_only=True)
class RecordedRuns:
    """How many runs there are, and how many of them were left behind by killed processes of this machine."""

    recorded: int
    left: int


def recorded_runs(home: Path, facts: KnownFacts) -> RecordedRuns:
    """Count the runs of Dagster's home.

    Dagster opens its instance where these settings of it are not those that come with the package and have not been opened before, for it alone can say whether they are right, where they
    are not this project's storage, and where the file can't be read.

    Raises
    ------
    SettingsError
        If its settings are wrong.
    AtsError
        If the file is damaged.
    """
    fact = opened_instance(home)
    if _is_shipped(home / INSTANCE_FILE) or facts.get(INSTANCE, lambda: None) == fact:
        with contextlib.suppress(OSError, sqlite3.OperationalError, KeyError, TypeError, ValueError):
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


def _is_shipped(file: Path) -> bool:
    """Whether the settings are those that come with the package, which are known to be right."""
    return _without_comments(file) == _without_comments(TEMPLATE)


def _without_comments(file: Path) -> list[str]:
    """The lines of a file of settings, from which its first line, which says whose they are, is left out."""
    return [line for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if not line.startswith("#")]


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
    """The runs of a file; none where Dagster has not been opened yet, which makes it."""
    if not database.exists():
        return RecordedRuns(recorded=0, left=0)
    statuses = ", ".join("?" * len(IN_PROGRESS))
    select = f"SELECT t.value FROM runs r JOIN run_tags t USING (run_id) WHERE t.key = ? AND r.status IN ({statuses})"  # noqa: S608 - question marks
    with contextlib.closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
        try:
            (recorded,) = connection.execute("SELECT COUNT(*) FROM runs").fetchone()
            left = sum(is_alive(value) is False for (value,) in connection.execute(select, (PROCESS, *IN_PROGRESS)))
        except sqlite3.OperationalError:  # it is locked, or of a version that Dagster first has to bring up to date
            raise
        except sqlite3.DatabaseError as error:
            raise AtsError(
                f"{database} is damaged ({error}). Bring it back with ats restore, or move it away while nothing runs: Dagster makes an empty one, "
                f"which knows none of the runs so far. What is stored in the warehouse does not depend on it"
            ) from error
    return RecordedRuns(recorded=recorded, left=left)

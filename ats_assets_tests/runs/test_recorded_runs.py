"""What is read of Dagster's file of runs is what Dagster says of them."""

import shutil
import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from ats_assets.errors import AtsError, SettingsError
from ats_assets.runs import recorded_runs as module
from ats_assets.runs.abandoned import PROCESS, abandoned_runs, process_tag
from ats_assets.runs.known_facts import KnownFacts
from ats_assets.runs.recorded_runs import IN_PROGRESS, INSTANCE, RecordedRuns, opened_instance, recorded_runs
from ats_assets.runs.startup import open_instance
from ats_assets_tests.runs.test_abandoned import tag_of_a_dead_process
from ats_assets_tests.small_market import small_market


@pytest.fixture
def own_storage(home: Path) -> Path:
    """Dagster's home with the project's own settings of the instance."""
    shutil.copy(Path(__file__).resolve().parents[2] / "dagster.yaml", home / "dagster.yaml")
    return home


def test_the_statuses_are_those_of_dagster() -> None:
    assert {status.value for status in IN_PROGRESS_RUN_STATUSES} == set(IN_PROGRESS)


def test_runs_are_counted_as_dagster_counts_them(own_storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = KnownFacts(small_market(tmp_path))
    file = own_storage / "dagster.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("run_log_days: 90", "run_log_days: 91"), encoding="utf-8")  # not as it comes
    dead = tag_of_a_dead_process()
    with open_instance() as instance:
        for status in set(dg.DagsterRunStatus) - {dg.DagsterRunStatus.QUEUED}:  # such a run needs an origin
            for tag in (None, process_tag(), dead):
                instance.add_run(dg.DagsterRun(job_name="history", status=status, tags={PROCESS: tag} if tag else {}))
        expected = RecordedRuns(recorded=instance.get_runs_count(), left=len(list(abandoned_runs(instance))))
    assert expected.left == len(IN_PROGRESS)
    assert recorded_runs(own_storage, facts) == expected
    assert facts.get(INSTANCE, lambda: None) == opened_instance(own_storage)
    monkeypatch.setattr(module, "open_instance", pytest.fail)  # Dagster is not asked again
    assert recorded_runs(own_storage, facts) == expected


def test_settings_that_dagster_has_not_opened_and_files_that_cant_be_read_are_left_to_dagster(own_storage: Path, tmp_path: Path) -> None:
    facts = KnownFacts(small_market(tmp_path))
    with open_instance():
        pass
    assert recorded_runs(own_storage, facts) == RecordedRuns(recorded=0, left=0)
    file, written = own_storage / "dagster.yaml", (own_storage / "dagster.yaml").read_text(encoding="utf-8")
    file.write_text(written + "nonsense: 1\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="nonsense"):
        recorded_runs(own_storage, facts)
    file.write_text(written, encoding="utf-8")
    (database,) = own_storage.glob("data/dagster/history/runs.db")
    with sqlite3.connect(database) as connection:
        connection.execute("DROP TABLE run_tags")
    assert recorded_runs(own_storage, facts) == RecordedRuns(recorded=0, left=0)


def test_where_nothing_was_run_yet_nothing_is_made(own_storage: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings of the package are known to be right; to ask Dagster made its three databases."""
    monkeypatch.setattr(module, "open_instance", pytest.fail)
    assert recorded_runs(own_storage, KnownFacts(small_market(tmp_path))) == RecordedRuns(recorded=0, left=0)
    assert not (own_storage / "data" / "dagster").exists()


def test_a_damaged_file_is_told(own_storage: Path, tmp_path: Path) -> None:
    """It was a traceback of SQLAlchemy's."""
    database = own_storage / "data" / "dagster" / "history" / "runs.db"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"not a database" * 1000)
    with pytest.raises(AtsError, match=r"runs\.db is damaged \(file is not a database\)"):
        recorded_runs(own_storage, KnownFacts(small_market(tmp_path)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("storage:", "{ ["), "expected"),
        (("ProjectStorage", "NoStorage"), "Couldn't find class NoStorage"),
        (("ats_assets.orchestration.instance", "ats_assets.nowhere"), "ats_assets.nowhere"),
    ],
)
def test_settings_that_no_instance_can_be_made_of_are_told(own_storage: Path, change: tuple[str, str], said: str) -> None:
    """Each was a traceback, of every command that opens the instance."""
    file = own_storage / "dagster.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    with pytest.raises(SettingsError, match=said), open_instance():
        pytest.fail("it was opened")

"""What is stored holds no secret in its texts, and each key, id and date as it was, though a secret has the same letters."""

import json
import sqlite3
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import DagsterEvent, StepMaterializationData
from dagster._core.utils import make_new_run_id
from dagster._utils.error import SerializableErrorInfo, serializable_error_info_from_exc_info

from ats_assets.alerts import Alert, Alerts, Severity
from ats_assets.orchestration.event_log import BatchedSqliteEventLogStorage
from ats_assets.orchestration.instance import ProjectRunStorage, guard_documents
from ats_assets.secrecy import redacted_document, redacted_tags
from ats_assets.settings import AlertsSettings
from ats_assets_tests.execution.exchange import EVENING


@pytest.fixture
def cache_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret by its name and by its looks, which is the session's date as well; and one that is a partition's key."""
    monkeypatch.setenv("CACHE_KEY", "20240301")
    monkeypatch.setenv("DEPLOY_KEY", "2024-03-01")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "S3cretValueOfAlpaca")


def _failure(text: str) -> SerializableErrorInfo:
    try:
        raise ValueError(text) from KeyError(text)  # noqa: TRY301
    except ValueError as error:
        return serializable_error_info_from_exc_info((ValueError, error, error.__traceback__))  # pyright: ignore[reportArgumentType]


def _stored(folder: Path) -> str:
    texts = []
    for file in folder.rglob("*.db"):
        with sqlite3.connect(file) as database:
            for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
                texts += [str(row) for row in database.execute(f'select * from "{table}"')]
        database.close()
    return "\n".join(texts)


@pytest.mark.usefixtures("cache_key")
class TestDagster:
    def test_finds_its_partitions_again(self, tmp_path: Path) -> None:
        """The key of a partition became *** in its own event, and the partition was missing for good."""
        guard_documents()
        storage, run_id, key = BatchedSqliteEventLogStorage(str(tmp_path)), make_new_run_id(), dg.AssetKey(["bars", "20240301"])
        said = {
            "header": "Bearer S3cretValueOfAlpaca",
            "json": {"password": "hunter", "n": 1},
            "path": dg.MetadataValue.path("/d/20240301"),
        }
        made = dg.AssetMaterialization(
            key, partition="2024-03-01", description="S3cretValueOfAlpaca", metadata=said, tags={"v": "20240301"}
        )
        event = DagsterEvent(
            event_type_value="ASSET_MATERIALIZATION",
            job_name="job",
            step_key="bars__20240301",
            event_specific_data=StepMaterializationData(made),
            message="of S3cretValueOfAlpaca",
        )
        error = _failure("S3cretValueOfAlpaca is wrong")
        storage.store_event(
            dg.EventLogEntry(
                error_info=error,
                level=10,
                user_message="S3cretValueOfAlpaca",
                run_id=run_id,
                timestamp=1.5,
                step_key="bars__20240301",
                job_name="job",
                dagster_event=event,
            )
        )
        assert storage.get_materialized_partitions(key) == {"2024-03-01"}
        found = storage.get_latest_materialization_events([key])[key]
        assert found is not None
        again = found.asset_materialization
        assert again is not None
        assert (again.partition, again.asset_key, again.tags) == ("2024-03-01", key, {"v": "20240301"})
        assert found.step_key == "bars__20240301"
        assert (found.user_message, again.description) == ("***", "***")
        assert again.metadata["path"].value == "/d/20240301"
        assert again.metadata["json"].value == {"password": "***", "n": 1}
        assert found.error_info is not None
        assert found.error_info.message == "ValueError: *** is wrong\n"
        assert "S3cretValue" not in _stored(tmp_path)
        storage.dispose()

    def test_finds_its_runs_again(self, tmp_path: Path) -> None:
        storage, run_id = ProjectRunStorage.from_local(str(tmp_path)), make_new_run_id()
        tags = {"dagster/partition": "2024-03-01", "ats/process": "h:20240301:1", "asked": "with S3cretValueOfAlpaca", "password": "hunter"}
        storage.add_run(dg.DagsterRun(job_name="job", run_id=run_id, tags=tags))
        storage.add_run_tags(run_id, {"later": "S3cretValueOfAlpaca", "dagster/backfill": "20240301"})
        (run,) = storage.get_runs(dg.RunsFilter(tags={"dagster/partition": "2024-03-01", "dagster/backfill": "20240301"}))
        assert run.tags["ats/process"] == "h:20240301:1"
        assert (run.tags["asked"], run.tags["password"], run.tags["later"]) == ("with ***", "***", "***")
        assert "S3cretValue" not in _stored(tmp_path)

    def test_documents_without_a_secret_are_the_same(self) -> None:
        text = json.dumps({"__class__": "EventLogEntry", "user_message": "done", "run_id": "x"}, indent=3)
        assert redacted_document(text) is text
        assert redacted_document("no JSON, but S3cretValueOfAlpaca") == "no JSON, but ***"
        assert redacted_tags({"a": "b"}) == {"a": "b"}


@pytest.mark.usefixtures("cache_key")
def test_an_alert_is_known_again_though_its_key_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlalchemy import create_engine  # noqa: PLC0415

    url = f"sqlite:///{tmp_path / 'alerts.db'}"
    monkeypatch.setenv("DESK", "json://127.0.0.1:9/x")
    alerts = Alerts(AlertsSettings(routes={"DESK": "info"}), lambda: create_engine(url))
    for text in ("S3cretValueOfAlpaca 1", "S3cretValueOfAlpaca 2", "S3cretValueOfAlpaca 1"):
        sent = alerts.send(Alert(key=f"halt:{text}", severity=Severity.WARNING, title="t", text=text, at=EVENING))
    assert sent.repeated
    assert "S3cretValue" not in _stored(tmp_path)
    with sqlite3.connect(tmp_path / "alerts.db") as database:
        assert database.execute("select count(*) from alert_keys").fetchone() == (2,)
    database.close()

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from ats_assets.models.tracking import Fit, Tracking, begin_fit, empty_mlflow, log_fit, prepare_tracking
from ats_assets.settings import MlflowSettings
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.second_process import SecondProcessError, beside
from ats_assets_tests.models.fits import SESSION, fitted_lightgbm, small_training_set, written

pytestmark = pytest.mark.slow  # MLflow takes seconds to import and to make the tables of a new database
TIMES = {"started": 1_700_000_000_000, "ended": 1_700_000_001_000}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data") / "new"


@pytest.fixture(scope="module")
def tracking(data: Path) -> Tracking:
    return Tracking(MlflowSettings(), data)


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_fits_of_one_process_are_runs_of_their_own(tracking: Tracking, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fitted = fitted_lightgbm()
    store = ModelStore(tmp_path, "lightgbm_model")
    record = written(store, SESSION, fitted, small_training_set(), {"data": "da7a"})
    ids = []
    for dagster_run in ("r1", "r2"):
        told = {"partition": str(SESSION), "dagster_run_id": dagster_run, "record": record, "content": fitted.content}
        ids.append(tracking.log(Fit(asset="lightgbm_model", **told, **TIMES)))
    assert ids[0] != ids[1]
    client = tracking.client()
    logged = client.get_run(ids[1])
    assert (logged.info.status, logged.info.start_time, logged.info.end_time) == ("FINISHED", TIMES["started"], TIMES["ended"])
    assert {k: logged.data.tags[k] for k in ("asset", "partition", "dagster_run_id", "version.data")} == {
        "asset": "lightgbm_model",
        "partition": str(SESSION),
        "dagster_run_id": "r2",
        "version.data": "da7a",
    }
    assert logged.data.params["num_leaves"] == "31"
    assert record.validation is not None
    history = client.get_metric_history(ids[1], "validation_rank_ic")
    assert [(m.step, m.value) for m in history] == list(enumerate(record.validation.by_session.values()))
    assert logged.data.metrics["validation_rank_ic_mean"] == record.validation.rank_ic
    assert {file.path for file in client.list_artifacts(ids[1])} == {"model.txt", "model.json", "importance.svg", "MLmodel"}
    assert Path(client.download_artifacts(ids[1], "importance.svg", str(tmp_path))).read_text().startswith("<svg")
    assert Path(client.download_artifacts(ids[1], "model.txt", str(tmp_path))).read_bytes() == fitted.content
    assert not [entry for entry in caplog.records if entry.name.startswith(("alembic", "mlflow")) and entry.levelno < logging.WARNING]


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_a_fit_that_failed_is_a_failed_run_and_a_second_process_logs_the_same(tracking: Tracking, data: Path) -> None:
    failed = Fit(asset="lightgbm_model", partition="2020-01-02", status="FAILED", error="ValueError: no such leaf", **TIMES)
    beside(prepare_tracking, MlflowSettings(), data).result()
    run_id = beside(log_fit, MlflowSettings(), data, failed).result()
    logged = tracking.client().get_run(run_id)
    assert (logged.info.status, logged.data.tags["error"]) == ("FAILED", "ValueError: no such leaf")


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_a_run_that_is_begun_is_the_one_that_is_logged_and_another_fit_gets_its_own(tracking: Tracking, data: Path) -> None:
    settings, fits = MlflowSettings(), [Fit(asset="lightgbm_model", partition=day, **TIMES) for day in ("2021-02-01", "2021-02-02")]
    begun = [beside(begin_fit, settings, data, fit) for fit in fits]
    pages = [one.result() for one in begun]
    assert [tracking.client().get_run(page).info.status for page in pages] == ["RUNNING"] * 2
    logged = [beside(log_fit, settings, data, fit).result() for fit in fits[::-1]]
    assert logged == pages[::-1]
    assert beside(log_fit, settings, data, fits[0]).result() not in pages
    ends = [tracking.client().get_run(page).info for page in pages]
    assert [(one.status, one.start_time, one.end_time) for one in ends] == [("FINISHED", TIMES["started"], TIMES["ended"])] * 2


def test_what_can_not_be_logged_is_told_by_the_second_process(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    fit = Fit(asset="lightgbm_model", partition="2020-01-02", **TIMES)
    with pytest.raises(SecondProcessError, match="FileExistsError"):
        beside(log_fit, MlflowSettings(), tmp_path / "file", fit).result()


def tables(file: Path) -> dict[str, Any]:
    """All that SQLite has made in a database, in whichever order MLflow asked for the indexes and constraints of a table, and the rows."""
    with closing(sqlite3.connect(file)) as database:
        made = database.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
        found: dict[str, Any] = {
            "made": {(kind, name, tuple(sorted(line.strip(" \t,") for line in (sql or "").splitlines()))) for kind, name, sql in made}
        }
        for kind, name, _ in made:
            if kind == "table":
                found[name] = database.execute(f'SELECT * FROM "{name}"').fetchall()
    return found


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_a_new_database_has_all_tables_and_rows_that_mlflow_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose migrations are paid once for each version: the experiment without a name is of the folder that a process works in, and so is none of the file that is copied."""
    empty_mlflow().content()
    monkeypatch.chdir(tmp_path)
    ours, stock = Tracking(MlflowSettings(), tmp_path / "ours"), Tracking(MlflowSettings(), tmp_path / "stock")
    (tmp_path / "stock").mkdir()
    found = []
    for one, client in ((ours, ours.client()), (stock, MlflowClient(tracking_uri=stock.uri))):
        assert one.experiment_id(client) == "1"
        found.append(tables(Path(one.uri.removeprefix("sqlite:///"))))
    experiments = [database.pop("experiments") for database in found]
    assert found[0] == found[1]
    assert len(found[0]) > 50
    for rows, folder in zip(experiments, ("ours", "stock"), strict=True):
        places = [(row[1], row[2]) for row in rows]
        assert places == [("Default", f"{tmp_path}/mlruns/0"), ("ats-assets", (tmp_path / folder / "mlartifacts").as_uri())]


def test_where_it_logs_to(tmp_path: Path) -> None:
    assert Tracking(MlflowSettings(), tmp_path).uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert Tracking(MlflowSettings(tracking_uri="http://tracking:5000"), tmp_path).uri == "http://tracking:5000"

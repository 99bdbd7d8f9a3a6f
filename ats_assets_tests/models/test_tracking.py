import logging
from pathlib import Path

import pytest

from ats_assets.models.tracking import Tracking
from ats_assets.settings import MlflowSettings
from ats_assets.storage.artefacts import ModelStore
from ats_assets_tests.models.fits import SESSION, fitted_lightgbm, small_training_set, written

pytestmark = pytest.mark.slow  # MLflow takes seconds to import and to make the tables of a new database


@pytest.fixture(scope="module")
def tracking(tmp_path_factory: pytest.TempPathFactory) -> Tracking:
    return Tracking(MlflowSettings(), tmp_path_factory.mktemp("data") / "new")


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_fits_of_one_process_are_runs_of_their_own(tracking: Tracking, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fitted = fitted_lightgbm()
    store = ModelStore(tmp_path, "lightgbm_model")
    record = written(store, SESSION, fitted, small_training_set(), {"data": "da7a"})
    ids = []
    for dagster_run in ("r1", "r2"):
        with tracking.run(asset="lightgbm_model", partition=str(SESSION), dagster_run_id=dagster_run) as run:
            run.log_model(record, fitted.content)
        ids.append(run.run_id)
    assert ids[0] != ids[1]
    logged = run.client.get_run(run.run_id)
    assert logged.info.status == "FINISHED"
    assert {k: logged.data.tags[k] for k in ("asset", "partition", "dagster_run_id", "version.data")} == {
        "asset": "lightgbm_model",
        "partition": str(SESSION),
        "dagster_run_id": "r2",
        "version.data": "da7a",
    }
    assert logged.data.params["num_leaves"] == "31"
    assert record.validation is not None
    history = run.client.get_metric_history(run.run_id, "validation_rank_ic")
    assert [(m.step, m.value) for m in history] == list(enumerate(record.validation.by_session.values()))
    assert logged.data.metrics["validation_rank_ic_mean"] == record.validation.rank_ic
    assert {file.path for file in run.client.list_artifacts(run.run_id)} == {"model.txt", "model.json", "importance.png"}
    picture = Path(run.client.download_artifacts(run.run_id, "importance.png", str(tmp_path)))
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not [entry for entry in caplog.records if entry.name.startswith(("alembic", "mlflow")) and entry.levelno < logging.WARNING]


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_a_run_that_raises_is_failed_and_the_error_goes_on(tracking: Tracking) -> None:
    with pytest.raises(ValueError, match="no such leaf"), tracking.run(asset="lightgbm_model", partition="2020-01-02") as run:
        raise ValueError("no such leaf")
    logged = run.client.get_run(run.run_id)
    assert logged.info.status == "FAILED"
    assert logged.data.tags["error"] == "ValueError: no such leaf"
    with pytest.raises(KeyboardInterrupt), tracking.run(asset="lightgbm_model", partition="2020-01-02") as run:
        raise KeyboardInterrupt
    assert run.client.get_run(run.run_id).info.status == "KILLED"


def test_where_it_logs_to(tmp_path: Path) -> None:
    assert Tracking(MlflowSettings(), tmp_path).uri == f"sqlite:///{tmp_path}/mlflow.db"
    assert Tracking(MlflowSettings(tracking_uri="http://tracking:5000"), tmp_path).uri == "http://tracking:5000"

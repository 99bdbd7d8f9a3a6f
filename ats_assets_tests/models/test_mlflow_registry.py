"""MLflow's registry follows the champion: its aliases are on the versions of the fits that are active, with the reasons in their tags."""

from dataclasses import replace
from pathlib import Path

import pytest

from ats_assets.models.mlflow_registry import Standing, register_standings
from ats_assets.models.tracking import Fit, Tracking
from ats_assets.settings import MlflowSettings
from ats_assets.storage.artefacts import ModelStore
from ats_assets_tests.models.fits import SESSION, fitted_lightgbm, small_training_set, written

pytestmark = pytest.mark.slow  # MLflow takes seconds to import and to make the tables of a new database


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_aliases_follow_the_champion_and_a_fit_is_one_version(tmp_path: Path) -> None:
    settings, data, fitted = MlflowSettings(), tmp_path / "data", fitted_lightgbm()
    tracking, standings = Tracking(settings, data), []
    for alias, name in (("champion", "one"), ("challenger", "two")):
        record = written(ModelStore(tmp_path, f"{name}_model"), SESSION, fitted, small_training_set(), {})
        how = {"partition": str(SESSION), "record": record, "content": fitted.content, "started": 1, "ended": 2}
        tracking.log(Fit(asset=f"{name}_model", **how))
        standings.append(
            Standing(alias=alias, model=name, session=SESSION, why=f"{name} is {alias}", fitted_session=SESSION, sha256=record.model_sha256)
        )
    first = register_standings(settings, data, "ats-assets", standings)
    client = tracking.client()
    champion = client.get_model_version_by_alias("ats-assets", "champion")
    assert {key: champion.tags[key] for key in ("model", "why", "standing", "fitted_session")} == {
        "model": "one",
        "why": "one is champion",
        "standing": "champion",
        "fitted_session": str(SESSION),
    }
    assert "sha256" in champion.tags
    swapped = [replace(standings[0], alias="challenger", why="beaten"), replace(standings[1], alias="champion", why="promoted by ann")]
    assert register_standings(settings, data, "ats-assets", swapped) == {"champion": first["challenger"], "challenger": first["champion"]}
    assert client.get_model_version_by_alias("ats-assets", "champion").tags["why"] == "promoted by ann"
    assert len(client.search_model_versions("name = 'ats-assets'")) == 2
    unlogged = replace(standings[0], sha256="0" * 64, model="three")
    assert register_standings(settings, data, "ats-assets", [unlogged, replace(swapped[0], fitted_session=None)]) == {}
    assert client.get_registered_model("ats-assets").aliases == {}


@pytest.mark.filterwarnings("ignore:.*noload.*")
def test_a_logged_model_has_its_signature_as_mlflow_reads_it(tmp_path: Path) -> None:
    from mlflow.models import Model  # noqa: PLC0415 - takes seconds

    fitted, tracking = fitted_lightgbm(), Tracking(MlflowSettings(), tmp_path / "data")
    record = written(ModelStore(tmp_path, "one_model"), SESSION, fitted, small_training_set(), {})
    run = tracking.log(Fit(asset="one_model", partition=str(SESSION), record=record, content=fitted.content, started=1, ended=2))
    read = Model.load(tracking.client().download_artifacts(run, "MLmodel", str(tmp_path)))
    assert read.signature is not None
    assert read.signature.inputs.input_names() == list(record.features)
    assert read.signature.outputs.input_names() == ["score"]

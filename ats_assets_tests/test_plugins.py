"""Additions are found by name, from the package, a user's folder and entry points; every mistake is told in the words of the settings."""

from pathlib import Path

import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.plugins import LEARNERS
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

RIDGE = '''"""Ridge regression on the features, missing ones at zero."""

import json

import numpy as np
from pydantic import Field

from ats_assets.models.learner import Fitted
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class RidgeSettings(Section):
    penalty: float = Field(default=10.0, gt=0)


class Ridge:
    file, library = "model.json.txt", "numpy"

    def __init__(self, settings, weights=None):
        self.settings, self.weights = settings, weights

    def fit(self, data, *, threads=1):
        x, names = np.nan_to_num(data.train.x.astype(float)), data.features
        scale = x.std(axis=0) + 1e-9
        z = x / scale
        beta = np.linalg.solve(z.T @ z + self.settings.penalty * np.eye(len(names)), z.T @ data.train.y) / scale
        content = json.dumps(beta.tolist()).encode()
        looked_at = dict(zip(names, np.abs(beta * scale).tolist()))
        return Fitted(content=content, scores=self.load(content).predict(data.validation.x), rounds=1, importance=looked_at)

    def load(self, content):
        return Ridge(self.settings, np.array(json.loads(content)))

    def predict(self, x, *, threads=1):
        return (np.nan_to_num(x.astype(float)) * self.weights).sum(axis=1)


PLUGIN = Plugin(settings=RidgeSettings, make=Ridge)
'''
"""A model of one's own."""


def own(root: Path, name: str = "shrinkage", text: str = RIDGE) -> Path:
    """A folder of additions."""
    file = root / "plugins" / "learners" / f"{name}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return root / "plugins"


def market(root: Path, **values: object) -> Deployment:
    training = {**EARLY_MODELS["training"], "families": ("trend",)}
    return small_market(
        root, models={"shrinkage": dict(values)}, plugins={"folder": own(root)}, training=training, features={"families": ()}
    )


def test_a_model_of_ones_own_is_one_file_of_at_most_forty_lines(tmp_path: Path) -> None:
    assert len(RIDGE.splitlines()) <= 40
    deployment = market(tmp_path, penalty=5.0)
    last = deployment.calendar.offset(FIRST, 20)
    assert make_history(deployment, FIRST, last).success
    record = deployment.model_store("shrinkage_model").active(last)
    assert (record.learner, record.file, record.status) == ("shrinkage", "model.json.txt", "fitted")
    assert deployment.warehouse.read("signals", [last]).height == 10
    assert "lightgbm_model" not in {spec.key.path[-1] for spec in build(deployment).resolve_all_asset_specs()}


def test_an_edit_of_ones_own_model_changes_its_code_version(tmp_path: Path) -> None:
    versions = set()
    for name, text in (("a", RIDGE), ("b", RIDGE.replace("1e-9", "1e-6")), ("c", RIDGE.replace('"""Ridge', '"""A ridge'))):
        root = tmp_path / name
        own(root, text=text)
        deployment = small_market(root, models={"shrinkage": {}}, plugins={"folder": root / "plugins"})
        specs = {spec.key.path[-1]: spec for spec in build(deployment).resolve_all_asset_specs()}
        versions.add(specs["shrinkage_model"].code_version)
        versions.add(specs["predictions"].code_version)
    assert len(versions) == 4  # a comment changes nothing


def test_an_unknown_name_lists_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(
        SettingsError,
        match=r"models\.forrest is 'forrest', which is no model: choose one of .*lightgbm, .*random_forest, .*shrinkage, .*xgboost",
    ):
        LEARNERS.find("forrest", own(tmp_path), "models.forrest")


def test_a_wrong_setting_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"\[models\.shrinkage\] has 2 wrong settings: .*penalty.*It knows penalty"):
        LEARNERS.made("shrinkage", {"penalty": -1, "penal": 1}, own(tmp_path), "models.shrinkage")


def test_a_name_that_two_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"of which there are 2: ats_assets\.models\.learners\.lightgbm, .*Give your own another name"):
        LEARNERS.find("lightgbm", own(tmp_path, "lightgbm"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = 1\n", "holds no object PLUGIN"),
        ("import no_such_library\n", "can't be imported: No module named 'no_such_library'"),
        (
            RIDGE.replace("make=Ridge)", 'make=Ridge, needs=("no_such_library", "torch"))'),
            r"needs no_such_library.*pip install 'ats-assets\[torch\]'",
        ),
    ],
)
def test_a_module_that_is_none_says_why(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        LEARNERS.find("shrinkage", own(tmp_path, text=text))


def test_an_entry_point_of_another_distribution_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.py").write_text(RIDGE, encoding="utf-8")
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text("[ats_assets.learners]\nshrinkage = other\n", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert "shrinkage" in LEARNERS.names()
    assert LEARNERS.made("shrinkage", {"penalty": 2}).settings.penalty == 2

"""examples/experiments: each file can be read, and each variant is what it says."""

import shutil
from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.models.choosing import models
from ats_assets.risk.choosing import risk_rules
from ats_assets.runs.experiments.variant_settings import base_settings, write_variant
from ats_assets.settings import Settings, load_settings
from ats_assets.settings.experiment_file import read_experiment

EXAMPLES = Path(__file__).parents[2] / "examples" / "experiments"
FILES = sorted(EXAMPLES.glob("*/*.toml"))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy, in which variants may be written."""
    return shutil.copytree(EXAMPLES, tmp_path / "experiments", ignore=shutil.ignore_patterns("runs"))


def variants(file: Path) -> dict[str, Settings]:
    experiment = read_experiment(file)
    base = base_settings(experiment)
    return {one.name: write_variant(experiment, base, one) for one in experiment.variants}


@pytest.mark.parametrize(
    "file", [file for file in FILES if file.parent.name != "experiment"], ids=lambda file: f"{file.parent.name}/{file.stem}"
)
def test_a_file_of_a_group_is_a_settings_file(file: Path) -> None:
    deployment = Deployment(load_settings(file))
    assert deployment.of(models)
    assert deployment.of(risk_rules)


def test_horizons_are_swept_over_with_names_held(copied: Path) -> None:
    found = variants(copied / "experiment" / "horizons.toml")
    assert {name: (one.training.horizon_sessions, one.portfolio.top_k) for name, one in found.items()} == {
        f"horizon_sessions={horizon},top_k={k}": (horizon, k) for horizon in (1, 5, 20) for k in (10, 20)
    }
    assert len({one.storage.warehouse for one in found.values()}) == 6
    assert {one.storage.data for one in found.values()} == {copied / "runs" / "data"}
    assert {one.mlflow.experiment for one in found.values()} == {"ats-assets/horizons"}


def test_each_variant_has_the_models_of_its_file(copied: Path) -> None:
    found = variants(copied / "experiment" / "models.toml")
    assert {name: one.models for name, one in found.items()} == {
        "lightgbm": {"lightgbm": {}},
        "lightgbm_shallow": {"lightgbm": {"num_leaves": 7}},
        "random_forest": {"random_forest": {"trees": 60}},
    }


def test_a_variant_s_own_values_win_over_its_files(copied: Path) -> None:
    found = variants(copied / "experiment" / "risk.toml")
    targets = {name: one.risk.get("volatility_target", {}).get("target_volatility") for name, one in found.items()}
    assert targets == {"as_it_is": None, "volatility_target": 0.10, "calm": 0.06}
    assert found["calm"].portfolio.max_weight == 0.15

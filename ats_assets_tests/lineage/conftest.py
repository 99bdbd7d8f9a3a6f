"""One small market with everything made, and copies of it to change."""

import shutil
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ats_assets.automation.lineage_rules import rules_of
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.lineage.healing import Healing
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.runs.runner import Runner
from ats_assets.runs.stale_partitions import heal_all
from ats_assets_tests.sharing import made_once
from ats_assets_tests.small_market import FIRST, forget_announcements, make_history, run_job, small_market

LAST = date(2021, 3, 31)
"""The 60th session: two models are fitted from the 37th on, and carried between."""
SETTINGS: dict[str, Any] = {
    "models": {"lightgbm": {"min_data_in_leaf": 5, "min_rounds": 1, "max_rounds": 4}},
    "training": {
        "train_sessions": 12,
        "validation_sessions": 3,
        "min_train_sessions": 4,
        "horizon_sessions": 1,
        "embargo_sessions": 1,
        "refit": "weekly",
        "families": ("trend",),
        "threads": 1,
    },
    "features": {"families": ()},
    "labels": {"horizons_sessions": (1,)},
    "strategies": {"model_scores": {"calibration_sessions": 8, "min_calibration_rows": 20}},
}


def market(root: Path, **changes: Any) -> Deployment:
    """The market of these tests under `root`."""
    return small_market(root, last_session=LAST, **{**SETTINGS, **changes})


def healing_of(deployment: Deployment, delivered: Mapping[str, str] | None = None) -> Healing:
    """What is stale in a deployment."""
    return Healing(deployment, rules_of(deployment, build(deployment).resolve_asset_graph()), delivered)


def heal(deployment: Deployment, delivered: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Heal a deployment as `ats stale --heal` does, and return what was rebuilt."""
    with listed_instance() as instance:
        runner = Runner(deployment, build(deployment), instance)
        made, messages = heal_all(healing_of(deployment, delivered), runner, 126)
    assert messages == []
    return made


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of a market with everything made; not to be changed."""

    def make(root: Path) -> None:
        deployment = market(root)
        make_history(deployment, FIRST, LAST)
        run_job(deployment, "backtest_reports")
        forget_announcements(root)

    return made_once(tmp_path_factory, "lineage", make)


@pytest.fixture
def changed(whole: Path, tmp_path: Path) -> Callable[..., Deployment]:
    """A copy of the whole market, under other settings if they are given."""

    def copy(**changes: Any) -> Deployment:
        shutil.copytree(whole, tmp_path / "copy")
        return market(tmp_path / "copy", **changes)

    return copy

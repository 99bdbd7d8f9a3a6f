"""A small market with two models, one of which a person promotes and another person takes back, made once for all tests."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.promotions import PromotionDecision, journal_of
from ats_assets_tests.sharing import made_once
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

MODELS = {**EARLY_MODELS["models"], "forest": {"kind": "random_forest", "trees": 3, "min_samples_leaf": 5}}
CHANGES = {
    **EARLY_MODELS,
    "models": MODELS,
    "champion": {"rule": "challenge", "paired_sessions": 60, "memory_sessions": 15, "hold_sessions": 5, "tries_sessions": 5},
}
LAST = date(2021, 3, 10)


def titled_market(root: Path) -> Deployment:
    """The deployment under `root`, with nothing decided."""
    return small_market(root, **CHANGES)


def decide(deployment: Deployment) -> None:
    """Forest from 17 February on, lightgbm again from 3 March on."""
    journal = deployment.of(journal_of)
    at = datetime(2021, 2, 17, 12, tzinfo=UTC)
    journal.add(PromotionDecision(action="promote", model="forest", who="ann", reason="more trees", known_at=at))
    journal.add(
        PromotionDecision(action="rollback", model="lightgbm", who="bob", reason="fewer trees", known_at=at.replace(month=3, day=3))
    )


def made_market(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    """The history up to `LAST`, made in one go; not to be changed."""

    def make(root: Path) -> None:
        deployment = titled_market(root)
        decide(deployment)
        assert make_history(deployment, FIRST, LAST).success

    own = tmp_path_factory.getbasetemp()
    if own not in _MADE:
        _MADE[own] = titled_market(made_once(tmp_path_factory, "titles", make))
    return _MADE[own]


_MADE: dict[Path, Deployment] = {}
"""By the folder of this process's tests."""

"""A score as the sum of what its features added, of a market with two models whose champion is traded."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.models import models
from ats_assets.predictions.score_explanation import explain_score
from ats_assets_tests.sharing import made_once
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market

TWO = {
    "models": {"forest": {"kind": "random_forest", "trees": 3, "min_samples_leaf": 2, "max_samples": 1.0}, **EARLY_MODELS["models"]},
    "training": EARLY_MODELS["training"],
    "champion": {"rule": "fixed"},
}


def two_models(root: Path, **changes: object) -> Deployment:
    return small_market(root, last_session=LAST, **{**TWO, **changes})  # pyright: ignore[reportArgumentType]


LAST = small_market(Path()).calendar.sessions(FIRST, FIRST.replace(month=6))[19]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "scores", lambda folder: make_history(two_models(folder), FIRST, LAST))


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Deployment:
    """One to change."""
    shutil.copytree(root, tmp_path / "copy")
    return two_models(tmp_path / "copy")


@pytest.mark.parametrize("champion", ["forest", "lightgbm"])
def test_base_and_contributions_are_the_score_of_each_symbol(copy: Deployment, champion: str) -> None:
    deployment = copy
    scores = deployment.warehouse.read(f"{champion}_predictions", [LAST])
    assert scores.height > 5
    rows = deployment.warehouse.read("champion", [LAST])
    assert rows.filter("is_champion")["model"].to_list() == ["forest"]  # the first, since the rule is fixed
    deployment.warehouse.write("champion", LAST, rows.with_columns(is_champion=pl.col("model") == champion))
    deployment.warehouse.write("predictions", LAST, scores)
    both = deployment.warehouse.read("alpha158", [LAST]).hstack(deployment.warehouse.read("trend", [LAST]).drop("symbol", "session"))
    values = both.join(deployment.warehouse.read("universe", [LAST]), on="symbol", how="semi")
    for symbol, score in scores.select("symbol", "score").iter_rows():
        told = explain_score(deployment, symbol, LAST)
        assert told is not None
        assert (told.model, told.score, told.note) == (f"{champion}_model", score, "")
        assert told.base is not None
        assert told.base + sum(one.contribution for one in told.contributions) == pytest.approx(score, abs=1e-12)
        sizes = [abs(one.contribution) for one in told.contributions]
        assert len(sizes) == both.width - 2 > 158
        assert sizes == sorted(sizes, reverse=True)
        for one in told.contributions[:5]:
            column = values[one.feature].to_numpy()
            own = values.filter(symbol=symbol)[one.feature][0]
            assert one.value == (None if np.isnan(own) else own)
            there = column[~np.isnan(column)]
            expected = ((there < own).sum() + ((there == own).sum() + 1) / 2) / len(there)
            assert one.percentile == (None if np.isnan(own) else pytest.approx(expected))


def test_other_features_than_those_of_the_score_are_said(copy: Deployment) -> None:
    stored = copy.warehouse.read("alpha158", [LAST])
    scores = copy.warehouse.read("predictions", [LAST])
    copy.warehouse.write("alpha158", LAST, stored.with_columns(pl.exclude("symbol", "session") * 0))
    told = [explain_score(copy, symbol, LAST) for symbol in scores["symbol"]]
    notes = {one.note for one in told if one is not None}
    assert any("so the stored score was made from another model or other features than are stored now: ats stale" in note for note in notes)


def test_what_is_missing_is_said_beside_the_score(copy: Deployment) -> None:
    shutil.rmtree(copy.warehouse.folder("alpha158", LAST))
    told = explain_score(copy, copy.warehouse.read("predictions", [LAST])["symbol"][0], LAST)
    assert told is not None
    assert told.note.startswith(f"no contributions: alpha158 has no partition for {LAST}")
    assert told.contributions == ()


def test_a_model_that_does_not_say_it_has_none(root: Path) -> None:
    class Mute:
        """A model that predicts and says no more."""

        def __init__(self, scorer: object) -> None:
            self.predict = scorer.predict  # pyright: ignore[reportAttributeAccessIssue]

    class Learner:
        def load(self, content: bytes) -> Mute:
            return Mute(known.learner.load(content))

    deployment = two_models(root)
    traded = deployment.warehouse.read("champion", [LAST]).filter("is_champion")["model"][0]
    known = deployment.of(models)[f"{traded}_model"]
    symbol = deployment.warehouse.read("predictions", [LAST])["symbol"][0]
    mute = {**deployment.of(models), f"{traded}_model": replace(known, learner=Learner())}  # pyright: ignore[reportArgumentType]
    silent = two_models(root)
    silent._made[models] = MappingProxyType(mute)
    told = explain_score(silent, symbol, LAST)
    assert told is not None
    assert told.note == f"no contributions: a model of the kind {known.kind} does not say which features made a score"
    assert (told.base, told.contributions) == (None, ())
    assert explain_score(deployment, "NOBODY", LAST) is None
    assert explain_score(deployment, symbol, FIRST) is None

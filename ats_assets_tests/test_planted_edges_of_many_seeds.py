"""The verdict over many markets: an edge of IC 0.05 is found in at least 95 of 100, none is found where there is none, nor where outcomes are dealt out anew.

The chain is the product's own from bars to the verdict (expressions, forward returns, training windows, LightGBM, out-of-sample scores, skill), called as functions: a market takes a second, not the
quarter of a minute that the whole graph takes (`test_planted_edge`).
"""

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.evaluation import SkillSummary, skill, skill_summary
from ats_assets.expressions import compute
from ats_assets.labels import labels, labels_known_at, learnt_label
from ats_assets.models import Fitted, Model, fit, is_refit_session, models, training_set, training_window
from ats_assets.plugins import LEARNERS
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets_tests.rounds import FULL, rounds
from ats_assets_tests.small_market import FIRST, small_market

LAST, HORIZON, SYMBOLS = date(2022, 2, 28), 5, 160
SEEDS = rounds(2, 100)
LEAST = 0.95
LEARNER = {"num_leaves": 7, "min_data_in_leaf": 200, "min_rounds": 10, "max_rounds": 60}
FEATURES = {
    "KLOW2": "(Less($open, $close) - $low) / ($high - $low + 1e-12)",
    "KUP2": "($high - Greater($open, $close)) / ($high - $low + 1e-12)",
    "ROC10": "Ref($close, 10) / $close",
    "VOL5": "Mean($volume, 5) / ($volume + 1e-12)",
}


@lru_cache(maxsize=2)
def world(root: str, seed: int, ic: float) -> tuple[Deployment, pl.DataFrame, pl.DataFrame]:
    """A market, its features, and the forward returns over the model's horizon."""
    synthetic = {
        "symbols": SYMBOLS,
        "first_session": FIRST,
        "last_session": LAST,
        "planted_ic": ic,
        "seed": seed,
        "defective_share": 0.0,
        "splits_per_year": 0.0,
    }
    training = {
        "families": ("alpha158",),
        "horizon_sessions": HORIZON,
        "train_sessions": 120,
        "validation_sessions": 15,
        "min_train_sessions": 45,
        "embargo_sessions": 1,
    }
    deployment = small_market(
        Path(root),
        models={"lightgbm": LEARNER},
        source={"kind": "synthetic", "synthetic": synthetic},
        labels={"horizons_sessions": (HORIZON,)},
        training=training | {"refit": "monthly"},
    )
    days = deployment.calendar.sessions(FIRST, LAST)
    raw = deployment.source.bars(days)
    bars = raw.filter(pl.col("volume") > 0).unique(["symbol", "session"], keep="first").sort("symbol", "session")
    features = compute(bars, FEATURES, sessions=days)
    frames = {"bars": bars, "corporate_actions": CORPORATE_ACTIONS_SCHEMA.to_frame()}
    returns = labels_known_at(deployment.of(labels)["forward_returns"], frames, days, days, adjust="none")
    return deployment, features.sort("session", "symbol"), returns


def verdict(root: str, seed: int, ic: float, *, dealt_anew: bool = False, model: Model | None = None) -> str:
    """What the skill summary says of scores that are all out of sample, of LightGBM or another model."""
    return summary(root, seed, ic, dealt_anew=dealt_anew, model=model).verdict


def summary(root: str, seed: int, ic: float, *, dealt_anew: bool = False, model: Model | None = None) -> SkillSummary:
    """The skill of scores that are all out of sample."""
    deployment, features, returns = world(root, seed, ic)
    if dealt_anew:
        order = returns.with_columns(order=pl.Series(np.random.default_rng(seed).random(returns.height)))
        returns = order.with_columns(forward_return=pl.col("forward_return").sort_by("order").over("decision_session")).drop("order")
    settings, learnt, calendar = deployment.settings.training, deployment.of(learnt_label), deployment.calendar
    (usual,), keys = deployment.of(models).values(), features.select("symbol", "session")
    model = model or usual
    outcomes, days = learnt.outcomes(returns), calendar.sessions(FIRST, LAST)
    scored, scorer, fitted = [], None, FIRST
    for day in days:
        of_day = features.filter(session=day)
        if scorer is not None and of_day.height:
            scores = scorer.predict(of_day.drop("symbol", "session").to_numpy().astype(np.float32))
            scored.append(of_day.select("symbol", "session", model_session=pl.lit(fitted), score=pl.Series(scores)))
        if is_refit_session(calendar, day, settings.refit):
            window = training_window(calendar, day, settings, learnt.known_after)
            known = outcomes.filter((pl.col("session") <= day) & (pl.col("session") >= FIRST))
            found = fit(model, training_set(features, known, keys, window, settings), settings)
            if isinstance(found, Fitted):
                scorer, fitted = model.learner.load(found.content), day
    predictions = pl.concat(scored).select(name for name in PREDICTIONS_SCHEMA if name in scored[0].columns)
    return skill_summary(skill(predictions, returns, days), HORIZON)


OF_OTHERS = rounds(1, 100)
"""Seeds of every other learner: on a market that is there already, its fits take two seconds."""

BOOSTED = {"min_rounds": 10, "max_rounds": 60}
OTHERS: dict[str, tuple[str, dict[str, Any]]] = {
    "lightgbm for classes": ("lightgbm", LEARNER | {"objective": "classification"}),
    "lightgbm for order": ("lightgbm", LEARNER | {"objective": "lambdarank"}),
    "lightgbm for the median": ("lightgbm", LEARNER | {"objective": "quantile"}),
    "lightgbm for profit": ("lightgbm", LEARNER | {"objective": "dollar_profit"}),
    "xgboost": ("xgboost", BOOSTED | {"max_depth": 3}),
    "xgboost for classes": ("xgboost", BOOSTED | {"max_depth": 3, "min_child_weight": 50, "objective": "classification"}),
    "xgboost for order": ("xgboost", BOOSTED | {"max_depth": 3, "min_child_weight": 5, "objective": "lambdarank"}),
    "xgboost for the median": ("xgboost", BOOSTED | {"max_depth": 3, "objective": "quantile"}),
    "xgboost for profit": ("xgboost", BOOSTED | {"max_depth": 3, "objective": "dollar_profit"}),
    "random forest": ("random_forest", {"trees": 30, "max_depth": 5}),
    "extra trees": ("extra_trees", {"trees": 30, "max_depth": 5, "max_features": 1.0}),
    "ridge": ("ridge", {}),
    "ridge for profit": ("ridge", {"objective": "dollar_profit"}),
    "elastic net": ("elastic_net", {}),
    "logistic": ("logistic", {}),
    "qlib's LightGBM": ("qlib_zoo", {"model": "LGB", "options": {"num_leaves": 7, "min_data_in_leaf": 200, "learning_rate": 0.05}}),
    "qlib's linear model": ("qlib_zoo", {"model": "Linear", "options": {"estimator": "ridge", "alpha": 1000.0}}),
}
ALWAYS = ("lightgbm for profit", "xgboost", "random forest", "extra trees", "ridge", "elastic net", "logistic")
"""Each learner once, and profit; the rest with `dev.py test --full`."""


@pytest.mark.timeout(600 if OF_OTHERS < 10 else 3600)
@pytest.mark.parametrize(("ic", "expected"), [(0.05, "edge"), (0.0, "no edge")])
@pytest.mark.parametrize("name", OTHERS if FULL else ALWAYS)
def test_every_other_learner_says_so_too(tmp_path_factory: pytest.TempPathFactory, name: str, ic: float, expected: str) -> None:
    root = str(tmp_path_factory.getbasetemp() / "many_seeds")
    kind, settings = OTHERS[name]
    learner = LEARNERS.made(kind, settings)
    model = Model(name="other", kind=kind, learner=learner, quick=learner)
    found = [verdict(root, seed, ic, model=model) for seed in range(OF_OTHERS)]
    assert np.mean([one == expected for one in found]) >= LEAST, found


@pytest.mark.timeout(600 if SEEDS < 10 else 3600)
@pytest.mark.parametrize(("ic", "dealt_anew", "expected"), [(0.05, False, "edge"), (0.0, False, "no edge"), (0.05, True, "no edge")])
def test_verdicts_are_right_in_at_least_95_of_100_markets(
    tmp_path_factory: pytest.TempPathFactory, ic: float, dealt_anew: bool, expected: str
) -> None:
    root = str(tmp_path_factory.getbasetemp() / "many_seeds")
    found = [verdict(root, seed, ic, dealt_anew=dealt_anew) for seed in range(SEEDS)]
    assert np.mean([one == expected for one in found]) >= LEAST, found

"""Which features made a score, as the model itself says: their values, where these stand in the session's universe, and what each added."""

from dataclasses import dataclass, replace
from datetime import date
from math import isclose

import numpy as np
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.models import ExplainingScorer, Model, models
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.predictions.active_models import active_model
from ats_assets.settings import ENSEMBLE

TOLERANCE = 1e-6
"""Of the score that is added up, beside the stored one: only another model, or other features, differ by more."""
OUTDATED = "ats stale lists what to rebuild"


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """What one feature added to a score, or one model to that of the ensemble."""

    feature: str
    value: float | None
    """None where it is missing."""
    percentile: float | None
    """Of the value among those of the universe's symbols that have one, in (0, 1]; equal ones share the mean of theirs."""
    contribution: float


@dataclass(frozen=True, kw_only=True)
class ScoreExplanation:
    """A score as a sum: `base`, which every symbol has, and a contribution of each feature, the largest in size first."""

    model: str
    model_session: date
    score: float
    base: float | None = None
    contributions: tuple[Contribution, ...] = ()
    champion: str = ""
    """Of several models: why this one was champion at the session, or stood in."""
    note: str = ""
    """Why there are no contributions, or why they are not those of the stored score."""


def explain_score(deployment: Deployment, symbol: str, session: date) -> ScoreExplanation | None:
    """The score of a symbol that was traded on at a session; None where nothing predicted one.

    Raises
    ------
    CorruptPartitionError
        If the stored predictions are damaged.
    """
    if not deployment.warehouse.exists("predictions", session):
        return None
    row = deployment.warehouse.read("predictions", [session]).filter(symbol=symbol)
    if row.is_empty():
        return None
    told = _explained(deployment, symbol, session, row)
    return replace(told, champion=_why(deployment, session))


def _explained(deployment: Deployment, symbol: str, session: date, row: pl.DataFrame) -> ScoreExplanation:
    score, fitted = row["score"][0], row["model_session"][0]
    if (name := _traded(deployment, session)) == ENSEMBLE:
        return _by_models(deployment, symbol, session, ScoreExplanation(model=ENSEMBLE, model_session=fitted, score=score))
    model = deployment.of(models)[f"{name}_model"]
    try:
        return _added_up(deployment, model, symbol, session, ScoreExplanation(model=model.asset, model_session=fitted, score=score))
    except AtsError as error:
        return ScoreExplanation(model=model.asset, model_session=fitted, score=score, note=f"no contributions: {error}")


def _traded(deployment: Deployment, session: date) -> str:
    """Whose predictions are traded at the session: of the only model, or of the champion."""
    known = [model.name for model in deployment.of(models).values()]
    return known[0] if len(known) == 1 else deployment.warehouse.read("champion", [session]).filter("is_champion")["model"][0]


def _why(deployment: Deployment, session: date) -> str:
    if len(deployment.of(models)) == 1:
        return ""
    chosen = deployment.warehouse.read("champion", [session]).filter("is_champion")
    return f"{chosen['model'][0]}: {chosen['reason'][0]}"


def _by_models(deployment: Deployment, symbol: str, session: date, told: ScoreExplanation) -> ScoreExplanation:
    """Of the ensemble's score what each model added: its weight times its centred percentile."""
    weights = dict(deployment.warehouse.read("ensemble_weights", [session]).select("model", "weight").iter_rows())
    found = []
    for name, weight in weights.items():
        scores = deployment.warehouse.read(f"{name}_predictions", [session])
        ranked = scores.with_columns(percentile=pl.col("score").rank("average") / pl.len()).filter(symbol=symbol)
        if weight > 0 and ranked.height:
            percentile, half = ranked["percentile"][0], 0.5 / scores.height
            part = weight * (percentile - half - 0.5)
            found.append(Contribution(feature=name, value=ranked["score"][0], percentile=percentile, contribution=part))
    total = sum(weights[one.feature] for one in found)
    shares = [replace(one, contribution=one.contribution / total) for one in found]
    same = isclose(sum(one.contribution for one in shares), told.score, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return replace(
        told,
        base=0.0,
        contributions=tuple(sorted(shares, key=lambda one: -abs(one.contribution))),
        note="" if same else f"the models' scores add up to something else than the stored score: {OUTDATED}",
    )


def _added_up(deployment: Deployment, model: Model, symbol: str, session: date, told: ScoreExplanation) -> ScoreExplanation:
    store, record = active_model(deployment, model, deployment.calendar.offset(session, -1))
    scorer = model.scorer(record, store.content(record))
    if not isinstance(scorer, ExplainingScorer):
        return replace(told, note=f"no contributions: a model of the kind {model.kind} does not say which features made a score")
    features = joined({name: deployment.warehouse.read(name, [session]) for name in deployment.of(model_families)})
    universe = deployment.warehouse.read("universe", [session], ["symbol"])
    rows = features.join(universe, on="symbol", how="semi").select("symbol", *record.features)
    own = rows.filter(symbol=symbol)
    x = feature_matrix(own, record.features)
    added = scorer.contributions(x)[0]
    found = [
        Contribution(feature=name, value=_known(own[name][0]), percentile=_percentile(rows, name, symbol), contribution=float(part))
        for name, part in zip(record.features, added[:-1], strict=True)
    ]
    total = float(added.sum())
    same = isclose(total, told.score, rel_tol=TOLERANCE, abs_tol=TOLERANCE) and record.fitted_session == told.model_session
    changed = (
        f"they add up to {total:+.6g}, so the stored score was made from another model or other features than are stored now: {OUTDATED}"
    )
    return replace(
        told,
        base=float(added[-1]),
        contributions=tuple(sorted(found, key=lambda one: -abs(one.contribution))),
        note="" if same else changed,
    )


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None


def _percentile(rows: pl.DataFrame, name: str, symbol: str) -> float | None:
    there = rows.select("symbol", pl.when(pl.col(name).is_finite()).then(name)).drop_nulls()
    ranked = there.select("symbol", (pl.col(name).rank("average") / pl.len()).alias("percentile")).filter(symbol=symbol)
    return ranked["percentile"][0] if ranked.height else None

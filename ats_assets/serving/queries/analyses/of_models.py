"""Analyses of the models and of their scores."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.skill_summary import skill_summary
from ats_assets.reports.report_data import active_fits
from ats_assets.serving.queries.analyses.analysis import AnalysisFound, newest_rows, stored_parts

FEATURES = 12
"""Of a model, those whose importance is told over time."""
_SKILL = ("session", "decision_session", "horizon_sessions", "model_session", "n_symbols", "ic", "rank_ic", "turnover")


def judged_skill(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """Each session's ICs by horizon, what they add up to, the verdict, and of several models the rank IC of each."""
    rows = newest_rows(deployment, "skill", sessions)
    if rows is None or rows.is_empty():
        return None
    horizon = deployment.settings.training.horizon_sessions
    summary = skill_summary(rows, horizon)
    horizons = pl.DataFrame([asdict(one) for one in summary.horizons], infer_schema_length=None)
    of_models = newest_rows(deployment, "model_skill", sessions)
    tables = {"sessions": rows.select(_SKILL), "horizons": horizons}
    if of_models is not None:
        tables["models"] = of_models.select("session", "decision_session", "model", "rank_ic")
    return AnalysisFound(tables=tables, facts={"horizon_sessions": horizon, "verdict": summary.verdict, "text": summary.text})


def drift(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """What each test says of each model at each session."""
    rows = newest_rows(deployment, "drift", sessions)
    return None if rows is None or rows.is_empty() else AnalysisFound(tables={"drift": rows})


def cross_validation(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """Each model on splits of the newest training window, and in words what that says."""
    del sessions  # it is of the newest window
    tables = stored_parts(deployment, "cross_validation", ("splits",))
    if not tables:
        return None
    summary: dict[str, Any] = json.loads(deployment.warehouse.read_text("cross_validation", "summary.json"))
    return AnalysisFound(tables=tables, facts={"as_of": summary["as_of"], "models": summary["models"]})


def importance(deployment: Deployment, sessions: int) -> AnalysisFound | None:
    """How much each fit looks at the features that count most, over time; and out of sample in the newest window, where settings ask for that."""
    rows = [row for asset in deployment.models for row in _fits(deployment, asset, sessions)]
    newest = stored_parts(deployment, "importance", ("importance",))
    if not rows and not newest:
        return None
    return AnalysisFound(tables={"fits": pl.DataFrame(rows, infer_schema_length=None), "newest": newest.get("importance", pl.DataFrame())})


def _fits(deployment: Deployment, asset: str, sessions: int) -> Sequence[dict[str, Any]]:
    """Of a model's fits the share of each of the features that have the largest on the mean."""
    days = deployment.model_store(asset).stored_sessions()[-sessions:]
    fits = [(one.session, _shares(one.importance)) for one in active_fits(deployment, asset, days) if one.importance]
    totals: dict[str, float] = {}
    for _, shares in fits:
        for feature, share in shares.items():
            totals[feature] = totals.get(feature, 0.0) + share
    largest = sorted(totals, key=lambda feature: (-totals[feature], feature))[:FEATURES]
    model = asset.removesuffix("_model")
    return [
        {"model": model, "session": session, "feature": feature, "share": shares.get(feature, 0.0)}
        for feature in largest
        for session, shares in fits
    ]


def _shares(importance: dict[str, float]) -> dict[str, float]:
    """As shares of all, whatever the learner's unit."""
    total = sum(abs(value) for value in importance.values())
    return {name: abs(value) / total for name, value in importance.items()} if total > 0 else {}

"""What the loop found at which session, what was done about it, and what came of it: told from what is stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.feature_clusters import importance_drift
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.evaluation.skill import skill
from ats_assets.predictions.active_models import active_since
from ats_assets.predictions.drift_weights import weighed_by_drift
from ats_assets.predictions.scheduled_predictions import scheduled_predictions
from ats_assets.refits import last_refit
from ats_assets.settings import ENSEMBLE

EPISODE_SESSIONS = 10
"""Alarms so near to each other are of one drift."""


@dataclass(frozen=True, kw_only=True)
class LoopStep:
    """Drift of one model that was found, or a refit, a tuning or weights that it asked for.

    Attributes
    ----------
    session
        Of the first alarm after ten sessions without one, or of what was made.
    model
        Its name; that of weights is ensemble.
    what
        drift, refit, tuning or weights.
    why
        What was found, in words.
    until
        The last session with an alarm, or the last that was predicted by the refit; None where none was.
    rank_ic, rank_ic_due
        Of a refit: the mean of what it predicted, and of what the model that was due would have predicted at the same sessions; None where no outcome is known.
    moved
        Of a refit: the share of the importance that lies on other features than in the model that was due; None without one.
    """

    session: date
    model: str
    what: str
    why: str
    until: date | None = None
    rank_ic: float | None = None
    rank_ic_due: float | None = None
    moved: float | None = None


def loop_history(deployment: Deployment, first: date, last: date) -> list[LoopStep]:
    """The steps of all models, in the order of their sessions."""
    days = [day for day in deployment.valid_sessions("drift") if first <= day <= last]
    if not days:
        return []
    drift = deployment.warehouse.read("drift", days)
    found = [step for name in deployment.settings.models for step in drift_episodes(drift, name, deployment.calendar.count)]
    for model in deployment.drift_refits:
        found += _refits(deployment, model.removesuffix("_model"), days)
    found += [step for name, asset in deployment.retunings.items() for step in _tunings(deployment, name, asset, days)]
    found += _weights(deployment, days)
    return sorted(found, key=lambda step: (step.session, step.model, step.what))


def _tunings(deployment: Deployment, name: str, asset: str, days: Sequence[date]) -> list[LoopStep]:
    """The tunings that drift asked for, each with what was found and what was chosen."""
    stored = set(deployment.valid_sessions(asset))
    rows = deployment.warehouse.read(asset, [day for day in days if day in stored])
    made = rows.filter(pl.col("is_chosen"), pl.col("tuned_session") == pl.col("session"), pl.col("state") == "complete")
    return [LoopStep(session=day, model=name, what="tuning", why=why) for day, why in made.select("session", "reason").iter_rows()]


def _weights(deployment: Deployment, days: Sequence[date]) -> list[LoopStep]:
    """The sessions at which drift had the weights of the ensemble learnt anew, by all that was found since the year of the first began."""
    settings, calendar = deployment.settings, deployment.calendar
    if settings.drift is None or not settings.ensemble.reweigh_on_drift:
        return []
    refit = settings.ensemble.refit or settings.training.refit
    year = [
        day for day in deployment.valid_sessions("drift") if date(days[0].year, 1, 1) <= day < days[-1]
    ]  # that of a session counts from the next on
    drift = deployment.warehouse.read("drift", year) if year else DRIFT_SCHEMA.to_frame()
    alarms = drift.filter(pl.col("alarm"), pl.col("model").is_in(settings.ensemble_models))
    due = {day: last_refit(calendar, day, refit) for day in days}
    _, asked = weighed_by_drift(alarms, due, refit=refit, calendar=calendar, settings=settings.drift)
    return [LoopStep(session=day, model=ENSEMBLE, what="weights", why=why) for day, why in asked.items() if day >= days[0]]


def drift_episodes(drift: pl.DataFrame, name: str, count: Callable[[date, date], int]) -> list[LoopStep]:
    """The alarms of a model as people count them: those within ten sessions of each other are one.

    Parameters
    ----------
    drift
        Rows of the contract `Drift`.
    name
        Of the model.
    count
        The sessions from one to another.
    """
    from ats_assets.learning.explanation import drift_told  # noqa: PLC0415

    steps: list[LoopStep] = []
    for (day,), of_day in drift.filter(pl.col("alarm"), pl.col("model") == name).group_by("session", maintain_order=True):
        if steps and steps[-1].until and count(steps[-1].until, day) <= EPISODE_SESSIONS:  # pyright: ignore[reportArgumentType]
            steps[-1] = LoopStep(**(vars(steps[-1]) | {"until": day}))
            continue
        why = "; ".join(drift_told(row) for row in of_day.iter_rows(named=True))
        steps.append(LoopStep(session=day, model=name, what="drift", why=why, until=day))  # pyright: ignore[reportArgumentType]
    return steps


def _refits(deployment: Deployment, name: str, days: Sequence[date]) -> list[LoopStep]:
    calendar = deployment.calendar
    store = deployment.model_store(deployment.drift_refits[f"{name}_model"])
    records = [store.record(day) for day in days if store.exists(day)]
    fitted = [record for record in records if record.status == "fitted"]
    steps = []
    for record in fitted:
        near = [day for day in days if 0 < calendar.count(record.session, day) <= deployment.settings.training.max_age_sessions]
        used = [
            day
            for day in near
            if record.session >= active_since(deployment, before := calendar.offset(day, -1))
            and not any(record.session < other.session <= before for other in fitted)
        ]
        of_due = deployment.model_store(f"{name}_model").active(record.session)
        moved = importance_drift(of_due.importance, record.importance)[1] if of_due.status == "fitted" else None
        ics = _skills(deployment, name, used)
        steps.append(
            LoopStep(
                session=record.session,
                model=name,
                what="refit",
                why=record.reason or "",
                until=used[-1] if used else None,
                rank_ic=ics[0],
                rank_ic_due=ics[1],
                moved=moved,
            )
        )
    return steps


def _skills(deployment: Deployment, name: str, used: Sequence[date]) -> tuple[float | None, float | None]:
    """The mean rank IC of what was predicted, and of what was due, over the decisions whose outcome is known."""
    calendar, horizon = deployment.calendar, deployment.settings.training.horizon_sessions
    stored = deployment.valid_sessions("forward_returns")
    if not used or not stored:
        return None, None
    until = calendar.window(stored[-1], 1)[0]
    known = [day for day in calendar.sessions(used[0], until) if calendar.position(day) <= calendar.position(used[-1]) + horizon + 1]
    outcomes = deployment.warehouse.read("forward_returns", known).filter(horizon_sessions=horizon)
    own = "predictions" if len(deployment.settings.models) == 1 else f"{name}_predictions"
    found = []
    for asset in (own, deployment.of(scheduled_predictions)[name]):
        ics = skill(deployment.warehouse.read(asset, used), outcomes, used).filter(pl.col("decision_session").is_in(list(used)))["rank_ic"]
        found.append(float(mean) if isinstance(mean := ics.drop_nulls().mean(), float) else None)
    return found[0], found[1]

"""Assets of continuous learning: drift, and, where it may ask for refits, the predictions of the active models."""

from collections.abc import Mapping, Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import Drift, SkillEstimate
from ats_assets.evaluation.skill import skill as skill_of
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.labels import FORWARD_RETURNS_SCHEMA, learnt_label
from ats_assets.learning.drift_rows import DriftRule, DriftWatch
from ats_assets.learning.skill_estimates import estimates_lookback, skill_estimate_rows
from ats_assets.learning.stored_rows import UniverseFeatures, market_states, scores_by_session
from ats_assets.models import Model, models
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.predictions.active_models import model_asked_for
from ats_assets.predictions.contracts import Predictions
from ats_assets.predictions.inference import check_age, predict
from ats_assets.predictions.scheduled_predictions import scheduled_predictions
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.regimes.choosing import NamedRegimes, regimes
from ats_assets.settings import LONGEST_PERIOD

GROUP = "evaluation"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[drift]`."""
    if deployment.settings.drift is None:
        return []
    watched = [_drift(deployment), _skill_estimate(deployment)]
    if not deployment.drift_refits:
        return watched
    names = {name: f"{name}_predictions" for name in deployment.settings.models} if len(deployment.daily_models) > 1 else {}
    return [*watched, *(_active(deployment, model, names.get(model.name, "predictions")) for model in deployment.of(models).values())]


def _drift(deployment: Deployment) -> dg.AssetsDefinition:
    rule, named = _rule(deployment), deployment.of(scheduled_predictions)
    states = {asset: one for asset, one in deployment.of(regimes).items() if one.settings.form == "macro"}
    learnt = rule.training.embargo_sessions + rule.known_after.last + rule.training.train_sessions - 1 + rule.longest
    back = rule.settings.prediction_sessions + max(rule.settings.skill_sessions, rule.settings.recent_sessions) + rule.longest
    horizon = rule.training.horizon_sessions
    node = Node(
        name="drift",
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(
            *(Reads(asset=name, back=learnt) for name in (*deployment.of(model_families), "universe", *states)),
            *(Reads(asset=name, back=back + horizon + 1) for name in named.values()),
            Reads(asset="forward_returns", back=back),
        ),
        contract=Drift,
        code=(_drift,),
        settings=(rule.settings, rule.training.of_results(), rule.known_after, deployment.settings.calendar.without_closings()),
    )

    @node.asset(deployment, deps=node.deps())
    def drift(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Whether features, predictions, skill and the regime of the newest sessions are unlike those that each model has learnt from; false alarms by the model's own past."""
        sessions = sessions_of(context.partition_keys)
        reach = window_sessions(deployment.calendar, sessions, max(learnt, back + horizon + 1))
        watch = _watch(deployment, rule, reach, states)
        rows = watch.rows(deployment.known(sessions))
        for session, model, of, about in rows.filter("alarm").select("session", "model", "of", "about").iter_rows():
            context.log.info(f"{session}: drift of {of} of {model}: {about}")
        return rows

    return drift


def _rule(deployment: Deployment) -> DriftRule:
    settings = deployment.settings
    if settings.drift is None:
        raise ValueError("there is no table [drift]")
    return DriftRule(
        settings=settings.drift,
        training=settings.training,
        known_after=deployment.of(learnt_label).known_after,
        calendar=deployment.calendar,
        sessions_per_year=settings.backtest.sessions_per_year,
    )


def _watch(deployment: Deployment, rule: DriftRule, reach: Sequence[date], states: Mapping[str, NamedRegimes]) -> DriftWatch:
    known = deployment.known(reach)
    features = UniverseFeatures(deployment, known, len(reach))
    if known:
        features(known[-1])
    scored = {name: deployment.read_known(asset, reach, PREDICTIONS_SCHEMA) for name, asset in deployment.of(scheduled_predictions).items()}
    outcomes = deployment.read_known("forward_returns", reach, FORWARD_RETURNS_SCHEMA).filter(
        horizon_sessions=rule.training.horizon_sessions
    )
    skills = {name: skill_of(rows, outcomes, reach).select("session", "rank_ic") for name, rows in scored.items()}
    return DriftWatch(
        rule,
        names=features.names,
        features=features,
        scores={name: scores_by_session(rows) for name, rows in scored.items()},
        rank_ics={name: dict(rows.iter_rows()) for name, rows in skills.items()},
        regimes={one.name: market_states(one, deployment.warehouse.read(asset, known)) for asset, one in states.items() if known},
        known=deployment.known,
    )


def _skill_estimate(deployment: Deployment) -> dg.AssetsDefinition:
    horizon = deployment.settings.training.horizon_sessions
    back = estimates_lookback(horizon)
    node = Node(
        name="skill_estimate",
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(Reads(asset="predictions", back=back), Reads(asset="forward_returns", back=back)),
        contract=SkillEstimate,
        code=(_skill_estimate,),
        settings=(deployment.settings.training.of_results(), deployment.settings.labels.forward_returns),
    )

    @node.asset(deployment, deps=node.deps())
    def skill_estimate(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What the newest predictions are thought to be worth before their outcome is known, with the error that such estimates have had."""
        sessions = sessions_of(context.partition_keys)
        days = window_sessions(deployment.calendar, sessions, back)
        scored = deployment.read_known("predictions", days, PREDICTIONS_SCHEMA)
        outcomes = deployment.read_known("forward_returns", days, FORWARD_RETURNS_SCHEMA)
        return skill_estimate_rows(scored, outcomes, days, sessions, horizon=horizon)

    return skill_estimate


def _active(deployment: Deployment, model: Model, name: str) -> dg.AssetsDefinition:
    settings = deployment.settings.training
    longest = max(*LONGEST_PERIOD[settings.refit], settings.max_age_sessions)
    scheduled = deployment.of(scheduled_predictions)[model.name]
    node = Node(
        name=name,
        group="predictions",
        kinds=frozenset({"parquet", model.kind.replace("_", "")}),
        reads=(
            *(Reads(asset=family, back=model.sequence_sessions - 1) for family in deployment.of(model_families)),
            Reads(asset="universe"),
            Reads(asset=scheduled),
            Reads(asset=deployment.drift_refits[model.asset], back=longest, lag=1),
        ),
        contract=Predictions,
        code=(_active, type(model.learner)),
        settings=(
            settings.of_results(),
            model.learner.settings,
            deployment.settings.calendar.without_closings(),
            *filter(None, [deployment.settings.drift]),
        ),
    )

    @node.asset(deployment, deps=node.deps())
    def predictions(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """A score for each symbol of the universe, from the newest model that was there the session before: the one that was due, or one that drift has asked for since."""
        sessions = sessions_of(context.partition_keys)
        parts = [PREDICTIONS_SCHEMA.to_frame()]
        due = deployment.read_known(scheduled, sessions, PREDICTIONS_SCHEMA)
        store = deployment.model_store(deployment.drift_refits[model.asset])
        for session in deployment.known(sessions):
            before = session if session == deployment.calendar.first else deployment.calendar.offset(session, -1)
            record = model_asked_for(deployment, model, before) if before < session else None
            if record is None:
                parts.append(due.filter(pl.col("session") == session))
                continue
            check_age(record, session, deployment.calendar, settings)
            window = deployment.known(deployment.calendar.window(session, model.sequence_sessions))
            features = joined({family: deployment.warehouse.read(family, window) for family in deployment.of(model_families)})
            universe = deployment.warehouse.read("universe", [session])
            scorer = model.scorer(record, store.content(record))
            how = {"threads": settings.threads, "sequences": model.sequences_in(window)}
            parts.append(predict(features, universe, record, scorer, **how))
        return pl.concat(parts)

    return predictions

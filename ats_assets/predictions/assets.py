"""Assets of the stage predictions: the scores of each model, their ensemble, the champion, and the skill of past scores."""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import groupby

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA, Skill
from ats_assets.evaluation.skill import skill as skill_of
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.models import Model, models
from ats_assets.models.learner import Scorer
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.memory_blocks import blocks_of_step
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.orchestration.sparkline import sparkline_markdown
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.champion import champion_rows, of_champion
from ats_assets.predictions.champions.standings import tell_standings
from ats_assets.predictions.choosing import ensemble_rule
from ats_assets.predictions.combined_scores import combined
from ats_assets.predictions.contracts import Champion, EnsembleWeights, Predictions
from ats_assets.predictions.dormant import falls_back, is_too_old, last_good_model, with_stand_ins
from ats_assets.predictions.drift_weights import weighed_by_drift
from ats_assets.predictions.ensemble import weight_rows
from ats_assets.predictions.ensemble_rule import EnsembleRule
from ats_assets.predictions.inference import check_age, predict
from ats_assets.predictions.model_evidence import JudgedDecision, correlation_table, judged_decisions
from ats_assets.predictions.scheduled_predictions import scheduled_predictions
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.refits import last_refit
from ats_assets.settings import ENSEMBLE, LONGEST_PERIOD
from ats_assets.storage.model_record import ModelRecord
from ats_assets.trials import EnsembleTrial

GROUP = "predictions"
GROUPS = (GROUP, "evaluation")


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: of one model its predictions, of several those of each, their ensemble where settings want one, the champion and its predictions; and the skill of what is traded."""
    found, named, own = deployment.of(models), deployment.of(candidates), deployment.of(scheduled_predictions)
    if not named:
        (model,) = found.values()
        return [_predictions(deployment, model, own[model.name]), _skill(deployment)]
    rule = deployment.of(ensemble_rule)
    return [
        *(_predictions(deployment, model, own[model.name]) for model in found.values()),
        *([_ensemble_weights(deployment, rule), _ensemble_predictions(deployment)] if rule else []),
        *([] if deployment.settings.takes_promotions else [_champion(deployment, named)]),
        _traded(deployment, named),
        _skill(deployment),
    ]


def _predictions(deployment: Deployment, model: Model, name: str) -> dg.AssetsDefinition:
    settings = deployment.settings.training
    reads_model = Reads(asset=model.asset, back=settings.max_age_sessions if falls_back(deployment) else 1, lag=1)
    back = model.sequence_sessions - 1
    frames = (*(Reads(asset=family, back=back) for family in deployment.of(model_families)), Reads(asset="universe"))
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", model.kind.replace("_", "")}),
        reads=(*frames, reads_model),
        contract=Predictions,
        code=(_predictions, type(model.learner)),
        settings=(
            settings.of_results(),
            model.learner.settings,
            deployment.settings.calendar.without_closings(),
            *([deployment.settings.champion] if falls_back(deployment) else []),
        ),
    )

    def scored(days: Sequence[date], record: ModelRecord, scorer: Scorer) -> pl.DataFrame:
        """The scores of neighbouring sessions by one model."""
        window = deployment.known(window_sessions(deployment.calendar, days, back))
        families = {name: deployment.read_known(name, window, deployment.schemas[name]) for name in deployment.of(model_families)}
        universe = deployment.read_known("universe", days, deployment.schemas["universe"])
        how = {"threads": settings.threads, "sequences": model.sequences_in(window)}
        return predict(joined(families), universe, record, scorer, **how)

    @node.asset(deployment, deps=node.deps())
    def predictions(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """A score for each symbol of the universe, from the active model of the session before: signals never wait for tonight's fit."""
        sessions = sessions_of(context.partition_keys)
        store = deployment.model_store(model.asset)
        records = {session: _active_model(deployment, model, session) for session in sessions}
        parts = [PREDICTIONS_SCHEMA.to_frame()]
        for fitted, group in groupby(sessions, key=lambda session: _fit(records[session])):
            days = list(group)
            record = records[days[0]]
            if fitted is None or record is None:
                context.log.info(f"no predictions from {days[0]} to {days[-1]}: {record.reason if record else 'no model yet'}")
                continue
            for day in days:
                check_age(record, day, deployment.calendar, settings)
            scorer = model.scorer(record, store.content(record))
            parts += [scored(block, record, scorer) for block in blocks_of_step(deployment, name, frames, days)]
        return pl.concat(parts)

    return predictions


def _active_model(deployment: Deployment, model: Model, session: date) -> ModelRecord | None:
    """The active model of the session before; None at the start of history."""
    if session == deployment.calendar.first:
        return None
    before = deployment.calendar.offset(session, -1)
    record = last_good_model(deployment, model, before) if deployment.known([before]) else None
    return None if record and falls_back(deployment) and is_too_old(deployment, record, session) else record


def _fit(record: ModelRecord | None) -> date | None:
    return record.fitted_session if record is not None and record.status == "fitted" else None


def _ensemble_weights(deployment: Deployment, rule: EnsembleRule) -> dg.AssetsDefinition:
    settings, training = deployment.settings.ensemble, deployment.settings.training
    refit, horizon = settings.refit or training.refit, training.horizon_sessions
    back = max(settings.lookback_sessions, settings.drift_lookback_sessions or 0) + max(LONGEST_PERIOD[refit])
    named = {name: f"{name}_predictions" for name in deployment.settings.ensemble_models}
    drift = [deployment.settings.drift] if settings.reweigh_on_drift and deployment.settings.drift else []
    node = Node(
        name="ensemble_weights",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(
            *(Reads(asset=asset, back=back + horizon + 1) for asset in named.values()),
            Reads(asset="forward_returns", back=back),
            *([Reads(asset="drift", back=max(LONGEST_PERIOD["yearly"]), lag=1)] if settings.reweigh_on_drift else []),
        ),
        contract=EnsembleWeights,
        code=(_ensemble_weights, type(rule)),
        settings=(settings, rule.settings, training.of_results(), *drift),
    )
    schemas = dict.fromkeys(named.values(), PREDICTIONS_SCHEMA) | {"forward_returns": FORWARD_RETURNS_SCHEMA, "drift": DRIFT_SCHEMA}
    judged: list[JudgedDecision] = []

    def make(sessions: Sequence[date], forward_returns: pl.DataFrame, **predictions: pl.DataFrame) -> pl.DataFrame:
        of_models = {name: predictions[asset] for name, asset in named.items()}
        due = {session: last_refit(deployment.calendar, session, refit) for session in sessions}
        refits, asked = due, {}
        for limits in drift:
            alarms = predictions["drift"].filter("alarm", pl.col("model").is_in([*named]))
            refits, asked = weighed_by_drift(alarms, due, refit=refit, calendar=deployment.calendar, settings=limits)
        judged[:] = judged_decisions(of_models, forward_returns.filter(horizon_sessions=horizon))
        days = window_sessions(deployment.calendar, sessions, back)
        there = {name: set(rows["session"].unique()) for name, rows in of_models.items()}
        return weight_rows(judged, there, refits, days, rule=rule, settings=settings, horizon_sessions=horizon, asked=asked)

    @node.asset(deployment, deps=node.deps())
    def ensemble_weights(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """How much each model counts in the ensemble at a session: by the rule, of the skill that was known at the last refit session, or where drift asked for weights since."""
        EnsembleTrial(deployment).begin()
        made = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        if judged:
            context.add_output_metadata({"correlation": dg.MetadataValue.md(correlation_table([*named], judged))})
        return made

    return ensemble_weights


def _ensemble_predictions(deployment: Deployment) -> dg.AssetsDefinition:
    named = {name: f"{name}_predictions" for name in deployment.settings.ensemble_models}
    node = Node(
        name="ensemble_predictions",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="ensemble_weights"), *(Reads(asset=asset) for asset in named.values())),
        contract=Predictions,
        code=(_ensemble_predictions,),
    )

    @node.asset(deployment, ins=node.ins())
    def ensemble_predictions(ensemble_weights: pl.DataFrame, **predictions: pl.DataFrame) -> pl.DataFrame:
        """One score of the scores of several models: the weighted mean of their percentiles."""
        return combined(ensemble_weights, {name: predictions[asset] for name, asset in named.items()})

    return ensemble_predictions


def _champion(deployment: Deployment, named: Mapping[str, str]) -> dg.AssetsDefinition:
    settings, training = deployment.settings.champion, deployment.settings.training
    back = settings.lookback_sessions + max(LONGEST_PERIOD[training.refit])
    judged = back + training.horizon_sessions + 1
    node = Node(
        name="champion",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(
            *(Reads(asset=asset, back=judged, lag=training.horizon_sessions + 1) for asset in named.values()),
            Reads(asset="forward_returns", back=back),
        ),
        contract=Champion,
        code=(_champion,),
        settings=(settings.of_rule(), training.of_results()),
    )
    schemas = dict.fromkeys(named.values(), PREDICTIONS_SCHEMA) | {"forward_returns": FORWARD_RETURNS_SCHEMA}

    def make(sessions: Sequence[date], forward_returns: pl.DataFrame, **predictions: pl.DataFrame) -> pl.DataFrame:
        days = window_sessions(deployment.calendar, sessions, judged)
        outcomes = forward_returns.filter(horizon_sessions=training.horizon_sessions)
        skills = {name: skill_of(predictions[asset], outcomes, days) for name, asset in named.items()}
        refits = {session: last_refit(deployment.calendar, session, training.refit) for session in sessions}
        if ENSEMBLE in skills:
            EnsembleTrial(deployment).add_ics(sessions[-1], dict(skills[ENSEMBLE].select("decision_session", "rank_ic").iter_rows()))
        return champion_rows(skills, refits, days, settings)

    @node.asset(deployment, deps=node.deps())
    def champion(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Whose predictions are traded from the session on: the model with the best skill that was known at the last refit session."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        tell_standings(deployment, made)
        return made

    return champion


def _traded(deployment: Deployment, named: Mapping[str, str]) -> dg.AssetsDefinition:
    node = Node(
        name="predictions",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="champion"), *(Reads(asset=asset) for asset in named.values())),
        contract=Predictions,
        code=(_traded,),
        settings=(deployment.settings.champion,) if falls_back(deployment) else (),
    )

    @node.asset(deployment, ins=node.ins())
    def predictions(champion: pl.DataFrame, **predictions: pl.DataFrame) -> pl.DataFrame:
        """The predictions of the champion, which are traded."""
        lanes = {name: predictions[asset] for name, asset in named.items()}
        return with_stand_ins(champion, lanes) if falls_back(deployment) else of_champion(champion, lanes)

    return predictions


def _skill(deployment: Deployment) -> dg.AssetsDefinition:
    horizons = deployment.settings.labels.horizons_sessions
    back = max(horizons) + 2
    names = (Reads(asset="corporate_actions", back=back - 1 + REPEAT_DAYS, lag=min(horizons) + 1),)
    node = Node(
        name="skill",
        group="evaluation",
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="predictions", back=back, lag=min(horizons) + 1), Reads(asset="forward_returns"))
        + (names if deployment.tells_name_changes else ()),
        contract=Skill,
        code=(_skill,),
        settings=(deployment.settings.labels.forward_returns, deployment.settings.knowledge),
    )
    schemas = KNOWN_SCHEMAS | {"predictions": PREDICTIONS_SCHEMA, "forward_returns": FORWARD_RETURNS_SCHEMA}

    def make(sessions: Sequence[date], predictions: pl.DataFrame, forward_returns: pl.DataFrame, **actions: pl.DataFrame) -> pl.DataFrame:
        if actions:
            predictions = identities_of(actions["corporate_actions"]).named(predictions)
        return skill_of(predictions, forward_returns, window_sessions(deployment.calendar, sessions, back))

    @node.asset(deployment, deps=node.deps())
    def skill(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Out-of-sample skill of past scores on the returns that became known at a session: IC, rank IC, quantile returns and turnover, for each horizon."""
        judged = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        rank_ics = judged.filter(pl.col("horizon_sessions") == deployment.settings.training.horizon_sessions)["rank_ic"].to_list()
        if len(rank_ics) > 1:
            line = sparkline_markdown(rank_ics, title="Rank IC by session", width=400, height=60, zero_line=True)
            context.add_output_metadata({"rank_ic": dg.MetadataValue.md(line)})
        return judged

    return skill

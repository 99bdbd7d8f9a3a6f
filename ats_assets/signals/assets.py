"""Assets of the stage signals: scores, what they turned out to be worth, and the signals for the next open."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby

import dagster as dg
import polars as pl

from ats_assets.bars import KNOWN_SCHEMAS, REPEAT_DAYS, identities_of
from ats_assets.deployment import MODEL, Deployment
from ats_assets.features import joined
from ats_assets.graph import Node, window_sessions
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.models import ModelRecord
from ats_assets.partitions import Reads, sessions_of
from ats_assets.reading import as_known
from ats_assets.signals.calibration import calibrate
from ats_assets.signals.predicting import check_age, predict
from ats_assets.signals.schema import PREDICTIONS_SCHEMA, Predictions, Signals, Skill
from ats_assets.signals.signals import signals_from_predictions
from ats_assets.signals.skill import skill as skill_of
from ats_assets.sparkline import sparkline_markdown

GROUP = "signals"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [_predictions(deployment), _skill(deployment), _signals(deployment)]


def _predictions(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings.lightgbm
    model = Reads(asset=MODEL, back=1, lag=1)
    frames = (*(Reads(asset=family) for family in deployment.model_families), Reads(asset="universe"))
    node = Node(
        name="predictions",
        group=GROUP,
        kinds=frozenset({"parquet", "lightgbm"}),
        reads=(*frames, model),
        contract=Predictions,
        code=(_predictions,),
        settings=(settings.model_copy(update={"threads": 1}), deployment.settings.calendar.without_closings()),
    )
    ins = {r.asset: dg.AssetIn(r.asset, partition_mapping=r.mapping()) for r in frames}
    deps = [dg.AssetDep(MODEL, partition_mapping=model.mapping())]

    @node.asset(deployment, ins=ins, deps=deps)
    def predictions(context: dg.AssetExecutionContext, universe: pl.DataFrame, **families: pl.DataFrame) -> pl.DataFrame:
        """A score for each symbol of the universe, by the model that was in force at the session before: a signal never waits for tonight's fit."""
        sessions = sessions_of(context.partition_keys)
        store = deployment.model_store(MODEL)
        features = joined({name: families[name] for name in deployment.model_families})
        in_force = {session: _in_force(deployment, session) for session in sessions}
        parts = [PREDICTIONS_SCHEMA.to_frame()]
        for fitted, group in groupby(sessions, key=lambda session: _fit(in_force[session])):
            days = list(group)
            record = in_force[days[0]]
            if fitted is None or record is None:
                context.log.info(f"no predictions from {days[0]} to {days[-1]}: {record.reason if record else 'no model yet'}")
                continue
            for day in days:
                check_age(record, day, deployment.calendar, settings)
            of_days = pl.col("session").is_between(days[0], days[-1])
            booster = store.booster(record)
            parts.append(predict(features.filter(of_days), universe.filter(of_days), record, booster, threads=settings.threads))
        return pl.concat(parts)

    return predictions


def _in_force(deployment: Deployment, session: date) -> ModelRecord | None:
    """The model in force at the session before; None at the start of history."""
    if session == deployment.calendar.first:
        return None
    before = deployment.calendar.offset(session, -1)
    return deployment.model_store(MODEL).in_force(before) if deployment.known([before]) else None


def _fit(record: ModelRecord | None) -> date | None:
    return record.fitted_session if record is not None and record.status == "fitted" else None


def _skill(deployment: Deployment) -> dg.AssetsDefinition:
    horizons = deployment.settings.labels.horizons_sessions
    back = max(horizons) + 2
    names = (Reads(asset="corporate_actions", back=back - 1 + REPEAT_DAYS, lag=min(horizons) + 1),)
    node = Node(
        name="skill",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="predictions", back=back, lag=min(horizons) + 1), Reads(asset="forward_returns"))
        + (names if deployment.settings.source.tells_name_changes else ()),
        contract=Skill,
        code=(_skill,),
        settings=(deployment.settings.labels, deployment.settings.knowledge),
    )
    schemas = KNOWN_SCHEMAS | {"predictions": PREDICTIONS_SCHEMA, "forward_returns": FORWARD_RETURNS_SCHEMA}

    def make(sessions: Sequence[date], predictions: pl.DataFrame, forward_returns: pl.DataFrame, **actions: pl.DataFrame) -> pl.DataFrame:
        if actions:
            predictions = identities_of(actions["corporate_actions"]).named(predictions)
        return skill_of(predictions, forward_returns, window_sessions(deployment.calendar, sessions, back))

    @node.asset(deployment, deps=node.deps())
    def skill(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """How well past scores ordered the returns that became known at a session: IC, rank IC, quantile returns, turnover, for each horizon."""
        judged = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        rank_ics = judged.filter(pl.col("horizon_sessions") == deployment.settings.lightgbm.horizon_sessions)["rank_ic"].to_list()
        if len(rank_ics) > 1:
            line = sparkline_markdown(rank_ics, title="Rank IC by session", width=400, height=60, zero_line=True)
            context.add_output_metadata({"rank_ic": dg.MetadataValue.md(line)})
        return judged

    return skill


def _signals(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    horizon, calibration = settings.lightgbm.horizon_sessions, settings.signals.calibration_sessions
    back = calibration + horizon
    node = Node(
        name="signals",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="predictions", back=back), Reads(asset="forward_returns", back=calibration - 1)),
        contract=Signals,
        code=(_signals,),
        settings=(settings.portfolio, settings.signals, settings.lightgbm.model_copy(update={"threads": 1})),
    )

    @node.asset(deployment, ins=node.ins())
    def signals(context: dg.AssetExecutionContext, predictions: pl.DataFrame, forward_returns: pl.DataFrame) -> pl.DataFrame:
        """The signals for the next open: rank, direction, target weight, and a probability calibrated on out-of-sample predictions."""
        sessions = sessions_of(context.partition_keys)
        probabilities = calibrate(
            predictions,
            forward_returns,
            deployment.known(window_sessions(deployment.calendar, sessions, back)),
            sessions,
            horizon_sessions=horizon,
            settings=settings.signals,
        )
        made = signals_from_predictions(predictions.filter(pl.col("session") >= sessions[0]), settings.portfolio, probabilities)
        newest = made.filter(pl.col("session") == sessions[-1], pl.col("target_weight") != 0).sort("rank", "symbol").head(10)
        rows = "\n".join(f"| {s} | {d} | {w:+.2%} |" for s, d, w in newest.select("symbol", "direction", "target_weight").iter_rows())
        context.add_output_metadata({"newest": dg.MetadataValue.md(f"| symbol | direction | target weight |\n|---|---|---|\n{rows}")})
        return made

    return signals

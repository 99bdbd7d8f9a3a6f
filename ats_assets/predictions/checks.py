"""Checks of the stage predictions."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.models import models
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.predictions.candidates import candidates
from ats_assets.predictions.dormant import falls_back, why_not_the_champion
from ats_assets.predictions.schema import CHAMPION_SCHEMA, PREDICTIONS_SCHEMA


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_coverage(deployment), *([_champion_predicts(deployment)] if falls_back(deployment) else [])]


def _champion_predicts(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="predictions", name="champion_predicts", partitions_def=partitions_of(deployment))
    def champion_predicts(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether what is traded is the champion's, by the model that was due, and no stand-in; alerts tell what it warns of."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rows = deployment.read_known("predictions", sessions, PREDICTIONS_SCHEMA, ["session", "model_session"])
        fits = dict(rows.group_by("session").agg(pl.col("model_session").max()).iter_rows())
        by_name = {model.name: model for model in deployment.of(models).values()}
        several = deployment.of(candidates)
        champions = (
            dict(deployment.read_known("champion", sessions, CHAMPION_SCHEMA).filter("is_champion").select("session", "model").iter_rows())
            if several
            else {}
        )
        verdicts = {}
        for day in sessions:
            name = champions.get(day, "")
            own = not several or name not in by_name or not deployment.read_known(several[name], [day], PREDICTIONS_SCHEMA).is_empty()
            model = by_name.get(name, next(iter(by_name.values())))
            text = why_not_the_champion(deployment, model, day, predicted=fits.get(day), champion=name, own=own)
            verdicts[day] = Verdict(passed=not text, text=text)
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return champion_predicts


def _coverage(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="predictions", name="coverage", partitions_def=partitions_of(deployment))
    def coverage(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether every symbol of the universe has a score, once there is a model."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        scored = deployment.read_known("predictions", sessions, PREDICTIONS_SCHEMA, ["symbol", "session"])
        universe = deployment.warehouse.read("universe", sessions, ["symbol", "session"])
        scores = dict(scored.group_by("session").len().iter_rows())
        members = dict(universe.group_by("session").len().iter_rows())
        verdicts = {}
        for day in sessions:
            n, of = scores.get(day, 0), members.get(day, 0)
            verdicts[day] = Verdict(passed=n in {0, of}, text=f"{n} of {of} symbols have a score", metadata={"scored": n, "universe": of})
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return coverage

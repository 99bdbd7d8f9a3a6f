"""Checks of the stage predictions."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_coverage(deployment)]


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

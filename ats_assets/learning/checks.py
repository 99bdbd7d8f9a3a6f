"""Checks of continuous learning."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.learning.explanation import drift_told
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: none without `[drift]`."""
    return [_holds(deployment)] if deployment.settings.drift else []


def _holds(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="drift", name="what_was_learnt_holds", partitions_def=partitions_of(deployment))
    def what_was_learnt_holds(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether no test finds drift; what it finds is told by alerts as a warning."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rows = deployment.read_known("drift", sessions, DRIFT_SCHEMA)
        verdicts = {}
        for day in sessions:
            own = rows.filter(session=day)
            alarms = own.filter("alarm")
            text = "; ".join(drift_told(row) for row in alarms.iter_rows(named=True)) or f"{own.height} tests"
            verdicts[day] = Verdict(passed=alarms.is_empty(), text=text, metadata={"tests": own.height, "alarms": alarms.height})
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return what_was_learnt_holds

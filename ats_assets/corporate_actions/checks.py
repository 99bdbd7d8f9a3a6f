"""Checks of the stage corporate_actions."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import quarantine_verdict, report


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_actions(deployment)]


def _actions(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="corporate_actions", name="contract", partitions_def=partitions_of(deployment))
    def actions(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether an action was quarantined: prices are then not adjusted for it."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rejected = deployment.warehouse.read("rejected_corporate_actions", sessions)  # as each session's own partition knows them
        by_session = {key[0]: rows for key, rows in rejected.group_by("session", maintain_order=True)}
        return report(
            context,
            {day: quarantine_verdict(by_session.get(day, rejected.clear()), "actions", "rejected_corporate_actions") for day in sessions},
            severity=dg.AssetCheckSeverity.WARN,
        )

    return actions

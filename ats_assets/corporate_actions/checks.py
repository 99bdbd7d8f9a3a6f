"""Checks of the stage corporate_actions."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report


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
            context, {day: _quarantined(by_session.get(day, rejected.clear())) for day in sessions}, severity=dg.AssetCheckSeverity.WARN
        )

    return actions


def _quarantined(rejected: pl.DataFrame) -> Verdict:
    if rejected.is_empty():
        return Verdict(passed=True)
    said = [f"{symbol} ({', '.join(reasons)})" for symbol, reasons in rejected.select("symbol", "reasons").head(5).iter_rows()]
    text = f"{rejected.height} actions are quarantined: {'; '.join(said)}; see rejected_corporate_actions"
    return Verdict(passed=False, text=text, metadata={"rejected": rejected.height})

"""Checks of the stage portfolio."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.kernels.weight_limits import holds
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_limits(deployment)]


def _limits(deployment: Deployment) -> dg.AssetChecksDefinition:
    settings = deployment.settings.portfolio

    @dg.asset_check(asset="targets", name="limits", blocking=True, partitions_def=partitions_of(deployment))
    def limits(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the target weights keep the limits on weight, gross and net exposure; nothing may trade on those that do not."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        weights = deployment.warehouse.read("targets", sessions, ["session", "target_weight"])
        by_session = {key[0]: rows["target_weight"].to_numpy() for key, rows in weights.group_by("session", maintain_order=True)}
        none = pl.Series([], dtype=pl.Float64).to_numpy()
        verdicts = {}
        for day in sessions:
            w = by_session.get(day, none)
            gross, net = float(abs(w).sum()), float(w.sum())
            text = f"gross {gross:.4f}, net {net:+.4f}, largest {float(abs(w).max(initial=0.0)):.4f}"
            verdicts[day] = Verdict(passed=holds(w, settings), text=text, metadata={"gross": gross, "net": net})
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return limits

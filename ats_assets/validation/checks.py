"""Checks of the stage validation."""

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.validation.timeframes import TIMEFRAMES, traded_model_name


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: none unless a table `[timeframe_validation]` says so."""
    return [] if deployment.settings.timeframe_validation is None else [_holds(deployment)]


def _holds(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=TIMEFRAMES, name="holds_on_neighbours")
    def holds_on_neighbours() -> dg.AssetCheckResult:
        """Whether the model that is traded holds on neighbouring horizons; what the others do is told beside it."""
        verdicts = deployment.warehouse.read_part(TIMEFRAMES, "verdicts")
        traded = traded_model_name(deployment)
        known = {row["model"]: row for row in verdicts.iter_rows(named=True)}
        own = known.get(traded) if traded else None
        return dg.AssetCheckResult(
            passed=bool(own and own["holds"]),
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{traded}, which is traded, {own['text']}" if own else "no model is traded yet",
            metadata={name: row["text"] for name, row in known.items()},
        )

    return holds_on_neighbours

"""The check of the stage intervals: empirical against nominal coverage."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intervals.coverage import coverage_verdict, session_coverage
from ats_assets.intervals.schema import INTERVALS, INTERVALS_SCHEMA
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.settings import ConfidenceSettings


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    settings = deployment.settings.confidence
    return [] if settings is None else [_interval_coverage(deployment, settings)]


def _interval_coverage(deployment: Deployment, settings: ConfidenceSettings) -> dg.AssetChecksDefinition:
    horizon, calendar = deployment.settings.training.horizon_sessions, deployment.calendar
    outcomes = ["symbol", "session", "decision_session", "horizon_sessions", "forward_return"]

    @dg.asset_check(asset=INTERVALS, name="interval_coverage", partitions_def=partitions_of(deployment))
    def interval_coverage(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the returns that became known lay inside of their intervals as often as the level says, but for chance that allows for their overlap."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        known = _stored(
            deployment, "forward_returns", calendar.sessions(calendar.window(sessions[0], settings.check_sessions)[0], sessions[-1])
        )
        decided = calendar.sessions(calendar.window(sessions[0], settings.check_sessions + horizon + 1)[0], sessions[-1])
        made = (
            deployment.warehouse.read(INTERVALS, found)
            if (found := _stored(deployment, INTERVALS, decided))
            else INTERVALS_SCHEMA.to_frame()
        )
        came = (
            deployment.warehouse.read("forward_returns", known, outcomes) if known else FORWARD_RETURNS_SCHEMA.to_frame().select(outcomes)
        )
        at = came.filter(horizon_sessions=horizon).select(known="session", session="decision_session").unique()
        covered = session_coverage(made, came, horizon).join(at, on="session", how="left", maintain_order="left")
        verdicts = {}
        for day in sessions:
            window = covered.filter(pl.col("known").is_between(calendar.window(day, settings.check_sessions)[0], day))
            told = coverage_verdict(window, horizon, tolerance=settings.tolerance)
            figures = {"sessions": told.sessions, "coverage": told.coverage, "deviations": told.deviations}
            newest = window.filter(known=day)["coverage"].to_list()
            figures |= {"newest_coverage": newest[-1]} if newest else {}
            verdicts[day] = Verdict(
                passed=told.is_sound, text=told.text, metadata={name: value for name, value in figures.items() if value is not None}
            )
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return interval_coverage


def _stored(deployment: Deployment, asset: str, days: Sequence[date]) -> list[date]:
    """Those of the sessions that are stored: a check of the newest needs not stop at an old one that is missing."""
    return [day for day in days if deployment.warehouse.exists(asset, day)]

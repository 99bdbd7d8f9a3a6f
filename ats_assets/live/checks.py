"""Checks of the session loop: what it decided is what the graph's functions decide of the stored market."""

from datetime import date

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.live.as_decided import DIFFERENT, RESTATED, as_decided
from ats_assets.live.day_market import of_warehouse
from ats_assets.live.recorded import events_compared, recorded_rules, recorded_session
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report

NAMED = 5


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks: none without `live.enabled`."""
    return [_as_decided(deployment)] if deployment.settings.live.enabled else []


def _as_decided(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="live_decisions", name="as_decided", partitions_def=partitions_of(deployment))
    def as_decided_again(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether every decision inside the session is reproduced, row by row, from stored minute bars and quotes; what was restated or late is named apart."""
        verdicts = {day: decided_again(deployment, day) for day in sessions_of(context.op_execution_context.partition_keys)}
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return as_decided_again


def decided_again(deployment: Deployment, session: date) -> Verdict:
    """The decisions of a session against the stored market."""
    one = recorded_session(deployment, session)
    if one is None or not one.decided:
        return Verdict(passed=True, text="nothing was decided inside the session")
    try:
        market = of_warehouse(deployment, session)
    except SourceError as error:
        return Verdict(passed=False, text=f"not compared: {error}")
    rules = recorded_rules(deployment, session)
    found = as_decided(one.heard, one.decided, rules, market)
    told = found.rows.filter(verdict=DIFFERENT).head(NAMED)
    wrong = "; ".join(
        f"{at:%H:%M:%S} {what} {subject} ({reason}), now {again}"
        for at, what, subject, reason, again in told.select("decided_at", "what", "subject", "reason", "again").iter_rows()
    )
    counts = {
        "decisions": found.rows.height,
        "differences": found.differences.height,
        "restated": found.rows.filter(verdict=RESTATED).height,
    }
    late = found.rows.filter(found.rows["late"].is_not_null()).height
    counts |= {"late": late, "never_heard": len(found.missing), "not_stored": found.unstored}
    text = f"{found.summary}{f': {wrong}' if wrong else ''}"
    passed = found.differences.is_empty()
    if rules.lane is not None:
        events = events_compared(deployment, session, one.decided, one.heard, market.trades)
        if events is None:
            text, passed = f"{text}. Events are not compared: {rules.lane.predictions} of {session} are not stored", False
        else:
            text, passed = f"{text}. {events.summary}", passed and events.differences.is_empty()
            counts |= {"events": events.rows.height, "events_different": events.differences.height}
    return Verdict(passed=passed, text=text, metadata=counts)

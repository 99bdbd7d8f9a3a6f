"""Checks of the stage scheduled_events: what was quarantined, and whether the schedule goes on and came in time."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, quarantine_verdict, report
from ats_assets.scheduled_events.event_schedule import BEHIND_DAYS
from ats_assets.scheduled_events.schema import RAW_SCHEDULED, REJECTED_SCHEDULED, SCHEDULED
from ats_assets.scheduled_events.screening import EVENT_NO_FAULT
from ats_assets.storage.knowledge import time_of


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The checks; none without the assets."""
    return [_contract(deployment), _freshness(deployment)] if deployment.settings.scheduled_events.has_events else []


def _contract(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=SCHEDULED, name="contract", partitions_def=partitions_of(deployment))
    def contract_of_events(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether a row was quarantined: nothing is kept clear of its event then."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rejected = deployment.warehouse.read(REJECTED_SCHEDULED, sessions)
        faulty = rejected.filter(pl.col("reasons").list.set_difference(list(EVENT_NO_FAULT)).list.len() > 0)
        by_session = {key[0]: rows for key, rows in faulty.group_by("session", maintain_order=True)}
        verdicts = {
            day: quarantine_verdict(by_session.get(day, faulty.clear()), "rows of the schedule", REJECTED_SCHEDULED) for day in sessions
        }
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return contract_of_events


def _freshness(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=SCHEDULED, name="freshness", partitions_def=partitions_of(deployment))
    def freshness_of_events(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether there is an event at all, as in a file that nobody goes on with there is none, and whether the schedule was known when the session was decided."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        return report(context, {day: _fresh(deployment, day) for day in sessions}, severity=dg.AssetCheckSeverity.WARN)

    return freshness_of_events


def _fresh(deployment: Deployment, session: date) -> Verdict:
    days = deployment.warehouse.read(SCHEDULED, [session], ["date"])["date"]
    first, deadline = time_of(deployment.warehouse.stamps(RAW_SCHEDULED, session)[0]), deployment.knowledge.deadline(session)
    said: list[str] = []
    if not len(days):
        said.append(
            f"no event of the last {BEHIND_DAYS} days or to come: go on with the files of events, or see what the source says in raw_scheduled_events"
        )
    if first > deadline:
        said.append(
            f"the schedule was known from {first:%Y-%m-%d %H:%M} UTC on, after {deadline:%Y-%m-%d %H:%M}: the session was decided late"
        )
    return Verdict(passed=not said, text="; ".join(said), metadata={"ahead": int((days > session).sum())})

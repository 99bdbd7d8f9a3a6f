"""What is collected beside daily bars: the schedule that asks for it."""

from zoneinfo import ZoneInfo

import dagster as dg

from ats_assets.automation.jobs import COLLECTED, AssetJob
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import prefixed
from ats_assets.orchestration.newest_session import newest_partition


def collection_schedule(deployment: Deployment, job: AssetJob) -> dg.ScheduleDefinition:
    """In the evening of each session, when snapshots of its close can still be taken."""
    hour, minute = deployment.settings.automation.retrain_at.split(":")
    zone = str(deployment.calendar.timezone)

    @dg.schedule(
        job=job,
        name=prefixed(deployment, f"{COLLECTED}_schedule"),
        description="Collects the session that has closed last, if it is not there yet.",
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=zone,
    )
    def market_data_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        deployment.refresh_calendar()
        newest = newest_partition(deployment, context.scheduled_execution_time.astimezone(ZoneInfo(zone)))
        missing = [name for name in deployment.collected if newest and not deployment.warehouse.exists(name, newest)]
        if newest is None or not missing:
            return dg.SkipReason(f"nothing to collect: what there is of {newest} is stored")
        return dg.RunRequest(run_key=f"{COLLECTED}:{newest}", partition_key=newest.isoformat())

    return market_data_schedule

"""Jobs, schedules and sensors: what runs by itself, and when."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.partitions import session_partitions
from ats_assets.sources import open_source
from ats_assets.warehouse import data_version

MODEL = "lightgbm_model"
TRAINING = ("forward_returns", MODEL, "skill")
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

DAILY = dg.AssetSelection.assets("signals").upstream() - dg.AssetSelection.assets(MODEL)
"""Raw bars to signals. The labels known at the session are among them: the probabilities are calibrated on them. No model is: a signal never
waits for tonight's fit."""
REPORTS = dg.AssetSelection.assets("backtest", "backtest_report")


def jobs(deployment: Deployment, hooks: frozenset[dg.HookDefinition] = frozenset()) -> dict[str, AssetJob]:
    """The jobs by name; all run in one process, since a step's own process costs more than most steps."""
    partitions = session_partitions(deployment.calendar)
    made = {
        "history": (dg.AssetSelection.all(include_sources=False) - REPORTS, partitions, "Everything with partitions, over a range of sessions."),
        "daily_signals": (DAILY, partitions, "A new session: raw bars to signals, with the model of the session before."),
        "nightly_retraining": (dg.AssetSelection.assets(*TRAINING), partitions, "The labels that became known, the model in force, the skill."),
        "backtest_reports": (REPORTS, None, "The backtest over all sessions so far, and its report."),
    }
    return {
        name: dg.define_asset_job(
            name, selection=selection, partitions_def=partitioned, description=text, executor_def=dg.in_process_executor, hooks=set(hooks)
        )
        for name, (selection, partitioned, text) in made.items()
    }


def range_tags(sessions: Sequence[date]) -> dict[str, str]:
    """The tags that make one run of a range of sessions."""
    return {RANGE_START: sessions[0].isoformat(), RANGE_END: sessions[-1].isoformat()}


def _request(sessions: Sequence[date], *, run_key: str, job_name: str | None = None) -> dg.RunRequest:
    if len(sessions) == 1:
        return dg.RunRequest(run_key=run_key, partition_key=sessions[0].isoformat(), job_name=job_name)
    return dg.RunRequest(run_key=run_key, tags=range_tags(sessions), job_name=job_name)


def newest_partition(deployment: Deployment, now: datetime) -> date | None:
    """The newest session that has closed and is a partition already (a partition exists from midnight UTC after its date)."""
    keys = session_partitions(deployment.calendar).get_last_partition_key(current_time=now)
    return None if keys is None else min(date.fromisoformat(keys), deployment.calendar.last_closed(now))


def untrained(deployment: Deployment, until: date) -> list[date]:
    """The sessions from the first that has bars and no model to the newest that has bars, none after `until`."""
    bars = [day for day in deployment.warehouse.sessions("bars") if day <= until]
    store = deployment.model_store(MODEL)
    first = next((day for day in bars if not store.exists(day)), None)
    return [] if first is None else [day for day in bars if day >= first]


def retraining_schedule(deployment: Deployment, job: AssetJob) -> dg.ScheduleDefinition:
    """Nightly retraining, in the exchange's time zone, on days with a session."""
    hour, minute = deployment.settings.automation.retrain_at.split(":")
    zone = str(deployment.calendar.timezone)

    @dg.schedule(
        job=job, name="nightly_retraining_schedule", cron_schedule=f"{int(minute)} {int(hour)} * * *", execution_timezone=zone
    )
    def nightly_retraining_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        """Trains every session that has bars and no model yet: tonight's, and those that were delivered late."""
        now = context.scheduled_execution_time.astimezone(ZoneInfo(zone))
        newest, before = newest_partition(deployment, now), newest_partition(deployment, now - timedelta(days=1))
        if newest is None:
            return dg.SkipReason("no session has closed yet")
        due = untrained(deployment, newest)
        if not due:
            closed = f"no session closed on {now:%A} {now.date()}" if newest == before else f"the model of {newest} is in force already"
            stored = deployment.warehouse.sessions("bars")
            late = f"; bars of {newest} have not been delivered" if newest not in stored else ""
            return dg.SkipReason(f"{closed}{late}")
        return _request(due, run_key=f"nightly_retraining:{due[0]}:{due[-1]}")

    return nightly_retraining_schedule


def new_session_sensor(deployment: Deployment, daily: AssetJob, training: AssetJob) -> dg.SensorDefinition:
    """Signals as soon as the source has a new session, or delivers the newest one again with another content."""

    @dg.sensor(
        name="new_session_sensor",
        jobs=[daily, training],
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def new_session(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Asks the source for its newest session; a run is requested once for each content, so a delivery that comes twice does nothing."""
        now = datetime.now(deployment.calendar.timezone)
        return judge_source(deployment, now)

    return new_session


def judge_source(deployment: Deployment, now: datetime) -> dg.SensorResult | dg.SkipReason:
    """What the source's newest session calls for at `now`."""
    stored = deployment.warehouse.sessions("signals")
    if not stored:
        return dg.SkipReason("there is no history yet: make it with ats run")
    newest = newest_partition(deployment, now)
    source = open_source(deployment.settings.source, deployment.calendar)  # anew: files may have come
    try:
        latest = source.latest_session()
    except SourceError as error:
        return dg.SkipReason(f"the source can't be read: {error}")
    latest = latest if newest is None else min(latest, newest)
    if latest < stored[-1]:
        return dg.SkipReason(f"the source ends at {latest}; signals of {stored[-1]} are stored")
    delivered = source.bars([latest])
    version = data_version(delivered)
    if latest == stored[-1] and deployment.warehouse.footer("raw_bars", latest).data_version == version:
        return dg.SkipReason(f"no new session: signals of {latest} are made from what the source holds")
    due = deployment.calendar.sessions(deployment.calendar.offset(stored[-1], 1), latest) or [latest]
    before = deployment.calendar.offset(due[0], -1)
    waiting = untrained(deployment, before)
    if waiting:
        key = f"nightly_retraining:{waiting[0]}:{waiting[-1]}"
        return dg.SensorResult(
            run_requests=[_request(waiting, run_key=key, job_name="nightly_retraining")],
            skip_reason=None,
        )
    if len(due) > 1:  # a session's signals need the model of the one before, so several are made one by one
        due = due[:1]
        version = data_version(source.bars(due))
    return dg.SensorResult(run_requests=[_request(due, run_key=f"daily_signals:{due[0]}:{version[:16]}", job_name="daily_signals")])

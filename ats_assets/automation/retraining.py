"""The nightly retraining: which sessions have no model yet, and the schedule that asks for them."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import dagster as dg

from ats_assets.automation.jobs import AssetJob
from ats_assets.automation.requests import request_of, run_request
from ats_assets.deployment import Deployment
from ats_assets.features.choosing import model_families
from ats_assets.orchestration.graph import prefixed
from ats_assets.orchestration.newest_session import newest_partition
from ats_assets.orchestration.offered import not_offered
from ats_assets.predictions.active_models import active_since
from ats_assets.refits import is_refit_session, last_refit
from ats_assets.storage.artefacts import ModelStore


def retraining_schedule(deployment: Deployment, job: AssetJob) -> dg.ScheduleDefinition:
    """Nightly retraining, in the exchange's time zone, on days with a session."""
    hour, minute = deployment.settings.automation.retrain_at.split(":")
    zone = str(deployment.calendar.timezone)

    @dg.schedule(
        job=job,
        name=prefixed(deployment, "nightly_retraining_schedule"),
        description="Trains every session that has features and no model yet: tonight's, and those that were delivered late.",
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=zone,
    )
    def nightly_retraining_schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(ZoneInfo(zone))
        deployment.refresh_calendar()
        newest = newest_partition(deployment, now)
        if newest is None:
            return dg.SkipReason("no session has closed yet")
        due = untrained(deployment, newest)
        if not due:
            return dg.SkipReason(_nothing_to_train(deployment, newest, now))
        if why := not_offered(deployment, [day for sessions in due for day in sessions]):
            return dg.SkipReason(why)
        made = [(sessions, request_of(deployment, job.name, sessions)) for sessions in due]
        return [run_request(deployment, job.name, sessions, request, run_key=request) for sessions, request in made]

    return nightly_retraining_schedule


def _nothing_to_train(deployment: Deployment, newest: date, now: datetime) -> str:
    if not all(deployment.warehouse.exists(family, newest) for family in deployment.of(model_families)):
        return f"the features of {newest} are not made yet: it is trained on the first night after they are"
    today = now.date()
    closed = "" if deployment.calendar.is_session(today) else f"no session on {today:%A} {today}; "
    return f"{closed}the model of {newest} is there already"


def untrained(deployment: Deployment, until: date) -> list[list[date]]:
    """The sessions up to `until` that have features and no model, or no tuning of one that is tuned, as runs of neighbouring sessions.

    Features, not bars: where a blocking check failed there are bars, but nothing should be learned from them. A session that has become a refit session since the
    calendar changed has a model that was carried there: it counts as untrained.
    """
    stores = [deployment.model_store(name) for name in _nightly(deployment)]
    tuned = [set(deployment.valid_sessions(asset)) for asset in (*deployment.tunings.values(), *deployment.retunings.values())]
    trained = set.intersection(*(set(store.stored_sessions()) for store in stores), *tuned)
    trained -= {day for day in trained if any(_is_carried_to_a_refit(deployment, store, day) for store in stores)}
    due: list[list[date]] = []
    for day in sorted(set.intersection(*(set(deployment.valid_sessions(family)) for family in deployment.of(model_families)))):
        if day <= until and day not in trained:
            if due and deployment.calendar.position(day) == deployment.calendar.position(due[-1][-1]) + 1:
                due[-1].append(day)
            else:
                due.append([day])
    return due


def needed_for_signals(deployment: Deployment, session: date) -> list[date]:
    """The sessions to train before the signals of `session` can be made, which need the model of the session before; none where it is there."""
    if session == deployment.calendar.first:
        return []
    before = deployment.calendar.offset(session, -1)
    due = last_refit(deployment.calendar, before, deployment.settings.training.refit)
    used = {name: {due, before} for name in deployment.daily_models}
    used |= {name: {*deployment.calendar.sessions(active_since(deployment, before), before)} for name in deployment.drift_refits.values()}
    missing = sorted(
        day
        for name, days in used.items()
        for day in deployment.known(sorted(days))
        if not (store := deployment.model_store(name)).exists(day) or _is_carried_to_a_refit(deployment, store, day)
    )
    return deployment.calendar.sessions(_tuned_before(deployment, missing[0]), before) if missing else []


def _tuned_before(deployment: Deployment, session: date) -> date:
    """From where to train if a session is to be: from the tuning session before it, where its tuning is not there."""
    tuned = last_refit(deployment.calendar, session, deployment.settings.tuning.every)
    is_there = all(deployment.warehouse.exists(asset, tuned) for asset in deployment.tunings.values())
    return session if is_there or not deployment.known([tuned]) else tuned


def _nightly(deployment: Deployment) -> list[str]:
    """The models of sessions, and those that drift may ask for."""
    return [*deployment.daily_models, *deployment.drift_refits.values()]


def _is_carried_to_a_refit(deployment: Deployment, store: ModelStore, session: date) -> bool:
    calendar = deployment.calendar
    is_refit = calendar.is_session(session) and is_refit_session(calendar, session, deployment.refit(store.name))
    return is_refit and store.record(session).status == "carried"

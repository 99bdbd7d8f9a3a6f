"""Signals as soon as the source has a new session: the sensor that asks it."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import dagster as dg

from ats_assets.automation.jobs import AT_WORK, LATE, AssetJob
from ats_assets.automation.requests import REMARK, asked_once, request_of
from ats_assets.automation.retraining import needed_for_signals
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError, SourceError
from ats_assets.execution.closings import learn_closings
from ats_assets.orchestration.graph import prefixed
from ats_assets.orchestration.newest_session import newest_partition
from ats_assets.orchestration.offered import not_offered
from ats_assets.sources import BarSource
from ats_assets.sources.last_asked import ACTIONS, LastAsked, ask, glance, stored_answer, unchanged
from ats_assets.storage.footer import Upstream
from ats_assets.storage.vintages import VINTAGES_OF
from ats_assets.storage.warehouse import Warehouse


def new_session_sensor(deployment: Deployment, daily: AssetJob, training: AssetJob, late: AssetJob) -> dg.SensorDefinition:
    """Signals as soon as the source has a new session, or delivers the newest one again with another content; before them, what was announced late."""

    @dg.sensor(
        name=prefixed(deployment, "new_session_sensor"),
        description="Asks the source for its newest session. A run is requested once for each content, so a delivery that comes twice does nothing.",
        jobs=[daily, training, late],
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def new_session(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = datetime.now(deployment.calendar.timezone)
        outcome, asked = judge_remembering(deployment, now, context.instance, LastAsked.decoded(context.cursor))
        context.update_cursor("" if asked is None else asked.encoded())
        return outcome

    return new_session


def judge_source(deployment: Deployment, now: datetime, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """What the source's newest session calls for at `now`: one run, or none and why.

    One session at a time, since its signals need the model of the session before; and one run at a time, so that two never write one session.
    """
    return judge_remembering(deployment, now, instance, None)[0]


def judge_remembering(
    deployment: Deployment, now: datetime, instance: dg.DagsterInstance, last: LastAsked | None
) -> tuple[dg.RunRequest | dg.SkipReason, LastAsked | None]:
    """As `judge_source`, and what the source was asked for last.

    Parameters
    ----------
    last
        As returned for the tick before. While it is fresh, a server is asked for the time and nothing else; while files are as they were, none is read.
    """
    deployment.refresh_calendar()
    stored = deployment.valid_sessions("targets")
    newest = newest_partition(deployment, now)
    if not stored or newest is None:
        return dg.SkipReason("there is no history yet: make it with ats run"), last
    names = [prefixed(deployment, job) for job in ("daily_signals", "nightly_retraining", LATE)]
    at_work = [run for job in names for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=AT_WORK))]
    if at_work:
        return dg.SkipReason(f"{at_work[0].job_name} is running: run {at_work[0].run_id}"), last
    try:
        source, same, seen = _looked_at(deployment, last, now)
        latest, remark = min(seen.latest, newest), seen.remark
        if latest < stored[-1]:
            said = _said(dg.SkipReason(f"the source ends at {latest}; targets of {stored[-1]} are stored"), remark)
            return said, seen if seen.state else last
        due = stored[-1] if latest == stored[-1] else deployment.calendar.offset(stored[-1], 1)
        if due < latest and not source.capabilities.remote and learn_closings(deployment):  # files do not tell that a day was no session
            source, same = deployment.source_now(), None
            due = deployment.calendar.after(stored[-1])
        made = due == stored[-1] and is_current(deployment, "targets", due)
        if same is not None and same.answers(due):
            last, fresh = same, False
        else:
            last, fresh = _answer(deployment, source, seen, last, due=due, now=now, made=made)
    except (SourceError, SettingsError) as error:
        return dg.SkipReason(f"the source can't be read: {error}"), last
    is_made = made and (fresh or _is_stored(deployment, due, last.delivery))
    outcome = _due_run(deployment, instance, last, is_made=is_made)
    asks_anew = isinstance(outcome, dg.RunRequest) and outcome.job_name == names[-1]  # what it stores, it has asked for itself
    return _said(outcome, remark), None if asks_anew else last


def _looked_at(deployment: Deployment, last: LastAsked | None, now: datetime) -> tuple[BarSource, LastAsked | None, LastAsked]:
    """The source reopened, since files may have come; what was seen of it before, where it is the same still; what is seen of it now.

    A source that asks the broker's calendar may learn of a closing: then it is looked at once more, with that calendar.
    """
    source = deployment.source_now()
    same = unchanged(source, last)
    seen = same or glance(source, now)
    if deployment.refresh_calendar():
        source = deployment.source_now()
        return source, None, glance(source, now)
    return source, same, seen


def _answer(
    deployment: Deployment, source: BarSource, seen: LastAsked, last: LastAsked | None, *, due: date, now: datetime, made: bool
) -> tuple[LastAsked, bool]:
    """What the source says of a session, and whether that is an answer of an earlier tick, which is still fresh."""
    minutes, remote = deployment.settings.automation.ask_again_minutes, source.capabilities.remote
    if remote and made and (last is None or last.session != due):
        last = stored_answer(deployment.warehouse, due, now)  # a sensor that remembers nothing begins with what is there
    if remote and last is not None and last.is_fresh(due, now, minutes=minutes):
        return last, True
    asked = ask(source, due, deployment.calendar, now, before=deployment.settings.source.actions_again_sessions)
    return replace(asked, state=seen.state, latest=seen.latest, remark=seen.remark), False


def _due_run(deployment: Deployment, instance: dg.DagsterInstance, asked: LastAsked, *, is_made: bool) -> dg.RunRequest | dg.SkipReason:
    """The first run that the answer calls for: what was announced late, the model of the session before, the signals of the session."""
    daily, retraining, late = (prefixed(deployment, job) for job in ("daily_signals", "nightly_retraining", LATE))
    if changed := asked.announced_late(deployment.warehouse)[:1]:
        content = asked.versions[ACTIONS][changed[0].isoformat()]
        return asked_once(deployment, instance, late, changed, request_of(deployment, late, changed, content))
    if is_made:
        return dg.SkipReason(f"no new session: targets of {asked.session} are made from what the source holds")
    if why := not_offered(deployment, [asked.session]):
        return dg.SkipReason(why)
    training = needed_for_signals(deployment, asked.session)
    if training:
        return asked_once(deployment, instance, retraining, training, request_of(deployment, retraining, training))
    content = hashlib.sha256("".join(asked.delivery.values()).encode()).hexdigest()
    return asked_once(deployment, instance, daily, [asked.session], request_of(deployment, daily, [asked.session], content))


def _said(outcome: dg.RunRequest | dg.SkipReason, remark: str | None) -> dg.RunRequest | dg.SkipReason:
    """The outcome with what the source says of its clock: in the reason, or as a tag of the run."""
    if remark is None:
        return outcome
    if isinstance(outcome, dg.SkipReason):
        return dg.SkipReason(f"{outcome.skip_message} ({remark})")
    return outcome._replace(tags={**outcome.tags, REMARK: remark})


def _is_stored(deployment: Deployment, session: date, delivery: Mapping[str, str]) -> bool:
    warehouse = deployment.warehouse
    return all(
        warehouse.exists(asset, session) and warehouse.footer(asset, session).data_version == version for asset, version in delivery.items()
    )


def is_current(deployment: Deployment, asset: str, session: date) -> bool:
    """Whether a partition, and all that it was made from of the same session, were made from what is stored now, as the session knows it; models apart."""
    warehouse = deployment.warehouse
    try:
        upstream = warehouse.footer(asset, session).upstream
        if asset in VINTAGES_OF:
            return _is_made_of_all(warehouse, asset, session, upstream)
        made_from = {
            name: versions[session.isoformat()]
            for name, versions in upstream.items()
            if name not in deployment.models and session.isoformat() in versions
        }
        return all(
            warehouse.footer(name, session).data_version == version and is_current(deployment, name, session)
            for name, version in made_from.items()
        )
    except MissingPartitionError:
        return False


def _is_made_of_all(warehouse: Warehouse, asset: str, session: date, upstream: Upstream) -> bool:
    """Whether there is a vintage for each of the delivery's, and the session's own is made of what is stored of that."""
    delivery, path = VINTAGES_OF[asset], warehouse.path(asset, session)
    if set(warehouse.made_vintages(asset, session)) != set(warehouse.stamps(delivery, session)):
        return False
    delivered = warehouse.folder(delivery, session) / path.name
    return upstream.get(delivery) == {session.isoformat(): warehouse.footer_of(delivered).data_version}

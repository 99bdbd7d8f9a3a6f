"""What trades by itself: the sensor that launches the orders of a session once its targets are there."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl

from ats_assets.alerts import Alert, Severity, open_alerts
from ats_assets.automation.jobs import AT_WORK, JOB, AssetJob
from ats_assets.automation.requests import REQUEST
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.closings import learn_closings
from ats_assets.execution.executor import LOOK_AGAIN
from ats_assets.execution.share_splits import announced_since
from ats_assets.orchestration.graph import prefixed
from ats_assets.orchestration.newest_session import newest_partition
from ats_assets.storage.versions import settings_version

MAX_ATTEMPTS = 12
"""How often a session's orders are tried before the sensor asks a person: a failed run is tried again, for it sends nothing twice."""
LONGEST_WAIT = timedelta(hours=1)
"""Between two of them; the first waits are 1, 2, 4, … minutes, so that the last comes after about seven hours: before the next open."""
NOTHING_WAITS = "no session with targets waits for its orders"


def trading_sensor(deployment: Deployment, job: AssetJob) -> dg.SensorDefinition:
    """Orders as soon as a session has targets, while `orders.enabled` is true."""

    @dg.sensor(
        name=prefixed(deployment, "trading_sensor"),
        description="Asks for the orders of the next session that has targets, one session after the other, from the newest one at the time of the first order on; and for what "
        "the last plan has left to do: before the open where a split was announced late, in the session where orders or exits wait for it.",
        job=job,
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def trading(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        outcome, looked = judge_remembering(
            deployment, datetime.now(deployment.calendar.timezone), context.instance, context.cursor or None
        )
        context.update_cursor(looked or "")
        return outcome

    return trading


def next_to_trade(deployment: Deployment, now: datetime) -> date | None:
    """The session whose orders are due: the one after the last that was traded, if it has targets; at the first start the newest with targets."""
    newest = newest_partition(deployment, now) or date.min
    decided = [day for day in deployment.valid_sessions("targets") if day <= newest]
    traded = deployment.warehouse.stored_sessions("orders")
    if not decided:
        return None
    if not traded:
        return decided[-1]
    due = deployment.calendar.after(traded[-1])  # the last one may have turned out to be no session
    return due if due in decided else None


def left_of_the_last_plan(deployment: Deployment, now: datetime) -> date | None:
    """The session traded last, until the close of the one after it: what its plan has left to do can still be done. None where the broker is the embedded one, which leaves nothing."""
    traded, calendar = deployment.warehouse.stored_sessions("orders"), deployment.calendar
    if deployment.of(chosen_broker).embedded or not traded or not calendar.is_session(traded[-1]) or traded[-1] == calendar.last:
        return None
    return traded[-1] if now < calendar.closes_at(calendar.after(traded[-1])) else None


def skipped_session(deployment: Deployment) -> str | None:
    """Why trading can't go on although later sessions have targets; None where it can, or none have."""
    traded = deployment.warehouse.stored_sessions("orders")
    decided = deployment.valid_sessions("targets")
    if not traded or not decided or traded[-1] >= decided[-1]:
        return None
    due = deployment.calendar.after(traded[-1])
    if due in decided:
        return None
    return (
        f"the session after {traded[-1]} is {due}, which has no targets, and {decided[-1]} has: make them with ats run --from {due}; if the exchange was closed on {due}, "
        f'set calendar.closed = ["{due}"]'
    )


def judge_trading(deployment: Deployment, now: datetime, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """The run that is due at `now`, or none and why."""
    return judge_remembering(deployment, now, instance, None)[0]


def judge_remembering(
    deployment: Deployment, now: datetime, instance: dg.DagsterInstance, looked: str | None
) -> tuple[dg.RunRequest | dg.SkipReason, str | None]:
    """As `judge_trading`, and when was looked last at what is announced for the coming open.

    Parameters
    ----------
    looked
        As returned for the tick before.
    """
    if not deployment.settings.orders.enabled:
        return dg.SkipReason("orders.enabled is false: set it to let this sensor trade, or trade by hand with ats trade"), looked
    deployment.refresh_calendar()
    if skipped_session(deployment):
        learn_closings(deployment)
    if session := next_to_trade(deployment, now):
        return _asked(deployment, instance, now, session), now.isoformat()  # who sends a plan looks at the coming open first
    session = left_of_the_last_plan(deployment, now)
    if session is None:
        return dg.SkipReason(skipped_session(deployment) or NOTHING_WAITS), looked
    calendar = deployment.calendar
    opens = calendar.opens_at(calendar.after(session))
    if now >= opens:
        return _taken_up(deployment, instance, now, session, opens), looked
    if looked and now - datetime.fromisoformat(looked) < LOOK_AGAIN:
        return dg.SkipReason(NOTHING_WAITS), looked
    outcome = _looked_up(deployment, instance, now, session)
    return outcome, now.isoformat() if isinstance(outcome, dg.SkipReason) and outcome.skip_message == NOTHING_WAITS else looked


def _taken_up(
    deployment: Deployment, instance: dg.DagsterInstance, now: datetime, session: date, opens: datetime
) -> dg.RunRequest | dg.SkipReason:
    """In the session after the one traded last: what waits for its shares is sent, and positions that lack exits get them."""
    sent = deployment.warehouse.read("orders", [session], ["leg", "state"])
    if not sent.filter(pl.col("leg") == "close", pl.col("state") == "planned").is_empty():
        return _asked(deployment, instance, now, session, ":open")
    if deployment.settings.orders.kind != "bracket":
        return dg.SkipReason(NOTHING_WAITS)
    # exits end at the open where their cancel was pending, and again later where an entry is filled late
    return _asked(deployment, instance, now, session, ":exits" if now < opens + LOOK_AGAIN else ":exits-again", once=True)


def _looked_up(deployment: Deployment, instance: dg.DagsterInstance, now: datetime, session: date) -> dg.RunRequest | dg.SkipReason:
    """Before the open: the orders that would cross a split or a change of name that was announced since they were sent are cancelled."""
    try:
        crossing = announced_since(deployment, session)
    except AtsError as error:
        text = (
            f"{error}. Orders of a symbol that splits or changes its name at the next open would be in old shares, or under an old ticker."
        )
        title = f"The splits after {session} can't be looked up"
        open_alerts(deployment.settings).send(Alert(key=f"splits:{session}", severity=Severity.WARNING, title=title, text=text, at=now))
        return dg.SkipReason(f"{title}: {error}")
    if not crossing:
        return dg.SkipReason(NOTHING_WAITS)
    told = "".join(f"{symbol}{one.reason}" for symbol, one in sorted(crossing.items()))
    return _asked(deployment, instance, now, session, f":splits-{hashlib.sha256(told.encode()).hexdigest()[:8]}", once=True)


def _asked(
    deployment: Deployment, instance: dg.DagsterInstance, now: datetime, session: date, occasion: str = "", *, once: bool = False
) -> dg.RunRequest | dg.SkipReason:
    """The run of a session's orders, unless another one is at work, or it was tried a moment ago, or too often.

    Parameters
    ----------
    occasion
        For which it is run again.
    once
        Whether one run that succeeds is enough.
    """
    at_work = [
        run
        for name in (JOB, "daily_signals", "history")
        for run in instance.get_runs(dg.RunsFilter(job_name=prefixed(deployment, name), statuses=AT_WORK))
    ]
    if at_work:
        return dg.SkipReason(f"{at_work[0].job_name} is running: run {at_work[0].run_id}")
    job = prefixed(deployment, JOB)
    request = f"{job}:{session}:{settings_version(deployment.settings.orders)[:8]}{occasion}"
    tried = [record for record in instance.get_run_records(dg.RunsFilter(tags={REQUEST: request})) if record.dagster_run.is_finished]
    if once and tried and tried[0].dagster_run.is_success:
        return dg.SkipReason(NOTHING_WAITS)
    if len(tried) >= MAX_ATTEMPTS:
        return dg.SkipReason(
            f"the orders of {session} were tried {len(tried)} times (last: run {tried[0].dagster_run.run_id}): see its log, then launch {job} by hand"
        )
    if tried and (later := _again_at(tried)) > now:
        return dg.SkipReason(
            f"the orders of {session} were tried {how_many(len(tried), 'time')}, last in run {tried[0].dagster_run.run_id}: again at {later:%H:%M}"
        )
    return dg.RunRequest(run_key=f"{request}:{len(tried)}", partition_key=session.isoformat(), job_name=job, tags={REQUEST: request})


def _again_at(tried: Sequence[dg.RunRecord]) -> datetime:
    """When a run that failed is tried again."""
    ended = datetime.fromtimestamp(tried[0].end_time or tried[0].update_timestamp.timestamp(), UTC)
    return ended + min(LONGEST_WAIT, timedelta(minutes=2 ** (len(tried) - 1)))

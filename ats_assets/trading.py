"""What trades by itself: a job for the orders of one session, and the sensor that launches it once the session's signals are there."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import polars as pl
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from ats_assets.automation import AT_WORK, GRAPH, MAIN, REQUEST, newest_partition
from ats_assets.deployment import Deployment
from ats_assets.graph import prefixed
from ats_assets.versions import settings_version

JOB = "trading"
MAX_ATTEMPTS = 12
"""How often a session's orders are tried before the sensor asks a person: a failed run is tried again, for it sends nothing twice."""
LONGEST_WAIT = timedelta(hours=1)
"""Between two of them; the first waits are 1, 2, 4, … minutes, so that the last comes after about seven hours: before the next open."""


def trading_job(deployment: Deployment) -> AssetJob:
    """Settle a session, plan the orders for the next open, send them."""
    return dg.define_asset_job(
        prefixed(deployment, JOB),
        tags={GRAPH: deployment.settings.graph.prefix or MAIN},
        selection=dg.AssetSelection.groups(prefixed(deployment, "orders")),
        description="A session's orders: what came of the last ones, the plan for the next open, sent to the broker exactly once.",
        executor_def=dg.in_process_executor,
    )


def trading_sensor(deployment: Deployment, job: AssetJob) -> dg.SensorDefinition:
    """Orders as soon as a session has signals, while `orders.enabled` is true."""

    @dg.sensor(
        name=prefixed(deployment, "trading_sensor"),
        description="Asks for the orders of the next session that has signals, one session after the other, from the newest one at the time of the first order on.",
        job=job,
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def trading(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return judge_trading(deployment, datetime.now(deployment.calendar.timezone), context.instance)

    return trading


def next_to_trade(deployment: Deployment, now: datetime) -> date | None:
    """The session whose orders are due: the one after the last that was traded, if it has signals; at the first start the newest with signals."""
    newest = newest_partition(deployment, now) or date.min
    signals = [day for day in deployment.sessions("signals") if day <= newest]
    traded = deployment.warehouse.sessions("orders")
    if not signals:
        return None
    if not traded:
        return signals[-1]
    due = deployment.calendar.after(traded[-1])  # the last one may have turned out to be no session
    return due if due in signals else None


def waits_for_the_open(deployment: Deployment, now: datetime) -> date | None:
    """The session traded last, while the one after it is open and orders to close of it were passed over: a broker may let go of their shares at the open only."""
    traded, calendar = deployment.warehouse.sessions("orders"), deployment.calendar
    if not traded or traded[-1] >= calendar.last or deployment.settings.orders.broker == "paper":
        return None
    following = calendar.after(traded[-1])
    if not calendar.opens_at(following) <= now < calendar.closes_at(following):
        return None
    sent = deployment.warehouse.read("orders", [traded[-1]], ["leg", "state"])
    return None if sent.filter(pl.col("leg") == "close", pl.col("state") == "planned").is_empty() else traded[-1]


def skipped_signals(deployment: Deployment) -> str | None:
    """Why trading can't go on although later sessions have signals; None where it can, or none have."""
    traded = deployment.warehouse.sessions("orders")
    signals = deployment.sessions("signals")
    if not traded or not signals or traded[-1] >= signals[-1]:
        return None
    due = deployment.calendar.after(traded[-1])
    if due in signals:
        return None
    return (
        f"the session after {traded[-1]} is {due}, which has no signals, and {signals[-1]} has: make them with ats run --from {due}; if the exchange was closed on {due}, "
        f'set calendar.closed = ["{due}"]'
    )


def judge_trading(deployment: Deployment, now: datetime, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """The run that is due at `now`, or none and why."""
    settings = deployment.settings.orders
    if not settings.enabled:
        return dg.SkipReason("orders.enabled is false: set it to let this sensor trade, or trade by hand with ats trade")
    deployment.refresh_calendar()
    due = next_to_trade(deployment, now) or waits_for_the_open(deployment, now)
    if due is None:
        return dg.SkipReason(skipped_signals(deployment) or "no session with signals waits for its orders")
    at_work = [
        run
        for name in (JOB, "daily_signals", "history")
        for run in instance.get_runs(dg.RunsFilter(job_name=prefixed(deployment, name), statuses=AT_WORK))
    ]
    if at_work:
        return dg.SkipReason(f"{at_work[0].job_name} is at work: run {at_work[0].run_id}")
    job = prefixed(deployment, JOB)
    again = ":open" if due in deployment.warehouse.sessions("orders") else ""
    request = f"{job}:{due}:{settings_version(settings)[:8]}{again}"
    tried = [record for record in instance.get_run_records(dg.RunsFilter(tags={REQUEST: request})) if record.dagster_run.is_finished]
    if len(tried) >= MAX_ATTEMPTS:
        return dg.SkipReason(
            f"the orders of {due} were tried {len(tried)} times (last: run {tried[0].dagster_run.run_id}): see its log, then launch {job} by hand"
        )
    if tried and (later := _again_at(tried)) > now:
        return dg.SkipReason(
            f"the orders of {due} were tried {len(tried)} time(s), last in run {tried[0].dagster_run.run_id}: again at {later:%H:%M}"
        )
    return dg.RunRequest(run_key=f"{request}:{len(tried)}", partition_key=due.isoformat(), job_name=job, tags={REQUEST: request})


def _again_at(tried: Sequence[dg.RunRecord]) -> datetime:
    """When a run that failed is tried again."""
    ended = datetime.fromtimestamp(tried[0].end_time or tried[0].update_timestamp.timestamp(), UTC)
    return ended + min(LONGEST_WAIT, timedelta(minutes=2 ** (len(tried) - 1)))

"""What people hear of without asking: failed runs, failed checks, late data. A sensor looks at what has happened since it looked last."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from ats_assets.alerts import Alert, Alerts, Severity, open_alerts
from ats_assets.automation.jobs import concerns
from ats_assets.deployment import Deployment
from ats_assets.monitoring.lateness import bars_late
from ats_assets.orchestration.graph import asset_name, prefixed

OVERLAP = timedelta(seconds=5)
"""Looked at twice, for several runs may end in one moment; an alert is sent once by its key."""
RUNS_AT_ONCE = 100
URGENT = ("daily_signals", "nightly_retraining", "trading")
"""The jobs whose failure keeps tomorrow's orders from being made."""
ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def alert_sensor(deployment: Deployment) -> dg.SensorDefinition:
    """Alerts about runs, checks and late data; on by default, since without routes it does nothing."""
    alerts = open_alerts(deployment.settings)

    @dg.sensor(
        name=prefixed(deployment, "alert_sensor"),
        description="Tells the routes of alerts.routes of failed runs, failed checks and late data, and tries again what could not be sent.",
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def alert(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        if not deployment.settings.alerts.routes:
            return dg.SkipReason("alerts.routes names nobody to tell: see docs/alerts.md")
        now = datetime.now(UTC)
        since = datetime.fromisoformat(context.cursor) if context.cursor else now
        told, until = tell(deployment, alerts, context.instance, since, now)
        return dg.SensorResult(skip_reason=f"{told} alerts", cursor=until.isoformat())

    return alert


def tell(deployment: Deployment, alerts: Alerts, instance: dg.DagsterInstance, since: datetime, now: datetime) -> tuple[int, datetime]:
    """Send what has happened since; how many alerts, and the time up to which all was looked at."""
    filters = dg.RunsFilter(statuses=ENDED, updated_after=since - OVERLAP)
    records = instance.get_run_records(filters, limit=RUNS_AT_ONCE, order_by="update_timestamp", ascending=True)
    found = [
        one
        for record in records
        if concerns(deployment, record.dagster_run)
        for one in alerts_of_run(deployment, instance, record.dagster_run, now)
    ]
    found += late_data(deployment, now)
    for one in found:
        alerts.send(one)
    alerts.send_waiting()
    return len(found), records[-1].update_timestamp.replace(tzinfo=UTC) if len(records) == RUNS_AT_ONCE else now


def alerts_of_run(deployment: Deployment, instance: dg.DagsterInstance, run: dg.DagsterRun, now: datetime) -> Iterator[Alert]:
    """A failed run, and each check that failed in it: with severity ERROR it is critical, for what comes after was not made."""
    what = _sessions(run)
    if run.status == dg.DagsterRunStatus.FAILURE:
        urgent = run.job_name in {prefixed(deployment, name) for name in URGENT}
        yield Alert(
            key=f"run:{run.run_id}",
            severity=Severity.CRITICAL if urgent else Severity.WARNING,
            title=f"{run.job_name} failed{what}",
            text=f"{_cause(instance, run)}\nRun {run.run_id}: see its log in the UI, and re-execute it when the cause is gone.",
            at=now,
        )
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = entry.get_dagster_event().asset_check_evaluation_data
        if not check.passed and (check.partition is None or "dagster/partition" in run.tags):  # of a range: the result of all its sessions
            error = check.severity == dg.AssetCheckSeverity.ERROR
            name = prefixed(deployment, f"{asset_name(check.asset_key)}.{check.check_name}")
            yield Alert(
                key=f"check:{name}{what}",
                severity=Severity.CRITICAL if error else Severity.WARNING,
                title=f"check {name} {'failed' if error else 'warns'}{what}",
                text=check.description or "see the check in the UI",
                at=now,
            )


def late_data(deployment: Deployment, now: datetime) -> Iterator[Alert]:
    """The newest session whose bars should be stored by now and are not."""
    late = bars_late(deployment, now)
    if late is None:
        return
    minutes = deployment.settings.automation.late_after_minutes
    yield Alert(
        key=f"late:{prefixed(deployment, str(late.due))}",
        severity=Severity.WARNING,
        title=f"no bars of {late.due}" + (f" and {late.sessions - 1} sessions before" if late.sessions > 1 else ""),
        text=f"{prefixed(deployment, 'raw_bars')} ends at {late.stored}, {minutes} minutes after the close of {late.due}: does the source deliver, and is "
        f"{prefixed(deployment, 'new_session_sensor')} on?",
        at=now,
    )


def _sessions(run: dg.DagsterRun) -> str:
    first, last = (run.tags.get(f"dagster/asset_partition_range_{end}", "") for end in ("start", "end"))
    key = run.tags.get("dagster/partition", f"{first} to {last}" if first else "")
    return f", {key}" if key else ""


def _cause(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """What the first failed step says, else the run."""
    for kind in (dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.RUN_FAILURE):
        for entry in instance.all_logs(run.run_id, of_type=kind):
            event = entry.get_dagster_event()
            error = getattr(event.event_specific_data, "error", None)
            while error is not None and error.cause is not None:
                error = error.cause
            return f"{event.step_key or run.job_name}: {error.message.strip() if error else event.message}"
    return "it says nothing about why"

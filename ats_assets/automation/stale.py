"""The sensor that asks for stale partitions to be rebuilt while the daemon runs."""

import hashlib

import dagster as dg

from ats_assets.automation.jobs import AT_WORK, AssetJob, concerns
from ats_assets.automation.lineage_rules import rules_of
from ats_assets.automation.requests import asked_once
from ats_assets.deployment import Deployment
from ats_assets.lineage import LineageRules
from ats_assets.lineage.healing import Healing
from ats_assets.orchestration.graph import prefixed

HEALED_AT_ONCE = 126
"""Sessions in one run of what is stale."""


def stale_sensor(deployment: Deployment, history: AssetJob, reports: AssetJob) -> dg.SensorDefinition:
    """What `ats stale --heal` does, by run requests, while the daemon runs."""

    @dg.sensor(
        name=prefixed(deployment, "stale_sensor"),
        description="Rebuilds stale partitions: those whose data, code or settings have changed, one asset and one run of sessions at a time, upstream first.",
        jobs=[history, reports],
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def stale(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if context.repository_def is None:
            return dg.SkipReason("the graph is not known: evaluate the sensor with its definitions")
        return judge_stale(deployment, rules_of(deployment, context.repository_def.asset_graph), context.instance)

    return stale


def judge_stale(deployment: Deployment, rules: LineageRules, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """The first of what is stale now as one run, or none and why. One run at a time, since what comes after depends on what it makes."""
    at_work = [run for run in instance.get_runs(dg.RunsFilter(statuses=AT_WORK)) if concerns(deployment, run)]
    if at_work:
        return dg.SkipReason(f"{at_work[0].job_name} is running: run {at_work[0].run_id}")
    deployment.refresh_calendar()
    assets, sessions, why = next(Healing(deployment, rules, full=False).steps(HEALED_AT_ONCE), ((), [], []))
    if not why:
        return dg.SkipReason("nothing is stale")
    cause = hashlib.sha256("".join(f"{one.asset}{one.session}{one.reason}" for one in why).encode()).hexdigest()[:16]
    job = prefixed(deployment, "history" if sessions else "backtest_reports")
    request = ":".join(
        [prefixed(deployment, "stale"), *assets, *dict.fromkeys([str(day) for day in (sessions[:1] + sessions[-1:])]), cause]
    )
    return asked_once(deployment, instance, job, sessions, request, assets=assets)

"""Dagster's own state, under the names and labels of dagster-prometheus-exporter (MIT), so that dashboards and rules made for it work here.

What that exporter asks the web server for and no table holds is not told: `dagster_code_location_load_error`. Counters count all runs that are stored, and not those since a
start.
"""

import json
from collections.abc import Sequence
from typing import Any

from ats_assets.lineage.judged_stale import stale_counts
from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.dagster_storage import FILES, stored_time
from ats_assets.monitoring.expected_triggers import expected_triggers
from ats_assets.monitoring.growing_table import Tail
from ats_assets.monitoring.samples import MetricSpec, Samples
from ats_assets.monitoring.stamped import Stamp, stamp_of_database
from ats_assets.monitoring.watch import SERVER_SECONDS, Watch

TOLERANCE_SECONDS = 1_800
"""After which Dagster itself calls a daemon unhealthy."""
ACTIVE, OF_JOBS = ("queued", "starting", "started"), 60
METRICS = (
    MetricSpec(name="dagster_active_runs", text="Runs that are not through.", labels=("job_name", "location", "status"), most=OF_JOBS),
    MetricSpec(
        name="dagster_active_run_duration_seconds",
        text="Since when the oldest of them has that status.",
        labels=("job_name", "location", "status"),
        most=OF_JOBS,
    ),
    MetricSpec(
        name="dagster_completed_runs_total",
        text="Runs that are through.",
        kind="counter",
        labels=("job_name", "location", "status"),
        most=OF_JOBS,
    ),
    MetricSpec(
        name="dagster_last_run_info",
        text="1 for the status of the run that ended last.",
        labels=("job_name", "location", "status"),
        most=30,
    ),
    MetricSpec(
        name="dagster_last_run_duration_seconds", text="How long that run took.", labels=("job_name", "location", "status"), most=30
    ),
    MetricSpec(
        name="dagster_daemon_healthy",
        text="Whether it has written a heartbeat in half an hour.",
        labels=("daemon_type", "required"),
        most=12,
    ),
    MetricSpec(name="dagster_daemon_last_heartbeat_timestamp_seconds", text="Of its newest heartbeat.", labels=("daemon_type",), most=12),
    MetricSpec(
        name="dagster_schedule_status",
        text="1 for whether it is running or stopped.",
        labels=("schedule_name", "location", "status"),
        most=20,
    ),
    MetricSpec(
        name="dagster_schedule_last_tick_status",
        text="1 for what its last tick was.",
        labels=("schedule_name", "location", "status"),
        most=20,
    ),
    MetricSpec(
        name="dagster_schedule_last_tick_timestamp_seconds", text="When it ticked last.", labels=("schedule_name", "location"), most=20
    ),
    MetricSpec(
        name="dagster_sensor_status", text="1 for whether it is running or stopped.", labels=("sensor_name", "location", "status"), most=20
    ),
    MetricSpec(
        name="dagster_sensor_last_tick_status", text="1 for what its last tick was.", labels=("sensor_name", "location", "status"), most=20
    ),
    MetricSpec(name="dagster_sensor_last_tick_timestamp_seconds", text="When it ticked last.", labels=("sensor_name", "location"), most=20),
    MetricSpec(name="dagster_run_queue_concurrency_key_backlog", text="Runs queued behind a key.", labels=("concurrency_key",), most=20),
    MetricSpec(name="dagster_op_pool_concurrency_active_slots", text="Slots of the pool that are taken.", labels=("pool",), most=20),
    MetricSpec(name="dagster_op_pool_concurrency_pending_steps", text="Steps that wait for one.", labels=("pool",), most=20),
    MetricSpec(name="dagster_op_pool_concurrency_assigned_steps", text="Steps that have been given one.", labels=("pool",), most=20),
    MetricSpec(name="dagster_op_pool_concurrency_limit", text="Slots of the pool.", labels=("pool", "using_default_limit"), most=20),
    MetricSpec(
        name="dagster_asset_stale_status",
        text="1 for whether the lineage found it stale or fresh.",
        labels=("asset_key", "status"),
        most=80,
    ),
    MetricSpec(
        name="dagster_asset_last_materialization_status",
        text="1 for the status of the run that made it last.",
        labels=("asset_key", "status"),
        most=80,
    ),
    MetricSpec(name="dagster_asset_last_materialization_timestamp_seconds", text="When that run ended.", labels=("asset_key",), most=80),
)
_ENDED = "status IN ('SUCCESS', 'FAILURE', 'CANCELED')"
_RUNS = f"SELECT id, {_ENDED}, pipeline_name, status, run_id FROM runs"  # noqa: S608 - constants
UNKNOWN = "__unknown__"


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:
    """Add them."""
    for beat in observed.beats:
        age = (observed.now - beat.at).total_seconds()
        samples.put("dagster_daemon_healthy", age <= TOLERANCE_SECONDS, beat.daemon_type, "true")
        samples.put("dagster_daemon_last_heartbeat_timestamp_seconds", beat.at.timestamp(), beat.daemon_type)
    _triggers(observed, samples)
    _runs(watch, observed, samples)
    _pools(watch, samples, _stamp(watch, observed, "events"))
    _assets(watch, samples, _stamp(watch, observed, "events"))


def _stamp(watch: Watch, observed: Observed, part: str) -> Stamp | None:
    storage = watch.storage
    if storage.address:
        return int(observed.now.timestamp() // SERVER_SECONDS)
    return stamp_of_database(storage.folder / FILES[part])  # pyright: ignore[reportArgumentType]


def _triggers(observed: Observed, samples: Samples) -> None:
    """Those of the graph; one that was never switched on has stopped."""
    for name, kind in expected_triggers(observed.deployment).items():
        found = observed.triggers.get(name)
        place = found.location if found else UNKNOWN
        samples.put(f"dagster_{kind}_status", 1, name, place, "running" if found and found.is_on else "stopped")
        if found is not None and found.tick_at is not None:
            samples.put(f"dagster_{kind}_last_tick_status", 1, name, place, found.tick_status or "started")
            samples.put(f"dagster_{kind}_last_tick_timestamp_seconds", found.tick_at.timestamp(), name, place)


def _runs(watch: Watch, observed: Observed, samples: Samples) -> None:
    last = {one.job: one for one in observed.ended}
    active = {(one.job, one.status): one for one in observed.active}
    ended = watch.kept.get("runs", "always", lambda: _run_tail(watch))
    watch.kept.get("runs looked", watch.stamp("ended", observed.now), lambda: ended.look() or "looked")
    jobs = dict.fromkeys([*last, *(job for job, _ in active), *(str(key[0]) for key in ended.counts)])  # pyright: ignore[reportIndexIssue]
    for job in jobs:
        place = last[job].location if job in last else UNKNOWN
        for status in ACTIVE:
            one = active.get((job, status))
            samples.put("dagster_active_runs", one.count if one else 0, job, place, status)
            samples.put("dagster_active_run_duration_seconds", (observed.now - one.since).total_seconds() if one else 0, job, place, status)
        for status in ("success", "failure"):
            samples.put("dagster_completed_runs_total", ended.counts.get((job, status), 0), job, place, status)
        if job in last:
            samples.put("dagster_last_run_info", 1, job, place, last[job].status)
            samples.put("dagster_last_run_duration_seconds", last[job].seconds, job, place, last[job].status)


def _run_tail(watch: Watch) -> Tail:
    def rows(where: str, parameters: Sequence[int]) -> list[tuple[int, bool, tuple[str, str], float]]:
        found = watch.storage.rows("runs", f"{_RUNS} WHERE {where} ORDER BY id", parameters)
        return [(number, bool(done), (job, status.lower()), 0.0) for number, done, job, status, _ in found]

    return Tail(lambda number: rows("id > ?", [number]), lambda numbers: rows(f"id IN ({', '.join('?' * len(numbers))})", numbers))


def _pools(watch: Watch, samples: Samples, stamp: Stamp | None) -> None:
    def read() -> tuple[list[Any], list[Any], list[Any]]:
        with watch.storage.reading("events") as ask:
            taken = ask("SELECT concurrency_key, COUNT(run_id) FROM concurrency_slots GROUP BY 1 ORDER BY 1")
            waiting = ask(
                "SELECT concurrency_key, COUNT(*) - COUNT(assigned_timestamp), COUNT(assigned_timestamp) FROM pending_steps GROUP BY 1"
            )
            return taken, waiting, ask('SELECT concurrency_key, "limit", using_default_limit FROM concurrency_limits ORDER BY 1')

    taken, waiting, limits = watch.kept.get("pools", stamp, read)
    steps = {pool: (int(pending), int(assigned)) for pool, pending, assigned in waiting}
    for pool, count in taken:
        samples.put("dagster_op_pool_concurrency_active_slots", count, pool)
    for pool, limit, default in limits:
        pending, assigned = steps.get(pool, (0, 0))
        samples.put("dagster_op_pool_concurrency_pending_steps", pending, pool)
        samples.put("dagster_op_pool_concurrency_assigned_steps", assigned, pool)
        samples.put("dagster_op_pool_concurrency_limit", limit, pool, str(bool(default)).lower())
    queued = "SELECT t.value, COUNT(*) FROM runs r JOIN run_tags t ON t.run_id = r.run_id WHERE r.status = 'QUEUED' AND t.key = 'dagster/concurrency_key' GROUP BY 1"
    for key, count in watch.storage.rows("runs", queued):
        samples.put("dagster_run_queue_concurrency_key_backlog", count, key)


def _assets(watch: Watch, samples: Samples, stamp: Stamp | None) -> None:
    """When each asset of the graph was made last, in a run of which status, and whether it is stale."""
    stale, prefix = stale_counts(watch.deployment), watch.deployment.settings.graph.prefix

    def read() -> list[tuple[str, float | None, str | None]]:
        select = (
            "SELECT asset_key, last_materialization_timestamp, last_run_id FROM asset_keys WHERE last_materialization_timestamp IS NOT NULL"
        )
        found = watch.storage.rows("events", select)
        runs = dict.fromkeys(run for *_, run in found if run)
        status: dict[str, str] = {}
        if runs:
            marks = ", ".join("?" * len(runs))
            asked = f"SELECT run_id, status FROM runs WHERE run_id IN ({marks})"  # noqa: S608 - question marks
            status = dict(watch.storage.rows("runs", asked, list(runs)))
        return [
            ("/".join(json.loads(key)), at.timestamp() if (at := stored_time(time)) else None, status.get(run)) for key, time, run in found
        ]

    for name, at, status in sorted(watch.kept.get("materialised", stamp, read), key=lambda one: (one[2] in {"SUCCESS", None}, one[0])):
        if not name.startswith(f"{prefix}/" if prefix else "") or (not prefix and "/" in name):
            continue
        samples.put("dagster_asset_last_materialization_status", None if status is None else 1, name, (status or "").lower())
        samples.put("dagster_asset_last_materialization_timestamp_seconds", at, name)
        if stale is not None:
            samples.put("dagster_asset_stale_status", 1, name, "stale" if name.rpartition("/")[2] in stale else "fresh")

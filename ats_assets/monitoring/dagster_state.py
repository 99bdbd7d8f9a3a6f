"""What Dagster's storage says of itself: the daemon's heartbeats, schedules and sensors with their last ticks, runs by job, the newest result of each check."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ats_assets.monitoring.dagster_storage import StorageQuery, stored_time

ACTIVE = ("QUEUED", "STARTING", "STARTED", "CANCELING")
"""The statuses of runs that are not through."""
RECENT_RUNS = 2_000
"""Of which the last one of each job is looked for."""
SILENT_SECONDS = 50
"""A daemon writes a heartbeat every 30 seconds; one whose threads are all silent for longer than this is dead."""
_RESULTS = "SELECT asset_key, check_name, partition, execution_status, evaluation_event, evaluation_event_timestamp, run_id FROM asset_check_executions"
ON_BY_DEFAULT = "alert_sensor"
"""The one that runs unless somebody switches it off."""
_AUTOMATIC = {"AUTOMATICALLY_RUNNING", "DECLARED_IN_CODE"}


@dataclass(frozen=True, kw_only=True)
class DaemonBeat:
    """The newest heartbeat of one of the daemon's threads."""

    daemon_type: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class TriggerState:
    """A schedule or sensor, and its newest tick.

    Attributes
    ----------
    is_on
        Whether the daemon evaluates it.
    text
        Why the last tick asked for nothing, or its error.
    """

    name: str
    kind: str
    is_on: bool
    location: str = ""
    tick_status: str | None = None
    tick_at: datetime | None = None
    text: str = ""
    interval: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class ActiveRuns:
    """The runs of a job in one status, and since when the oldest of them is."""

    job: str
    status: str
    count: int
    since: datetime


@dataclass(frozen=True, kw_only=True)
class EndedRun:
    """The run of a job that ended last."""

    job: str
    location: str
    run_id: str
    status: str
    ended: datetime | None
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The newest result of a check, of the newest partition that it judged."""

    asset: str
    check: str
    partition: str
    passed: bool
    severity: str
    at: datetime | None
    run_id: str
    description: str


def daemon_beats(ask: StorageQuery) -> list[DaemonBeat]:
    """Of each thread of the daemon that ever ran."""
    rows = ask("SELECT daemon_type, timestamp FROM daemon_heartbeats ORDER BY daemon_type")
    return [DaemonBeat(daemon_type=kind, at=at) for kind, time in rows if (at := stored_time(time)) is not None]


def trigger_states(ask: StorageQuery) -> list[TriggerState]:
    """The schedules and sensors that were ever switched on or off, or evaluated, by name."""
    found = []
    for selector, status, kind, body in ask("SELECT selector_id, status, instigator_type, instigator_body FROM instigators"):
        told = json.loads(body)
        ticks = ask("SELECT status, timestamp, tick_body FROM job_ticks WHERE selector_id = ? ORDER BY timestamp DESC LIMIT 1", (selector,))
        tick = ticks[0] if ticks else (None, None, "{}")
        seconds = (told.get("job_specific_data") or {}).get("min_interval")
        found.append(
            TriggerState(
                name=told["origin"]["job_name"],
                kind=kind.lower(),
                is_on=status == "RUNNING" or (status in _AUTOMATIC and told["origin"]["job_name"].endswith(ON_BY_DEFAULT)),
                location=_location(told["origin"]),
                tick_status=tick[0] and tick[0].lower(),
                tick_at=stored_time(tick[1]),
                text=_said(json.loads(tick[2])),
                interval=timedelta(seconds=seconds) if seconds else None,
            )
        )
    return sorted(found, key=lambda one: one.name)


def active_runs(ask: StorageQuery) -> list[ActiveRuns]:
    """The runs that are not through, by job and status."""
    marks = ", ".join("?" * len(ACTIVE))
    rows = ask(
        f"SELECT pipeline_name, status, COUNT(*), MIN(update_timestamp) FROM runs WHERE status IN ({marks}) GROUP BY 1, 2 ORDER BY 1, 2",  # noqa: S608 - question marks
        ACTIVE,
    )
    return [ActiveRuns(job=job, status=status.lower(), count=n, since=since) for job, status, n, at in rows if (since := stored_time(at))]


def ended_runs(ask: StorageQuery) -> list[EndedRun]:
    """The run of each job that ended last, among the newest runs."""
    newest = ask("SELECT MAX(id) FROM runs")
    if not newest or newest[0][0] is None:
        return []
    rows = ask(
        "SELECT pipeline_name, run_id, status, create_timestamp, start_time, end_time FROM runs WHERE id IN (SELECT MAX(id) FROM runs "
        "WHERE id > ? AND status IN ('SUCCESS', 'FAILURE', 'CANCELED') GROUP BY pipeline_name) ORDER BY pipeline_name",
        (newest[0][0] - RECENT_RUNS,),
    )
    places = locations(ask, [run_id for _, run_id, *_ in rows])
    return [
        EndedRun(
            job=job,
            location=places.get(run_id, "__unknown__"),
            run_id=run_id,
            status=status.lower(),
            ended=stored_time(ended),
            seconds=None if ended is None or started is None else ended - started,
        )
        for job, run_id, status, _, started, ended in rows
    ]


def locations(ask: StorageQuery, run_ids: Sequence[str]) -> dict[str, str]:
    """Run -> the code location that it is of."""
    if not run_ids:
        return {}
    marks = ", ".join("?" * len(run_ids))
    rows = ask(f"SELECT run_id, value FROM run_tags WHERE key = '.dagster/repository' AND run_id IN ({marks})", run_ids)  # noqa: S608 - question marks
    return {run_id: str(value).partition("@")[2] or "__unknown__" for run_id, value in rows}


def check_results(ask: StorageQuery) -> list[CheckResult]:
    """The newest result of each check: of the newest partition that it has judged, what was said last."""
    newest: list[int] = []
    judged = "SELECT MAX(id) FROM asset_check_executions WHERE execution_status IN ('SUCCEEDED', 'FAILED') AND asset_key = ? AND check_name = ? AND partition "
    for key, name, partition in ask("SELECT asset_key, check_name, MAX(partition) FROM asset_check_executions GROUP BY 1, 2"):
        found = ask(f"{judged} IS NULL", (key, name)) if partition is None else ask(f"{judged} = ?", (key, name, partition))
        newest += [number for (number,) in found if number is not None]
    return read_results(ask, newest)


def read_results(ask: StorageQuery, numbers: Sequence[int]) -> list[CheckResult]:
    """The results of these numbers, by asset and check."""
    if not numbers:
        return []
    marks = ", ".join("?" * len(numbers))
    rows = ask(
        f"{_RESULTS} WHERE id IN ({marks}) ORDER BY asset_key, check_name",
        numbers,
    )
    return [_result(row) for row in rows]


def _result(row: Sequence[Any]) -> CheckResult:
    key, name, partition, status, event, at, run_id = row
    told = _evaluation(event)
    severity = (told.get("severity") or {}).get("__enum__", "").rpartition(".")[2] or "ERROR"
    return CheckResult(
        asset=json.loads(key)[-1],
        check=name,
        partition=partition or "",
        passed=status == "SUCCEEDED",
        severity=severity,
        at=stored_time(at),
        run_id=run_id or "",
        description=told.get("description") or "",
    )


def _evaluation(event: str | None) -> dict[str, Any]:
    """What the check itself said, inside of the event that stores it."""
    told = json.loads(event) if event else {}
    return ((told.get("dagster_event") or {}).get("event_specific_data")) or {}


def _location(origin: dict[str, Any]) -> str:
    of_repository = origin.get("external_repository_origin") or origin.get("repository_origin") or {}
    return (of_repository.get("repository_location_origin") or {}).get("location_name", "")


def _said(tick: dict[str, Any]) -> str:
    """Why a tick failed, else why it asked for nothing."""
    error = tick.get("error") or {}
    while error.get("cause"):
        error = error["cause"]
    return str(error.get("message") or tick.get("skip_reason") or "").strip()

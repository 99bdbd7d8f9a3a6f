"""Runs whose process was killed: Dagster would show them as going on for ever, and keep the places that they hold in its pools."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

PROCESS = "ats/process"
"""Tag of a run: host, process id and the process's start, so that a reused id is not taken for the same process."""


def process_tag() -> str:
    """The tag's value for this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def abandoned_runs(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    """The runs of this machine that are in progress by the record, and whose process is gone."""
    for run in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS_RUN_STATUSES))):
        host, _, process = run.tags.get(PROCESS, "").rpartition(":")[0].rpartition(":") if PROCESS in run.tags else ("", "", "")
        if host == socket.gethostname() and run.tags[PROCESS] != f"{host}:{process}:{_started(int(process))}":
            yield run


def close_abandoned_runs(instance: dg.DagsterInstance) -> int:
    """Record abandoned runs as failed and free their places in the pools, which a new run would wait for; returns how many."""
    runs = list(abandoned_runs(instance))
    for run in runs:
        instance.report_run_failed(run, "The process that made this run was killed. What it had stored stays; a new run goes on.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(runs)


def pool_holders(instance: dg.DagsterInstance) -> dict[str, str]:
    """The runs that hold a place in a pool and go on by the record, with the pool's name. Places of runs that have ended are freed."""
    storage = instance.event_log_storage
    holders: dict[str, str] = {}
    for pool in sorted(storage.get_concurrency_keys()):
        for run_id in sorted(storage.get_concurrency_info(pool).active_run_ids):
            run = instance.get_run_by_id(run_id)
            if run is None or run.is_finished:
                storage.free_concurrency_slots_for_run(run_id)
            else:
                holders[run_id] = pool
    return holders


def _started(pid: int) -> str:
    """When a living process was started (Linux: in clock ticks since boot; elsewhere only that it lives); empty if there is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.is_file() else "alive"

"""Runs whose process was killed: Dagster would show them as running for ever, and keep the pool slots that they hold."""

from collections.abc import Iterator

import dagster as dg
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

from ats_assets.errors import how_many
from ats_assets.orchestration.dagster_home import how_to_open_ui
from ats_assets.runs.writing import say
from ats_assets.storage.processes import PROCESS, is_alive, this_process


def process_tag() -> str:
    """The tag's value for this process."""
    return this_process()


def abandoned_runs(instance: dg.DagsterInstance) -> Iterator[dg.DagsterRun]:
    """The runs of this machine that are recorded as in progress, but whose process is gone."""
    for run in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS_RUN_STATUSES))):
        if PROCESS in run.tags and is_alive(run.tags[PROCESS]) is False:
            yield run


def close_abandoned_runs(instance: dg.DagsterInstance) -> int:
    """Record abandoned runs as failed and free their pool slots, which a new run would wait for; returns how many."""
    runs = list(abandoned_runs(instance))
    for run in runs:
        instance.report_run_failed(run, "The process of this run was killed. What it stored is kept; a new run continues.")
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return len(runs)


def pool_holders(instance: dg.DagsterInstance) -> dict[str, str]:
    """The runs that hold a pool slot and are recorded as in progress, with the pool's name. Slots of runs that have ended are freed."""
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


def free_of_the_dead(instance: dg.DagsterInstance) -> None:
    """Close runs that were killed, and say which run holds a pool slot that this run needs."""
    if closed := close_abandoned_runs(instance):
        say(f"{how_many(closed, 'earlier run was', 'earlier runs were')} killed, now recorded as failed; what was stored is kept")
    for run_id, pool in pool_holders(instance).items():
        say(
            f"run {run_id} holds the slot of pool {pool!r}: this run waits for it. If that run is dead, terminate it in the UI ({how_to_open_ui()})"
        )

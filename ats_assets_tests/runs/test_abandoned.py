"""Runs whose process was killed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.runs.abandoned import PROCESS, abandoned_runs, close_abandoned_runs, pool_holders, process_tag


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.local_temp(str(tmp_path)) as made:
        made.event_log_storage.set_concurrency_slots("training", 1)
        yield made


def started_run(instance: dg.DagsterInstance, tag: str | None) -> str:
    run = dg.DagsterRun(job_name="history", status=dg.DagsterRunStatus.STARTED, tags={PROCESS: tag} if tag else {})
    return instance.add_run(run).run_id


def tag_of_a_dead_process() -> str:
    code = "from ats_assets.runs.abandoned import process_tag; print(process_tag())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_only_runs_of_dead_processes_are_closed(instance: dg.DagsterInstance) -> None:
    host, _, _ = process_tag().split(":")
    living, unknown, elsewhere = (started_run(instance, tag) for tag in (process_tag(), None, f"not-{host}:1:1"))
    dead = started_run(instance, tag_of_a_dead_process())
    reused = started_run(instance, f"{host}:{os.getpid()}:0")  # a process id used again
    assert {run.run_id for run in abandoned_runs(instance)} == {dead, reused}
    assert close_abandoned_runs(instance) == 2
    statuses = {run_id: instance.get_run_by_id(run_id).status.value for run_id in (living, unknown, elsewhere, dead, reused)}  # pyright: ignore[reportOptionalMemberAccess]
    assert statuses == {living: "STARTED", unknown: "STARTED", elsewhere: "STARTED", dead: "FAILURE", reused: "FAILURE"}
    assert close_abandoned_runs(instance) == 0


def test_their_place_in_a_pool_is_free_again(instance: dg.DagsterInstance) -> None:
    storage = instance.event_log_storage
    dead, living = started_run(instance, tag_of_a_dead_process()), started_run(instance, process_tag())
    assert storage.claim_concurrency_slot("training", dead, "lightgbm_model").is_claimed
    assert not storage.claim_concurrency_slot("training", living, "lightgbm_model").is_claimed
    close_abandoned_runs(instance)
    assert storage.claim_concurrency_slot("training", living, "lightgbm_model").is_claimed
    assert pool_holders(instance) == {living: "training"}


def test_the_place_of_a_run_that_has_ended_is_freed(instance: dg.DagsterInstance) -> None:
    ended = instance.add_run(dg.DagsterRun(job_name="history", status=dg.DagsterRunStatus.CANCELED)).run_id
    assert instance.event_log_storage.claim_concurrency_slot("training", ended, "lightgbm_model").is_claimed
    assert pool_holders(instance) == {}
    assert not instance.event_log_storage.get_concurrency_info("training").claimed_slots

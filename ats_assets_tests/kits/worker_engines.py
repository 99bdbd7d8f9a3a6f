"""What every engine of workers must do: hand back what was made, tell what went wrong, do again what a killed worker had, and leave nothing behind."""

import json
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import wait

import pytest

from ats_assets.errors import WorkerError
from ats_assets.workers.compute_engine import FACTS, ComputeEngine

SECONDS = 120
"""After which an answer that has not come counts as lost."""


def pids(engine: ComputeEngine, times: int) -> list[int]:
    """The processes that answer so many questions, asked at once."""
    return [json.loads(one.result(SECONDS))["pid"] for one in [engine.submit(FACTS, "") for _ in range(times)]]


class WorkerEngineKit:
    """Inherit from it, and give an engine of two workers on this machine as the fixture `engine`."""

    def test_work_is_done_by_other_processes(self, engine: ComputeEngine) -> None:
        assert engine.at_once == 2
        found = pids(engine, 8)
        assert os.getpid() not in found

    def test_what_goes_wrong_is_told_and_the_next_work_is_done(self, engine: ComputeEngine) -> None:
        with pytest.raises(WorkerError, match=r"os:system is no work of this package"):
            engine.submit("os:system", "true").result(SECONDS)
        with pytest.raises(WorkerError, match="give all workers the version of ats-assets that the run has"):
            engine.submit("ats_assets.workers.compute_engine:of_a_later_version", "").result(SECONDS)
        with pytest.raises(WorkerError, match=r"(?s)a worker failed unexpectedly:\n.*worker_tasks.py.*JSONDecodeError"):
            engine.submit("ats_assets.runs.worker_tasks:make_fits", "no JSON").result(SECONDS)
        assert pids(engine, 1)

    def test_what_a_killed_worker_had_is_done_again(self, engine: ComputeEngine) -> None:
        assert killed_while(engine, times=2, work=lambda: [engine.submit(FACTS, "") for _ in range(40)]) == 40


def killed_while(engine: ComputeEngine, *, times: int, work: Callable[[], list[object]]) -> int:
    """Kill workers so many times while work is done; how many answers came."""
    done = 0
    for _ in range(times):
        victim = pids(engine, 1)[0]
        asked = work()
        os.kill(victim, signal.SIGKILL)
        assert not wait(asked, SECONDS).not_done  # pyright: ignore[reportArgumentType]
        done = sum(bool(one.result()) for one in asked)  # pyright: ignore[reportAttributeAccessIssue]
    return done


def killed_again_and_again(pid_of_worker: Callable[[], list[int]], over: threading.Event) -> int:
    """Kill whatever worker is there, until it is over; how many were."""
    killed = 0
    while not over.is_set():
        for pid in pid_of_worker():
            os.kill(pid, signal.SIGKILL)
            killed += 1
        time.sleep(0.05)
    return killed

"""Processes on this machine as workers."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest

from ats_assets.errors import SettingsError, WorkerError
from ats_assets.workers.compute_engine import FACTS, WORKER_ENGINES, ComputeEngine
from ats_assets_tests.kits.worker_engines import SECONDS, WorkerEngineKit, killed_again_and_again, pids


def made(**values: object) -> ComputeEngine:
    return WORKER_ENGINES.made("processes", values, None, "workers.processes")


@pytest.fixture(scope="module")
def engine() -> Iterator[ComputeEngine]:
    engine = made(processes=2)
    yield engine
    engine.close()


class TestProcesses(WorkerEngineKit):
    """What the kit asks."""


def test_work_that_no_process_outlives_is_given_up_with_what_to_do() -> None:
    engine, over = made(processes=1, retries=2), threading.Event()
    me = psutil.Process()
    before = {one.pid for one in me.children()}
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(
            killed_again_and_again, lambda: [one.pid for one in me.children() if one.pid not in before and not _is_gone(one)], over
        )
        with pytest.raises(
            WorkerError, match=r"3 processes did not outlive ats_assets.workers.compute_engine:worker_facts.*memory is short"
        ):
            engine.submit(FACTS, "").result(SECONDS)
        over.set()
    assert killing.result() >= 3
    engine.close()


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_processes_end_with_the_engine() -> None:
    engine = made(processes=1)
    (pid,) = set(pids(engine, 2))
    engine.close()
    assert not psutil.pid_exists(pid)


def test_a_process_at_work_ends_with_a_run_that_is_killed() -> None:
    lines = [
        "import os, time",
        "from ats_assets.storage.second_process import WorkerProcess",
        "from ats_assets.workers.engines.processes import end_with",
        "worker = WorkerProcess()",
        "worker.submit(end_with, (os.getpid(),)).result()",
        "print(worker.submit(os.getpid, ()).result(), flush=True)",
        "worker.submit(time.sleep, (300,)).result()",
    ]
    with subprocess.Popen([sys.executable, "-c", "\n".join(lines)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        worker = psutil.Process(int(run.stdout.readline()))
        run.kill()
    worker.wait(SECONDS)


def test_who_is_not_there_is_told_who_is() -> None:
    with pytest.raises(SettingsError, match=r"'dask', which is no engine of workers: choose one of celery, processes, ray"):
        WORKER_ENGINES.named("dask", {}, None, "workers")
    with pytest.raises(SettingsError, match=r"\[workers\.mine\] has 1 wrong setting: threads"):
        WORKER_ENGINES.named("mine", {"kind": "processes", "threads": 0}, None, "workers")


@pytest.mark.parametrize("name", ["ray", "celery"])
def test_a_library_that_is_missing_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda module: None if module == name else object())
    with pytest.raises(SettingsError, match=rf"the engine of workers '{name}' needs {name}.*pip install 'ats-assets\[{name}\]'"):
        WORKER_ENGINES.find(name)

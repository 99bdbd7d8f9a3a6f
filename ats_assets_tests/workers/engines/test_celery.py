"""Celery's workers, with a Redis between them and the run."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import wait
from itertools import count
from pathlib import Path

import pytest

from ats_assets.errors import SettingsError, WorkerError
from ats_assets.workers.celery_app import TASK, celery_app
from ats_assets.workers.compute_engine import FACTS, WORKER_ENGINES, ComputeEngine
from ats_assets_tests.exports.redis_servers import RedisServer, redis_server
from ats_assets_tests.kits.worker_engines import SECONDS, WorkerEngineKit, pids
from ats_assets_tests.rounds import FULL, rounds
from ats_assets_tests.workers.celery_workers import OF_RUNS, CeleryWorker, celery_worker
from ats_assets_tests.workers.command_line import assert_runs_by_command
from ats_assets_tests.workers.spread_market import TUNED, assert_same, killer, run_on

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KILLS = rounds(1, 25, "ATS_TEST_WORKER_KILLS")
LOST_AFTER = 2
SOON = {"workers_patience_seconds": 3.0, "answer_seconds": 1.0}
"""What a run does about workers that are gone, it does at once."""


@pytest.fixture(scope="module")
def broker() -> Iterator[RedisServer]:
    with redis_server() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CELERY_URL", server.url)
        yield server


@pytest.fixture(scope="module")
def worker(broker: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CeleryWorker]:
    log = tmp_path_factory.mktemp("celery") / "log"
    with celery_worker(broker, log) as worker:
        yield worker


def made(**values: object) -> ComputeEngine:
    how = {"processes": 2, "retries": 1000, "answer_seconds": 20.0}
    return WORKER_ENGINES.made("celery", how | values, None)


@pytest.fixture(scope="module")
def engine(worker: CeleryWorker) -> Iterator[ComputeEngine]:
    engine = made()
    yield engine
    engine.close()


class TestCelery(WorkerEngineKit):
    """What the kit asks."""


def test_a_broker_that_is_killed_and_comes_back_empty_is_given_what_it_has_forgotten(engine: ComputeEngine, broker: RedisServer) -> None:
    pids(engine, 1)
    asked = [engine.submit(FACTS, "") for _ in range(30)]
    broker.kill()
    broker.start()
    assert all(one.result(SECONDS) for one in asked)


def test_what_a_killed_run_had_given_out_is_not_begun_for_it(engine: ComputeEngine) -> None:
    pids(engine, 1)
    left_behind = celery_app().send_task(TASK, args=(FACTS, "", 1, "ats-run-killed"))
    with pytest.raises(WorkerError, match="was wanted by a run that has not been heard of"):
        left_behind.get(SECONDS)


def test_a_broker_that_refuses_is_told_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    with redis_server() as guarded, monkeypatch.context() as environment:
        guarded.client().config_set("requirepass", "of-the-tests")
        environment.setenv("CELERY_URL", guarded.url)
        with pytest.raises(WorkerError, match=r"the broker of CELERY_URL refuses \(Auth.*: correct its address, user and password"):
            made()


def test_a_broker_that_stays_away_is_told_with_what_to_do(worker: CeleryWorker, broker: RedisServer) -> None:
    impatient = made(broker_patience_seconds=0.2)
    broker.kill()
    try:
        with pytest.raises(
            WorkerError, match=r"the broker of CELERY_URL has been gone for 0.2 s .*: start it, then run the same command again"
        ):
            impatient.submit(FACTS, "").result(SECONDS)
    finally:
        broker.start()
        impatient.close()


def test_without_workers_and_without_an_address_it_is_told_what_is_missing(
    broker: RedisServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    missing = r"no worker of Celery's answers within \S+ s: start one .*celery -A ats_assets.workers.celery_app worker"
    with redis_server() as lonely:
        monkeypatch.setenv("CELERY_URL", lonely.url)
        with pytest.raises(WorkerError, match=missing):
            made(processes=None, answer_seconds=0.2)
        others = tuple("another" if part == "ats" else part for part in OF_RUNS)
        with celery_worker(lonely, tmp_path / "log", others):
            while not celery_app().control.ping(timeout=0.5):
                pass
            with pytest.raises(WorkerError, match=missing):
                made(processes=None, answer_seconds=2.0)
    monkeypatch.delenv("CELERY_URL")
    with pytest.raises(SettingsError, match="CELERY_URL is not set"):
        made()


def test_workers_that_answer_are_counted(engine: ComputeEngine) -> None:
    pids(engine, 1)
    own = made(processes=None, answer_seconds=5.0)
    assert own.at_once == 2
    own.close()


def test_the_command_runs_on_celery(engine: ComputeEngine, tmp_path: Path) -> None:
    pids(engine, 1)
    assert_runs_by_command(tmp_path, "celery", answer_seconds=20.0, processes=2)


def test_a_run_on_celery_is_the_run_of_one_process(engine: ComputeEngine, worker: CeleryWorker, tmp_path: Path) -> None:
    expected = run_on(tmp_path / "one", None, TUNED)
    how = {"processes": 2, "retries": 1000}
    killed = 0
    for attempt in count():
        with killer(worker.children, attempt, most=3 if FULL else 1) as victims:
            assert_same(run_on(tmp_path / f"killed-{attempt}", "celery", TUNED, **how), expected)
        killed += len(victims)
        if killed >= KILLS:
            break


def test_what_a_process_that_stands_still_has_is_done_by_another(engine: ComputeEngine, worker: CeleryWorker) -> None:
    """Its worker knows of it, so that only the time says so."""
    pids(engine, 1)
    standing, impatient = worker.children()[0], made(lost_after_seconds=LOST_AFTER)
    os.kill(standing, signal.SIGSTOP)
    asked = [impatient.submit(FACTS, "") for _ in range(4)]
    assert wait(asked, LOST_AFTER / 2).not_done
    assert standing not in {json.loads(one.result(SECONDS))["pid"] for one in asked}
    os.kill(standing, signal.SIGKILL)
    impatient.close()


def test_what_a_lost_machine_had_is_done_by_another_and_without_one_it_is_told(
    broker: RedisServer, worker: CeleryWorker, tmp_path: Path
) -> None:
    """The whole worker is stopped as a machine that is cut off, with what the broker has just given to it; another one is there, and at last none."""
    with celery_worker(broker, tmp_path / "log", (*OF_RUNS, "--hostname", "other@%h")):
        while len(celery_app().control.ping(timeout=0.5)) < 2:
            pass
        engine = made(**SOON)
        os.killpg(worker.process.pid, signal.SIGSTOP)
        asked = [engine.submit(FACTS, "") for _ in range(4)]
        worker.kill()
        assert all(one.result(SECONDS) for one in asked)
    with pytest.raises(WorkerError, match=r"no worker of Celery's has answered for 3 s: .*start them again \(celery -A .* is kept"):
        engine.submit(FACTS, "").result(SECONDS)
    engine.close()


def test_workers_that_end_whenever_they_start_do_not_keep_a_run_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some worker answers each time, and none has what was given out."""
    monkeypatch.setattr("ats_assets.workers.celery_presence.CeleryPresence.known", lambda presence, pieces: set())
    with redis_server() as lonely:
        monkeypatch.setenv("CELERY_URL", lonely.url)
        engine = made(retries=1, workers_patience_seconds=0.2)
        with pytest.raises(WorkerError, match=r"2 processes of Celery's did not outlive .*, the last time: its worker is gone"):
            engine.submit(FACTS, "").result(SECONDS)
        engine.close()

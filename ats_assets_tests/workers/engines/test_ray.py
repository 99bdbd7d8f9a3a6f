"""Ray on this machine: one start for all tests of the module."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psutil
import pytest

from ats_assets.errors import WorkerError
from ats_assets.workers.compute_engine import FACTS, WORKER_ENGINES, ComputeEngine
from ats_assets.workers.engines import ray as module
from ats_assets_tests.kits.worker_engines import SECONDS, WorkerEngineKit
from ats_assets_tests.rounds import FULL, rounds
from ats_assets_tests.workers.command_line import assert_runs_by_command
from ats_assets_tests.workers.spread_market import AHEAD, TUNED, assert_same, killer, run_on

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
KILLS = rounds(2, 50, "ATS_TEST_WORKER_KILLS")
MEGABYTES = 100


def folders() -> set[Path]:
    """What Ray keeps of each of its starts."""
    return {*Path("/tmp").glob("ats-ray-*"), *Path("/tmp/ray").glob("session_2*")}


@pytest.fixture(scope="module")
def engine() -> Iterator[ComputeEngine]:
    before, token = folders(), Path.home() / ".ray" / "auth_token"
    had_one = token.exists()
    engine = WORKER_ENGINES.made("ray", {"processes": 2, "object_store_megabytes": MEGABYTES, "retries": 1000}, None)
    yield engine
    engine.close()
    assert (folders(), token.exists()) == (before, had_one), "it has left files behind"


class TestRay(WorkerEngineKit):
    """What the kit asks."""


def processes() -> list[psutil.Process]:
    """Those of Ray."""
    return [one for one in psutil.Process().children(recursive=True) if "ray" in " ".join(one.cmdline())]


def workers() -> list[int]:
    """The processes that do a piece of work now."""
    return [one.pid for one in psutil.Process().children(recursive=True) if one.name().startswith("ray::_worked")]


def test_nobody_outside_this_machine_can_reach_it_and_its_memory_is_bounded(engine: ComputeEngine) -> None:
    heard = {one.laddr.ip for process in processes() for one in process.net_connections() if one.status == psutil.CONN_LISTEN}
    assert heard
    assert {ip.removeprefix("::ffff:") for ip in heard} == {"127.0.0.1"}
    import ray  # noqa: PLC0415 - an extra

    assert ray.cluster_resources()["object_store_memory"] == MEGABYTES * 1024 * 1024
    assert not ray._private.worker._global_node.webui_url  # no dashboard


def test_the_command_runs_on_a_cluster_that_is_there(engine: ComputeEngine, tmp_path: Path) -> None:
    import ray  # noqa: PLC0415 - an extra

    assert_runs_by_command(tmp_path, "ray", address=ray.get_runtime_context().gcs_address)


@pytest.mark.parametrize("changes", [AHEAD, *([TUNED] if FULL else [])])  # Celery's run is the tuned one
def test_a_run_on_ray_is_the_run_of_one_process(changes: dict, engine: ComputeEngine, tmp_path: Path) -> None:
    expected = run_on(tmp_path / "one", None, changes)
    assert_same(run_on(tmp_path / "ray", "ray", changes), expected)
    killed = 0
    for attempt in count():
        with killer(workers, attempt, most=3) as victims:
            assert_same(run_on(tmp_path / f"killed-{attempt}", "ray", changes, retries=1000), expected)
        killed += len(victims)
        if killed >= KILLS:
            break


@pytest.fixture
def unserved(engine: ComputeEngine) -> Iterator[ComputeEngine]:
    """One whose work no machine of the cluster has the processors for, as of a cluster that lost all but its head."""
    assert engine.at_once == 2
    other = WORKER_ENGINES.made("ray", {"threads": 99, "workers_patience_seconds": 1.0}, None)
    yield other
    other.close()


def test_what_no_machine_can_do_is_told_and_others_are_served(unserved: ComputeEngine, engine: ComputeEngine) -> None:
    asked = [unserved.submit(FACTS, "") for _ in range(2)]
    for one in asked:
        with pytest.raises(
            WorkerError, match=r"no machine of the Ray cluster has had 99 processors .* for 1 s: see ray status and bring one back"
        ):
            one.result(SECONDS)
    assert engine.submit(FACTS, "").result(SECONDS)


def test_a_head_that_stands_still_is_told_to_all_who_wait(unserved: ComputeEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes connections and answers nobody: Ray waited for it as long as the run lived, and so did who looked."""
    monkeypatch.setattr(module, "HEAD_SECONDS", 0.3)
    asked = [unserved.submit(FACTS, "") for _ in range(3)]
    fresh = WORKER_ENGINES.made("ray", {"threads": 99, "workers_patience_seconds": 1.0}, None)
    heads = [process for process in processes() if process.name() == "gcs_server"]
    for head in heads:
        head.suspend()
    try:
        for one in asked:
            with pytest.raises(WorkerError, match=r"the head of the Ray cluster, .* has not answered \(no answer in 0.3 s\) for 1 s"):
                one.result(SECONDS)
        for ask in (lambda: unserved.at_once, lambda: fresh.submit(FACTS, "")):
            with pytest.raises(WorkerError, match=r"the head of the Ray cluster, .* has not answered \(no answer in 1 s\): start it"):
                ask()
    finally:
        for head in heads:
            head.resume()
    assert len(heads) == 1
    fresh.close()


def test_a_head_that_is_gone_is_told_before_ray_ends_the_run(unserved: ComputeEngine) -> None:
    """The last of the module: what is left of the cluster ends with it."""
    asked = unserved.submit(FACTS, "")
    for process in processes():
        if process.name() == "gcs_server":
            process.kill()
    with pytest.raises(
        WorkerError, match=r"the head of the Ray cluster, 127.0.0.1:\d+, has not answered \(.*\) for 1 s: start it and its machines"
    ):
        asked.result(SECONDS)

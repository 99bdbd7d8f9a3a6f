"""Workers that share an object store with the run and not its disk: each machine has a folder of its own for what it reads, and the files are those of one process."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from ats_assets.errors import WorkerError
from ats_assets.runs.own_cache import OWN, claim_cache, require_own_cache, with_own_cache
from ats_assets.settings import load_settings
from ats_assets.workers.celery_app import celery_app
from ats_assets.workers.compute_engine import WORKER_ENGINES
from ats_assets_tests.exports.redis_servers import redis_server
from ats_assets_tests.rounds import FULL
from ats_assets_tests.s3_double import S3Double, s3, s3_server
from ats_assets_tests.small_market import differences
from ats_assets_tests.test_object_store import files_in
from ats_assets_tests.workers.celery_workers import celery_worker
from ats_assets_tests.workers.spread_market import AHEAD, Run, killer, run_on

__all__ = ["s3", "s3_server"]
Busy = Callable[[], list[int]]


@contextmanager
def processes(_log: Path, _own: Path) -> Iterator[Busy]:
    """Processes of the run, which are there once it begins."""
    me = psutil.Process()
    before = {one.pid for one in me.children()}
    yield lambda: [one.pid for one in me.children() if one.pid not in before and one.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def celery(log: Path, own: Path) -> Iterator[Busy]:
    """A worker of Celery's, with a broker of the test's own."""
    with redis_server() as server, pytest.MonkeyPatch.context() as environment:
        environment.setenv("CELERY_URL", server.url)
        with celery_worker(server, log, **{OWN: str(own)}) as worker:
            while not celery_app().control.ping(
                timeout=0.5
            ):  # one whose process is killed while it starts ends by itself: a supervisor would start it again
                pass
            yield worker.children


@contextmanager
def ray(_log: Path, own: Path) -> Iterator[Busy]:
    """Ray on this machine, started here so that its processes have the environment of another machine."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(OWN, str(own))
        engine = WORKER_ENGINES.made("ray", {"processes": 2, "object_store_megabytes": 100, "retries": 1000}, None)
    yield lambda: [one.pid for one in psutil.Process().children(recursive=True) if one.name().startswith("ray::_worked")]
    engine.close()


@pytest.fixture(scope="module")
def on_a_disk(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of one process, whose warehouse lies on a disk."""
    return run_on(tmp_path_factory.mktemp("disk"), None, AHEAD)


@pytest.mark.slow
@pytest.mark.skipif(
    not FULL,
    reason="one of the long rounds; cli/test_object_store.py and orchestration/test_spreading.py are the short ones: dev.py test --full",
)
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("engine", [processes, celery, ray])
def test_a_run_on_workers_of_another_machine_is_the_run_of_one_process_on_a_disk(
    engine: Callable[[Path, Path], Any], on_a_disk: Run, s3: S3Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of them are killed, while they write, too."""
    expected, name = on_a_disk, engine.__name__
    patience = {"look_seconds": 60.0, "retry_seconds": 60.0, "timeout_seconds": 60.0}
    storage = s3.storage(f"spread-{name}", tmp_path / "far" / "data", **patience) | {"cache": tmp_path / "run"}
    monkeypatch.setenv(OWN, str(tmp_path / "workers"))
    with engine(tmp_path / "log", tmp_path / "workers") as busy, killer(busy, 1, most=4) as killed:
        found = run_on(tmp_path / "far", name, AHEAD | {"storage": storage}, processes=2, retries=1000)
    assert found.messages == expected.messages == []
    assert differences(files_in(s3, f"spread-{name}"), expected.files) == []
    assert (found.events.said, found.events.times) == (expected.events.said, expected.events.times)
    assert killed
    tables = {folder: sorted((tmp_path / folder).rglob("known.sqlite")) for folder in ("run", "workers")}
    assert [len(files) for files in tables.values()] == [2, 2], "of the warehouse and the models, on each machine"


def test_the_folder_of_another_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_STORAGE__DATA", str(tmp_path / "shared"))
    monkeypatch.setenv("ATS_STORAGE__WAREHOUSE", "s3://trading/warehouse")
    settings = load_settings()
    claim_cache(settings.storage)
    host = socket.gethostname()
    require_own_cache(settings.storage, host)
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    with pytest.raises(WorkerError, match=rf"is shared by {host} and elsewhere.*ATS_STORAGE__CACHE=/var/cache/ats"):
        require_own_cache(settings.storage, host)
    monkeypatch.setenv(OWN, str(tmp_path / "own"))
    own = with_own_cache(settings)
    require_own_cache(own.storage, host)
    assert own.storage.warehouse_folder.is_relative_to(tmp_path / "own")

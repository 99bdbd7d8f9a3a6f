"""Workers of Celery's in processes of their own, beside a Redis of the test's own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ats_assets_tests.ending_with_tests import ends_with_tests
from ats_assets_tests.exports.redis_servers import RedisServer

ROOT = Path(__file__).parents[2]


class CeleryWorker:
    """A worker with two processes, which can be killed as a whole."""

    def __init__(self, broker: RedisServer, log: Path, app: tuple[str, ...], environment: dict[str, str] | None = None) -> None:
        line = [sys.executable, "-W", "ignore", "-m", *app]
        with log.open("ab") as out:
            told = os.environ | {"CELERY_URL": broker.url, "PYTHONPATH": str(ROOT)} | (environment or {})
            started = subprocess.Popen(line, stdout=out, stderr=out, cwd=ROOT, env=told, start_new_session=True)
        self.process = ends_with_tests(started)

    def children(self) -> list[int]:
        """The processes that do the work."""
        try:
            return [one.pid for one in psutil.Process(self.process.pid).children()]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """As a machine that is lost."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


OF_RUNS = (
    "celery",
    "-A",
    "ats_assets.workers.celery_app",
    "worker",
    "--concurrency",
    "2",
    "--queues",
    "ats",
    "--without-gossip",
    "--without-mingle",
)


@contextmanager
def celery_worker(broker: RedisServer, log: Path, app: tuple[str, ...] = OF_RUNS, **environment: str) -> Iterator[CeleryWorker]:
    """A worker while open."""
    worker = CeleryWorker(broker, log, app, environment)
    try:
        yield worker
    finally:
        if worker.process.poll() is None:
            worker.kill()

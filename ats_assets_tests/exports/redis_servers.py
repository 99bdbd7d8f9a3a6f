"""A Redis server of the test's own, on a unix socket in a temporary folder."""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ats_assets_tests.ending_with_tests import ends_with_tests

REQUIRED = "ATS_TESTS_NEED_REDIS"
"""Set where a machine without Redis must fail these tests (continuous integration), not skip them."""


class RedisServer:
    """A server that can be killed and started again.

    Parameters
    ----------
    options
        Of redis-server, such as `["--maxmemory", "5mb"]`.
    """

    def __init__(self, folder: Path, options: Sequence[str] = ()) -> None:
        self._folder, self._options = folder, options
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def client(self) -> redis.Redis:
        return redis.Redis(unix_socket_path=str(self.socket), socket_timeout=10, retry=Retry(NoBackoff(), 1))

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        program = ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir", str(self._folder)]
        with (self._folder / "log").open("ab") as log:
            started = subprocess.Popen([*program, *self._options], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self._process = ends_with_tests(started)
        for _ in range(400):
            with contextlib.suppress(redis.ConnectionError, OSError), self.client() as client:
                client.ping()
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        pytest.fail(f"Redis does not start: {(self._folder / 'log').read_text()}")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
        self.socket.unlink(missing_ok=True)


@contextmanager
def redis_server(*options: str) -> Iterator[RedisServer]:
    """Start a server, empty and without files."""
    if shutil.which("redis-server") is None:
        reason = "no redis-server here: install Redis (Debian: apt-get install redis-server)"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="ats-redis-"))
    server = RedisServer(folder, options)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)

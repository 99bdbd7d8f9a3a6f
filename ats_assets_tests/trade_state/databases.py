"""Databases for tests: SQLite files, and a PostgreSQL server of one's own on a port of this machine."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from ats_assets_tests.ending_with_tests import ends_with_tests

REQUIRED = "ATS_TESTS_NEED_POSTGRESQL"
"""Set where a machine without PostgreSQL must fail these tests (continuous integration), not skip them."""


def server_programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None)


class PostgresServer:
    """A server that can be restarted, as for an upgrade or by a machine that reboots.

    Parameters
    ----------
    programs
        The folder of its programs.
    folder
        An empty folder, for its cluster.
    """

    def __init__(self, programs: Path, folder: Path) -> None:
        self._programs, self._folder = programs, folder
        self._user = "postgres" if os.getuid() == 0 else None  # PostgreSQL refuses to run as root
        self._process: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.url = f"postgresql://ats:p4ss-of-the-test@127.0.0.1:{self._port}"
        """Without the name of a database."""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def make_cluster(self) -> None:
        """An empty one, with one user."""
        if self._user:
            os.chown(self._folder, pwd.getpwnam(self._user).pw_uid, -1)
        (self._folder / "password").write_text("p4ss-of-the-test", encoding="utf-8")
        (self._folder / "password").chmod(0o644)
        access = ["-U", "ats", "-A", "scram-sha-256", f"--pwfile={self._folder / 'password'}"]
        initdb = [self._programs / "initdb", "-D", self._folder / "cluster", *access, "-E", "UTF8", "-N"]
        subprocess.run(initdb, user=self._user, cwd=self._folder, check=True, capture_output=True, env={"PATH": os.defpath, "LC_ALL": "C"})

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ["-p", str(self._port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "max_connections=40"]
        options += ["-c", "fsync=off", "-c", "full_page_writes=off"]  # the machine does not die
        options += ["-c", "autovacuum=off"]  # it begins a process a second and more where there are hundreds of databases
        with (self._folder / "log").open("ab") as log:
            started = subprocess.Popen(
                [self._programs / "postgres", "-D", self._folder / "cluster", *options],
                user=self._user,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                env={"PATH": os.defpath, "LC_ALL": "C"},
            )
        self._process = ends_with_tests(started)
        for _ in range(600):
            if self._process.poll() is not None:
                break
            with contextlib.suppress(psycopg.OperationalError):
                psycopg.connect(f"{self.url}/postgres").close()
                return
            time.sleep(0.05)
        pytest.fail(f"PostgreSQL does not start: {(self._folder / 'log').read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it and all connections: by its fast shutdown, which ends transactions, or with SIGQUIT at once, so that it recovers at its next start."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait()
            self._process = None

    def restart(self, how: signal.Signals = signal.SIGINT, *, away_seconds: float = 0.5) -> None:
        """Stop it and, when it has been away, start it again."""
        self.stop(how)
        time.sleep(away_seconds)
        self.start()


@contextmanager
def postgresql_process() -> Iterator[PostgresServer]:
    """Start a server with an empty cluster of its own."""
    programs = server_programs()
    if programs is None:
        reason = "no initdb here: install PostgreSQL (Debian: apt-get install postgresql)"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="ats-postgresql-"))
    server = PostgresServer(programs, folder)
    try:
        server.make_cluster()
        server.start()
        yield server
    finally:
        server.stop(signal.SIGQUIT)  # at once: nothing is kept
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """As `postgresql_process`; gives the URL of its databases without their names."""
    with postgresql_process() as server:
        yield server.url


def create_database(server: str, name: str, template: str = "template1") -> str:
    """Make a database that holds what the template does, by default nothing; gives its URL."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        # half as much work as block by block; before version 15 it was the only way
        by_files = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"{by_files}')  # pyright: ignore[reportArgumentType]
    return f"{server}/{name}"

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

REQUIRED = "ATS_TESTS_NEED_POSTGRESQL"
"""Set where a machine without PostgreSQL must fail these tests (continuous integration), not skip them."""


def server_programs() -> Path | None:
    """The folder of initdb and postgres, of the newest version installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").is_file() and (folder / "postgres").is_file()), None)


@contextmanager
def postgresql_server() -> Iterator[str]:
    """Start a server with an empty cluster of its own; gives the URL of its database without its name. PostgreSQL refuses to run as root."""
    programs = server_programs()
    if programs is None:
        reason = "no initdb here: install PostgreSQL (Debian: apt-get install postgresql)"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    user = "postgres" if os.getuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="ats-postgresql-"))
    try:
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        (folder / "password").write_text("p4ss-of-the-test", encoding="utf-8")
        (folder / "password").chmod(0o644)
        cluster = folder / "cluster"
        initdb = [
            programs / "initdb",
            "-D",
            cluster,
            "-U",
            "ats",
            "-A",
            "scram-sha-256",
            f"--pwfile={folder / 'password'}",
            "-E",
            "UTF8",
            "-N",
        ]
        subprocess.run(initdb, user=user, cwd=folder, check=True, capture_output=True, env={"PATH": os.defpath, "LC_ALL": "C"})
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        options = ["-p", str(port), "-k", "", "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=40"]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", cluster, *options],
                user=user,
                cwd=folder,
                stdout=log,
                stderr=log,
                env={"PATH": os.defpath, "LC_ALL": "C"},
            )
        try:
            url = f"postgresql://ats:p4ss-of-the-test@127.0.0.1:{port}"
            _wait_until_ready(url, server, folder / "log")
            yield url
        finally:
            server.send_signal(signal.SIGINT)  # its fast shutdown; SIGTERM would wait for clients
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            pytest.fail(f"PostgreSQL does not start: {log.read_text()}")
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(f"{url}/postgres").close()
            return
        time.sleep(0.05)
    pytest.fail("PostgreSQL is not ready")


def create_database(server: str, name: str) -> str:
    """Make an empty database; gives its URL."""
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # pyright: ignore[reportArgumentType]
    return f"{server}/{name}"

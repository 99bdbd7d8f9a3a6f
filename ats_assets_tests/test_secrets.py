"""Nothing that a whole run writes holds a secret, though database, alerts and Alpaca all fail; and the search would find one."""

import base64
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import pytest

from ats_assets_tests.cli.market import ROOT, ats, environment, make_home

SECRETS = {
    "key": "PKTEST7XQ2M4N8R5VW9Z",
    "secret key": "s3cr3tKeyOfAlpaca0123456789abcdefGHIJ",
    "password": "Db-Pa55+word!42",
    "login": "h00kLogin77",
    "token": "T0kenOfTheDesk88Xy",
}


class Echo(BaseHTTPRequestHandler):
    """Refuses everything, and repeats in its answer all that it was told."""

    seen: ClassVar[list[str]] = []
    """The requests' paths, of those that came with a secret."""

    def _refuse(self) -> None:
        if any(secret in str(self.headers) or secret in self.path for secret in SECRETS.values()):
            self.seen.append(self.path)
        told = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        body = json.dumps({"code": 40110000, "message": f"forbidden: {self.path} {dict(self.headers)} {told}"}).encode()
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_DELETE = do_PATCH = _refuse  # noqa: N815

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Be silent."""


@pytest.fixture(scope="module")
def refusing() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def secret_environment(port: int) -> dict[str, str]:
    return {
        "APCA_API_KEY_ID": SECRETS["key"],
        "APCA_API_SECRET_KEY": SECRETS["secret key"],
        "DB_CONNECTION_STR": f"postgresql://ats:{quote(SECRETS['password'], safe='')}@127.0.0.1:1/trades",
        "DESK": f"json://me:{SECRETS['login']}@127.0.0.1:{port}/{SECRETS['token']}",
        "PAGER": f"slack://T1JJ3T3L2/A1BRTD4JD/{SECRETS['token']}aaaaaa",
    }


def forms(secret: str) -> set[bytes]:
    """How a secret might be written, each made here without the code under test."""
    escaped = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1], repr(secret)[1:-1]}
    joined = {f"{SECRETS['key']}:{secret}", f"me:{secret}", f"ats:{secret}", secret}
    coded = {base64.b64encode(text.encode()).rstrip(b"=")[:-1] for text in joined}
    return {form.encode() for form in escaped} | coded


def texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All that lies in the files of a folder: their bytes, and in databases each value, unpacked where it is compressed."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.name != ".env":
            content = file.read_bytes()
            yield str(file), content
            if content.startswith(b"SQLite format 3"):
                with closing(sqlite3.connect(file)) as database:
                    for (table,) in database.execute("select name from sqlite_master where type = 'table'").fetchall():
                        for row in database.execute(f'select * from "{table}"'):
                            for value in row:
                                yield f"{file}: {table}", _plain(value)


def _plain(value: object) -> bytes:
    if isinstance(value, bytes):
        try:
            return zlib.decompress(value)
        except zlib.error:
            return value
    return str(value).encode()


def leaks(folder: Path, said: Mapping[str, str]) -> set[tuple[str, str]]:
    """Which secret lies where."""
    places = [*texts(folder), *((name, text.encode()) for name, text in said.items())]
    return {(name, place) for name, secret in SECRETS.items() for form in forms(secret) for place, text in places if form in text}


def test_a_whole_run_in_which_everything_fails_writes_no_secret(tmp_path: Path, refusing: int):
    home = make_home(tmp_path)
    url = f"http://127.0.0.1:{refusing}"
    with (home / "ats.toml").open("a") as file:
        file.write(f'[alerts]\nroutes = {{DESK = "info", PAGER = "critical"}}\n[orders]\nkill_file = "{home}/KILL"\n')
        file.write(f'[alpaca]\ntrading_url = "{url}"\ndata_url = "{url}"\nmax_attempts = 2\nmax_wait_seconds = 0.1\n')
    secrets = secret_environment(refusing)
    secrets.pop("PAGER")
    (home / ".env").write_text(f"PAGER={secret_environment(refusing)['PAGER']}\n")
    (home / ".env").chmod(0o600)
    own_database = {"DB_CONNECTION_STR": ""}
    alpaca = {"ATS_ORDERS__BROKER": "alpaca"}
    source = {"ATS_SOURCE__KIND": "alpaca", "ATS_SOURCE__ALPACA__SYMBOLS": '["AAPL"]'}
    steps: list[tuple[str, tuple[str, ...], dict[str, str], int]] = [
        ("run", ("run", "--verbose"), {}, 0),
        ("trade without its database", ("trade",), {}, 1),
        ("trade with wrong keys", ("trade", "--verbose"), own_database | alpaca, 1),
        ("run from Alpaca with wrong keys", ("run", "--from", "2021-01-04", "--to", "2021-01-05", "--verbose"), source, 1),
        ("doctor", ("doctor", "--json"), source, 1),
        ("alerts", ("alerts", "test"), {}, 1),
        ("a wrong setting", ("doctor",), {"ATS_ALPACA__DATA_URL": f"https://me:{SECRETS['login']}@example.com"}, 1),
    ]
    said: dict[str, str] = {}
    for name, arguments, changes, status in steps:
        made = ats(home, *arguments, **secrets | changes)
        said[name] = made.stdout + made.stderr
        assert made.returncode == status, f"{name}: {said[name]}"
    assert "Traceback" not in said["trade without its database"], said["trade without its database"]
    for asked in (f"/{SECRETS['token']}", "/v2/calendar", "/v2/clock"):
        assert any(asked in path for path in Echo.seen), f"nothing asked {asked}: {Echo.seen}"
    assert leaks(home, said) == set()


PLANTED = """
import logging, os, sys
import dagster as dg

secret = os.environ["APCA_API_SECRET_KEY"]

@dg.asset
def thing(context):
    print("printed", secret)
    context.log.info("logged %s", secret)
    logging.getLogger("urllib3").warning("GET /?token=%s", secret)
    context.add_output_metadata({"header": f"Bearer {secret}", "json": {"password": secret}})
    raise ValueError(f"said no to {secret}") from KeyError(secret)

if __name__ == "__main__":
    with dg.DagsterInstance.get() as instance:
        job = dg.Definitions([thing], jobs=[dg.define_asset_job("all")]).resolve_job_def("all")
        job.execute_in_process(instance=instance, raise_on_error=False, tags={"asked": f"with {secret}"})
    raise RuntimeError(secret)
"""


@pytest.mark.parametrize("guarded", [False, True])
def test_a_planted_leak_is_found_unless_the_process_is_guarded(tmp_path: Path, guarded: bool):
    home = make_home(tmp_path)
    if not guarded:
        (home / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    (home / "planted.py").write_text(PLANTED)
    variables = environment(home, **secret_environment(1)) | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    made = subprocess.run(
        [sys.executable, str(home / "planted.py")], env=variables, capture_output=True, text=True, timeout=120, check=False
    )
    found = leaks(home, {"output": made.stderr + made.stdout})
    places = {place.rpartition(": ")[2] for name, place in found}
    assert "said no to" in made.stderr
    if guarded:
        assert not found
        assert "said no to ***" in made.stderr
        shutil.rmtree(home)
    else:
        assert {"output", "runs", "run_tags", "event_logs"} <= places

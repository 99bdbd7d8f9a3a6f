"""`ats serve` as a process: what it says at its start, its log, its end, and what it says where it can't start."""

import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.serving import server
from ats_assets_tests.cli.market import ROOT, environment
from ats_assets_tests.ending_with_tests import ends_with_tests


@pytest.fixture
def running(own_deployment: Deployment, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str, Path]]:
    """The process, its address, and the file in which is what it says."""
    home, said = own_deployment.settings.storage.data.parent, tmp_path / "said.txt"
    line = [sys.executable, "-m", "ats_assets.cli", "serve", "--port", "0"]
    with said.open("wb") as file:
        process = ends_with_tests(subprocess.Popen(line, cwd=ROOT, env=environment(home), stderr=file))
    try:
        for _ in range(600):
            if found := re.search(r"http://127\.0\.0\.1:\d+", said.read_text()):
                break
            assert process.poll() is None, said.read_text()
            time.sleep(0.1)
        assert found, said.read_text()
        yield process, found[0], said
    finally:
        process.kill()
        process.wait()


def test_it_serves_logs_and_ends_when_it_is_told(running: tuple[subprocess.Popen[bytes], str, Path]) -> None:
    """One process: answers, a line for each without its query, and its end after SIGTERM."""
    process, address, file = running
    for path in ("/health", "/api/v1/signals?limit=2", "/api/v1/signals?limit=2", "/api/v1/portfolio/positions"):
        with urllib.request.urlopen(address + path, timeout=30) as answer:
            assert answer.status == 200
            assert "server" not in answer.headers
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) in {0, -signal.SIGTERM}, file.read_text()
    said = file.read_text()
    assert "reading is open to this machine until the first key is made" in said
    lines = [line.partition("access: ")[2] for line in said.splitlines() if "serving.access" in line]
    assert [line.split(" bytes")[0].rpartition(" ")[0] for line in lines] == [
        "127.0.0.1 this machine GET /health 200",
        *["127.0.0.1 this machine GET /api/v1/signals 200"] * 2,
        "127.0.0.1 this machine GET /api/v1/portfolio/positions 200",
    ]
    assert "Traceback" not in said


def test_a_port_that_is_taken_is_said(deployment: Deployment) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        settings = deployment.settings.model_copy(update={"serving": deployment.settings.serving.model_copy(update={"port": port})})
        with pytest.raises(SettingsError, match=f"127.0.0.1:{port} can't be listened on .* --port"):
            server.serve(Deployment(settings))


def test_a_missing_library_names_the_extra(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SettingsError, match=r"pip install 'ats-assets\[api\]'"):
        server.serve(deployment)


@pytest.mark.parametrize(
    ("serving", "told"),
    [
        ({}, "reading is open to this machine"),
        ({"open_reading": False}, "nobody can ask anything"),
        ({"host": "0.0.0.0", "https": False}, "put a proxy with TLS in front"),
        ({"writes": True}, "requests are taken"),
    ],
)
def test_what_is_open_is_said_at_the_start(deployment: Deployment, serving: dict[str, object], told: str) -> None:
    settings = deployment.settings.model_copy(update={"serving": deployment.settings.serving.model_copy(update=serving)})
    assert told in "\n".join(server.told_at_start(Deployment(settings), "127.0.0.1", 8000))


def test_it_is_imported_without_contracts() -> None:
    """Pandera takes half as long as all the rest."""
    program = "import sys, ats_assets.serving.server; sys.exit('pandera' in sys.modules)"
    assert subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, check=False).returncode == 0

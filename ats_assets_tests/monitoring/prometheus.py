"""A real Prometheus for tests: found, configured with the project's own rules, started, asked, ended."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from ats_assets_tests.ending_with_tests import ends_with_tests

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "rules"
REQUIRED = "ATS_TESTS_NEED_PROMETHEUS"


def needed(name: str) -> str:
    """The path of `prometheus`, `promtool` or `prometheus-postgres-exporter`; a test that needs it is skipped without, and fails where the environment says that it must be there."""
    found = shutil.which(name)
    if found is None:
        reason = f"no {name} here: install Prometheus (Debian: apt-get install prometheus prometheus-postgres-exporter)"
        if os.environ.get(REQUIRED):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def rules() -> list[dict[str, Any]]:
    """All rules of the project, in their order."""
    files = [yaml.safe_load((RULES / name).read_text()) for name in ("recording.yml", "alerts.yml")]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


@dataclass(frozen=True)
class Prometheus:
    """One that runs."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression comes to now."""
        asked = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"{self.address}/api/v1/query?{asked}", timeout=10) as answer:
            told = json.loads(answer.read())
        assert told["status"] == "success", told
        return told["data"]["result"]

    def firing(self) -> set[str]:
        """The alerts that fire now."""
        return {one["metric"]["alertname"] for one in self.query('ALERTS{alertstate="firing"}')}

    def until(self, holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
        """Wait until something holds.

        Raises
        ------
        AssertionError
            If it does not in time.
        """
        ends = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < ends, f"not within {seconds:g} s: {what}; {sorted(self.firing())} fire"
            time.sleep(0.1)


@contextmanager
def running_prometheus(folder: Path, targets: dict[str, str], *, every: str = "500ms", shorter: float = 1.0) -> Iterator[Prometheus]:
    """Start one in a folder, with the project's rules.

    Parameters
    ----------
    targets
        Job -> host and port.
    every
        Between two scrapes, and two looks at the rules.
    shorter
        By which the rules' `for` is divided; two scrapes remain, or one that is late would be a fault.
    """
    program = needed("prometheus")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("recording.yml", "alerts.yml"):
        told = yaml.safe_load((RULES / name).read_text())
        for rule in (rule for group in told["groups"] for rule in group["rules"] if "for" in rule):
            seconds = seconds_of(rule["for"])
            rule["for"] = f"{round(max(seconds / shorter, min(seconds, 2 * seconds_of(every)) if shorter > 1 else 0) * 1000)}ms"
        (folder / name).write_text(yaml.safe_dump(told))
    jobs = [{"job_name": job, "static_configs": [{"targets": [target]}]} for job, target in targets.items()]
    config = {"global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every}, "scrape_configs": jobs}
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config | {"rule_files": ["recording.yml", "alerts.yml"]}))
    port = free_port()
    arguments = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with (folder / "log").open("w") as log, subprocess.Popen(arguments, stdout=log, stderr=log, cwd=folder) as process:
        try:
            ends_with_tests(process)
            found = Prometheus(f"http://127.0.0.1:{port}")
            _ready(found, process, folder)
            yield found
        finally:
            process.terminate()
            process.wait(30)


def _ready(found: Prometheus, process: subprocess.Popen[bytes], folder: Path) -> None:
    ends = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"{found.address}/-/ready", timeout=5):
                return
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < ends, (folder / "log").read_text()
            time.sleep(0.05)


def seconds_of(text: str) -> float:
    """A duration of Prometheus' in seconds.

    Examples
    --------
    >>> seconds_of("2m"), seconds_of("6h"), seconds_of("500ms")
    (120.0, 21600.0, 0.5)
    """
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400}
    unit = next(unit for unit in ("ms", "s", "m", "h", "d") if text.endswith(unit))
    return float(text.removesuffix(unit)) * units[unit]

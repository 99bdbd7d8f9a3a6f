"""A deployment with everything on, to be watched: made by the commands, traded, with vendors asked, an export, drift, a daemon that lives, a service that is asked."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

from ats_assets.deployment import Deployment
from ats_assets.monitoring.expected_triggers import expected_triggers
from ats_assets.monitoring.exporter import Exporter
from ats_assets.runs.startup import open_instance
from ats_assets.runs.triggers import start_triggers
from ats_assets.settings import load_settings
from ats_assets.vendors.call_log import CallOutcome, VendorCall
from ats_assets.vendors.open_vendor import open_state
from ats_assets.vendors.vendor_limits import Limit, VendorLimits
from ats_assets.vendors.vendor_state import Terms
from ats_assets_tests.cli.market import ROOT, environment
from ats_assets_tests.ending_with_tests import ends_with_tests
from ats_assets_tests.monitoring.prometheus import free_port

DAEMONS = ("SENSOR", "SCHEDULER", "QUEUED_RUN_COORDINATOR")
SETTINGS = """
[drift]
[exports.qlib]
kind = "qlib_bin"
assets = ["bars"]
[orders]
enabled = true
slippage_warning_bps = 500
[alerts.routes]
log = { kind = "json_lines", severity = "info", path = "alerts.jsonl" }
"""


@dataclass
class Watched:
    """What runs, and where."""

    home: Path
    deployment: Deployment
    exporter: Exporter
    service: str
    beating: threading.Event = field(default_factory=threading.Event)

    @property
    def address(self) -> str:
        """Host and port of the exporter."""
        return f"127.0.0.1:{self.exporter.server_address[1]}"

    def asked(self, path: str) -> int:
        """The status of an answer of the service."""
        try:
            with urllib.request.urlopen(f"http://{self.service}{path}", timeout=20) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


def add_what_runs_leave(home: Path, deployment: Deployment) -> None:
    """What only days of work leave behind: calls to vendors, drift, receipts of an export, ticks."""
    for status in (200, 200, 429):
        ask_vendor(deployment, status)
    day = deployment.valid_sessions("targets")[-1]
    tests = [("features", "psi", 0.3), ("predictions", "ks", 0.5), ("skill", "cusum", 0.1)]
    rows = [
        {"model": "lightgbm", "of": of, "test": test, "figure": figure, "threshold": 1.0, "alarm": False, "about": ""}
        for of, test, figure in tests
    ]
    if not deployment.warehouse.stored_sessions("drift"):
        deployment.warehouse.write("drift", day, pl.DataFrame(rows))
    deployment.warehouse.write("qlib_export", day, pl.DataFrame({"asset": ["bars"], "rows": [10]}))
    skills = pl.DataFrame({"model": ["lightgbm"], "rank_ic": [0.01]})
    deployment.warehouse.write("model_skill", day, skills)
    assert home.is_dir()


def ask_vendor(deployment: Deployment, status: int = 200) -> None:
    """A question that the cache might have answered, and a request, as a source makes them."""
    state = open_state(deployment.settings)
    call = VendorCall(vendor="massive", host="api.massive.com", key="ab12", method="GET", path="/v2/aggs")
    state.kept(call, "https://api.massive.com/v2/aggs", "json", 60)
    terms = Terms(limits=VendorLimits(limits=(Limit(units=10_000, seconds=60.0),)))
    outcome = CallOutcome(outcome="answered" if status == 200 else "rate limit", status=status, seconds=0.2)
    state.end(state.begin(call, terms), call, outcome)


def tick(deployment: Deployment, status: TickStatus = TickStatus.SKIPPED) -> None:
    """Let each schedule and sensor that is on tick once, as the daemon would."""
    with open_instance() as instance:
        start_triggers(deployment, instance)
        for state in instance.all_instigator_state():
            if state.instigator_name in expected_triggers(deployment) and state.is_running:
                error = SerializableErrorInfo("the vendor says no", [], "SourceError")
                ends = {"skip_reason": "nothing to do"} if status is TickStatus.SKIPPED else {"error": error}
                data = TickData(
                    state.instigator_origin_id,
                    state.instigator_name,
                    state.instigator_type,
                    status,
                    datetime.now(UTC).timestamp(),
                    run_ids=[],
                    selector_id=state.selector_id,
                    **ends,
                )
                instance.create_tick(data)


@contextmanager
def beating(deployment: Deployment, ended: threading.Event) -> Iterator[None]:
    """Heartbeats as the daemon writes them, until `ended` is set, more often than it does; and a vendor is asked."""
    stopped = threading.Event()

    def beat() -> None:
        with open_instance() as instance:
            while not stopped.is_set() and not ended.is_set():
                for kind in DAEMONS:
                    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), kind, "one", []))
                ask_vendor(deployment)
                stopped.wait(0.5)

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


@contextmanager
def watched(source: Path, home: Path) -> Iterator[Watched]:
    """A copy of a deployment that was run and traded, with all that watches it: exporter, service, daemon's heartbeats."""
    shutil.copytree(source, home)
    file = home / "ats.toml"
    file.write_text(file.read_text() + SETTINGS)
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("ATS_", "DAGSTER_"))]:
            patch.delenv(name)
        for name, value in environment(home).items():
            patch.setenv(name, value)
        patch.setenv("DAGSTER_HOME", str(home))
        deployment = Deployment(load_settings())
        add_what_runs_leave(home, deployment)
        tick(deployment)
        with Exporter(deployment, "127.0.0.1", 0) as exporter, _serving(home) as service:
            thread = threading.Thread(target=exporter.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            made = Watched(home, deployment, exporter, service)
            try:
                with beating(deployment, made.beating):
                    exporter.warm()
                    yield made
            finally:
                exporter.shutdown()
                thread.join()


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    """`ats serve` in a process of its own; its host and port."""
    port = free_port()
    command = [sys.executable, "-m", "ats_assets.cli", "serve", "--port", str(port)]
    with (
        (home / "serve.log").open("w") as log,
        subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=log, stderr=log) as process,
    ):
        try:
            ends_with_tests(process)
            ends = time.monotonic() + 60
            while True:
                with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5) as answer:
                    json.loads(answer.read())
                    break
                assert process.poll() is None, (home / "serve.log").read_text()
                assert time.monotonic() < ends, (home / "serve.log").read_text()
                time.sleep(0.1)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)

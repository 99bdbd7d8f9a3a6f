"""Commands, and Dagster's UI and daemon, over a warehouse in an object store."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import ROOT, ats, environment, make_home
from ats_assets_tests.cli.up_day import free_port
from ats_assets_tests.ending_with_tests import ends_with_tests
from ats_assets_tests.rounds import FULL
from ats_assets_tests.s3_double import BUCKET, S3Double, s3, s3_server
from ats_assets_tests.small_market import differences, files_of
from ats_assets_tests.test_object_store import files_in

__all__ = ["s3", "s3_server"]
Made = tuple[Path, CompletedProcess[str]]
PATIENCE_SECONDS = 240.0
RUN = """mutation($job: String!, $assets: [AssetKeyInput!], $tags: [ExecutionTag!]) { launchRun(executionParams: {mode: "default",
  selector: {repositoryLocationName: "ats_assets.definitions", repositoryName: "__repository__", jobName: $job, assetSelection: $assets},
  executionMetadata: {tags: $tags}}) { __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
SENSOR = """mutation($name: String!) { startSensor(sensorSelector: {repositoryLocationName: "ats_assets.definitions", repositoryName: "__repository__",
  sensorName: $name}) { __typename } }"""
TICKS = """query($name: String!) { sensorOrError(sensorSelector: {repositoryLocationName: "ats_assets.definitions", repositoryName: "__repository__",
  sensorName: $name}) { ... on Sensor { sensorState { ticks(limit: 1) { status error { message } } } } } }"""


def in_store(s3: S3Double, prefix: str) -> dict[str, str]:
    """The environment of a command whose warehouse and models lie in the store."""
    patience = {"endpoint": s3.endpoint, "retry_seconds": 60, "timeout_seconds": 60}
    roots = {f"ATS_STORAGE__{name.upper()}": f"s3://{BUCKET}/{prefix}/{name}" for name in ("warehouse", "models")}
    return roots | {"ATS_STORAGE__OBJECT_STORE": json.dumps(patience)}


@pytest.mark.slow
def test_a_run_by_processes_of_the_command_line_is_the_run_on_a_disk_and_other_commands_answer(
    made: Made, command: Command, s3: S3Double, tmp_path: Path
) -> None:
    home, store = make_home(tmp_path / "home"), in_store(s3, "cli")
    made_here = {"ATS_WORKERS": json.dumps({"processes": {"processes": 2}})}
    run = ats(home, "run", "--on", "processes", "--to", "2021-01-08", "--select", "+alpha158,+forward_returns",
              "--summary-json", str(home / "summary.json"), **store, **made_here)  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "2 at once on processes" in run.stderr
    assert json.loads((home / "summary.json").read_text())["assets"]["alpha158"] == 5
    found = files_in(s3, "cli")
    expected = {path: content for path, content in files_of_home(made[0]).items() if path in found}
    assert differences(found, expected) == []
    assert len(found) == 8 * 5
    other = store | {"ATS_STORAGE__DATA": str(tmp_path / "other")}
    stale = command("stale", "--json", home=home, **other)
    assert stale.exit_code == 0, stale.output
    assert {row["asset"] for row in json.loads(stale.stdout)}.isdisjoint({"bars", "alpha158", "forward_returns"})
    doctor = json.loads(command("doctor", "--json", home=home, **other).stdout)
    stores = {one["subject"]: one["status"] for one in doctor["findings"] if one["subject"].startswith("store of")}
    assert stores == {"store of warehouse": "ok", "store of models": "ok"}
    signals = command("signals", home=home, **other)
    assert (signals.exit_code, "no signals" in signals.stderr.lower()) == (1, True), signals.stderr


def files_of_home(home: Path) -> dict[str, bytes]:
    """Those of the run on a disk, under the names that they have in the store."""
    return {path.replace("/synthetic/", "/", 1): content for path, content in files_of(home).items()}


@pytest.fixture
def kept(made: Made, s3: S3Double, tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A finished history that was copied into the store by another program, as `aws s3 sync` does, and a home beside it."""
    client = s3.client()
    for path, content in files_of_home(made[0]).items():
        client.put_object(Bucket=BUCKET, Key=f"kept/{path}", Body=content)
    return make_home(tmp_path / "home"), in_store(s3, "kept")


@pytest.mark.slow
@pytest.mark.skipif(
    not FULL, reason="starts the UI, the daemon and their code servers, each of which imports everything: dev.py test --full"
)
@pytest.mark.timeout(1200)
def test_the_ui_materializes_a_session_and_a_sensor_ticks(kept: tuple[Path, dict[str, str]], s3: S3Double, command: Command) -> None:
    home, store = kept
    before = files_in(s3, "kept")
    day = "2021-03-30"
    wanted = f"kept/warehouse/alpha158/session={day}/data.parquet"
    s3.client().delete_object(Bucket=BUCKET, Key=wanted)
    with dagster(home, store) as ask:
        launched = ask(RUN, job="history", assets=[{"path": ["alpha158"]}], tags=[{"key": "dagster/partition", "value": day}])["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run = launched["run"]["runId"]
        assert wait_for(lambda: ended(ask(STATUS, id=run)["runOrError"]["status"])) == "SUCCESS"
        assert ask(SENSOR, name="new_session_sensor")["startSensor"]["__typename"] == "Sensor"
        tick = wait_for(lambda: ticked(ask(TICKS, name="new_session_sensor")["sensorOrError"]["sensorState"]["ticks"]))
        assert tick["error"] is None, tick
    assert files_in(s3, "kept") == before
    stale = command("stale", "--json", home=home, **store)
    assert stale.exit_code == 0, stale.output
    signals = command("signals", "--format", "json", home=home, **store)
    assert signals.exit_code == 0, signals.output
    assert json.loads(signals.stdout)


def ended(status: str) -> str | None:
    return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None


def ticked(ticks: list[dict[str, Any]]) -> dict[str, Any] | None:
    return next((tick for tick in ticks if tick["status"] != "STARTED"), None)


def wait_for(found: Callable[[], Any]) -> Any:
    """What is found, once it is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (what := found()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return what


@contextmanager
def dagster(home: Path, store: dict[str, str]) -> Iterator[Callable[..., Any]]:
    """The UI and the daemon while open; asks the UI."""
    port, env = free_port(), environment(home, **store) | {"DAGSTER_HOME": str(home), "PYTHONPATH": str(ROOT)}
    of = ["-m", "ats_assets.definitions"]
    lines = (["webserver", *of, "--host", "127.0.0.1", "--port", str(port)], ["daemon", "run", *of])
    programs = [[str(Path(sys.executable).with_name(f"dagster-{name}")), *more] for name, *more in lines]
    log = (home / "dagster.log").open("ab")
    started = [
        ends_with_tests(subprocess.Popen(line, cwd=home, env=env, stdout=log, stderr=log, start_new_session=True)) for line in programs
    ]

    def ask(query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"content-type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return json.load(answer)["data"]
            except OSError:
                assert time.monotonic() < deadline, (home / "dagster.log").read_text()[-4000:]
                time.sleep(0.5)

    try:
        yield ask
    finally:
        for process in started:
            os.killpg(process.pid, signal.SIGTERM)
        for process in started:
            process.wait(60)
        log.close()

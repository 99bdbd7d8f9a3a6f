"""`ats status`, `ats stop` and `ats start` over a finished run and its real instance."""

import json
import shutil
from pathlib import Path
from subprocess import CompletedProcess

import dagster as dg
import pytest
from dagster._daemon.types import DaemonHeartbeat

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.monitoring.expected_triggers import SCHEDULE, expected_triggers
from ats_assets.runs.startup import open_instance
from ats_assets.runs.triggers import MEMORY
from ats_assets.settings import load_settings
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import environment, make_home

ALWAYS = ("alert_sensor", "new_session_sensor", "nightly_retraining_schedule", "stale_sensor", "trading_sensor")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, whose instance this process opens."""
    folder = make_home(tmp_path / "home")
    for name, value in environment(folder).items():
        if name.startswith(("ATS_", "DAGSTER_")):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    return folder


def on_in(instance: dg.DagsterInstance) -> set[str]:
    return {one.instigator_name for one in instance.all_instigator_state() if one.is_running}


def test_all_is_well_after_a_run(command: Command, made: tuple[Path, CompletedProcess[str]]) -> None:
    found = command("status", "--json")
    told = json.loads(found.stdout)
    assert (found.exit_code, told["needs_person"]) == (0, False)
    states = {one["name"]: one["state"] for one in told["components"]}
    assert {states[name] for name in ("deliveries", "signals", "checks", "model lightgbm", "runs", "halts", "disk data")} == {"ok"}
    assert {states[f"{kind} {name}"] for name, kind in expected_triggers(Deployment(load_settings())).items()} == {"off"}
    advice = {one["name"].partition(" ")[2]: (one["text"], one["what_to_do"]) for one in told["components"]}
    assert advice["new_session_sensor"] == ("it was never switched on", "ats start")
    assert advice["stale_sensor"] == ("it was never switched on", "ats start stale_sensor")
    assert advice["alert_sensor"] == ("the daemon switches it on when it first runs", "")
    assert advice["trading_sensor"] == ("it was never switched on; it does nothing without orders.enabled", "")
    assert "All is well" in command("status").stdout
    asked = {one["name"]: one for one in json.loads(command("status", "--json", ATS_PORTFOLIO__TOP_K="7").stdout)["components"]}["lineage"]
    assert (asked["state"], asked["what_to_do"]) == ("off", "ats stale"), "nobody has looked under these settings"
    assert made[0].is_dir()


def test_what_needs_a_person_is_told_first_with_status_1(
    command: Command, made: tuple[Path, CompletedProcess[str]], tmp_path: Path
) -> None:
    home = tmp_path / "copy"
    shutil.copytree(made[0], home)
    (home / "data" / "KILL").touch()
    found = command("status", home=home)
    lines = found.stdout.splitlines()
    assert (found.exit_code, lines[0]) == (
        1,
        f"1 of {len(json.loads(command('status', '--json', home=home).stdout)['components'])} components needs a person: kill switch",
    )
    assert lines[2].startswith("failed  kill switch")
    assert "remove the file" in lines[3]


@pytest.mark.parametrize(
    "sections",
    [
        {},
        {"graph": {"prefix": "crypto"}, "live": {"enabled": True}, "source": {"kind": "alpaca", "alpaca": {"collect": ["minute_bars"]}}},
        {"exports": {"qlib": {"kind": "qlib_bin", "assets": ["bars"]}}},
    ],
)
def test_the_schedules_and_sensors_that_settings_call_for_are_those_of_the_graph(home: Path, sections: dict[str, object]) -> None:
    """`ats status` names them without the graph, which takes seconds to build."""
    deployment = Deployment(load_settings(**sections))
    found = build(deployment)
    there = {one.name: SCHEDULE for one in found.schedules or ()} | {one.name: "sensor" for one in found.sensors or ()}
    assert expected_triggers(deployment) == there
    assert home.is_dir()


def test_they_are_started_and_stopped_in_order_and_what_ran_is_remembered(home: Path, command: Command) -> None:
    with open_instance() as instance:
        started = command("start", home=home)
        assert started.stdout.splitlines() == [
            "already started: sensor alert_sensor",
            "started: sensor new_session_sensor",
            "started: schedule nightly_retraining_schedule",
        ]
        assert "the daemon is not running" in started.stderr
        command("start", "trading_sensor", home=home)
        ran = {"new_session_sensor", "nightly_retraining_schedule", "trading_sensor"}
        assert on_in(instance) == ran
        assert all("already started" in line for line in command("start", "trading_sensor", home=home).stdout.splitlines())

        stopped = command("stop", home=home).stdout.splitlines()
        assert stopped[:2] == ["stopped: sensor trading_sensor", "already stopped: sensor stale_sensor"]
        assert stopped[-1] == "stopped: sensor alert_sensor"
        assert on_in(instance) == set()
        assert set(json.loads((home / "data" / MEMORY).read_text())["ran"]) == {*ran, "alert_sensor"}
        assert all("already stopped" in line for line in command("stop", home=home).stdout.splitlines()), "a second stop changes nothing"
        assert "did not run" not in command("start", home=home).stderr
        assert on_in(instance) == {*ran, "alert_sensor"}
        assert not (home / "data" / MEMORY).exists()


def test_what_did_not_run_before_a_stop_is_named_with_the_command_that_starts_it(home: Path, command: Command) -> None:
    """A newcomer who stopped all before ever starting any was left with the sensor that alerts alone, in silence."""
    command("stop", home=home)
    started = command("start", home=home)
    assert started.stdout.splitlines() == ["started: sensor alert_sensor"]
    assert "ats start new_session_sensor nightly_retraining_schedule" in started.stderr
    with open_instance() as instance:
        assert on_in(instance) == {"alert_sensor"}


def test_a_name_that_there_is_not_changes_nothing(home: Path, command: Command) -> None:
    found = command("stop", "new_session_sensor", "no_sensor", home=home)
    assert found.exit_code == 1
    assert "choose of alert_sensor" in found.stderr
    with open_instance() as instance:
        assert not instance.all_instigator_state()


def test_they_are_the_states_that_the_workspace_would_give_them(home: Path, command: Command) -> None:
    """The daemon finds a schedule or sensor by the id that Dagster itself makes of workspace, repository and name."""
    command("start", *ALWAYS, home=home)
    with open_instance() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(0.0, "SENSOR", "one", []))
        states = {one.instigator_name: one for one in instance.all_instigator_state()}
    assert set(states) == set(ALWAYS) - {"alert_sensor"}
    for state in states.values():
        selector = state.origin.get_selector()
        assert (selector.location_name, selector.repository_name) == ("ats_assets.definitions", "__repository__")

"""Progress of runs: the time that is left is right where work goes evenly, and a step that takes long says what it is at, at least every half minute."""

import contextlib
import os
import pty
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from ats_assets.runs import run_progress as module
from ats_assets.runs.requests_so_far import requests_since
from ats_assets.runs.run_events import EventClock, RunEvents
from ats_assets.runs.run_progress import RunProgress
from ats_assets.settings import Settings
from ats_assets.vendors.call_log import VendorCall
from ats_assets.vendors.open_vendor import open_state
from ats_assets.vendors.vendor_state import Terms
from ats_assets_tests.runs.stopped_clock import Clock, on_a_terminal


def run_evenly(progress: RunProgress, clock: Clock, seconds: float, parts: int = 4, sessions: int = 25, steps: int = 10) -> None:
    progress.expect([steps * sessions] * parts, parts * sessions)
    for part in range(parts):
        progress.begin(f"part {part}", steps)
        for n in range(steps):
            progress.step(f"asset_{n}", True)
            clock.now += seconds / parts / steps
            progress.step(f"asset_{n}", False)
        progress.end(sessions)


def test_elsewhere_a_run_says_what_is_left_at_each_part_and_every_half_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(100) as progress:
        run_evenly(progress, clock, seconds=400)
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["part 0: 3 of 10 steps, 30 s, about 6 min left", "part 0: 6 of 10 steps, 1 min, about 6 min left"]
    ends = [line for line in lines if re.fullmatch(r"part \d: 100\.0 s(, about .* left)?", line)]
    assert ends == [f"part {n}: 100.0 s, about {minutes} min left" for n, minutes in enumerate((5, 3, 2))] + ["part 3: 100.0 s"]


def test_a_short_run_has_the_lines_that_it_always_had(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(100) as progress:
        run_evenly(progress, clock, seconds=8)
    assert capsys.readouterr().err.splitlines() == [f"part {n}: 2.0 s" for n in range(4)]


def test_runs_one_after_the_other_count_as_one(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """As `ats trade` makes them, a session each."""
    with RunProgress(4) as progress:
        for _ in range(4):
            run_evenly(progress, clock, seconds=60, parts=1, sessions=1)
    said = [line for line in capsys.readouterr().err.splitlines() if ": 60.0 s" in line]
    assert [line.partition(", ")[2] for line in said] == ["about 3 min left", "about 2 min left", "about 1 min left", ""]


def test_within_a_step_that_workers_do_it_says_how_many_pieces_are_done(
    clock: Clock, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> None:
        with RunProgress(100) as progress:
            progress.begin("part", 4)
            progress.step("alpha158", True)
            for done in range(1, 5):
                clock.now += 20
                progress.within("alpha158", done, 4)

    run()
    told = [f"part: 0 of 4 steps, {told}; alpha158 for {told}, {done} of 4 pieces of work" for done, told in ((2, "40 s"), (4, "1 min"))]
    assert capsys.readouterr().err.splitlines() == told
    screen = on_a_terminal(monkeypatch)
    run()
    assert "part  alpha158 for 1 min, 4 of 4 pieces of work" in screen.getvalue()


def test_where_nobody_knows_how_much_there_is_nothing_is_guessed(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(0) as progress:
        progress.begin("part", 4)
        clock.now += 100
        progress.step("a", False)
        progress.end(1)
    assert capsys.readouterr().err.splitlines() == ["part: 1 of 4 steps, 2 min", "part: 100.0 s"]


def test_on_a_terminal_the_time_left_is_beside_the_bar(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_a_terminal(monkeypatch)
    with RunProgress(100) as progress:
        progress.expect([100.0, 300.0], 100)
        progress.begin("first", 1)
        clock.now += 60
        progress.step("asset", False)
        progress.end(25)
    assert "about 3 min left" in screen.getvalue()


def test_within_a_step_the_time_left_follows_what_is_done_of_it(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """A download, or a year of ticks, was one silent step, of which nobody knew whether it was at its beginning or its end."""
    with RunProgress(100) as progress:
        progress.expect([1.0], 100)
        progress.begin("part", 1)
        progress.step("crypto__raw_bars", True)
        clock.now += 60
        progress.within("raw_bars", 25, 100, unit="sessions")
        clock.now += 60
        progress.within("some_model", 3, 4)  # ahead of its step
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "part: 0 of 1 steps, 1 min, about 3 min left; crypto__raw_bars for 1 min, 25 of 100 sessions"
    assert said[1].endswith("crypto__raw_bars for 2 min, some_model: 3 of 4 pieces of work")


def test_no_step_fails_for_what_is_told_of_it(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown(since: datetime) -> str:
        raise OSError(since)

    with RunProgress(100) as progress:
        progress.beside = unknown
        progress.begin("part", 1)
        progress.step("bars", True)
        clock.now += 60
        progress.within("bars", 25, 100, unit="sessions")
    assert capsys.readouterr().err == "part: 0 of 1 steps, 1 min; bars for 1 min, 25 of 100 sessions\n"


def test_what_is_beside_a_step_is_not_looked_up_for_each_session_that_is_written(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was: of a vendor, a database was opened for each."""
    screen, asked = on_a_terminal(monkeypatch), list[datetime]()

    def requests(since: datetime) -> str:
        asked.append(since)
        return f"{len(asked)} requests"

    with RunProgress(300) as progress:
        progress.beside = requests
        progress.begin("part", 1)
        progress.step("raw_bars", True)
        for done in range(1, 301):
            clock.now += 10 if done in {1, 200} else 0
            progress.within("raw_bars", done, 300, unit="sessions")
    assert len(asked) == 2
    assert "raw_bars for 20 s, 300 of 300 sessions, 2 requests" in screen.getvalue()


def test_a_thread_that_reminds_sleeps_while_there_is_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[float] = []
    monkeypatch.setattr(module, "LINE_SECONDS", 0.1)
    show = RunProgress._show
    monkeypatch.setattr(RunProgress, "_show", lambda self: (shown.append(time.monotonic()), show(self)))
    with RunProgress(100):
        time.sleep(0.35)
    assert 1 <= len(shown) <= 4, "it was awake a hundred times a second"


def test_while_one_step_takes_long_its_newest_line_of_the_log_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.05)
    monkeypatch.setattr(module, "BAR_SECONDS", 0.0)
    monkeypatch.setenv("APCA_API_SECRET_KEY", "opensesame-4242")
    with RunProgress(100) as progress:
        time.sleep(0.15)
        assert capsys.readouterr().err == "", "before the first part there is nothing to tell"
        progress.beside = lambda since: "12 requests to massive" if datetime.now(UTC) - since < timedelta(minutes=1) else ""
        progress.begin("part", 4)
        progress.step("main_model", True)
        progress.note("main_model", "main_model fitted at 2021-06-01: 30,000 rows, opensesame-4242\nmore")
        progress.note("bars", "of another step")
        time.sleep(0.3)
        told = capsys.readouterr().err.splitlines()[1:]  # the first may be older than the note
        progress.step("main_model", False)
    assert set(told) == {"part: 0 of 4 steps, 1 s; main_model for 1 s, fitted at 2021-06-01: 30,000 rows, ***, 12 requests to massive"}
    capsys.readouterr()
    time.sleep(0.15)
    assert capsys.readouterr().err == "", "once it is over nothing is said"


def test_a_long_line_leaves_the_bar_its_place_on_a_narrow_terminal(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_a_terminal(monkeypatch, width=80)
    with RunProgress(100) as progress:
        progress.expect([1.0], 100)
        progress.begin("2021-01-04 to 2021-07-06", 4)
        progress.step("main_model", True)
        progress.note("main_model", "main_model fitted at 2021-06-01: [30,000] rows, 33 rounds, and much more that nobody could read")
        clock.now += 60
        progress.within("main_model", 25, 100, unit="sessions")
    drawn = [line for line in re.split(r"[\r\n]", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue())) if "main_model" in line]
    assert any("for 1 min, 25" in line for line in drawn)
    assert all(len(line) <= 80 and "steps" in line for line in drawn)


def test_what_a_step_writes_to_the_log_is_heard_but_not_what_is_for_debugging() -> None:
    @dg.asset
    def thing(context: dg.AssetExecutionContext) -> None:
        context.log.debug("looked")
        context.log.info("trial 3 of 40")

    heard: list[tuple[str, str]] = []
    run_events = RunEvents(clock=EventClock(), on_line=lambda *told: heard.append(told))
    with dg.DagsterInstance.ephemeral() as instance:
        for entry in instance.all_logs(dg.materialize([thing], instance=instance).run_id):
            run_events(entry)
    assert heard == [("thing", "trial 3 of 40")]


def test_requests_of_a_download_are_counted_from_when_its_step_began(tmp_path: Path) -> None:
    settings = Settings.model_validate({"vendors": {"state": tmp_path / "vendors.db"}})
    told = requests_since(settings)
    began = datetime.now(UTC)
    assert not told(began)
    state = open_state(settings)
    for _ in range(3):
        state.begin(VendorCall(vendor="massive", host="h", key="-", method="GET", path="/v2"), Terms())
    state.begin(VendorCall(vendor="alpaca", host="h", key="-", method="GET", path="/v2"), Terms())
    assert told(began) == "1 request to alpaca, 3 requests to massive"
    assert not told(datetime.now(UTC) + timedelta(seconds=1))


DRAWN = """
import os, sys, time
from ats_assets.runs.run_progress import RunProgress
with RunProgress(100) as progress:
    progress.begin("part", 4)
    progress.step("raw_bars", True)
    kept = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # as Dagster does while a step goes on
    progress.within("raw_bars", 63, 126, unit="sessions")
    time.sleep(0.5)
    os.dup2(kept, 2)
"""


def test_bars_are_drawn_while_dagster_captures_the_output_of_a_step() -> None:
    """They stood still in each step: what is captured is no terminal, and rich draws on nothing else."""
    here, there = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", DRAWN], stdin=there, stdout=there, stderr=there) as made:
        os.close(there)
        drawn = b""
        with contextlib.suppress(OSError), os.fdopen(here, "rb", buffering=0) as terminal:  # EIO where the other end is closed
            while part := terminal.read(65_536):
                drawn += part
    assert made.returncode == 0, drawn
    assert b"63 of 126 sessions" in drawn

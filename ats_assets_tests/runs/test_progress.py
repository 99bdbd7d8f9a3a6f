"""Progress of long jobs: the time that is left is right where work goes evenly, and silence is never longer than half a minute."""

import io
import re
import time

import pytest
from rich.console import Console

from ats_assets.runs import progress as module
from ats_assets.runs.progress import LongJob, RunProgress


class Clock:
    """Stands where it is put."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module.time, "monotonic", made.monotonic)
    return made


def on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    screen = io.StringIO()
    monkeypatch.setattr(module, "console", lambda **_: Console(file=screen, force_terminal=True, width=160))
    return screen


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
    told = ["part: alpha158: 2 of 4 pieces of work, 40 s", "part: alpha158: 4 of 4 pieces of work, 1 min"]
    assert capsys.readouterr().err.splitlines() == told
    screen = on_a_terminal(monkeypatch)
    run()
    assert "part  alpha158: 4 of 4 pieces of work" in screen.getvalue()


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


def test_a_long_job_has_a_line_every_half_minute_and_a_short_one_none(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    with LongJob("checking", 10, "subjects") as job:
        for _ in range(10):
            clock.now += 20
            job.step()
    assert capsys.readouterr().err.splitlines() == [
        f"checking: {n} of 10 subjects, {so_far}, about {left} left"
        for n, so_far, left in ((2, "40 s", "3 min"), (4, "1 min", "2 min"), (6, "2 min", "1 min"), (8, "3 min", "40 s"))
    ]
    with LongJob("checking", 10, "subjects") as job:
        job.step(10)
    assert capsys.readouterr().err == ""


def test_a_job_whose_parts_are_counted_later_tells_the_time_of_each_count(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """As a backup, which counts the files of one folder after the other."""
    with LongJob("ats backup", 0, "files") as job:
        clock.now += 500  # listing
        for total in (4, 2):
            for done in range(total):
                job.reach(done, total)
                clock.now += 60
    assert capsys.readouterr().err.splitlines() == [
        f"ats backup: {done} of {total} files, {done} min, about {left} min left"
        for done, total, left in ((1, 4, 3), (2, 4, 2), (3, 4, 1), (1, 2, 1))
    ]


def test_a_job_without_parts_says_for_how_long_it_has_been_at_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.05)
    with LongJob("reading bars.csv"):
        time.sleep(0.25)
    said = capsys.readouterr().err.splitlines()
    assert said
    assert set(said) == {"reading bars.csv: 1 s so far"}
    time.sleep(0.15)
    assert capsys.readouterr().err == "", "once it is over nothing is said"


def test_a_job_tells_how_far_it_is_while_one_part_takes_long(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(module, "LINE_SECONDS", 0.05)
    with LongJob("reading bars", 0, "files") as job:
        time.sleep(0.15)
        job.reach(1, 3)
        time.sleep(0.15)
    said = list(dict.fromkeys(capsys.readouterr().err.splitlines()))
    assert said == ["reading bars: 1 s so far", "reading bars: 1 of 3 files, 1 s"]


def test_a_jobs_bar_is_gone_when_it_is_over(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = on_a_terminal(monkeypatch)
    with LongJob("checking", 4, "subjects") as job:
        clock.now += 60
        job.step(1, "alpha158")
    assert "checking  alpha158" in screen.getvalue()
    assert "about 3 min left" in screen.getvalue()

"""Progress of long jobs: the time that is left is right where work goes evenly, and silence is never longer than half a minute."""

import sys
import time
from collections.abc import Callable

import pytest

from ats_assets.runs import progress as module
from ats_assets.runs.progress import LongJob
from ats_assets.runs.run_progress import RunProgress
from ats_assets_tests.runs.stopped_clock import Clock, on_a_terminal


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


@pytest.mark.parametrize("shown", [lambda: LongJob("reading [/b] of a path"), lambda: RunProgress(1)])
def test_what_is_written_to_a_pipe_under_a_bar_stays_there(
    shown: Callable[[], LongJob | RunProgress], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of `ats … --json > file` on a terminal the file would be empty: rich takes standard output, too."""
    screen = on_a_terminal(monkeypatch)
    with shown() as job:
        sys.stdout.write('{"a": 1}\n')
    assert capsys.readouterr().out == '{"a": 1}\n'
    assert ("[/b]" in screen.getvalue()) == isinstance(job, LongJob)

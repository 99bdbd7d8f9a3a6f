"""Work beside this process is done in order, answered or told as failed, and never lost by an ordinary end."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from ats_assets.storage.second_process import SecondProcessError, beside


def process_id() -> int:
    sys.stdout.write("what a library prints")
    sys.stderr.write("and complains")
    return os.getpid()


def append(file: Path, text: str) -> None:
    time.sleep(0.1)
    with file.open("a") as out:
        out.write(text)


def unpicklable() -> object:
    return threading.Lock()


def test_one_process_does_all_of_it_in_order(tmp_path: Path) -> None:
    first = beside(process_id)
    done = [beside(append, tmp_path / "file", text) for text in "abc"]
    assert first.result() == beside(process_id).result() != os.getpid()
    assert [one.result() for one in done] == [None] * 3
    assert (tmp_path / "file").read_text() == "abc"


def test_what_fails_is_told_and_the_next_is_done() -> None:
    with pytest.raises(SecondProcessError, match="ValueError: invalid literal for int"):
        beside(int, "x").result()
    with pytest.raises(SecondProcessError, match="TypeError: cannot pickle"):
        beside(unpicklable).result()
    assert beside(int, "1").result() == 1


def test_the_work_of_a_killed_one_fails_and_the_next_has_another_process() -> None:
    before = beside(process_id).result()
    waiting = beside(time.sleep, 60.0)
    os.kill(before, signal.SIGKILL)
    with pytest.raises(SecondProcessError, match="ended"):
        waiting.result()
    assert beside(process_id).result() != before


def test_an_ordinary_end_waits_for_what_was_given_and_leaves_no_process(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from ats_assets.storage.second_process import beside
from ats_assets_tests.storage.test_second_process import append, process_id
print(beside(process_id).result())
for text in "abc":
    beside(append, Path({str(tmp_path / "file")!r}), text)
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True, capture_output=True, text=True)
    assert (tmp_path / "file").read_text() == "abc"
    assert ended.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)

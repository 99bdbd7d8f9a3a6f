"""SIGKILL and SIGSTOP against real processes, a real database and a server in another process. `crashing.py` makes as many rounds as one wants, by hand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ats_assets_tests.rounds import rounds

ROUNDS = rounds(3, 20, "ATS_TESTS_CRASH_ROUNDS")


def crash(folder: Path, *more: str) -> dict:
    command = [sys.executable, "-m", "ats_assets_tests.execution.crashing", "--rounds", str(ROUNDS), "--folder", str(folder), *more]
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2], env=os.environ | {"PYTHONPATH": "."}
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_killed_at_points_of_the_order_path(tmp_path: Path) -> None:
    tally = crash(tmp_path, "--step", "23")
    assert tally["rounds"] == ROUNDS
    assert tally["orders"] == 3 * ROUNDS
    assert tally["killed"] >= ROUNDS - 1
    assert tally["faults"]


@pytest.mark.slow
def test_killed_at_points_of_the_path_of_option_orders(tmp_path: Path) -> None:
    tally = crash(tmp_path, "--step", "23", "--options")
    assert (tally["rounds"], tally["orders"]) == (ROUNDS, 3 * ROUNDS)
    assert tally["killed"] >= ROUNDS - 1
    assert tally["faults"]


@pytest.mark.slow
def test_two_executors_one_of_them_killed_or_stopped(tmp_path: Path, postgresql: str) -> None:
    tally = crash(tmp_path, "--two", "--url", f"{postgresql}/postgres")
    assert (tally["rounds"], tally["orders"]) == (ROUNDS, 3 * ROUNDS)

"""What tests have started does not outlive them."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

STARTS = """
import subprocess, sys, time
from ats_assets_tests.ending_with_tests import ends_with_tests
begins = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"
server = ends_with_tests(subprocess.Popen([sys.executable, "-S", "-c", begins], stdout=subprocess.PIPE, text=True, start_new_session=True))
print(server.pid, server.stdout.readline(), flush=True)
time.sleep(600)
"""


def test_a_server_and_what_it_has_started_end_with_tests_that_are_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", STARTS], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as tests:
        assert tests.stdout is not None
        started = [psutil.Process(int(pid)) for pid in tests.stdout.readline().split()]
        assert [one.is_running() for one in started] == [True, True]
        tests.kill()
    for _ in range(200):
        if not any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in started):
            return
        time.sleep(0.05)
    raise AssertionError(f"left behind: {started}")

"""What tests have started does not outlive them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

SERVER = """
import os, subprocess
def begin():
    return subprocess.Popen(["sleep", "600"]).pid
print(*[begin() for _ in range(8)], flush=True)
while os.wait():
    begin()
"""
"""Starts another process for each that ends, as supervisors do."""
STARTS = """
import subprocess, sys, time
from ats_assets_tests.ending_with_tests import ends_with_tests
server = ends_with_tests(subprocess.Popen([sys.executable, "-S", "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True, start_new_session=True))
print(server.pid, server.stdout.readline(), flush=True)
time.sleep(600)
"""


def left(session: int) -> list[psutil.Process]:
    """The processes of a session that have not ended."""
    found = []
    for one in psutil.process_iter(["status"]):
        try:
            if os.getsid(one.pid) == session and one.info["status"] != psutil.STATUS_ZOMBIE:
                found.append(one)
        except (OSError, psutil.Error):  # it has ended just now
            continue
    return found


def test_a_server_and_what_it_has_started_end_with_tests_that_are_killed() -> None:
    command = [sys.executable, "-c", STARTS, SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as tests:
        assert tests.stdout is not None
        server = int(tests.stdout.readline().split()[0])
        assert len(left(server)) == 9
        tests.kill()
    for _ in range(200):
        if not left(server):
            return
        time.sleep(0.05)
    still = left(server)
    for one in still:
        one.kill()
    raise AssertionError(f"left behind: {still}")

"""Servers and workers that end with the tests that have started them, however these end.

A test process that is killed with -9 runs no `finally`. So the first call of `ends_with_tests` starts a watcher, whose standard input is a pipe that this process alone can write to: it
is told which processes there are, and when the pipe is closed, as the system does for whoever ends, it kills those that are left, with all that they have started.
"""

import atexit
import contextlib
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import IO, TypeVar

import psutil

SAME_SECONDS = 2.0
"""Processes of one id that began so close to each other are one: ids are used again, but not so soon."""
Started = TypeVar("Started", subprocess.Popen[bytes], subprocess.Popen[str])


def ends_with_tests(process: Started) -> Started:
    """A process that was just started: it ends with this one now."""
    with contextlib.suppress(psutil.NoSuchProcess):  # it has ended already
        began = psutil.Process(process.pid).create_time()
        pipe = _watcher().stdin
        assert pipe is not None
        pipe.write(f"{process.pid} {began}\n".encode())
        pipe.flush()
    return process


@cache
def _watcher() -> "subprocess.Popen[bytes]":
    """Who is told of processes; it has a session of its own, so that a keyboard's interrupt is not for it."""
    watcher = subprocess.Popen([sys.executable, Path(__file__).resolve()], stdin=subprocess.PIPE, start_new_session=True)
    atexit.register(watcher.communicate)  # closes the pipe, and waits for its end
    return watcher


def watch(told: IO[str]) -> None:
    """Wait until nobody tells anything any more, and kill what is left."""
    left = [line.split() for line in told]
    for pid, began in left:
        with contextlib.suppress(psutil.Error):  # whatever it is: the others are killed, too
            process = psutil.Process(int(pid))
            if abs(process.create_time() - float(began)) < SAME_SECONDS:
                kill(process)


def kill(process: psutil.Process) -> None:
    """A process and all that it has started; it stands still meanwhile, for one that starts others again when they end would do so."""
    process.suspend()
    started = process.children()
    process.kill()
    for one in started:
        with contextlib.suppress(psutil.Error):
            kill(one)


if __name__ == "__main__":
    watch(sys.stdin)

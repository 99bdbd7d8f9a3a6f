"""Processes that start at once: forked from one that has imported all that they might need.

A server is a module that ends in `serve(work)`: for each line on its standard input it forks a process that does the work. Nothing may be computed before, since
the threads that compute do not survive a fork.
"""

import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[1]


def serve(work: Callable[[str], None]) -> None:
    """Fork a process for each line on standard input.

    On standard output: "ready", then for each line the process's id, and when it has ended its exit status (negative: the signal that ended it).
    """
    _say("ready")
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                work(line.rstrip("\n"))
                os._exit(0)
            finally:
                traceback.print_exc()
                os._exit(1)
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(word: object) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


@dataclass(frozen=True, kw_only=True)
class ForkServer:
    """The other side of `serve`."""

    orders: IO[str]
    answers: IO[str]

    def start(self, line: str) -> int:
        """Begin the work in a process of its own, whose id is returned."""
        self.orders.write(f"{line}\n")
        self.orders.flush()
        return int(self.answers.readline())

    def status(self) -> int:
        """Wait for its end; its exit status, negative if a signal ended it."""
        return int(self.answers.readline())


@contextmanager
def fork_server(module: str, *arguments: str, log: Path | None = None, **environment: str) -> Iterator[ForkServer]:
    """The server of a module of the tests, while the block is open, with these environment variables set; `log` has what it and its processes say on standard error."""
    command = [sys.executable, "-m", module, *arguments]
    with (
        Path(log or os.devnull).open("w", encoding="utf-8") as said,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, cwd=ROOT, env=os.environ | environment
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", log and log.read_text(encoding="utf-8")
        yield ForkServer(orders=process.stdin, answers=process.stdout)
        process.stdin.close()

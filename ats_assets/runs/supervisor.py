"""Several commands as child processes: started in order, restarted where they die, ended in reverse order.

1. A child has a process group of its own, so that Ctrl-C reaches the supervisor alone, which then ends its children in order.
2. What a child writes is told line by line, with its name before it.
3. A child that ends is started again, the later the more often it has ended soon; one that is to run once only if it was killed.
4. At the end each gets SIGTERM, has time to complete what it has begun, and is killed only then.
5. Where the supervisor itself is killed, Linux ends its children: nobody would restart them, and the next one starts its own.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ats_assets.execution.watching import WakeSignal

GRACE_SECONDS = 30.0
"""For what a child has begun; then it is killed."""
LONG_SECONDS = 30.0
"""Who has lived so long has not ended soon."""
MOST_SECONDS = 30.0
"""Between the end of a child and its next start, at most."""
_POLL_SECONDS = 0.1
_ENDS_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclass(frozen=True, kw_only=True)
class ChildCommand:
    """A command of `ats` that runs beside others.

    Attributes
    ----------
    name
        Before each line that it writes.
    arguments
        After `ats`.
    environment
        Over that of this process.
    once
        It ends by itself, and is through then.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    once: bool = False


@dataclass
class _Running:
    """A child, and when it is started again."""

    command: ChildCommand
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    soon: int = 0
    due_at: float = 0.0
    through: bool = False


class Supervisor:
    """The children, while they run.

    Parameters
    ----------
    say
        Told of each event and each line that a child writes.
    died
        Called once a child is gone that was not told to end, before it is started again.
    """

    def __init__(self, commands: Sequence[ChildCommand], say: Callable[[str], None], died: Callable[[], None] = lambda: None) -> None:
        self._children = [_Running(one) for one in commands]
        self._say = say
        self._died = died

    def run(self, wake_signal: WakeSignal) -> None:
        """Keep them running until the signal is stopped, then end them."""
        try:
            while not wake_signal.stopped and not all(one.through for one in self._children):
                for one in self._children:
                    self._see_to(one)
                wake_signal.sleep(_POLL_SECONDS)
        finally:
            self._end()

    def _see_to(self, one: _Running) -> None:
        if one.through:
            return
        if one.process is None:
            if time.monotonic() >= one.due_at:
                self._start(one)
            return
        status = one.process.poll()
        if status is None:
            return
        one.process = None
        how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        if one.command.once and status >= 0:
            one.through = True
            self._say(f"{one.command.name}: {how}")
            return
        self._died()
        one.soon = 0 if time.monotonic() - one.started_at > LONG_SECONDS else one.soon + 1
        seconds = 0.0 if one.soon <= 1 else min(MOST_SECONDS, 2.0 ** (one.soon - 2))
        one.due_at = time.monotonic() + seconds
        self._say(f"{one.command.name}: {how}; started again in {seconds:g} s")

    def _start(self, one: _Running) -> None:
        command = [sys.executable, "-u", "-m", "ats_assets.cli", *one.command.arguments]
        one.process = subprocess.Popen(  # noqa: S603 - commands of this program
            command,
            env=os.environ | dict(one.command.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
            preexec_fn=_end_with(os.getpid()),  # noqa: PLW1509 - it calls the kernel alone
        )
        one.started_at = time.monotonic()
        self._say(f"{one.command.name}: started, process {one.process.pid}: ats {' '.join(one.command.arguments)}")
        threading.Thread(target=self._tell, args=(one.command.name, one.process), daemon=True).start()

    def _tell(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None, "it is a pipe"
        with process.stdout as lines:
            for line in lines:
                self._say(f"{name} | {line.rstrip()}")

    def _end(self) -> None:
        for one in reversed(self._children):
            process = one.process
            if process is None:
                continue
            process.terminate()
            try:
                status = process.wait(GRACE_SECONDS)
                self._say(f"{one.command.name}: ended with status {status}")
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self._say(f"{one.command.name}: did not end within {GRACE_SECONDS:g} s, and was killed")


def _end_with(parent: int) -> Callable[[], None] | None:
    """What a child does before its program begins: it asks Linux to be ended with its parent."""
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)

    def ask() -> None:
        library.prctl(_ENDS_WITH_PARENT, signal.SIGTERM)
        if os.getppid() != parent:  # which was killed just before
            os._exit(1)

    return ask

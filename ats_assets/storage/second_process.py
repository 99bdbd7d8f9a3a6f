"""Work that nobody waits for, in one process beside this one: logging and pages by libraries that take seconds to import and hold Python's lock.

The process is started with the first work, does it in the order in which it was given, and ends with this one, which waits for what is not done yet. It is one of
this Python and environment; a signal of the terminal is for the process that waits. Should it be killed, the work that it did fails, and the next starts another one.
"""

import atexit
import contextlib
import importlib
import os
import pickle
import signal
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any, ParamSpec, TypeVar

from ats_assets.storage.quick_end import collect_rarely, end_quickly

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class SecondProcessError(Exception):
    """What went wrong in the second process, as text."""


def beside(work: Callable[Arguments, Result], *args: Arguments.args, **kwargs: Arguments.kwargs) -> "Future[Result]":
    """Have work done by the second process.

    Parameters
    ----------
    work
        A function at the top of a module, called with what can be pickled; so can be its result.

    Returns
    -------
    Future
        Its result, or `SecondProcessError`.

    Examples
    --------
    >>> from math import sqrt
    >>> beside(sqrt, 9.0).result()
    3.0
    >>> beside(sqrt, -1.0).exception()
    SecondProcessError('ValueError: math domain error')
    """
    return _second_process(os.getpid()).submit(work, args, kwargs)


@cache
def _second_process(_: int) -> "WorkerProcess":
    """That of this process: a fork of it has one of its own."""
    return WorkerProcess()


class WorkerProcess:
    """A process beside this one, which is started with its first work and does it in the order in which it is given; the other end of `_serve`."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    def submit(self, work: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any] | None = None) -> "Future[Any]":
        """The result of some work, or `SecondProcessError`; see `beside`."""
        return self._thread.submit(self._done, (work.__module__, work.__qualname__, args, dict(kwargs or {})))

    def kill(self) -> None:
        """End the process at once; what it works on fails."""
        if (process := self._process) is not None:
            process.kill()

    def _done(self, work: tuple[Any, ...]) -> Any:
        asked = pickle.dumps(work)
        if self._process is None:
            self._process = _started()
        to, back = self._process.stdin, self._process.stdout
        assert to is not None
        assert back is not None
        try:
            to.write(asked)
            to.flush()
            succeeded, found = pickle.load(back)  # noqa: S301 - what our own process wrote
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            status = self._stop()
            raise SecondProcessError(f"the process that did it ended ({status})") from error
        if not succeeded:
            raise SecondProcessError(found)
        return found

    def _stop(self) -> int | None:
        """Let the process end, and wait for it; its exit status."""
        process, self._process = self._process, None
        if process is None:
            return None
        with contextlib.suppress(OSError), process:  # which closes what it reads from; it may be gone
            pass
        return process.wait()

    def close(self) -> None:
        """Wait for what is not done yet, and end the process."""
        atexit.unregister(self.close)
        self._thread.shutdown()
        self._stop()


def _started() -> subprocess.Popen[bytes]:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", __name__]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)  # noqa: S603 - our own module


def _serve() -> None:
    """Do what comes on standard input until it ends, and answer on what was standard output; what libraries print goes nowhere."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_quickly()
    collect_rarely()
    asked, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    warnings.simplefilter("ignore")
    while True:
        try:
            module, name, args, kwargs = pickle.load(asked)  # noqa: S301 - what our own process wrote
        except EOFError:
            return
        answer: tuple[bool, Any]
        try:
            answer = True, getattr(importlib.import_module(module), name)(*args, **kwargs)
            written = pickle.dumps(answer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            written = pickle.dumps((False, "".join(traceback.format_exception_only(error)).strip()))
        answers.write(written)
        answers.flush()


if __name__ == "__main__":
    _serve()

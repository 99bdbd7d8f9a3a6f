"""Processes on this machine, started with their first work; one that is killed is replaced, and what it did is done again."""

import os
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Final

from pydantic import Field

from ats_assets.errors import WorkerError, how_many
from ats_assets.plugins import Plugin
from ats_assets.settings.section import NonNegative, Positive, Section
from ats_assets.storage.processors import usable_processors
from ats_assets.storage.second_process import SecondProcessError, WorkerProcess
from ats_assets.workers.compute_engine import called, told_error

LOOK_SECONDS: Final = 0.5
"""Between two looks whether the run is there."""


class ProcessesSettings(Section):
    """Processes of this machine."""

    processes: Positive | None = Field(default=None, description="that work at once; default: the processors that the run may use")
    threads: Positive = Field(default=1, description="of each process")
    retries: NonNegative = Field(default=3, description="of work whose process was killed")


class ProcessesEngine:
    """Hands work to processes of its own, one piece each at a time."""

    def __init__(self, settings: ProcessesSettings) -> None:
        self._settings, self._over = settings, False
        self._own = threading.local()
        self._started: list[WorkerProcess] = []
        self._threads = ThreadPoolExecutor(self.at_once, thread_name_prefix="worker")

    @property
    def at_once(self) -> int:
        """The number of processes."""
        return self._settings.processes or usable_processors()

    def submit(self, work: str, task: str) -> "Future[bytes]":
        """See `ComputeEngine.submit`."""
        return self._threads.submit(self._done, work, task)

    def _done(self, work: str, task: str) -> bytes:
        lost: SecondProcessError | None = None
        for _ in range(self._settings.retries + 1):
            if self._over:
                break
            try:
                return self._process().submit(_worked, (os.getpid(), work, task, self._settings.threads)).result()
            except SecondProcessError as error:
                if error.__cause__ is None:  # what the work itself raised
                    text = str(error)
                    raise WorkerError(text.partition(": ")[2] if text.startswith(f"{WorkerError.__module__}.") else text) from None
                lost = error
        raise WorkerError(
            f"{how_many(self._settings.retries + 1, 'process', 'processes')} did not outlive {work}, the last time: {lost}. Where the system ends them, "
            "memory is short: set fewer [workers.processes] processes, or run with a smaller --chunk"
        )

    def _process(self) -> WorkerProcess:
        """That of this thread."""
        if not hasattr(self._own, "process"):
            self._own.process = WorkerProcess()
            self._started.append(self._own.process)
        return self._own.process

    def close(self) -> None:
        """End the processes; what is under way ends with them."""
        self._over = True
        self._threads.shutdown(wait=False, cancel_futures=True)
        for process in self._started:
            process.kill()
        for process in self._started:
            process.close()


def _worked(run: int, work: str, task: str, threads: int) -> bytes:
    """Do a piece of work for a run, in a process of its."""
    end_with(run)
    try:
        return called(work, task, threads)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        raise WorkerError(told_error(error)) from None


@cache
def end_with(run: int) -> None:
    """End this process once the run that started it is gone, also while it works: nobody wants what it makes, and a later run may have other settings."""

    def watch() -> None:
        while os.getppid() == run:
            time.sleep(LOOK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="run", daemon=True).start()


PLUGIN = Plugin(settings=ProcessesSettings, make=ProcessesEngine)

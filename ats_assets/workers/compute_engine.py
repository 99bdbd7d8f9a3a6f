"""What an engine of workers is: it does named pieces of work elsewhere, each as often as its worker is killed, and hands back bytes.

A piece of work is a function of this package, told by its name, of one text: so nothing that could hold code travels, and every engine carries the same. What it returns, or
stores, must be a pure function of the text and of what is stored, for it may be done twice: where a worker is lost, or only seems to be.
"""

import importlib
import json
import os
import socket
import traceback
from concurrent.futures import Future
from importlib.metadata import version
from typing import Final, Protocol

from ats_assets.errors import WorkerError
from ats_assets.plugins import Kind

OF_THREADS: Final = (
    "POLARS_MAX_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)
"""What libraries ask for how many threads they may have; each reads it once, when it is imported."""
FACTS: Final = f"{__name__}:worker_facts"
"""The work that says who does it."""


class ComputeEngine(Protocol):
    """Workers that do what is submitted to them."""

    @property
    def at_once(self) -> int:
        """How many pieces of work are done at once."""
        ...

    def submit(self, work: str, task: str) -> "Future[bytes]":
        """Have a piece of work done, and again where its worker is killed, up to the engine's `retries`.

        Parameters
        ----------
        work
            The name of a function, `ats_assets.<module>:<function>`; see `called`.
        task
            What it is called with.

        Returns
        -------
        Future
            What it returns, or `WorkerError`: what it raised, or that its workers were killed.
        """
        ...

    def close(self) -> None:
        """End what was started here, and forget what is not done."""
        ...


WORKER_ENGINES: Kind[ComputeEngine] = Kind(word="engine of workers", name="worker_engines", package="ats_assets.workers.engines")


def called(work: str, task: str, threads: int = 0) -> bytes:
    """Do a piece of work in this process, which is a worker.

    Parameters
    ----------
    work
        A function of this package: `ats_assets.<module>:<function>`.
    threads
        That libraries may have in a process that has not imported them yet; 0: as many as they like.

    Raises
    ------
    WorkerError
        If there is no such function, or it is none of this package.

    Examples
    --------
    >>> called("os:system", "")
    Traceback (most recent call last):
    ats_assets.errors.WorkerError: os:system is no work of this package: workers call functions of ats_assets alone
    """
    module, _, name = work.partition(":")
    if not module.startswith("ats_assets."):
        raise WorkerError(f"{work} is no work of this package: workers call functions of ats_assets alone")
    if threads:
        for variable in OF_THREADS:
            os.environ.setdefault(variable, str(threads))
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise WorkerError(f"this worker has no {work} ({error}): give all workers the version of ats-assets that the run has") from error
    return function(task)


def worker_facts(_: str) -> bytes:
    """Who does this piece of work, as JSON: `host`, `pid`, and the `version` of this package there."""
    return json.dumps({"host": socket.gethostname(), "pid": os.getpid(), "version": version("ats-assets")}).encode()


def told_error(error: BaseException) -> str:
    """What a piece of work raised, as one text that other processes are told: an error of the package by its message, an unexpected one with its traceback, which is nowhere else."""
    if type(error).__module__ == WorkerError.__module__:
        return str(error)
    return "a worker failed unexpectedly:\n" + "".join(traceback.format_exception(error)).strip()

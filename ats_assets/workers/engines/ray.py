"""Ray: a cluster that is there, by its address, or processes of this machine that end with the run.

What it starts here listens at 127.0.0.1 alone, has no dashboard, tells nobody of its use, and holds no more than `object_store_megabytes` in shared memory. A cluster of several machines
is the operator's: `ray start` says where it listens.
"""

import atexit
import contextlib
import os
import secrets
import shutil
import socket
import tempfile
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from ats_assets.errors import WorkerError, how_many
from ats_assets.plugins import Plugin
from ats_assets.settings.section import NonNegative, Positive, Section
from ats_assets.storage.processors import usable_processors
from ats_assets.workers.bounded_asking import NoAnswerError, answer_within, by_a_thread
from ats_assets.workers.compute_engine import called, told_error

HERE_ALONE: Final = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0", "RAY_worker_niceness": "0"}
"""Ray reads these when it is imported. By the second it takes 127.0.0.1 for a machine's address, as it does elsewhere than on Linux, where it looks for the one that others reach.
By the third workers have the priority of the run, and not the lowest but four."""
OF_TOKENS: Final = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
"""By which a user says whether a cluster knows its users by a token, and where that is."""
FOLDER: Final = Path("/tmp")  # noqa: S108 - a new folder in it is ours alone
"""Under which Ray has its files, as by default: the name of a socket may have 107 bytes, and TMPDIR may be longer."""
STARTS: Final = 3
"""A machine that is busy may take longer to start Ray than Ray waits for itself."""
LOOKS_IN_PATIENCE: Final = 6
"""How often a run looks whether the cluster has a machine for its work, within the time that it waits for one."""
HEADLESS: Final = 3
"""Times this patience Ray lets a process go on without the head of its cluster; then it ends it. By itself that is a minute: a run would end without a word of its own."""
HEAD_SECONDS: Final = 5
"""In which the head of the cluster answers."""
HEAD_AGAIN: Final = "start it and its machines (ray start)"
NOT_BY_ITSELF: Final = {"RAY_ENABLE_AUTO_CONNECT": "0"}
"""Else whoever asks Ray to cancel something after `shutdown` starts another cluster."""


class RaySettings(Section):
    """A Ray cluster."""

    address: str | None = Field(default=None, description="HOST:PORT of a cluster that is there; default: one is started here, for the run")
    processes: Positive | None = Field(
        default=None, description="that one started here works with; default: the processors that the run may use"
    )
    threads: Positive = Field(default=1, description="of each piece of work, which takes as many of the cluster's processors")
    object_store_megabytes: int = Field(default=256, ge=80, description="of shared memory that one started here may take")
    retries: NonNegative = Field(default=3, description="of work whose process or machine was lost")
    workers_patience_seconds: float = Field(
        default=120.0, gt=0, description="for which a run waits for a machine with enough processors, where the cluster has none"
    )


class RayEngine:
    """Hands work to Ray, each piece as a task."""

    def __init__(self, settings: RaySettings) -> None:
        self._settings = settings
        self._ray = _ray(here=settings.address is None, headless_seconds=HEADLESS * settings.workers_patience_seconds)
        self._connect()
        options = {"num_cpus": settings.threads, "max_retries": settings.retries}
        self._task = self._ray.remote(**options)(_worked)
        self._head: str = self._ray.get_runtime_context().gcs_address
        self._given: dict[Future[bytes], Any] = {}
        self._over = threading.Event()
        self._is_mute = self._head_has_function = False
        self._look: Future[list[int]] = Future()
        self._look.set_result([])
        threading.Thread(target=self._watch, name="ray", daemon=True).start()

    @property
    def at_once(self) -> int:
        """The processors of each machine of the cluster, by the threads that a piece of work takes."""
        try:
            return max(1, sum(self._looked(self._settings.workers_patience_seconds)))
        except NoAnswerError as error:
            raise self._mute(error) from error

    def submit(self, work: str, task: str) -> "Future[bytes]":
        """See `ComputeEngine.submit`."""
        told: Future[bytes] = Future()
        told.set_running_or_notify_cancel()
        asked = self._asked(work, task)
        self._given[told] = asked
        found: Future[tuple[bool, bytes]] = asked.future()
        found.add_done_callback(lambda done: self._tell(work, told, done))
        return told

    def _asked(self, work: str, task: str) -> Any:
        """A task of Ray's: with the first the function is left at the head, and of one that stands still Ray would wait for ever."""

        def ask() -> Any:
            return self._task.remote(work, task, self._settings.threads)

        if self._head_has_function:
            return ask()
        try:
            asked = answer_within(by_a_thread(ask), self._settings.workers_patience_seconds)
        except NoAnswerError as error:
            raise self._mute(error) from error
        self._head_has_function = True
        return asked

    def _mute(self, error: NoAnswerError) -> WorkerError:
        self._is_mute = True
        return WorkerError(
            f"the head of the Ray cluster, {self._head}, has not answered ({error}): {HEAD_AGAIN}; then run the same command again"
        )

    def _places(self) -> list[int]:
        """How many pieces of work each machine of the cluster has processors for."""
        return [int(one["Resources"].get("CPU", 0)) // self._settings.threads for one in self._ray.nodes() if one["Alive"]]

    def _watch(self) -> None:
        """See that somebody can do what was given out: Ray waits for a machine for ever, and says so nowhere; without its head it ends this process after a while."""
        seen, patience = time.monotonic(), self._settings.workers_patience_seconds
        while not self._over.wait(patience / LOOKS_IN_PATIENCE):
            lacking = self._lacking() if self._given else None
            if lacking is None:
                seen = time.monotonic()
            elif time.monotonic() - seen >= patience:
                self._give_up(*lacking)

    def _lacking(self) -> tuple[str, str] | None:
        """Why nobody can do what was given out, and what to do about it."""
        host, _, port = self._head.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=HEAD_SECONDS).close()
            places = self._looked()
        except Exception as error:  # noqa: BLE001 - of the socket, or any of Ray's; else nobody would look any more
            self._is_mute = isinstance(error, TimeoutError)
            return f"the head of the Ray cluster, {self._head}, has not answered ({str(error) or 'no answer'})", HEAD_AGAIN
        self._is_mute = False
        if any(places):
            return None
        what = (
            f"see ray status and bring one back (ray start --address {self._head}), set [workers.ray] threads to what one has, or, where the cluster starts machines by "
            "itself, a longer workers_patience_seconds"
        )
        return f"no machine of the Ray cluster has had {how_many(self._settings.threads, 'processor')} for a piece of work", what

    def _looked(self, seconds: float | None = None) -> list[int]:
        """`_places`, by a thread of its own: of a head that stands still Ray waits for an answer as long as this process lives."""
        if self._look.done():  # else the head owes the last answer
            self._look = by_a_thread(self._places)
        return answer_within(self._look, HEAD_SECONDS if seconds is None else seconds)

    def _give_up(self, lacking: str, what: str) -> None:
        """Tell whoever waits that nobody does it; all of them first, since to cancel may take long without a head."""
        patience = self._settings.workers_patience_seconds
        given = [
            (told, asked) for told in list(self._given) if (asked := self._given.pop(told, None)) is not None
        ]  # else it was done just now
        for told, _ in given:
            told.set_exception(
                WorkerError(f"{lacking} for {patience:g} s: {what}; then run the same command again: what is stored is kept")
            )
        for _, asked in given:
            with contextlib.suppress(Exception):  # it is only tidied up
                self._ray.cancel(asked)

    def _tell(self, work: str, told: "Future[bytes]", done: "Future[tuple[bool, bytes]]") -> None:
        if self._given.pop(told, None) is None:  # it was given up
            return
        if (error := done.exception()) is not None:
            times = how_many(self._settings.retries + 1, "worker")
            told.set_exception(
                WorkerError(
                    f"Ray lost {work}, which {times} had ({type(error).__name__}: {next(iter(str(error).strip().splitlines()), '')}). Look at ray status and at the memory of the "
                    "workers, then run the same command again: what is stored is kept"
                )
            )
            return
        succeeded, answer = done.result()
        if succeeded:
            told.set_result(answer)
        else:
            told.set_exception(WorkerError(answer.decode()))

    def _connect(self) -> None:
        own = self._settings
        if self._ray.is_initialized():
            self._ends_with_us = False
            return
        self._ends_with_us = True
        self._folder = None if own.address else Path(tempfile.mkdtemp(prefix="ats-ray-", dir=FOLDER if FOLDER.is_dir() else None))
        how: dict[str, Any] = {"address": own.address}
        if own.address is None:
            memory = own.object_store_megabytes * 1024 * 1024
            how = {
                "address": "local",
                "num_cpus": own.processes or usable_processors(),
                "object_store_memory": memory,
                "include_dashboard": False,
            }
            how["_temp_dir"] = str(self._folder)
            _own_token()
        for left in reversed(range(1 if own.address else STARTS)):
            try:
                self._init(how)
            except Exception as error:  # Ray raises many, of no class of its own
                if isinstance(error, NoAnswerError):
                    atexit.unregister(self._ray.shutdown)  # it would wait, too
                else:
                    with contextlib.suppress(Exception):
                        self._ray.shutdown()
                if not left:
                    self._leave_nothing()
                    where = f"no Ray cluster at {own.address}" if own.address else "Ray can't be started here"
                    what = (
                        "see that ray status says it is there, and set RAY_AUTH_MODE=token for the run where its head has a token"
                        if own.address
                        else "run without --on, or name a cluster by [workers.ray] address"
                    )
                    raise WorkerError(f"{where} ({type(error).__name__}: {error}): {what}") from error
            else:
                return

    def _init(self, how: dict[str, Any]) -> None:
        """Start or join a cluster; one that is there has our patience to answer, for of one that stands still Ray has no end of it."""

        def init() -> None:
            self._ray.init(**how, log_to_driver=False, logging_level="ERROR", configure_logging=True)

        if self._settings.address is None:
            init()
        else:
            answer_within(by_a_thread(init), self._settings.workers_patience_seconds)

    def close(self) -> None:
        """Leave the cluster; one that was started here ends."""
        self._over.set()
        if not self._ends_with_us:
            return
        if self._settings.address and self._is_mute:  # Ray would wait for ever for the head's word before it leaves, and again at the end
            atexit.unregister(self._ray.shutdown)
            return
        self._ray.shutdown()
        self._leave_nothing()

    def _leave_nothing(self) -> None:
        """Remove Ray's logs and sockets, which it keeps for ever itself."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def _own_token() -> None:
    """A token of this process alone, where Ray would make one and leave it in the home, for every later head to take up; what a user says of tokens stands."""
    if not any(os.environ.get(name) for name in OF_TOKENS) and not (Path.home() / ".ray" / "auth_token").is_file():
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def _worked(work: str, task: str, threads: int) -> tuple[bool, bytes]:
    """Do a piece of work in a worker of Ray's: whether that succeeded, and the answer, or what went wrong."""
    try:
        return True, called(work, task, threads)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told: Ray would send a pickle of it
        return False, told_error(error).encode()


def _ray(*, here: bool, headless_seconds: float) -> Any:
    """Ray, which is an extra and takes a second; `here` where it serves this machine alone."""
    wanted = {
        **(HERE_ALONE if here else {"RAY_USAGE_STATS_ENABLED": "0"}),
        **NOT_BY_ITSELF,
        "RAY_gcs_rpc_server_reconnect_timeout_s": f"{headless_seconds + 60:.0f}",
    }
    for variable, value in wanted.items():
        os.environ.setdefault(variable, value)
    import ray  # noqa: PLC0415 - see above

    return ray


PLUGIN = Plugin(settings=RaySettings, make=RayEngine, needs=("ray", "ray"))

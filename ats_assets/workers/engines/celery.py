"""Celery, with a Redis or a Valkey between the run and its workers, which are started beside it (`ats_assets.workers.celery_app`).

The run keeps its pieces of work and gives out a few at a time. One whose process was killed is given out again, as often as `retries` says; so is one of which nothing is heard for
`lost_after_seconds`, and one that no worker knows of any more: its machine may be lost, or its worker was started again, and a broker on Redis may lose what one was just taking. Where
no worker answers for a while the run ends with a message. While the broker is gone the run waits for it; one that came back empty is given what it has forgotten.
"""

import base64
import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar
from uuid import uuid4

from pydantic import Field

from ats_assets.errors import WorkerError, how_many
from ats_assets.plugins import Plugin
from ats_assets.secrecy import redacted
from ats_assets.settings.section import NonNegative, Positive, Section

Answer = TypeVar("Answer")
LOOK_SECONDS: Final = 0.1
"""Between two looks at what is done."""
FOR_EACH: Final = 2
"""Pieces that a process has, or that wait for it at the broker."""
START: Final = "celery -A ats_assets.workers.celery_app worker --queues ats"
OVER: Final = frozenset({"SUCCESS", "FAILURE", "REVOKED"})
LOOKS_IN_PATIENCE: Final = 4
"""At what workers have, of what is not done yet, while nobody answers."""
GONE: Final = frozenset({"ConnectionError", "OperationalError", "TimeoutError", "BusyLoadingError"})
"""What a broker that is gone raises, beside errors of the system, by its class: each of the libraries between has its own."""


class CelerySettings(Section):
    """Celery's workers, which are there."""

    processes: Positive | None = Field(
        default=None, description="of all workers together; default: those that answer at the start of a run"
    )
    threads: Positive = Field(default=1, description="of each process")
    retries: NonNegative = Field(default=3, description="of work whose process was killed, or whose worker is gone")
    lost_after_seconds: Positive = Field(
        default=3600, description="without an answer, after which work is done by another; longer than two pieces of work take"
    )
    answer_seconds: float = Field(default=5.0, gt=0, description="in which workers answer when they are asked")
    workers_patience_seconds: float = Field(
        default=120.0,
        gt=0,
        description="for which a run waits for workers that are gone; with --pool solo longer than a piece of work takes",
    )
    broker_patience_seconds: float = Field(default=120.0, ge=0, description="for which a run waits for a broker that is gone")


@dataclass
class _Given:
    """A piece of work, and when it was given out last."""

    arguments: tuple[str, str, int]
    told: "Future[bytes]"
    attempts: int = 0
    since: float = 0.0


class CeleryEngine:
    """Hands work to Celery's workers, and looks what is done."""

    def __init__(self, settings: CelerySettings) -> None:
        from ats_assets.workers.celery_app import HEARD_SECONDS, TASK, celery_app  # noqa: PLC0415 - an extra
        from ats_assets.workers.celery_presence import CeleryPresence  # noqa: PLC0415

        self._settings, self._task = settings, TASK
        self._run, self._heard_seconds, self._said_at = f"ats-run-{uuid4().hex}", HEARD_SECONDS, -float("inf")
        self._app, self._sender = celery_app(), celery_app(answers=False)
        self._presence = CeleryPresence(self._app, settings.answer_seconds, self._say_alive)
        self._answered_at = self._asked_at = time.monotonic()
        self._unknown: dict[str, float] = {}
        self._waiting: deque[_Given] = deque()
        self._given: dict[str, _Given] = {}
        self._over = threading.Event()
        self._server = self._patiently(self._which_server)
        self._at_once = settings.processes or self._answering()
        self._looking = threading.Thread(target=self._look, name="celery", daemon=True)
        self._looking.start()

    @property
    def at_once(self) -> int:
        """The processes of the workers."""
        return self._at_once

    def submit(self, work: str, task: str) -> "Future[bytes]":
        """See `ComputeEngine.submit`."""
        given = _Given((work, task, self._settings.threads), Future())
        self._waiting.append(given)
        return given.told

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self._take()
                self._see_workers()
                if self._over.is_set():  # it was closed while workers were asked: nothing is given out any more
                    return
                self._say_alive()
                self._give()
            except Exception as error:  # noqa: BLE001 - whoever waits is told
                told = error if isinstance(error, WorkerError) else WorkerError(f"Celery: {type(error).__name__}: {error}")
                lost, self._given = list(self._given.values()), {}
                while self._waiting:
                    lost.append(self._waiting.popleft())
                for one in lost:
                    if one.told.set_running_or_notify_cancel():
                        one.told.set_exception(told)

    def _say_alive(self) -> None:
        """Have the workers know that this run is there: they begin nothing for one that is not."""
        if time.monotonic() - self._said_at > self._heard_seconds / 6 and not self._over.is_set():
            self._patiently(lambda: self._app.backend.client.set(self._run, "", ex=self._heard_seconds))
            self._said_at = time.monotonic()

    def _give(self) -> None:
        """Give out what waits, a few pieces for each process."""
        while self._waiting and len(self._given) < FOR_EACH * self._at_once:
            given = self._waiting[0]
            if not given.told.cancelled():
                sent = self._patiently(
                    lambda given=given: self._sender.send_task(self._task, args=(*given.arguments, self._run), retry=False)
                )
                given.attempts, given.since = given.attempts + 1, time.monotonic()
                self._answered_at = self._answered_at if self._given else given.since
                self._given[sent.id] = given
            self._waiting.popleft()

    def _take(self) -> None:
        """Take what is done; what is lost waits again."""
        if self._given and (server := self._patiently(self._which_server)) != self._server:
            self._server, self._said_at = server, -float("inf")  # it has forgotten everything
            self._waiting.extendleft(self._given.values())
            self._given.clear()
        for name, given in list(self._given.items()):
            found = self._patiently(lambda name=name: self._app.backend.get_task_meta(name))
            is_late = time.monotonic() - given.since > self._settings.lost_after_seconds
            if found["status"] in OVER or given.told.cancelled() or is_late:
                del self._given[name]
                self._answered_at = time.monotonic() if found["status"] == "SUCCESS" else self._answered_at
                self._forget(name, is_done=found["status"] == "SUCCESS")
                self._tell(given, found if found["status"] != "STARTED" else {"result": "nothing was heard of it"})

    def _see_workers(self) -> None:
        """See that what is not done for a while is with somebody; what is with nobody for `workers_patience_seconds` waits again.

        Raises
        ------
        WorkerError
            If no worker has answered for `workers_patience_seconds`.
        """
        now, patience = time.monotonic(), self._settings.workers_patience_seconds
        pause = patience / LOOKS_IN_PATIENCE
        if now - self._asked_at < pause or all(now - one.since < pause for one in self._given.values()):
            return
        known = self._patiently(lambda: self._presence.known(self._given.keys()))
        self._asked_at = time.monotonic()
        if known is None:
            if self._asked_at - self._answered_at > patience:
                raise WorkerError(
                    f"no worker of Celery's has answered for {patience:g} s: see why they ended, start them again ({START}), then run the same command again; what is stored is kept"
                )
            return
        self._answered_at = self._asked_at
        self._unknown = {name: self._unknown.get(name, now) for name in self._given.keys() - known}
        for name, since in sorted(self._unknown.items()):
            if now - since >= patience:
                self._take_back(name)

    def _take_back(self, name: str) -> None:
        """Have a piece that no worker knows of wait again, unless it is done by now; also one that nobody began counts as tried: its workers may end whenever they start."""
        if self._patiently(lambda: self._app.backend.get_task_meta(name))["status"] in OVER:
            return
        given = self._given.pop(name)
        self._forget(name, is_done=False)
        self._tell(given, {"result": "its worker is gone"})

    def _tell(self, given: _Given, found: dict[str, Any]) -> None:
        if found.get("status") == "SUCCESS":
            succeeded, answer = found["result"]
            if given.told.set_running_or_notify_cancel():
                given.told.set_result(base64.b64decode(answer)) if succeeded else given.told.set_exception(WorkerError(answer))
        elif given.attempts <= self._settings.retries:
            self._waiting.appendleft(given)
        elif given.told.set_running_or_notify_cancel():
            times = how_many(given.attempts, "process", "processes")
            given.told.set_exception(
                WorkerError(
                    f"{times} of Celery's did not outlive {given.arguments[0]}, the last time: {found['result'] or 'nothing was heard of it'}. Where the system ends them, memory is "
                    f"short: start workers with a lower --concurrency, or run with a smaller --chunk. Work that takes longer than {self._settings.lost_after_seconds} s "
                    "wants a larger workers.celery.lost_after_seconds"
                )
            )

    def _forget(self, name: str, *, is_done: bool) -> None:
        """Have the broker keep no answer of a piece, and workers not begin it any more."""
        with contextlib.suppress(Exception):  # it is only tidied up
            if not is_done:
                self._app.control.revoke(name)
            self._app.backend.forget(name)

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """Ask the broker, and again while it is gone."""
        began, patience = time.monotonic(), self._settings.broker_patience_seconds
        while True:
            try:
                return ask()
            except Exception as error:  # each transport has errors of its own, some of libraries that aren't installed: GONE names them
                is_gone = isinstance(error, OSError) or type(error).__name__ in GONE
                if isinstance(error, WorkerError) or self._over.is_set():
                    raise
                if not is_gone:
                    raise WorkerError(
                        f"the broker of CELERY_URL refuses ({type(error).__name__}: {redacted(str(error))}): correct its address, user and password there"
                    ) from None
                if time.monotonic() - began > patience:
                    raise WorkerError(
                        f"the broker of CELERY_URL has been gone for {patience:g} s ({error}): start it, then run the same command again; what is stored is kept"
                    ) from None
                self._over.wait(5 * LOOK_SECONDS)
                self._answered_at = time.monotonic()  # workers have to find it again, too

    def _which_server(self) -> str:
        return str(self._app.backend.client.info("server")["run_id"])

    def _answering(self) -> int:
        """The processes of the workers that answer."""
        processes = self._presence.processes()
        if not processes:
            raise WorkerError(
                f"no worker of Celery's answers within {self._settings.answer_seconds:g} s: start one on each machine, with the CELERY_URL of this run: {START}"
            )
        return processes

    def close(self) -> None:
        """Take back what is not done; the workers stay."""
        self._over.set()
        self._looking.join(timeout=10)
        for name in list(self._given):
            self._forget(name, is_done=False)
        with contextlib.suppress(Exception):  # it may be gone
            self._app.backend.client.delete(self._run)
            self._app.close()
            self._sender.close()


PLUGIN = Plugin(settings=CelerySettings, make=CeleryEngine, needs=("celery", "celery"))

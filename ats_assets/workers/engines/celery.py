"""Celery, with a Redis or a Valkey between the run and its workers, which are started beside it (`ats_assets.workers.celery_app`).

Work whose process was killed is given out again by the run, as often as `retries` says; work of a machine that was lost by the broker, `lost_after_seconds` after it took it. While the
broker is gone the run waits for it; one that came back empty is given what it has forgotten.
"""

import base64
import contextlib
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Final

from pydantic import Field

from ats_assets.errors import WorkerError, how_many
from ats_assets.plugins import Plugin
from ats_assets.settings.section import NonNegative, Positive, Section

LOOK_SECONDS: Final = 0.1
"""Between two looks at what is done."""
MODULE: Final = "ats_assets.workers.celery_app"


class CelerySettings(Section):
    """Celery's workers, which are there."""

    processes: Positive | None = Field(
        default=None, description="of all workers together; default: those that answer at the start of a run"
    )
    threads: Positive = Field(default=1, description="of each process")
    retries: NonNegative = Field(default=3, description="of work whose process was killed")
    lost_after_seconds: Positive = Field(
        default=600, description="after which what a lost machine took is done by another; longer than any piece of work takes"
    )
    answer_seconds: float = Field(default=5.0, gt=0, description="in which workers answer at the start of a run")
    broker_patience_seconds: float = Field(default=120.0, ge=0, description="for which a run waits for a broker that is gone")


@dataclass
class _Given:
    """Work that was given out."""

    arguments: tuple[str, str, int]
    told: "Future[bytes]"
    attempts: int = 1


class CeleryEngine:
    """Hands work to Celery's workers, and looks what is done."""

    def __init__(self, settings: CelerySettings) -> None:
        from ats_assets.workers.celery_app import TASK, celery_app  # noqa: PLC0415 - an extra

        self._settings, self._task = settings, TASK
        self._app = celery_app(lost_after=settings.lost_after_seconds)
        self._given: dict[str, _Given] = {}
        self._lock, self._over = threading.Lock(), threading.Event()
        self._server = self._which_server()
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
        self._give(given)
        return given.told

    def _give(self, given: _Given) -> None:
        sent = self._patiently(lambda: self._app.send_task(self._task, args=given.arguments))
        with self._lock:
            self._given[sent.id] = given

    def _look(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            try:
                self._once()
            except Exception as error:  # noqa: BLE001 - the threads that wait are told
                with self._lock:
                    waiting, self._given = list(self._given.values()), {}
                for one in waiting:
                    if not one.told.done():
                        one.told.set_exception(
                            error if isinstance(error, WorkerError) else WorkerError(f"Celery: {type(error).__name__}: {error}")
                        )

    def _once(self) -> None:
        """Take what is done; what nobody waits for any more is taken back."""
        with self._lock:
            waiting = dict(self._given)
        if waiting and (server := self._patiently(self._which_server)) != self._server:
            self._server = server
            for name, given in waiting.items():  # it has forgotten them
                with self._lock:
                    del self._given[name]
                self._give(given)
            return
        for name, given in waiting.items():
            found = {} if given.told.cancelled() else self._patiently(lambda name=name: self._app.backend.get_task_meta(name))
            state = found.get("status")
            if state not in {None, "SUCCESS", "FAILURE", "REVOKED"}:
                continue
            with self._lock:
                del self._given[name]
            if state is None:
                with contextlib.suppress(Exception):
                    self._app.control.revoke(name)
                continue
            with contextlib.suppress(Exception):
                self._app.backend.forget(name)
            self._tell(given, state == "SUCCESS", found["result"])

    def _tell(self, given: _Given, is_done: bool, result: Any) -> None:
        if is_done:
            succeeded, answer = result
            if not given.told.set_running_or_notify_cancel():
                return
            given.told.set_result(base64.b64decode(answer)) if succeeded else given.told.set_exception(WorkerError(answer))
        elif given.attempts <= self._settings.retries:
            given.attempts += 1
            self._give(given)
        elif given.told.set_running_or_notify_cancel():
            processes = how_many(given.attempts, "process", "processes")
            given.told.set_exception(
                WorkerError(
                    f"{processes} of Celery's did not outlive {given.arguments[0]}, the last time: {result}. Where the system ends them, memory is short: start workers "
                    "with a lower --concurrency, or run with a smaller --chunk"
                )
            )

    def _patiently(self, ask: Any) -> Any:
        """Ask the broker, and again while it is gone."""
        began = time.monotonic()
        while True:
            try:
                return ask()
            except Exception as error:
                gone = (
                    isinstance(error, OSError)
                    or "Connection" in type(error).__name__
                    or type(error).__name__ in {"OperationalError", "TimeoutError", "BusyLoadingError"}
                )
                if not gone or self._over.is_set():
                    raise
                if time.monotonic() - began > self._settings.broker_patience_seconds:
                    raise WorkerError(
                        f"the broker of CELERY_URL has been gone for {self._settings.broker_patience_seconds:g} s ({error}): start it, then run the same command "
                        "again; what is stored is kept"
                    ) from None
                self._over.wait(min(1.0, 5 * LOOK_SECONDS))

    def _which_server(self) -> str:
        return str(self._app.backend.client.info("server")["run_id"])

    def _answering(self) -> int:
        """The processes of the workers that answer."""
        found = self._app.control.inspect(timeout=self._settings.answer_seconds).stats() or {}
        processes = sum(len(one.get("pool", {}).get("processes", ())) or 1 for one in found.values())
        if not processes:
            raise WorkerError(
                f"no worker of Celery's answers: start one beside each {MODULE.split('.', maxsplit=1)[0]} with `celery -A {MODULE} worker --queues ats`, with the same CELERY_URL"
            )
        return processes

    def close(self) -> None:
        """Take back what is not done; the workers stay."""
        self._over.set()
        self._looking.join(timeout=10)
        for name in list(self._given):
            with contextlib.suppress(Exception):
                self._app.control.revoke(name)
        with contextlib.suppress(Exception):
            self._app.close()


PLUGIN = Plugin(settings=CelerySettings, make=CeleryEngine, needs=("celery", "celery"))

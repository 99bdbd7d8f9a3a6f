"""Dagster's launcher for Celery, which knows whether the worker of a run is there.

Dagster's own asks Celery what it has noted of the task. Of a machine that was lost that is "started" for ever, and of a broker that was restarted nothing: the run would count as
going on, or as failed while it goes on, and be started a second time. So workers say while they work that they do (`heard_of`, in `celery_runs`), and this one listens.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any, Final

from dagster import DagsterRun
from dagster._core.launcher import CheckRunHealthResult, WorkerStatus
from dagster_celery.launcher import CeleryRunLauncher
from dagster_celery.tags import DAGSTER_CELERY_TASK_ID_TAG
from typing_extensions import override

BEAT_SECONDS: Final = 5.0
"""Between two words of a worker."""
KEPT_SECONDS: Final = 60
"""For which the broker keeps one."""
MISSED_SECONDS: Final = 180.0
"""For which nothing is heard before a run counts as lost: a broker that is restarted takes less."""


class HeardCeleryLauncher(CeleryRunLauncher):
    """Starts runs as Celery's tasks; a run of which nothing is heard for `MISSED_SECONDS` is lost."""

    def __init__(self, *given: Any, **config: Any) -> None:
        super().__init__(*given, **config)
        self._missed: dict[str, float] = {}

    @override
    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        told = super().check_run_worker_health(run)
        if told.status in {WorkerStatus.SUCCESS, WorkerStatus.FAILED}:
            return told
        backend: Any = self.celery.backend
        if backend.client.exists(_word_of(run.tags[DAGSTER_CELERY_TASK_ID_TAG])):
            self._missed.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        now = time.monotonic()
        if now - self._missed.setdefault(run.run_id, now) < MISSED_SECONDS:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"Nothing was heard of its worker for {MISSED_SECONDS:g} s.")


@contextlib.contextmanager
def heard_of(client: Any, task: str) -> Iterator[None]:
    """While open, say every few seconds that a task is worked on; where the broker is away, once it is back.

    Parameters
    ----------
    client
        Of Redis.
    task
        Celery's id of it.
    """
    over = threading.Event()

    def say() -> None:
        while True:
            with contextlib.suppress(Exception):
                client.set(_word_of(task), "", ex=KEPT_SECONDS)
            if over.wait(BEAT_SECONDS):
                return

    saying = threading.Thread(target=say, name="heard", daemon=True)
    saying.start()
    try:
        yield
    finally:
        over.set()
        saying.join()


def _word_of(task: str) -> str:
    return f"ats-launched-{task}"

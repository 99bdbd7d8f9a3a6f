"""The Celery application of the workers that do what `ats run --on celery` gives them.

    celery -A ats_assets.workers.celery_app worker --pool prefork --concurrency 2 --queues ats --without-gossip --without-mingle

The broker's address is a secret of the environment, or of `.env` beside the settings: CELERY_URL, a Redis or Valkey. What is done comes back through the same server.
"""

import base64
import os
from typing import Any, Final

from celery import Celery

from ats_assets.errors import SettingsError, WorkerError
from ats_assets.secrecy import guard_secrets
from ats_assets.settings import settings_file
from ats_assets.workers.compute_engine import called, told_error

BROKER: Final = "CELERY_URL"
"""The variable that holds the broker's address."""
QUEUE: Final = "ats"
TASK: Final = "ats.work"
HEARD_SECONDS: Final = 60
"""For which a run counts as there once it was heard of: what it has given out is begun by no worker afterwards. Else a worker could write, beside a later run of other settings, what
a killed one had wanted."""
KEPT_SECONDS: Final = 86_400
"""For which an answer waits for a run that is slow to ask for it."""


def broker_address() -> str:
    """Where the broker is, as Celery writes it.

    Raises
    ------
    SettingsError
        If nobody says where.
    """
    guard_secrets(settings_file().parent)
    url = os.environ.get(BROKER, "").strip()
    if not url:
        raise SettingsError(
            f"{BROKER} is not set: it holds the address of the Redis that Celery's workers listen to, such as redis://:password@host:6379/1"
        )
    return url.replace("unix://", "redis+socket://", 1)


def celery_app(*, answers: bool = True) -> Celery:
    """The application, for a run or for workers.

    Parameters
    ----------
    answers
        Whether it can look at answers. One that gives work out and can is told of each answer, too, and gives up where the broker is gone for a while.

    Raises
    ------
    SettingsError
        If nobody says where the broker is.
    """
    address = broker_address()
    made = Celery("ats", broker=address, backend=address if answers else "disabled://")
    made.conf.update(
        task_default_queue=QUEUE,
        task_serializer="json",
        result_serializer="json",
        accept_content=["json"],
        task_track_started=True,
        worker_prefetch_multiplier=1,
        worker_hijack_root_logger=False,
        broker_connection_retry_on_startup=True,
        result_expires=KEPT_SECONDS,
    )
    return made


def _app() -> Any:
    """That of `celery -A`, which asks for it by this module's attribute."""
    made = celery_app()

    @made.task(name=TASK)
    def work(work: str, task: str, threads: int, run: str) -> tuple[bool, str]:
        """Do a piece of work for a run that is there: whether that succeeded, and the answer, or what went wrong."""
        if not made.backend.client.exists(run):
            raise WorkerError(f"{work} was wanted by a run that has not been heard of for {HEARD_SECONDS} s: it is not begun")
        try:
            return True, base64.b64encode(called(work, task, threads)).decode()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told: Celery would send its class and arguments
            return False, told_error(error)

    return made


def __getattr__(name: str) -> Any:
    if name in {"app", "celery"}:
        globals()[name] = _app()
        return globals()[name]
    raise AttributeError(name)

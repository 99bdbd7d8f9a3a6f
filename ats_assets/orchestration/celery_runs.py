"""The Celery application of workers that do whole runs of Dagster's, for an instance whose launcher is Celery's (`deploy/launchers/celery/dagster.yaml`).

    celery -A ats_assets.orchestration.celery_runs worker --concurrency 1 --queues dagster --without-gossip --without-mingle

The broker's address comes from the environment, CELERY_URL, or from `.env` beside the settings: `dagster-celery worker start` would write it into a file. A run does not
outlive its worker: Dagster's daemon finds it gone (`run_monitoring`, `celery_launcher`) and starts it again (`run_retries`).
"""

from typing import Any

from celery import Task
from dagster_celery.config import DEFAULT_CONFIG
from dagster_celery.make_app import make_app
from dagster_celery.tasks import create_execute_job_task, create_resume_job_task

from ats_assets.orchestration.celery_launcher import heard_of
from ats_assets.workers.celery_app import broker_address


class _Heard(Task):
    """A task that says while it is done that it is."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        backend: Any = self.backend
        with heard_of(backend.client, str(self.request.id)):
            return super().__call__(*args, **kwargs)


def _app() -> Any:
    address = broker_address()
    made = make_app({"broker": address, "backend": address, "config_source": DEFAULT_CONFIG | {"broker_connection_retry_on_startup": True}})
    how: dict[str, Any] = {"base": _Heard}
    create_execute_job_task(made, **how)
    create_resume_job_task(made, **how)
    return made


def __getattr__(name: str) -> Any:
    if name in {"app", "celery"}:
        globals()[name] = _app()
        return globals()[name]
    raise AttributeError(name)

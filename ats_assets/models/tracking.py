"""Experiment tracking with MLflow: one MLflow run for each fit, nested in that of the command that makes it (`command_runs`).

A run is addressed by its id through a client, never through MLflow's active run, which is global to the process: fits in one process are runs of their own, and one
that raises is recorded FAILED. Tracking is a log beside the store of models, which stays authoritative: tracking has wall clocks and run ids, the store has none. So a fit is told
of when it is over, by a second process (`log_fit`), and what goes wrong with that is no fault of the fit.
"""

import json
import logging
import os
import sqlite3
import warnings
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ats_assets.models.command_runs import PARENT, CommandRun, Status, close_command, command_run
from ats_assets.models.confusion import Confusion
from ats_assets.models.importance_plot import importance_svg
from ats_assets.models.model_signature import model_signature
from ats_assets.settings import MlflowSettings
from ats_assets.storage.empty_database import EmptyDatabase
from ats_assets.storage.model_record import ModelRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Fit", "Status", "Tracking", "begin_command", "begin_fit", "end_command", "log_fit", "prepare_tracking"]


_begun: dict[tuple[object, ...], str] = {}
"""Of this process, the second one: the runs that are made and not logged yet."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """What is to be told of a fit that is over.

    Attributes
    ----------
    started, ended
        Milliseconds since 1970.
    record, content
        The model, where there is one.
    error
        What it failed with, without secrets.
    command
        The warehouse that the command works on, in whose run this one is nested; empty for none.
    confusion
        Of the validation rows, where the label is a class.
    """

    asset: str
    partition: str
    dagster_run_id: str | None = None
    started: int
    ended: int
    status: Status = "FINISHED"
    record: ModelRecord | None = None
    content: bytes = b""
    error: str | None = None
    command: str = ""
    confusion: Confusion | None = None


def prepare_tracking(settings: MlflowSettings, data: Path) -> None:
    """Import MLflow and make the tables of a new database, which takes seconds, before the first fit is over."""
    tracking = Tracking(settings, data)
    tracking.experiment_id(tracking.client())


def begin_fit(settings: MlflowSettings, data: Path, fit: Fit) -> str:
    """Make the run of a fit that `log_fit` of this process will log, and return its page, or its id where no server shows it: all that anybody waits for."""
    return Tracking(settings, data).begin(fit)


def log_fit(settings: MlflowSettings, data: Path, fit: Fit) -> str:
    """Log a fit, and return the page of its run, or its id where no server shows it."""
    return Tracking(settings, data).log(fit)


def begin_command(settings: MlflowSettings, data: Path, command: str, name: str) -> None:
    """Announce a command that will say how it went (`end_command`); it has a run once something is logged."""
    run = Tracking(settings, data).of_command(command)
    run.name, run.announced = name, True


def end_command(settings: MlflowSettings, data: Path, command: str, status: Status, log: str) -> None:
    """End the command's run with its log; one that went well and has logged nothing has none."""
    tracking = Tracking(settings, data)
    run = tracking.of_command(command)
    if status != "FINISHED":
        client = tracking.client()
        run.begun(client, tracking.experiment_id(client))
    if run.run_id is not None and run.client is not None:
        run.client.log_text(run.run_id, log, "run.log")
    close_command(tracking.place(command), status)


class Tracking:
    """Where runs are logged.

    Parameters
    ----------
    settings
        `tracking_uri` defaults to `sqlite:///<data>/mlflow.db`, with the files under `<data>/mlartifacts`; MLflow's file store is no more.
    data
        The data folder.
    """

    def __init__(self, settings: MlflowSettings, data: Path) -> None:
        self._own = None if settings.tracking_uri else (data / "mlflow.db").absolute()
        self.uri = settings.tracking_uri or f"sqlite:///{self._own}"
        self._experiment = settings.experiment
        self._artifacts = None if settings.tracking_uri else (data / "mlartifacts").absolute().as_uri()

    def begin(self, fit: Fit) -> str:
        """Make the run of a fit, in which `log` of this process goes on; its page, or its id where no server shows it. Of the fit this needs neither model nor outcome."""
        client = self.client()
        experiment = self.experiment_id(client)
        run_id = _begun[self._begun_as(fit)] = self._made(client, experiment, fit)
        return self._page(experiment, run_id)

    def log(self, fit: Fit) -> str:
        """Log a fit as a run of its own, and return the run's page, or its id where no server shows it."""
        client = self.client()
        experiment = self.experiment_id(client)
        run_id = _begun.pop(self._begun_as(fit), None) or self._made(client, experiment, fit)
        status: Status = "FAILED"
        try:
            if fit.record is not None:
                _log_model(client, run_id, fit.record, fit.content)
            if fit.confusion is not None:
                client.log_text(run_id, json.dumps(fit.confusion.plain(), indent=1), "confusion_matrix.json")
                client.log_metric(run_id, "validation_accuracy", fit.confusion.accuracy)
            status = fit.status
        finally:
            if fit.command:
                own = self.of_command(fit.command)
                own.fits.setdefault(fit.partition, []).append(run_id)
                own.failed = own.failed or status == "FAILED"
            client.set_terminated(run_id, status, end_time=fit.ended)
        return self._page(experiment, run_id)

    def _made(self, client: "MlflowClient", experiment: str, fit: Fit) -> str:
        """A new run of a fit; its id."""
        tags = {"asset": fit.asset, "partition": fit.partition, "mlflow.source.name": "ats_assets", "mlflow.source.type": "JOB"}
        tags |= {"dagster_run_id": fit.dagster_run_id} if fit.dagster_run_id else {}
        tags |= {"error": fit.error[:5000]} if fit.error else {}
        if fit.command:
            tags[PARENT] = self.of_command(fit.command).begun(client, experiment)
        return client.create_run(experiment, start_time=fit.started, run_name=f"{fit.asset} {fit.partition}", tags=tags).info.run_id

    def _begun_as(self, fit: Fit) -> tuple[object, ...]:
        return (*self.place(fit.command), fit.asset, fit.partition, fit.dagster_run_id, fit.started)

    def _page(self, experiment: str, run_id: str) -> str:
        if not self.uri.startswith(("http://", "https://")):
            return run_id
        return f"{self.uri.rstrip('/')}/#/experiments/{experiment}/runs/{run_id}"

    def place(self, command: str) -> tuple[str, str, str]:
        """Where the run of a command is."""
        return (self.uri, self._experiment, command)

    def of_command(self, command: str) -> CommandRun:
        """The run of a command, by the warehouse that it works on."""
        return command_run(self.place(command))

    def client(self) -> "MlflowClient":
        """The client of the server or database."""
        if self._own is not None:
            self._own.parent.mkdir(parents=True, exist_ok=True)
            empty_mlflow().put(self._own)
        elif self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        return _client(self.uri)

    def experiment_id(self, client: "MlflowClient") -> str:
        """The experiment of the settings, made where there is none yet."""
        from mlflow.exceptions import MlflowException  # noqa: PLC0415

        found = client.get_experiment_by_name(self._experiment)
        if found is None:
            try:
                return client.create_experiment(self._experiment, artifact_location=self._artifacts)
            except MlflowException:  # another process made it meanwhile
                found = client.get_experiment_by_name(self._experiment)
                if found is None:
                    raise
        return found.experiment_id


def _client(uri: str) -> "MlflowClient":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read by MLflow's import: nothing of a user's models leaves the machine
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of MLflow's own imports
        from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds
    for noisy in ("alembic", "mlflow.store.db.utils"):  # a line for each migration of a new database
        logging.getLogger(noisy).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri)


@cache
def empty_mlflow() -> EmptyDatabase:
    """MLflow's database in a new data folder."""
    return EmptyDatabase("mlflow", [version(library) for library in ("mlflow", "sqlalchemy", "alembic")], _make_empty)


def _make_empty(folder: Path) -> Path:
    """Without the experiment that MLflow adds to a database without any: its artefacts are in the folder that the process works in."""
    file = folder / "mlflow.db"
    _client(f"sqlite:///{file}").search_experiments()
    with closing(sqlite3.connect(file)) as database:
        database.execute("DELETE FROM experiments")
        database.commit()
    return file


def _log_model(client: "MlflowClient", run_id: str, record: ModelRecord, content: bytes) -> None:
    """Log a fitted model: parameters, metrics by validation session, versions of its data, both files, and the importance plot."""
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - takes seconds
    from mlflow.utils.time import get_current_time_millis  # noqa: PLC0415

    if record.validation is None or record.training is None or record.label is None:
        raise ValueError(f"only a fitted model is logged; {record.name} of {record.session} is {record.status}")
    params = {**record.parameters, **record.label.model_dump(), "features": len(record.features)}
    params |= {f"training_{key}": value for key, value in record.training.model_dump(mode="json").items()}
    now = get_current_time_millis()
    ics = record.validation.by_session
    metrics = [Metric("validation_rank_ic", ic, now, step) for step, ic in enumerate(ics.values()) if ic is not None]
    if record.validation.rank_ic is not None:
        metrics.append(Metric("validation_rank_ic_mean", record.validation.rank_ic, now, 0))
    metrics.append(Metric("best_iteration", float(record.best_iteration or 0), now, 0))
    client.log_batch(
        run_id,
        metrics=metrics,
        params=[Param(key, str(value)) for key, value in sorted(params.items())],
        tags=[RunTag(f"version.{key}", value) for key, value in sorted(record.versions.items())],
    )
    with TemporaryDirectory() as folder:
        (Path(folder) / record.file).write_bytes(content)
        (Path(folder) / "model.json").write_bytes(record.encoded())
        (Path(folder) / "importance.svg").write_text(importance_svg(record), encoding="utf-8")
        (Path(folder) / "MLmodel").write_text(_described(run_id, record), encoding="utf-8")
        client.log_artifacts(run_id, folder)


def _described(run_id: str, record: ModelRecord) -> str:
    """The model as MLflow describes one, so that its registry shows the signature: our own flavor, since only `ats` loads it."""
    from mlflow.models import Model  # noqa: PLC0415
    from mlflow.models.signature import ModelSignature  # noqa: PLC0415

    signature = ModelSignature.from_dict({name: json.dumps(columns) for name, columns in model_signature(record).items()})
    flavor = {"file": record.file, "learner": record.learner, "fitted_session": str(record.fitted_session), "sha256": record.model_sha256}
    return Model(
        run_id=run_id, signature=signature, flavors={"ats_assets": flavor}, utc_time_created="", model_uuid=record.model_sha256
    ).to_yaml()

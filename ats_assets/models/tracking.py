"""Experiment tracking with MLflow: one MLflow run for each fit.

A run is addressed by its id through a client, never through MLflow's active run, which is global to the process: fits in one process are runs of their own, and one
that raises is recorded FAILED. Tracking is a log beside the store of models, which stays the truth: it has wall clocks and run ids, the store has none.
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ats_assets.models.importance_plot import importance_plot
from ats_assets.secrecy import redacted
from ats_assets.settings import MlflowSettings
from ats_assets.storage.model_record import ModelRecord

if TYPE_CHECKING:
    from mlflow import MlflowClient


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """A run that is under way. `url` is where the tracking server shows it; None for a database without a server."""

    run_id: str
    experiment_id: str
    tracking_uri: str
    client: "MlflowClient"

    @property
    def url(self) -> str | None:
        """The page of the run."""
        if not self.tracking_uri.startswith(("http://", "https://")):
            return None
        return f"{self.tracking_uri.rstrip('/')}/#/experiments/{self.experiment_id}/runs/{self.run_id}"

    def log_model(self, record: ModelRecord, content: bytes) -> None:
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
        self.client.log_batch(
            self.run_id,
            metrics=metrics,
            params=[Param(key, str(value)) for key, value in sorted(params.items())],
            tags=[RunTag(f"version.{key}", value) for key, value in sorted(record.versions.items())],
        )
        with TemporaryDirectory() as folder:
            (Path(folder) / record.file).write_bytes(content)
            (Path(folder) / "model.json").write_bytes(record.encoded())
            (Path(folder) / "importance.png").write_bytes(importance_plot(record))
            self.client.log_artifacts(self.run_id, folder)


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
        self.uri = settings.tracking_uri or f"sqlite:///{(data / 'mlflow.db').absolute()}"
        self._experiment = settings.experiment
        self._data = data
        self._artifacts = None if settings.tracking_uri else (data / "mlartifacts").absolute().as_uri()

    @contextmanager
    def run(
        self, *, asset: str, partition: str, dagster_run_id: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Iterator[TrackedRun]:
        """A run of MLflow for one partition of one asset: FINISHED at the end of the block, FAILED (or KILLED) if it raises."""
        client = self._client()
        experiment = self._experiment_id(client)
        named = {"asset": asset, "partition": partition, "mlflow.source.name": "ats_assets", "mlflow.source.type": "JOB"}
        if dagster_run_id:
            named["dagster_run_id"] = dagster_run_id
        run = client.create_run(experiment, run_name=f"{asset} {partition}", tags={**named, **(tags or {})})
        run_id = run.info.run_id
        try:
            yield TrackedRun(run_id=run_id, experiment_id=experiment, tracking_uri=self.uri, client=client)
        except BaseException as error:
            if isinstance(error, Exception):
                client.set_tag(run_id, "error", redacted(f"{type(error).__name__}: {error}")[:5000])
            client.set_terminated(run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
            raise
        client.set_terminated(run_id, "FINISHED")

    def _client(self) -> "MlflowClient":
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # read by MLflow's import: nothing of a user's models leaves the machine
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of MLflow's own imports
            from mlflow import MlflowClient  # noqa: PLC0415 - takes seconds
        for noisy in ("alembic", "mlflow.store.db.utils"):  # a line for each migration of a new database
            logging.getLogger(noisy).setLevel(logging.WARNING)
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        return MlflowClient(tracking_uri=self.uri)

    def _experiment_id(self, client: "MlflowClient") -> str:
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

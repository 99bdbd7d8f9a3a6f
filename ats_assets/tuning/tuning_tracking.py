"""Tunings in MLflow: a run for each tuning session, nested in that of the command, and in it one for each trial. Told of by the second process, once the partition is stored."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ats_assets.models.command_runs import PARENT
from ats_assets.models.tracking import Status, Tracking
from ats_assets.settings import MlflowSettings


@dataclass(frozen=True, kw_only=True)
class TrackedTuning:
    """What is to be told of a tuning session that is over.

    Attributes
    ----------
    trials
        The rows of its partition.
    started, ended
        Milliseconds since 1970.
    command
        The warehouse that the command works on, in whose run this one is nested.
    """

    asset: str
    partition: str
    trials: Sequence[Mapping[str, Any]]
    dagster_run_id: str
    command: str
    started: int
    ended: int


def log_tuning(settings: MlflowSettings, data: Path, tuning: TrackedTuning) -> str:
    """Log a tuning session, and return the id of its run."""
    tracking = Tracking(settings, data)
    client = tracking.client()
    experiment = tracking.experiment_id(client)
    tags = {"asset": tuning.asset, "partition": tuning.partition, "dagster_run_id": tuning.dagster_run_id}
    tags |= {"mlflow.source.name": "ats_assets", "mlflow.source.type": "JOB"}
    command = tracking.of_command(tuning.command).begun(client, experiment)
    name = f"{tuning.asset} {tuning.partition}"
    run_id = client.create_run(experiment, start_time=tuning.started, run_name=name, tags=tags | {PARENT: command}).info.run_id
    (chosen,) = (row for row in tuning.trials if row["is_chosen"])
    for key, value in {"chosen_trial": chosen["trial"], "why": chosen["reason"], **json.loads(chosen["parameters"])}.items():
        client.log_param(run_id, key, value)
    for row in tuning.trials:
        _log_trial(client, experiment, tags | {PARENT: run_id}, row, tuning)
        if row["value"] is not None:
            client.log_metric(run_id, "value", row["value"], timestamp=tuning.ended, step=row["trial"])
    client.set_terminated(run_id, "FINISHED", end_time=tuning.ended)
    return run_id


def _log_trial(client: Any, experiment: str, tags: dict[str, str], row: Mapping[str, Any], tuning: TrackedTuning) -> None:
    from mlflow.entities import Metric, Param, RunTag  # noqa: PLC0415 - takes seconds

    run_id = client.create_run(experiment, start_time=tuning.started, run_name=f"trial {row['trial']}", tags=tags).info.run_id
    metrics = [Metric("fold_rank_ic", ic, tuning.ended, fold) for fold, ic in enumerate(row["fold_rank_ics"])]
    metrics += [Metric(name, row[name], tuning.ended, 0) for name in ("rank_ic", "value") if row[name] is not None]
    params = [Param(key, str(value)) for key, value in json.loads(row["parameters"]).items()]
    told = [RunTag("state", row["state"]), RunTag("chosen", str(row["is_chosen"])), RunTag("reason", row["reason"] or "")]
    client.log_batch(run_id, metrics=metrics, params=params, tags=told)
    status: Status = "FAILED" if row["state"] == "failed" else "FINISHED"
    client.set_terminated(run_id, status, end_time=tuning.ended)

"""One MLflow run for each command: fits are nested in it, and the backtest that comes of them is logged in it. Used in the second process alone, which lives as long as the command.

A command's run is made when it logs something for the first time, so a command that fits nothing and trades nothing leaves none, unless it fails. It ends when the command says how it went; should the command be
killed, the second process is left, and ends it as KILLED. What nobody said would end (a run that was started in Dagster's UI) ends with its process: FAILED where a fit of it has failed.
"""

import atexit
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mlflow import MlflowClient

Status = Literal["FINISHED", "FAILED", "KILLED"]
PARENT = "mlflow.parentRunId"
Place = tuple[str, str, str]
"""Tracking URI, experiment, and the warehouse that the command works on."""


@dataclass(kw_only=True)
class CommandRun:
    """The run of one command in one place.

    Attributes
    ----------
    run_id
        None until something is logged.
    announced
        Whether the command will say how it went.
    fits
        Session of each fit that was logged, with the run of each.
    """

    name: str = "fits"
    announced: bool = False
    run_id: str | None = None
    client: "MlflowClient | None" = None
    failed: bool = False
    fits: dict[str, list[str]] = field(default_factory=dict)

    def begun(self, client: "MlflowClient", experiment: str) -> str:
        """The id of the run, which is made where there is none yet."""
        if self.run_id is None:
            tags = {"mlflow.source.name": "ats_assets", "mlflow.source.type": "JOB"}
            self.run_id, self.client = client.create_run(experiment, run_name=self.name, tags=tags).info.run_id, client
        return self.run_id

    def end(self, status: Status) -> None:
        """End the run, where there is one."""
        if self.run_id is not None and self.client is not None:
            self.client.set_terminated(self.run_id, status)
        self.run_id = None


_open: dict[Place, CommandRun] = {}


def command_run(place: Place) -> CommandRun:
    """The command's run in a place."""
    if not _open:
        atexit.register(_end_what_is_left)
    return _open.setdefault(place, CommandRun())


def close_command(place: Place, status: Status) -> None:
    """End the command's run in a place; the next that is logged there is of another command."""
    if (run := _open.pop(place, None)) is not None:
        run.end(status)


def _end_what_is_left() -> None:
    for run in _open.values():
        run.end("KILLED" if run.announced else "FAILED" if run.failed else "FINISHED")
    _open.clear()

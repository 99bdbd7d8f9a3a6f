"""A backtest in MLflow: settings, figures, equity and the figures of each walk-forward segment in the command's run, then the report and tables as its files.

It is called in the second process, in two steps: figures while the report is being written, files when it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ats_assets.evaluation.model_segments import ModelSegment
from ats_assets.models.tracking import Tracking
from ats_assets.settings import MlflowSettings

if TYPE_CHECKING:
    from mlflow.entities import Metric

MOST_POINTS = 1_000
"""Of a curve: MLflow stores each as a row."""
LONGEST_VALUE = 6_000
"""Letters of a parameter that MLflow takes."""


@dataclass(frozen=True, kw_only=True)
class LoggedBacktest:
    """What is logged of a backtest.

    Attributes
    ----------
    settings, figures
        By dotted name; figures that are not known are left out.
    equity, drawdown
        At each close.
    segments
        Each is logged in the run of its fit, too, where the same command has made it.
    """

    name: str
    settings: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)
    equity: Sequence[float] = ()
    drawdown: Sequence[float] = ()
    segments: Sequence[ModelSegment] = ()


def log_backtest(settings: MlflowSettings, data: Path, command: str, told: LoggedBacktest) -> str:
    """Log a backtest in the command's run, and return the run's id."""
    tracking = Tracking(settings, data)
    client = tracking.client()
    run = tracking.of_command(command)
    run_id = run.begun(client, tracking.experiment_id(client))

    from mlflow.entities import Metric, Param  # noqa: PLC0415 - takes seconds
    from mlflow.utils.time import get_current_time_millis  # noqa: PLC0415

    now = get_current_time_millis()
    client.update_run(run_id, name=told.name)
    metrics = [Metric(name, value, now, 0) for name, value in told.figures.items()]
    metrics += _curve("equity", told.equity, now) + _curve("drawdown", told.drawdown, now)
    for step, segment in enumerate(told.segments):
        metrics += [Metric(f"segment_{name}", value, now, step) for name, value in _of_segment(segment).items()]
    params = [Param(name, value[:LONGEST_VALUE]) for name, value in told.settings.items()]
    for first in range(0, max(len(metrics), len(params), 1), 900):  # MLflow takes 1,000 metrics and 100 parameters at once
        client.log_batch(run_id, metrics=metrics[first : first + 900])
    for first in range(0, len(params), 100):
        client.log_batch(run_id, params=params[first : first + 100])
    for segment in told.segments:
        for fit in run.fits.get(segment.model_session.isoformat(), []):
            client.log_batch(fit, metrics=[Metric(f"out_of_sample_{name}", value, now, 0) for name, value in _of_segment(segment).items()])
    return run_id


def log_files(settings: MlflowSettings, data: Path, command: str, files: Mapping[str, str], texts: Mapping[str, str]) -> None:
    """Add files (path -> folder in the run) and texts (name in the run -> text) to the command's run."""
    tracking = Tracking(settings, data)
    run = tracking.of_command(command)
    client = tracking.client()
    run_id = run.begun(client, tracking.experiment_id(client))
    for path, folder in files.items():
        client.log_artifact(run_id, path, folder or None)
    for name, text in texts.items():
        client.log_text(run_id, text, name)


def _of_segment(segment: ModelSegment) -> dict[str, float]:
    figures = {
        "rank_ic": segment.rank_ic,
        "t": segment.t_statistic,
        "sessions": float(segment.sessions),
        "account_return": segment.account_return,
    }
    return {name: value for name, value in figures.items() if value is not None}


def _curve(name: str, values: Sequence[float], now: int) -> list["Metric"]:
    """A value for each session by its number, of a long history some: its last always."""
    from mlflow.entities import Metric  # noqa: PLC0415

    every = -(-len(values) // MOST_POINTS) or 1
    return [Metric(name, values[step], now, step) for step in range(len(values) - 1, -1, -every)][::-1]

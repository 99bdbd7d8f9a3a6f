"""The subject of prediction intervals: from stored predictions and outcomes to intervals by the asset's own function."""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import partial

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intervals.return_intervals import return_intervals
from ats_assets.intervals.schema import INTERVALS
from ats_assets.leakcheck.subject import Input, Subject
from ats_assets.settings import ConfidenceSettings


def interval_subjects(deployment: Deployment, days: Sequence[date], inputs: Mapping[str, Input]) -> list[Subject]:
    """The one, where settings have a table `[confidence]`.

    Parameters
    ----------
    days
        The sessions of the inputs.
    inputs
        Predictions and forward returns, as they are stored; without one of them there is no subject.
    """
    settings = deployment.settings.confidence
    if settings is None or not {"predictions", "forward_returns"} <= inputs.keys():
        return []
    return [
        Subject(name=INTERVALS, kind="signal", inputs=inputs, make=partial(_intervals, deployment, _few(settings, len(days)), list(days)))
    ]


def _intervals(
    deployment: Deployment, settings: ConfidenceSettings, days: Sequence[date], rows: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    how = {"calendar": deployment.calendar, "horizon_sessions": deployment.settings.training.horizon_sessions}
    return return_intervals(rows["predictions"], rows["forward_returns"], days, days, settings, **how)


def _few(settings: ConfidenceSettings, sessions: int) -> ConfidenceSettings:
    """With windows that so few sessions fill: the same function, of figures that are worth less."""
    return settings.model_copy(
        update={
            "scale_sessions": min(settings.scale_sessions, max(5, sessions // 8)),
            "min_scale_outcomes": 3,
            "calibration_sessions": min(settings.calibration_sessions, max(5, sessions // 4)),
            "min_calibration_rows": 10,
            "restart": "monthly",
        }
    )

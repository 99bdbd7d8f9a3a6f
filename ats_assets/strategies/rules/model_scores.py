"""The scores of the model that is traded, with the probability that such a score stood for in the past."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.predictions.calibration import CalibrationKind, calibrate
from ats_assets.settings import Positive, Section, TrainingSettings


class ModelScoresSettings(Section):
    """Signals made of predictions."""

    calibration_sessions: Positive = Field(default=126, description="sessions of known outcomes that the probability is calibrated on")
    min_calibration_rows: Positive = Field(default=500, description="fewer outcomes than this: no probability")
    calibration: CalibrationKind = Field(
        default="platt", description="the curve from score to probability: platt, beta, isotonic, or the best of them out of sample"
    )


class ModelScores:
    """Trade what the model says."""

    def __init__(self, settings: ModelScoresSettings) -> None:
        self.settings = settings

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:
        """The predictions of the decisions whose outcomes are calibrated on, and these outcomes."""
        sessions = self.settings.calibration_sessions
        return (Needs(asset="predictions", back=sessions + training.horizon_sessions), Needs(asset="forward_returns", back=sessions - 1))

    def scores(
        self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date], training: TrainingSettings
    ) -> pl.DataFrame:
        """The predictions of the sessions, with calibrated probabilities."""
        predictions = frames["predictions"]
        found = calibrate(
            predictions,
            frames["forward_returns"],
            days,
            sessions,
            horizon_sessions=training.horizon_sessions,
            calibration_sessions=self.settings.calibration_sessions,
            min_calibration_rows=self.settings.min_calibration_rows,
            kind=self.settings.calibration,
        )
        wanted = predictions.filter(pl.col("session").is_in(list(sessions)))
        return wanted.join(found, on=["symbol", "session"], how="left", maintain_order="left")


PLUGIN = Plugin(settings=ModelScoresSettings, make=ModelScores)

"""Predictions of each model, the model whose predictions are traded, and what probability they stand for."""

from ats_assets.predictions.calibration import CalibrationKind, calibrate
from ats_assets.predictions.calibration_curves import Calibration, fit_calibration
from ats_assets.predictions.inference import check_age, predict
from ats_assets.predictions.schema import CHAMPION_SCHEMA, PREDICTIONS_SCHEMA

__all__ = [
    "CHAMPION_SCHEMA",
    "PREDICTIONS_SCHEMA",
    "Calibration",
    "CalibrationKind",
    "calibrate",
    "check_age",
    "fit_calibration",
    "predict",
]

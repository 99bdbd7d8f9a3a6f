"""Predictions, what they are worth, and the signals made of them."""

from ats_assets.signals.calibration import Calibration, calibrate, fit_calibration
from ats_assets.signals.edge_test import newey_west_t
from ats_assets.signals.predicting import check_age, predict
from ats_assets.signals.schema import PREDICTIONS_SCHEMA, QUANTILES, SIGNALS_SCHEMA, SKILL_SCHEMA, Predictions, Signals, Skill
from ats_assets.signals.signals import signals_from_predictions
from ats_assets.signals.skill import skill
from ats_assets.signals.skill_summary import EDGE_T_STATISTIC, HorizonSkill, SkillSummary, skill_summary

__all__ = [
    "EDGE_T_STATISTIC",
    "PREDICTIONS_SCHEMA",
    "QUANTILES",
    "SIGNALS_SCHEMA",
    "SKILL_SCHEMA",
    "Calibration",
    "HorizonSkill",
    "Predictions",
    "Signals",
    "Skill",
    "SkillSummary",
    "calibrate",
    "check_age",
    "fit_calibration",
    "newey_west_t",
    "predict",
    "signals_from_predictions",
    "skill",
    "skill_summary",
]

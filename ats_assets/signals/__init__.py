"""Predictions, what they are worth, and the signals made of them."""

from ats_assets.signals.schema import PREDICTIONS_SCHEMA, QUANTILES, SIGNALS_SCHEMA, SKILL_SCHEMA, Predictions, Signals, Skill

__all__ = [
    "PREDICTIONS_SCHEMA",
    "QUANTILES",
    "SIGNALS_SCHEMA",
    "SKILL_SCHEMA",
    "Predictions",
    "Signals",
    "Skill",
]

"""Models judged on the window that they learn from, by splits that share no knowledge."""

from ats_assets.validation.cross_validation import CrossValidation, cross_validated

__all__ = ["CrossValidation", "cross_validated"]

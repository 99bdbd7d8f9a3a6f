"""Models judged on the window that they learn from, by splits that share no knowledge."""

from ats_assets.validation.cross_validation import CrossValidation, LabelledRows, cross_validated, labelled_rows

__all__ = ["CrossValidation", "LabelledRows", "cross_validated", "labelled_rows"]

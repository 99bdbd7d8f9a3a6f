"""Models: training sets, fits, and the store of what was fitted."""

from ats_assets.models.artefact import ModelStore
from ats_assets.models.boosted_trees import FittedTrees, Unavailable, fit_boosted_trees, lightgbm_parameters
from ats_assets.models.refits import is_refit_session, last_refit
from ats_assets.models.schema import ModelRecord
from ats_assets.models.training_set import CrossSections, TrainingSet, TrainingWindow, training_set, training_window

__all__ = [
    "CrossSections",
    "FittedTrees",
    "ModelRecord",
    "ModelStore",
    "TrainingSet",
    "TrainingWindow",
    "Unavailable",
    "fit_boosted_trees",
    "is_refit_session",
    "last_refit",
    "lightgbm_parameters",
    "training_set",
    "training_window",
]

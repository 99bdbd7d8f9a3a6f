"""Models: training sets, learners, fits, and when they are fitted."""

from ats_assets.models.choosing import Model, models
from ats_assets.models.fitting import fit, recorded
from ats_assets.models.learner import ExplainingScorer, Fitted, Learner, Scorer
from ats_assets.models.training_set import CrossSections, TrainingSet, TrainingWindow, training_set, training_window
from ats_assets.refits import is_refit_session, last_refit

__all__ = [
    "CrossSections",
    "ExplainingScorer",
    "Fitted",
    "Learner",
    "Model",
    "Scorer",
    "TrainingSet",
    "TrainingWindow",
    "fit",
    "is_refit_session",
    "last_refit",
    "models",
    "recorded",
    "training_set",
    "training_window",
]

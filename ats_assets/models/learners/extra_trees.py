"""Extremely randomised trees on the cross-section (Geurts, Ernst and Wehenkel, Machine Learning 63, 2006), fitted by scikit-learn.

As a random forest, but of each feature that a split chooses from one threshold is drawn, and the best of these is taken: trees that differ more, and that are grown faster. Each is
grown on a bootstrap sample, as a random forest's, since labels overlap. What it shares with other forests is in `models.forest`.
"""

from ats_assets.models.forest import FOREST_SPACE, ForestLearner, ForestSettings
from ats_assets.plugins import Plugin


class ExtraTreesSettings(ForestSettings):
    """Extremely randomised trees by scikit-learn."""


class ExtraTrees(ForestLearner):
    """Extremely randomised trees on the cross-section."""

    def __init__(self, settings: ExtraTreesSettings) -> None:
        super().__init__(settings, "ExtraTreesRegressor", "ExtraTreeRegressor")


PLUGIN = Plugin(
    settings=ExtraTreesSettings,
    make=ExtraTrees,
    quick={"trees": 2, "max_depth": 2, "min_samples_leaf": 5},
    space=FOREST_SPACE,
)

"""A random forest on the cross-section (Breiman, Machine Learning 45, 2001), fitted by scikit-learn.

Each tree is grown on a bootstrap sample of the rows, with a random share of the features at each split, whose best threshold is taken; a score is the mean of the trees' leaves. What
it shares with other forests is in `models.forest`.
"""

from ats_assets.models.forest import FOREST_SPACE, ForestLearner, ForestSettings
from ats_assets.plugins import Plugin


class RandomForestSettings(ForestSettings):
    """A random forest by scikit-learn."""


class RandomForest(ForestLearner):
    """A random forest on the cross-section."""

    def __init__(self, settings: RandomForestSettings) -> None:
        super().__init__(settings, "RandomForestRegressor", "DecisionTreeRegressor")


PLUGIN = Plugin(
    settings=RandomForestSettings,
    make=RandomForest,
    quick={"trees": 2, "max_depth": 2, "min_samples_leaf": 5},
    space=FOREST_SPACE,
)

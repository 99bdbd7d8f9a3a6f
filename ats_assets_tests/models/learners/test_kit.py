"""The learners that come with the package, by the kit that a user's own passes, too."""

from typing import Any, ClassVar

from ats_assets.models.learners import lightgbm, random_forest
from ats_assets_tests.kits.learners import LearnerKit
from ats_assets_tests.models.fits import LIGHTGBM


class TestLightgbm(LearnerKit):
    plugin = lightgbm.PLUGIN
    small: ClassVar[dict[str, Any]] = LIGHTGBM.model_dump(exclude_unset=True)


class TestLambdarank(LearnerKit):
    plugin = lightgbm.PLUGIN
    small: ClassVar[dict[str, Any]] = LIGHTGBM.model_dump(exclude_unset=True) | {"objective": "lambdarank"}


class TestRandomForest(LearnerKit):
    plugin = random_forest.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trees": 12, "min_samples_leaf": 20, "max_features": 1.0}


class TestSequentialForest(LearnerKit):
    plugin = random_forest.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trees": 12, "min_samples_leaf": 20, "max_features": 1.0, "bootstrap": "sequential"}

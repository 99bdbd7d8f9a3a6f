"""The learners that come with the package, by the kit that a user's own passes, too."""

from typing import Any, ClassVar

from ats_assets import plugins
from ats_assets.models.learners import elastic_net, extra_trees, lightgbm, logistic, random_forest, ridge, xgboost
from ats_assets_tests.kits.learners import LearnerKit
from ats_assets_tests.models.fits import LIGHTGBM
from ats_assets_tests.models.learners import test_nets_kit, test_qlib_zoo


class TestLightgbm(LearnerKit):
    plugin = lightgbm.PLUGIN
    small: ClassVar[dict[str, Any]] = LIGHTGBM.model_dump(exclude_unset=True)


class TestLambdarank(LearnerKit):
    plugin = lightgbm.PLUGIN
    small: ClassVar[dict[str, Any]] = LIGHTGBM.model_dump(exclude_unset=True) | {"objective": "lambdarank"}


class TestClassification(TestLightgbm):
    small: ClassVar[dict[str, Any]] = TestLightgbm.small | {"objective": "classification"}


class TestQuantile(TestLightgbm):
    small: ClassVar[dict[str, Any]] = TestLightgbm.small | {"objective": "quantile"}


class TestDollarProfit(TestLightgbm):
    small: ClassVar[dict[str, Any]] = TestLightgbm.small | {"objective": "dollar_profit"}


class TestXgboost(LearnerKit):
    plugin = xgboost.PLUGIN
    small: ClassVar[dict[str, Any]] = {"min_rounds": 5, "max_rounds": 40, "early_stopping_rounds": 10, "min_child_weight": 20.0}


class TestXgboostClassification(TestXgboost):
    small: ClassVar[dict[str, Any]] = TestXgboost.small | {"objective": "classification", "min_child_weight": 5.0}


class TestXgboostLambdarank(TestXgboost):
    small: ClassVar[dict[str, Any]] = TestXgboost.small | {"objective": "lambdarank", "min_child_weight": 0.1}


class TestXgboostQuantile(TestXgboost):
    small: ClassVar[dict[str, Any]] = TestXgboost.small | {"objective": "quantile"}


class TestXgboostDollarProfit(TestXgboost):
    small: ClassVar[dict[str, Any]] = TestXgboost.small | {"objective": "dollar_profit"}


class TestRandomForest(LearnerKit):
    plugin = random_forest.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trees": 12, "min_samples_leaf": 20, "max_features": 1.0}


class TestForestOfClasses(LearnerKit):
    plugin = random_forest.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trees": 12, "min_samples_leaf": 20, "max_features": 1.0, "objective": "classification"}


class TestExtraTrees(LearnerKit):
    plugin = extra_trees.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trees": 12, "min_samples_leaf": 20, "max_features": 1.0}


class TestSequentialForest(LearnerKit):
    plugin = random_forest.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trees": 12, "min_samples_leaf": 20, "max_features": 1.0, "bootstrap": "sequential"}


class TestRidge(LearnerKit):
    plugin = ridge.PLUGIN


class TestRidgeOfProfit(LearnerKit):
    plugin = ridge.PLUGIN
    small: ClassVar[dict[str, Any]] = {"objective": "dollar_profit"}


class TestRidgeOfQuantile(LearnerKit):
    plugin = ridge.PLUGIN
    small: ClassVar[dict[str, Any]] = {"objective": "quantile", "quantile": 0.6}


class TestElasticNet(LearnerKit):
    plugin = elastic_net.PLUGIN


class TestElasticNetOfProfit(LearnerKit):
    plugin = elastic_net.PLUGIN
    small: ClassVar[dict[str, Any]] = {"objective": "dollar_profit"}


class TestLogistic(LearnerKit):
    plugin = logistic.PLUGIN


def test_every_learner_of_the_package_passes_the_kit() -> None:
    kits = [*globals().values(), *vars(test_nets_kit).values(), *vars(test_qlib_zoo).values()]
    held = {kit.plugin.settings.__module__.rpartition(".")[2] for kit in kits if isinstance(kit, type) and getattr(kit, "plugin", None)}
    assert held == set(plugins.LEARNERS.names())

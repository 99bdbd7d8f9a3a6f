"""The strategies that come with the package, by the kit that a user's own passes, too."""

from typing import Any, ClassVar

from ats_assets.settings import TrainingSettings
from ats_assets.strategies.rules import meta_labelled, model_scores, momentum
from ats_assets_tests.kits.strategies import StrategyKit


class TestModelScores(StrategyKit):
    plugin = model_scores.PLUGIN
    small: ClassVar[dict[str, Any]] = {"calibration_sessions": 10, "min_calibration_rows": 30}


class TestMomentum(StrategyKit):
    plugin = momentum.PLUGIN
    small: ClassVar[dict[str, Any]] = {"lookback_sessions": 12, "skip_sessions": 2}


class TestMetaLabelled(StrategyKit):
    plugin = meta_labelled.PLUGIN
    training: ClassVar[TrainingSettings] = TrainingSettings(horizon_sessions=1, label="raw")

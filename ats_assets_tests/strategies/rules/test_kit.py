"""The strategies that come with the package, by the kit that a user's own passes, too."""

from typing import Any, ClassVar

from ats_assets.settings import TrainingSettings
from ats_assets.strategies.rules import (
    bollinger_reversion,
    breakout,
    buy_and_hold,
    dual_momentum,
    meta_labelled,
    model_scores,
    momentum,
    moving_averages,
    ornstein_uhlenbeck,
    pairs,
    peak_exits,
    risk_ruled,
    rsi_reversion,
    time_series_momentum,
    weighted_rules,
)
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


class TestBuyAndHold(StrategyKit):
    plugin = buy_and_hold.PLUGIN


class TestBollingerReversion(StrategyKit):
    plugin = bollinger_reversion.PLUGIN
    small: ClassVar[dict[str, Any]] = {"window_sessions": 6, "entry": 1.0, "max_sessions": 5, "short": True}


class TestRsiReversion(StrategyKit):
    plugin = rsi_reversion.PLUGIN
    small: ClassVar[dict[str, Any]] = {"trend_sessions": 8, "exit_sessions": 3, "entry": 30.0, "max_sessions": 5, "short": True}


class TestOrnsteinUhlenbeck(StrategyKit):
    plugin = ornstein_uhlenbeck.PLUGIN
    small: ClassVar[dict[str, Any]] = {
        "window_sessions": 8,
        "entry": 0.5,
        "max_sessions": 5,
        "most_half_life_sessions": 60.0,
        "short": True,
    }


class TestBreakout(StrategyKit):
    plugin = breakout.PLUGIN
    small: ClassVar[dict[str, Any]] = {"entry_sessions": 6, "exit_sessions": 3, "max_sessions": 6, "short": True}


class TestMovingAverages(StrategyKit):
    plugin = moving_averages.PLUGIN
    small: ClassVar[dict[str, Any]] = {"fast_sessions": 3, "slow_sessions": 8, "max_sessions": 6, "short": True}


class TestTimeSeriesMomentum(StrategyKit):
    plugin = time_series_momentum.PLUGIN
    small: ClassVar[dict[str, Any]] = {"lookback_sessions": 10, "volatility_sessions": 8, "short": True}


class TestDualMomentum(StrategyKit):
    plugin = dual_momentum.PLUGIN
    small: ClassVar[dict[str, Any]] = {"lookback_sessions": 10, "positions": 3}


class TestWeightedRules(StrategyKit):
    plugin = weighted_rules.PLUGIN
    small: ClassVar[dict[str, Any]] = {
        "rules": [
            {"name": "rising", "indicator": "$close / Mean($close, 5) - 1", "above": 0.0, "weight": 2.0},
            {"name": "moving", "indicator": "ROCP10", "below": 0.0, "weight": 1.0},
            {"name": "falling", "indicator": "$close / Ref($close, 6) - 1", "below": -0.02, "weight": -2.0},
        ],
        "enter": 0.6,
        "max_sessions": 5,
        "short": True,
    }


class TestPeakExits(StrategyKit):
    plugin = peak_exits.PLUGIN
    small: ClassVar[dict[str, Any]] = {"max_sessions": 6, "atr_sessions": 3, "peak_atr": 1.0, "stop_atr": 1.5, "stale_sessions": 4}


class TestAdaptingExits(StrategyKit):
    plugin = peak_exits.PLUGIN
    small: ClassVar[dict[str, Any]] = {
        "unit": "volatility",
        "max_sessions": 6,
        "atr_sessions": 4,
        "stop_atr": 1.0,
        "secure_atr": 0.5,
        "tighten_per_session": 0.1,
    }


class TestRiskRuled(StrategyKit):
    plugin = risk_ruled.PLUGIN
    small: ClassVar[dict[str, Any]] = {"rule": "volatility_target", "options": {"lookback_sessions": 6, "target_volatility": 0.05}}


class TestPairs(StrategyKit):
    plugin = pairs.PLUGIN
    small: ClassVar[dict[str, Any]] = {
        "formation_sessions": 20,
        "level_percent": 10,
        "entry": 0.5,
        "leave": 0.1,
        "most_half_life_sessions": 1000.0,
    }

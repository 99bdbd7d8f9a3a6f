"""Strategies over prices by hand, and on markets with a planted truth: what trends pays trend followers and costs who bets on reversion, and the other way round."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.plugins import STRATEGIES
from ats_assets.settings import PortfolioSettings, TrainingSettings
from ats_assets.strategies.rules.weighted_rules import WeightedRulesSettings, weighted_rules
from ats_assets.strategies.strategy import Strategy
from ats_assets.strategies.weighting import signals_from_scores
from ats_assets_tests.small_market import FIRST as FIRST_SESSION
from ats_assets_tests.small_market import make_history, small_market
from ats_assets_tests.strategies.rules.price_market import FIRST, bars_of, profit, weights_of

FOLLOWERS: dict[str, dict[str, Any]] = {
    "time_series_momentum": {"lookback_sessions": 10, "volatility_sessions": 10, "short": True},
    "breakout": {"entry_sessions": 10, "exit_sessions": 5, "short": True},
    "moving_averages": {"fast_sessions": 3, "slow_sessions": 12, "short": True, "band": 0.0},
}
REVERTERS: dict[str, dict[str, Any]] = {
    "bollinger_reversion": {"window_sessions": 10, "entry": 1.5, "short": True},
    "ornstein_uhlenbeck": {"window_sessions": 60, "entry": 1.0, "short": True},
    "rsi_reversion": {"trend_sessions": 3, "entry": 45.0, "exit_sessions": 2, "short": True},
}


def strategy(kind: str, **values: Any) -> Strategy:
    return STRATEGIES.made(kind, values, setting=f"strategies.{kind}")


def trending(seed: int) -> np.ndarray:
    """Drifts that last: an autoregression of returns at 0.9 of small shocks."""
    random = np.random.default_rng(seed)
    drift = np.zeros((160, 8))
    for t in range(1, len(drift)):
        drift[t] = 0.95 * drift[t - 1] + 0.002 * random.standard_normal(8)
    return 50 * np.exp(np.cumsum(drift + 0.004 * random.standard_normal(drift.shape), axis=0))


def reverting(seed: int, sessions: int = 300) -> np.ndarray:
    """Log prices that return to their mean, half of the way in three sessions."""
    random = np.random.default_rng(seed)
    level = np.zeros((sessions, 8))
    for t in range(1, len(level)):
        level[t] = 0.8 * level[t - 1] + 0.01 * random.standard_normal(8)
    return 50 * np.exp(level)


@pytest.mark.parametrize("kind", FOLLOWERS)
def test_who_follows_trends_wins_where_they_last_and_loses_where_prices_revert(kind: str) -> None:
    made = strategy(kind, **FOLLOWERS[kind])
    assert np.mean([profit(weights_of(made, trending(seed)), trending(seed)) for seed in range(3)]) > 0.02
    assert np.mean([profit(weights_of(made, reverting(seed)), reverting(seed)) for seed in range(3)]) < 0


@pytest.mark.parametrize("kind", ["bollinger_reversion", "ornstein_uhlenbeck"])
def test_who_bets_on_reversion_wins_where_prices_revert_and_not_where_trends_last(kind: str) -> None:
    made = strategy(kind, **REVERTERS[kind])
    assert np.mean([profit(weights_of(made, reverting(seed)), reverting(seed)) for seed in range(3)]) > 0.02
    assert np.mean([profit(weights_of(made, trending(seed)), trending(seed)) for seed in range(3)]) < 0


def lasting(seed: int) -> np.ndarray:
    """A momentum market: of 30 symbols each has a drift of its own, which lasts for more than a year."""
    random = np.random.default_rng(seed)
    drift = np.zeros((460, 30))
    drift[0] = 0.0015 * random.standard_normal(30)
    for t in range(1, len(drift)):
        drift[t] = 0.998 * drift[t - 1] + 0.0015 * np.sqrt(1 - 0.998**2) * random.standard_normal(30)
    return 50 * np.exp(np.cumsum(drift + 0.01 * random.standard_normal(drift.shape), axis=0))


def winners_less_losers(closes: np.ndarray) -> float:
    """The profit of cross-sectional momentum of 12 months less the newest, the best third bought and the worst sold."""
    weights = np.zeros(closes.shape)
    bars = bars_of(closes)
    days = [FIRST + timedelta(days=i) for i in range(len(closes))]
    actions = pl.DataFrame(schema=CORPORATE_ACTIONS_SCHEMA)
    frames = {"bars": bars, "corporate_actions": actions, "universe": bars.select("symbol", "session")}
    scores = strategy("momentum").scores(frames, days, days, TrainingSettings())
    how = PortfolioSettings(method="long_short_quantiles", quantile=0.33, max_weight=1.0, max_gross=1.0)
    for symbol, session, weight in signals_from_scores(scores, how).select("symbol", "session", "target_weight").iter_rows():
        weights[(session - FIRST).days, int(symbol[1:])] = weight
    assert np.abs(weights).sum() > 0.9 * (len(closes) - 253)
    return profit(weights, closes)


def test_a_momentum_market_is_found_by_momentum_and_not_by_reversion_and_the_other_way_round() -> None:
    """Cross-sectional momentum, 12 months less the newest, beside two strategies of reversion, in both markets; no costs."""
    up = [lasting(seed) for seed in range(3)]
    back = [reverting(seed, 460) for seed in range(3)]
    momentum_there, momentum_here = (np.mean([winners_less_losers(closes) for closes in one]) for one in (up, back))
    assert momentum_there > 0.10
    assert abs(momentum_here) < 0.25 * momentum_there
    for kind in ("bollinger_reversion", "ornstein_uhlenbeck"):
        made = strategy(kind, **REVERTERS[kind])
        there, here = (np.mean([profit(weights_of(made, closes), closes) for closes in one]) for one in (up, back))
        assert here > 0.05, kind
        assert there < 0.25 * here, kind


def test_who_buys_what_is_oversold_in_a_rising_trend_is_paid_where_it_comes_back_and_not_where_drifts_last() -> None:
    """Per unit held, beyond what each symbol rose in the mean."""
    rise = np.exp(0.004 * np.arange(460))[:, None]
    made, paid = strategy("rsi_reversion", trend_sessions=40, entry=20.0, exit_sessions=3), []
    for closes_of in (lambda seed: reverting(seed, 460) * rise, lasting):
        gains, held = 0.0, 0.0
        for seed in range(3):
            closes = closes_of(seed)
            weights, returns = weights_of(made, closes), closes[1:] / closes[:-1] - 1
            gains += float((weights[:-1] * (returns - returns.mean(axis=0))).sum())
            held += float(np.abs(weights).sum())
        paid.append(gains / held)
    assert paid[0] > 0.002
    assert paid[1] < 0.25 * paid[0]


def test_an_ornstein_uhlenbeck_bet_needs_a_half_life_within_the_limits() -> None:
    """A random walk returns slowly or not at all: it is traded far less than what reverts."""
    made = strategy("ornstein_uhlenbeck", **REVERTERS["ornstein_uhlenbeck"], most_half_life_sessions=6.0, level_percent=1)
    walk = 50 * np.exp(np.cumsum(0.01 * np.random.default_rng(1).standard_normal((300, 8)), axis=0))
    assert np.abs(weights_of(made, walk)).sum() < 0.3 * np.abs(weights_of(made, reverting(1))).sum()


def test_bollinger_by_hand() -> None:
    """Mean and deviation of 4 sessions: z of the fall to 90 is -1.5; back at the mean it is sold."""
    made = strategy("bollinger_reversion", window_sessions=4, entry=1.4, leave=0.0, positions=2)
    closes = np.array([[100.0, 100, 100, 90, 92, 101, 100]]).T
    assert weights_of(made, closes)[:, 0].tolist() == [0, 0, 0, 0.5, 0.5, 0, 0]


def test_a_breakout_by_hand() -> None:
    made = strategy("breakout", entry_sessions=3, exit_sessions=2, positions=1, max_sessions=10)
    closes = np.array([[10.0, 11, 10, 12, 12, 11.5, 11.9, 11.2, 11]]).T
    assert weights_of(made, closes)[:, 0].tolist() == [0, 0, 0, 1, 1, 0, 0, 0, 0]
    mirrored = strategy("breakout", entry_sessions=3, exit_sessions=2, positions=1, max_sessions=10, short=True)
    assert weights_of(mirrored, 1 / closes)[:, 0].tolist() == [0, 0, 0, -1, -1, 0, 0, 1, 1]


def test_a_time_stop_ends_a_position_that_is_never_left() -> None:
    made = strategy("breakout", entry_sessions=2, exit_sessions=1, positions=1, max_sessions=2)
    closes = np.array([[10.0, 10, 11, 11, 11, 11, 11]]).T
    assert weights_of(made, closes)[:, 0].tolist() == [0, 0, 1, 1, 1, 0, 0]


def test_time_series_momentum_bets_the_same_risk_on_each() -> None:
    steps = np.array([[0.02, 0.04]]) * np.where(np.arange(41) % 2, 1.0, -0.8)[:, None]
    closes = 100 * np.cumprod(1 + steps, axis=0)
    made = strategy("time_series_momentum", lookback_sessions=20, volatility_sessions=20, volatility_per_session=0.005)
    calm, wild = weights_of(made, closes)[-1]
    assert calm / wild == pytest.approx(2.0, rel=1e-3)
    sigma = np.std(closes[-20:, 0] / closes[-21:-1, 0] - 1, ddof=1)
    assert calm == pytest.approx(0.005 / sigma / 2, rel=1e-4)
    fallen = strategy("time_series_momentum", lookback_sessions=20, volatility_sessions=20, short=True)
    assert (weights_of(fallen, closes[::-1].copy())[-1] < 0).all()


def test_dual_momentum_keeps_the_place_of_what_fell_in_cash() -> None:
    closes = np.array([[100.0, 100, 100, 100], [120, 110, 99, 90]])
    made = strategy("dual_momentum", lookback_sessions=1, positions=3)
    assert weights_of(made, closes)[-1] == pytest.approx([1 / 3, 1 / 3, 0, 0])
    assert weights_of(strategy("dual_momentum", lookback_sessions=1, positions=3, least_return=0.15), closes)[-1] == pytest.approx(
        [1 / 3, 0, 0, 0]
    )


def test_buy_and_hold_holds_all_or_those_that_are_named() -> None:
    closes = np.full((2, 4), 10.0)
    assert weights_of(strategy("buy_and_hold"), closes).tolist() == [[0.25] * 4] * 2
    assert weights_of(strategy("buy_and_hold", symbols=("S1", "S9")), closes).tolist() == [[0, 0.5, 0, 0]] * 2


RULES: list[dict[str, Any]] = [
    {"name": "rose", "indicator": "$close / Ref($close, 1) - 1", "above": 0.0, "weight": 2.0},
    {"name": "cheap", "indicator": "$close", "below": 11.0, "weight": 1.0},
    {"name": "wild", "indicator": "$close / Ref($close, 1) - 1", "below": -0.05, "weight": -1.0},
]


def test_weighted_rules_add_up_and_a_file_is_part_of_the_settings(tmp_path: Path) -> None:
    closes = np.array([[10.0, 10.5, 12, 11.9, 10]]).T
    made = strategy("weighted_rules", rules=RULES, enter=0.6, leave=0.0, positions=1)
    assert weights_of(made, closes)[:, 0].tolist() == [0, 1, 1, 0, 0]
    file = tmp_path / "trading_config.json"
    file.write_text(json.dumps({"rules": RULES, "enter": 0.6, "leave": 0.0}))
    of_file = WeightedRulesSettings.model_validate({"file": str(file), "positions": 1})
    assert [rule.model_dump() for rule in of_file.rules] == [
        rule.model_dump() for rule in WeightedRulesSettings.model_validate({"rules": RULES}).rules
    ]
    assert weights_of(weighted_rules(of_file), closes).tolist() == weights_of(made, closes).tolist()
    file.write_text(json.dumps({"rules": RULES[:1], "enter": 0.6}))
    assert WeightedRulesSettings.model_validate({"file": str(file)}) != of_file
    toml = tmp_path / "trading_config.toml"
    toml.write_text('enter = 0.5\n[[rules]]\nname = "oversold"\nindicator = "RSI14"\nbelow = 30\nweight = 1\n')
    assert "EMA" in WeightedRulesSettings.model_validate({"file": str(toml)}).rules[0].expression


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rules": [{"name": "x", "indicator": "$close", "weight": 1}]}, "neither `above` nor `below`"),
        ({"rules": [{"name": "x", "indicator": "$close", "weight": 1, "above": 3, "below": 2}]}, "never holds"),
        ({"rules": [{"name": "x", "indicator": "Meen($close, 3)", "weight": 1, "above": 3}]}, "no operator `Meen`"),
        ({"rules": [{"name": "x", "indicator": "$close", "weight": -1, "above": 3}]}, "positive weight"),
        ({"rules": [*RULES, RULES[0]]}, "two rules are called 'rose'"),
        ({"rules": RULES, "enter": 0.2, "leave": 0.3}, "leave .* must be less than enter"),
        ({"file": "no-such-file.json"}, "can't be read"),
    ],
)
def test_a_rule_that_can_not_be_meant_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        WeightedRulesSettings.model_validate(change)


def test_a_range_may_be_the_deviation_of_returns() -> None:
    """Bars without a range of their own, whose returns alternate: the stop lies one deviation below the entry."""
    returns = np.array([0.01, -0.01] * 6 + [-0.0107])
    closes = (100 * np.cumprod(1 + returns))[:, None]
    bars = bars_of(closes)
    late = FIRST + timedelta(days=11)
    signals = bars.select("symbol", "session", rank=pl.lit(1, pl.UInt32), score=pl.lit(1.0), direction=pl.lit("long")).with_columns(
        probability=pl.lit(None, pl.Float64),
        target_weight=pl.when(pl.col("session") < late).then(0.0).otherwise(0.4),
        model_session=pl.lit(None, pl.Date),
    )
    how = {"primary": "winners", "unit": "volatility", "atr_sessions": 6, "peak_atr": None, "max_sessions": 5}
    for stop, last in ((0.9, 0.0), (1.1, 0.4)):
        weights = weights_of(strategy("peak_exits", **how, stop_atr=stop), closes, winners_signals=signals)[:, 0]
        assert weights.tolist()[-2:] == [0.4, last]


def test_exits_follow_another_strategys_positions() -> None:
    closes = np.array([[10.0, 11, 12, 13, 11, 12, 13]]).T
    bars = bars_of(closes)
    signals = bars.select("symbol", "session", rank=pl.lit(1, pl.UInt32), score=pl.lit(1.0), direction=pl.lit("long")).with_columns(
        probability=pl.lit(None, pl.Float64),
        target_weight=pl.when(pl.col("session") == FIRST).then(0.0).otherwise(0.4),
        model_session=pl.lit(None, pl.Date),
    )
    made = strategy("peak_exits", primary="winners", atr_sessions=2, peak_atr=1.0, max_sessions=9)
    weights = weights_of(made, closes, winners_signals=signals)[:, 0]
    assert weights.tolist() == [0, 0.4, 0.4, 0.4, 0, 0, 0]  # not entered again while the primary strategy goes on


def test_a_session_without_an_opinion_of_the_primary_strategy_gives_no_position_up() -> None:
    """As of a book that nobody knows to keep its limits: nothing was sold then, so what was left afterwards is not bought back either."""
    closes = np.array([[10.0, 11, 12, 13, 11, 12, 13]]).T
    bars = bars_of(closes)
    days = bars["session"].unique().sort()
    signals = bars.select("symbol", "session", rank=pl.lit(1, pl.UInt32), score=pl.lit(1.0), direction=pl.lit("long")).with_columns(
        probability=pl.lit(None, pl.Float64), target_weight=pl.lit(0.4), model_session=pl.lit(None, pl.Date)
    )
    made = strategy("peak_exits", primary="winners", atr_sessions=2, peak_atr=1.0, max_sessions=9)
    weights = weights_of(made, closes, winners_signals=signals.filter(pl.col("session") != days[5]))[:, 0]
    assert weights[[0, 1, 2, 3, 4, 6]].tolist() == [0.4, 0.4, 0.4, 0.4, 0, 0]


def test_pairs_trade_what_is_cointegrated_and_refuse_what_is_not() -> None:
    random = np.random.default_rng(7)
    n = 400
    walk, other, third = 0.01 * random.standard_normal((3, n)).cumsum(axis=1)
    residual = np.zeros(n)
    for t in range(1, n):
        residual[t] = 0.8 * residual[t - 1] + 0.01 * random.standard_normal()
    closes = 50 * np.exp(np.stack([walk + residual, other, walk, third], axis=1))
    made = strategy("pairs", formation_sessions=240, level_percent=1, pairs=1, entry=1.0, leave=0.2, stop=6.0)
    weights = weights_of(made, closes)
    assert (weights[:, [1, 3]] == 0).all()
    held = weights[weights.any(axis=1)]
    assert len(held) > 20
    assert (held[:, 0] * held[:, 2] < 0).all()
    assert np.abs(held).sum(axis=1) == pytest.approx(np.ones(len(held)))
    assert profit(weights, closes) > 0.05
    assert not weights_of(made, closes[:, [1, 2, 3]]).any()


def test_several_strategies_at_once_are_traded_by_the_graph(tmp_path: Path) -> None:
    """Through Dagster, point in time, with exits on one of them."""
    strategies: dict[str, Any] = {
        "winners": {"kind": "momentum", "lookback_sessions": 8, "skip_sessions": 2, "capital": 0.0},
        "kept": {"kind": "peak_exits", "primary": "winners", "max_sessions": 5, "atr_sessions": 3, "peak_atr": 1.0, "capital": 0.5},
        "reversion": {"kind": "bollinger_reversion", "window_sessions": 5, "entry": 1.0, "max_sessions": 4, "capital": 0.25},
        "spreads": {"kind": "pairs", "formation_sessions": 20, "level_percent": 10, "capital": 0.25},
    }
    stops = {"max_sessions": 8, "atr_sessions": 3, "peak_atr": None, "stop_percent": 1.0}
    deployment = small_market(tmp_path, strategies=strategies, risk={"stops": stops})
    last = deployment.calendar.offset(FIRST_SESSION, 30)
    assert make_history(deployment, FIRST_SESSION, last).success
    sessions = deployment.calendar.window(last, 15)
    held = {name: deployment.warehouse.read(f"{name}_signals", sessions)["target_weight"].abs().sum() for name in strategies}
    assert held["winners"] > held["kept"] > 0
    assert held["reversion"] > 0
    targets = deployment.warehouse.read("targets", sessions)
    assert targets["target_weight"].abs().sum() > 0
    told = targets.explode("reasons")["reasons"].drop_nulls()
    assert told.str.contains(r"^kept: (peak|time): ").any(), "an exit of one strategy is told in the targets"
    assert told.str.contains(r"^stops: stop: the close of 2021-0\d-\d\d, .*, is at or (below|above) .*; entered on 2021-").any()
    kept = deployment.warehouse.read("kept_signals", sessions)
    left = kept.filter(pl.col("reason").is_not_null())
    assert left["target_weight"].abs().sum() == 0.0 < left.height
    before = deployment.warehouse.data_versions("targets", sessions[-2:])
    assert make_history(deployment, sessions[-1], sessions[-1], ("kept_signals", "targets")).success
    assert deployment.warehouse.data_versions("targets", sessions[-2:]) == before, "made alone it is the same"

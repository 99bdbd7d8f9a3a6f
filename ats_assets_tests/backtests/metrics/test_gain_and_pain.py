"""Gain beside pain by hand and beside QuantStats' formulas, written out in pandas."""

import numpy as np
import pandas as pd
import pytest

from ats_assets.backtests import backtest_metrics
from ats_assets.backtests.metrics.gain_and_pain import kelly_fraction, omega_ratio, tail_ratio, ulcer_index
from ats_assets.backtests.metrics.rolling import rolling_sortino
from ats_assets.settings import BacktestSettings
from ats_assets_tests.backtests.metrics.test_backtest_metrics import result_of


def test_four_sessions_by_hand() -> None:
    """100, 110, 99, 108.9: gains of 20% beside a loss of 10%; 0, 0, 10 and 1% below the peak."""
    metrics = backtest_metrics(result_of([100, 110, 99, 108.9]), BacktestSettings(sessions_per_year=3))
    assert metrics.omega == pytest.approx(2.0)
    assert metrics.ulcer_index == pytest.approx(np.sqrt((0.1**2 + 0.01**2) / 4))
    assert metrics.martin_ratio == pytest.approx(0.089 / np.sqrt((0.1**2 + 0.01**2) / 4))
    assert metrics.recovery_factor == pytest.approx(0.89)
    assert metrics.kelly_fraction == pytest.approx((0.1 / 3) / (np.var([0.1, -0.1, 0.1], ddof=1)))
    assert metrics.tail_ratio is None  # of fewer than twenty returns there are no tails


def test_they_are_those_of_pandas() -> None:
    returns = np.random.default_rng(5).standard_t(4, 700) * 0.01
    series = pd.Series(returns)
    assert omega_ratio(returns) == pytest.approx(series[series > 0].sum() / -series[series < 0].sum())
    assert tail_ratio(returns) == pytest.approx(abs(series.quantile(0.95) / series.quantile(0.05)))
    prices = (1 + series).cumprod()
    below = prices / prices.cummax() - 1
    assert ulcer_index(prices.to_numpy()) == pytest.approx(np.sqrt((below**2).mean()))
    downside = series.clip(upper=0).pow(2).rolling(126).mean().pow(0.5)
    expected = series.rolling(126).mean() / downside * np.sqrt(252)
    np.testing.assert_allclose(rolling_sortino(returns, 126, 252), expected.to_numpy(), rtol=1e-9)


def test_the_kelly_fraction_is_where_expected_growth_is_the_highest() -> None:
    """Of small returns: the leverage that the mean of log(1 + f r) is the highest at, searched for."""
    returns = np.random.default_rng(1).normal(0.0004, 0.01, 100_000)
    tried = np.linspace(0.0, 10.0, 401)
    best = tried[np.argmax([np.log1p(f * returns).mean() for f in tried])]
    assert kelly_fraction(returns) == pytest.approx(best, rel=0.03)


@pytest.mark.parametrize("returns", [[], [0.0], [0.0] * 30, [0.01] * 30])
def test_what_is_not_defined_is_none(returns: list[float]) -> None:
    values = np.array(returns)
    assert omega_ratio(values) is None
    assert kelly_fraction(values) is None
    assert tail_ratio(np.zeros(len(values))) is None
    assert ulcer_index(values[:1]) is None

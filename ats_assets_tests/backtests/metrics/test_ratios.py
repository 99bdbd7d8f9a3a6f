import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ats_assets.backtests.metrics import (
    alpha_beta,
    annual_return,
    backtest_metrics,
    risk_free_of_session,
    session_returns,
    sharpe_ratio,
    sortino_ratio,
    volatility,
)
from ats_assets.settings import BacktestSettings
from ats_assets_tests.backtests.metrics.test_backtest_metrics import result_of

RETURNS = np.random.default_rng(1).normal(0.0007, 0.01, 750)
VALUES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60).map(np.array)


def test_standard_error_of_the_sharpe_ratio_is_what_simulation_shows() -> None:
    random = np.random.default_rng(0)
    ratios = [sharpe_ratio(random.normal(0.1, 1, 500), 252)[0] or 0.0 for _ in range(2000)]
    error = sharpe_ratio(RETURNS[:500] / RETURNS[:500].std(ddof=1) * 1.0, 252)[1]
    assert error is not None
    assert np.std(ratios) == pytest.approx(error, rel=0.06)


def test_lo_2002_by_hand() -> None:
    # 252 sessions at a Sharpe ratio of 0.1 a session: sqrt((1 + 0.005) / 252) = 0.06315 a session, 1.0025 a year
    returns = np.tile([1.0, -1.0], 126)
    returns = returns / returns.std(ddof=1) + 0.1
    ratio, error, _ = sharpe_ratio(returns, 252)
    assert ratio == pytest.approx(0.1 * math.sqrt(252))
    assert error == pytest.approx(math.sqrt(1.005), rel=1e-9)


def test_probability_of_a_positive_sharpe_ratio_against_scipy() -> None:
    ratio, _, probability = sharpe_ratio(RETURNS, 1)
    assert ratio is not None
    skewness, kurtosis = stats.skew(RETURNS), stats.kurtosis(RETURNS, fisher=False)
    z = ratio * math.sqrt(len(RETURNS) - 1) / math.sqrt(1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2)
    assert probability == pytest.approx(stats.norm.cdf(z))


def test_alpha_and_beta_against_scipy() -> None:
    benchmark = np.random.default_rng(2).normal(0, 0.01, len(RETURNS))
    line = stats.linregress(benchmark, RETURNS + 0.8 * benchmark)
    alpha, beta = alpha_beta(RETURNS + 0.8 * benchmark, benchmark, 252)
    assert beta == pytest.approx(line.slope)
    assert alpha == pytest.approx(line.intercept * 252)


@given(VALUES)
def test_annual_return_compounds_back(values: np.ndarray) -> None:
    year = annual_return(values, 252)
    if year is not None and 1e-6 < 1 + year < 1e100:  # a loss of nearly everything has too few digits left
        assert (1 + year) ** ((len(values) - 1) / 252) == pytest.approx(values[-1] / values[0], rel=1e-6)


def test_no_loss_has_no_sortino() -> None:
    assert sortino_ratio(np.array([0.01, 0.02]), 252) is None


@pytest.mark.parametrize("risk_free_rate", [0.0, 0.03])
def test_ratios_are_those_that_quantstats_publishes(risk_free_rate: float) -> None:
    """The formulas of `quantstats/stats.py` 0.0.81, written out in pandas: sharpe, sortino, cagr, calmar, volatility, greeks, information_ratio (which it leaves a session's)."""
    settings = BacktestSettings(risk_free_rate=risk_free_rate)
    values = 1e6 * np.cumprod(np.append(1.0, 1 + RETURNS))
    benchmark = np.random.default_rng(2).normal(0.0004, 0.009, len(RETURNS))
    returns, other = pd.Series(session_returns(values)), pd.Series(benchmark)
    excess = returns - ((1 + risk_free_rate) ** (1 / 252) - 1)
    own = (returns - risk_free_of_session(settings)).to_numpy()
    assert sharpe_ratio(own, 252)[0] == pytest.approx(excess.mean() / excess.std(ddof=1) * np.sqrt(252))
    downside = np.sqrt((excess[excess < 0] ** 2).sum() / len(excess))
    assert sortino_ratio(own, 252) == pytest.approx(excess.mean() / downside * np.sqrt(252))
    cagr = ((1 + returns).prod()) ** (1 / (len(returns) / 252)) - 1
    assert annual_return(values, 252) == pytest.approx(cagr)
    assert volatility(returns.to_numpy(), 252) == pytest.approx(returns.std() * np.sqrt(252))
    matrix = np.cov(returns, other)
    beta = matrix[0, 1] / matrix[1, 1]
    assert alpha_beta(returns.to_numpy(), benchmark, 252) == pytest.approx(((returns.mean() - beta * other.mean()) * 252, beta))
    apart = returns - other
    assert sharpe_ratio(apart.to_numpy(), 252)[0] == pytest.approx(apart.mean() / apart.std() * np.sqrt(252))
    prices = pd.Series(values)
    metrics = backtest_metrics(result_of(list(values)), settings)
    assert metrics.max_drawdown == pytest.approx((prices / prices.expanding().max()).min() - 1)
    assert metrics.calmar == pytest.approx(cagr / abs((prices / prices.expanding().max()).min() - 1))


def test_an_account_that_was_below_zero_has_no_annual_return_however_it_ends() -> None:
    """A short that tripled and then fell to a half had made 750 million percent a year."""
    assert annual_return(np.array([1_000.0, -1_000.0, 1_500.0]), 252) is None
    assert annual_return(np.array([1_000.0, 0.0, -5.0]), 252) == -1.0

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ats_assets.backtests.metrics import alpha_beta, annual_return, sharpe_ratio, sortino_ratio

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

"""The published figures, and simulated searches without skill."""

import math

import numpy as np
import purgedcv
import pytest

from ats_assets.errors import EvaluationError
from ats_assets.evaluation import (
    deflated_sharpe_ratio,
    expected_maximum_sharpe,
    minimum_backtest_length,
    probabilistic_sharpe_ratio,
)


@pytest.mark.parametrize(
    ("n_trials", "skewness", "kurtosis", "expected"),
    [(100, -3.0, 10.0, 0.9004), (46, -3.0, 10.0, 0.9505), (88, 0.0, 3.0, 0.9505)],
)
def test_the_deflated_ratio_is_the_published_one(n_trials: int, skewness: float, kurtosis: float, expected: float) -> None:
    """Bailey and López de Prado (2014), section "A numerical example": 2.5 a year over five years of 250 days, a variance of 1/2 a year across trials."""
    found = deflated_sharpe_ratio(2.5 / math.sqrt(250), 1250, n_trials=n_trials, variance=0.5 / 250, skewness=skewness, kurtosis=kurtosis)
    assert found == pytest.approx(expected, abs=0.00005)
    assert expected_maximum_sharpe(100, 0.5 / 250) == pytest.approx(0.1132, abs=0.00005)


@pytest.mark.parametrize(("n_trials", "years"), [(45, 5.0), (100, 6.40), (1000, 10.6)])
def test_the_minimum_backtest_length_is_the_published_one(n_trials: int, years: float) -> None:
    """Bailey, Borwein, López de Prado and Zhu (2014): after five years no more than 45 trials, or a yearly ratio of 1 is expected of none with skill."""
    assert minimum_backtest_length(n_trials) == pytest.approx(years, abs=0.05)
    assert minimum_backtest_length(n_trials) == pytest.approx(purgedcv.minimum_backtest_length(n_trials))
    assert minimum_backtest_length(n_trials, 2.0) == pytest.approx(minimum_backtest_length(n_trials) / 4)


@pytest.mark.parametrize("n_trials", [10, 50, 1000])
def test_the_expected_maximum_is_that_of_simulated_searches(n_trials: int) -> None:
    largest = np.random.default_rng(n_trials).standard_normal((4000, n_trials)).max(axis=1).mean()
    assert expected_maximum_sharpe(n_trials) == pytest.approx(largest, rel=0.04)
    assert expected_maximum_sharpe(n_trials, 0.25) == pytest.approx(expected_maximum_sharpe(n_trials) / 2)


def test_the_best_of_a_thousand_random_strategies_is_not_convincing_and_a_strategy_with_skill_among_them_is() -> None:
    """Without deflation each of these searches looks certain."""
    random = np.random.default_rng(0)
    naive, deflated = [], []
    for _ in range(10):
        ratios = random.normal(0.0, 1.0 / math.sqrt(1250), 1000)  # of five years, without skill
        naive.append(probabilistic_sharpe_ratio(ratios.max(), 1250))
        deflated.append(deflated_sharpe_ratio(ratios.max(), 1250, n_trials=1000, variance=ratios.var()))
    assert min(naive) > 0.99
    assert np.median(deflated) < 0.6
    assert deflated_sharpe_ratio(0.2, 1250, n_trials=1000, variance=1 / 1250) > 0.99


def test_a_single_trial_is_not_deflated() -> None:
    assert expected_maximum_sharpe(1) == 0.0
    assert deflated_sharpe_ratio(0.05, 500, n_trials=1, variance=0.1) == probabilistic_sharpe_ratio(0.05, 500)


def test_what_is_out_of_range_is_said() -> None:
    with pytest.raises(EvaluationError, match="0 trials"):
        expected_maximum_sharpe(0)
    with pytest.raises(EvaluationError, match="not negative"):
        expected_maximum_sharpe(10, -0.1)
    with pytest.raises(EvaluationError, match="give one above 0"):
        minimum_backtest_length(10, 0.0)

"""The edge test against an oracle that writes every sum out, and against simulated chance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtri, stdtr, stdtrit

from ats_assets.evaluation.edge_test import expected_share, lags, newey_west_t, normal_equivalent
from ats_assets.evaluation.skill_summary import EDGE_T_STATISTIC
from ats_assets_tests.rounds import rounds


def variance_by_matrix(covariance: np.ndarray, used: int) -> float:
    """Bartlett's estimate of n var(mean), expected under a covariance matrix: each weight times each centred product."""
    n = len(covariance)
    centring = np.eye(n) - 1.0 / n
    centred = centring @ covariance @ centring
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return float((np.maximum(0.0, 1.0 - distance / (used + 1)) * centred).sum() / n)


@settings(max_examples=rounds(15, 40))
@given(n=st.integers(2, 60), horizon=st.integers(1, 25))
def test_the_expected_variance_is_that_of_the_covariance_matrix_of_moving_sums(n: int, horizon: int) -> None:
    distance = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    covariance = np.maximum(0.0, 1.0 - distance / horizon)
    share = variance_by_matrix(covariance, lags(n, horizon)) / (covariance.sum() / n)
    assert expected_share(n, horizon) == pytest.approx(share)


@settings(max_examples=rounds(15, 40))
@given(seed=st.integers(0, 10_000), n=st.integers(60, 120), horizon=st.sampled_from([1, 5, 6]), mean=st.floats(-0.5, 0.5))
def test_the_statistic_is_the_normal_value_of_students_probability(seed: int, n: int, horizon: int, mean: float) -> None:
    values = np.random.default_rng(seed).standard_normal(n) + mean
    used = max(2 * horizon, int(np.ceil(1.3 * np.sqrt(n))))
    variance = variance_by_matrix(np.outer(values, values), used) / expected_share(n, horizon)
    t = float(values.mean() / np.sqrt(variance / n))
    exact = -float(ndtri(stdtr(3 * n / (used + 1), -abs(t)))) * np.sign(t)
    assert newey_west_t(values, horizon) == pytest.approx(exact, rel=0.02, abs=1e-6)


@pytest.mark.parametrize("degrees", [10.0, 30.0, 1000.0])
def test_wallaces_normal_value_is_within_a_hundredth_at_the_bar(degrees: float) -> None:
    t = -float(stdtrit(degrees, 0.5 * math.erfc(3.0 / math.sqrt(2.0))))
    assert normal_equivalent(t, degrees) == pytest.approx(3.0, abs=0.01)
    assert normal_equivalent(-t, degrees) == -normal_equivalent(t, degrees)


@pytest.mark.parametrize(("horizon", "sessions"), [(1, 60), (5, 60), (20, 200)])
def test_chance_passes_the_bar_in_under_one_percent_of_histories(horizon: int, sessions: int) -> None:
    """With as many lags as the horizon and 3 as of a normal distribution, 1.9% to 2.8% of these histories of 60 and 200 sessions passed."""
    rng = np.random.default_rng([horizon, sessions])
    sums = (np.convolve(rng.standard_normal(sessions + horizon - 1), np.ones(horizon), "valid") for _ in range(1500))
    t = np.array([newey_west_t(values, horizon) for values in sums])
    assert np.mean(t >= EDGE_T_STATISTIC) <= 0.009
    assert 0.9 < t.std() < 1.25


def test_an_edge_of_the_usual_strength_is_found_in_a_year() -> None:
    """The price of a right size may not be the power: mean rank IC 0.05, deviation 0.15, over 250 sessions."""
    rng = np.random.default_rng(5)
    t = [newey_west_t(rng.normal(0.05, 0.15, 250), 5) for _ in range(200)]
    assert np.mean([value is not None and value >= EDGE_T_STATISTIC for value in t]) > 0.85


def test_nothing_is_claimed_for_a_constant_or_a_single_value() -> None:
    assert newey_west_t(np.ones(50), 5) is None
    assert newey_west_t(np.array([0.1]), 1) is None
    assert newey_west_t(np.array([0.1, 0.2]), 20) is not None

"""The published figures, purgedcv on samples, and simulated records."""

import math

import numpy as np
import purgedcv
import pytest

from ats_assets.errors import EvaluationError
from ats_assets.evaluation import minimum_track_record_length, probabilistic_sharpe_ratio, sharpe_standard_error, sharpe_variance
from ats_assets.evaluation.sharpe_inference import annual_factor, autocorrelations
from ats_assets_tests.rounds import rounds


@pytest.mark.parametrize(
    ("periods_per_year", "normal", "skewed"),
    [(252, 2.73, 3.01), (52, 2.83, 3.51), (12, 3.24, 4.99)],
)
def test_the_minimum_track_record_is_the_published_one(periods_per_year: int, normal: float, skewed: float) -> None:
    """Bailey and López de Prado (2012): years for a yearly ratio of 2 to be above 1 with 95%, of normal returns, and with skewness -0.72 and kurtosis 5.78."""
    one, two = 1 / math.sqrt(periods_per_year), 2 / math.sqrt(periods_per_year)
    assert minimum_track_record_length(two, benchmark=one) / periods_per_year == pytest.approx(normal, abs=0.005)
    found = minimum_track_record_length(two, benchmark=one, skewness=-0.72, kurtosis=5.78) / periods_per_year
    assert found == pytest.approx(skewed, abs=0.005)


@pytest.mark.parametrize(
    ("ratio", "n", "error"), [(0.5, 12, 0.306), (1.0, 12, 0.354), (1.5, 60, 0.188), (2.0, 125, 0.155), (3.0, 500, 0.105)]
)
def test_the_standard_error_of_independent_normal_returns_is_los(ratio: float, n: int, error: float) -> None:
    """Lo (2002): sqrt((1 + SR^2 / 2) / T)."""
    assert math.sqrt(sharpe_variance(ratio) / n) == pytest.approx(error, abs=0.0005)


@pytest.mark.parametrize(("rho", "q", "factor"), [(0.0, 12, 3.46), (0.0, 250, 15.81), (0.2, 12, 2.88), (-0.2, 12, 4.17)])
def test_the_factor_of_a_year_is_los(rho: float, q: int, factor: float) -> None:
    """Lo (2002): for returns with first-order autocorrelation rho, for which the sum has a closed form."""
    closed = math.sqrt(q) / math.sqrt(1 + 2 * rho / (1 - rho) * (1 - (1 - rho**q) / (q * (1 - rho))))
    found = annual_factor(rho ** np.arange(1, q), q)
    assert found == pytest.approx(closed)
    assert found == pytest.approx(factor, abs=0.005)


def test_the_probability_is_that_of_purgedcv_with_the_same_moments() -> None:
    for seed in range(rounds(20, 200)):
        random = np.random.default_rng(seed)
        returns = random.standard_t(5, 200) * 0.01 + 0.001
        ratio, skewness, kurtosis = purgedcv_moments(returns)
        benchmark = float(random.uniform(-0.2, 0.2))
        ours = probabilistic_sharpe_ratio(ratio, 200, benchmark=benchmark, skewness=skewness, kurtosis=kurtosis)
        assert ours == pytest.approx(purgedcv.probabilistic_sharpe_ratio(returns, benchmark))
        length = minimum_track_record_length(ratio, benchmark=benchmark, skewness=skewness, kurtosis=kurtosis)
        theirs = purgedcv.min_track_record_length(ratio, benchmark, 0.05, skewness, kurtosis)
        assert math.ceil(length) == theirs if math.isfinite(theirs) else length == theirs


def purgedcv_moments(returns: np.ndarray) -> tuple[float, float, float]:
    told = purgedcv.deflated_sharpe_ratio_full(returns, 2, 0.01)
    return told.observed_sr, told.skew, told.kurt


def test_a_record_of_the_minimum_length_has_just_the_confidence() -> None:
    n = minimum_track_record_length(0.11, benchmark=0.03, skewness=-1.0, kurtosis=7.0, confidence=0.9)
    deviation = math.sqrt(sharpe_variance(0.11, skewness=-1.0, kurtosis=7.0))
    assert (0.11 - 0.03) * math.sqrt(n - 1) / deviation == pytest.approx(1.2816, abs=1e-4)
    assert minimum_track_record_length(0.1, benchmark=0.1) == math.inf


def test_the_error_with_lags_is_how_much_ratios_of_correlated_returns_really_scatter() -> None:
    random = np.random.default_rng(1)
    noise = random.normal(0.0005, 0.01, (1500, 1010))
    smoothed = np.array([np.convolve(one, np.ones(5), "valid") for one in noise])
    scatter = (smoothed.mean(axis=1) / smoothed.std(axis=1)).std()
    told = np.mean([sharpe_standard_error(one, lags=12) for one in smoothed[:200]])
    assert told == pytest.approx(scatter, rel=0.12)
    assert np.mean([sharpe_standard_error(one) for one in smoothed[:200]]) < 0.5 * scatter  # as independent ones: far too sure


def test_without_lags_the_error_has_the_samples_own_moments() -> None:
    returns = np.random.default_rng(2).standard_t(4, 300) * 0.01
    standard = (returns - returns.mean()) / returns.std()
    ratio = float(returns.mean() / returns.std())
    variance = sharpe_variance(ratio, skewness=float((standard**3).mean()), kurtosis=float((standard**4).mean()))
    assert sharpe_standard_error(returns) == pytest.approx(math.sqrt(variance / 300))


def test_autocorrelations_are_those_written_out() -> None:
    values = np.random.default_rng(3).normal(size=50)
    centred = values - values.mean()
    expected = [sum(centred[t] * centred[t - lag] for t in range(lag, 50)) / (centred**2).sum() for lag in (1, 2, 3)]
    assert autocorrelations(values, 3) == pytest.approx(expected)
    assert autocorrelations(np.ones(9), 2).tolist() == [0.0, 0.0]


def test_what_has_no_figure_is_said() -> None:
    assert sharpe_standard_error(np.array([])) is None
    assert sharpe_standard_error(np.full(50, 0.1)) is None
    assert annual_factor(np.full(11, -0.5), 12) is None
    with pytest.raises(EvaluationError, match="kurtosis is not in excess"):
        sharpe_variance(2.0, skewness=3.0, kurtosis=0.0)
    with pytest.raises(EvaluationError, match="1 returns have no Sharpe ratio"):
        probabilistic_sharpe_ratio(0.1, 1)
    with pytest.raises(EvaluationError, match="5 lags of 5 returns"):
        sharpe_standard_error(np.arange(5.0), lags=5)
    with pytest.raises(EvaluationError, match="a confidence of 1"):
        minimum_track_record_length(0.2, confidence=1.0)

"""Value at risk and expected shortfall against hand calculations, integration, and returns whose distribution is known."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from ats_assets.risk_analysis.conditional_volatility import ewma_volatility, fitted_garch
from ats_assets.risk_analysis.tail_risk import (
    cornish_fisher_holds,
    cornish_fisher_quantile,
    cornish_fisher_tail,
    filtered_tail,
    historical_tail,
    normal_tail,
    tail_estimates,
)


def test_the_cornish_fisher_quantile_by_hand() -> None:
    """z = -2, S = -1, K = 2: -2 + 3 (-1) / 6 + (-8 + 6) 2 / 24 - (-16 + 10) / 36 = -2 - 0.5 - 1/6 + 1/6."""
    assert cornish_fisher_quantile(-2.0, -1.0, 2.0) == pytest.approx(-2.5)
    assert cornish_fisher_quantile(-2.0, 0.0, 0.0) == -2.0


@pytest.mark.parametrize(("skew", "kurtosis"), [(0.0, 0.0), (-0.3, 1.5), (0.2, 3.0), (-0.6, 4.0)])
def test_the_expected_shortfall_is_the_mean_of_the_quantiles_of_the_tail(skew: float, kurtosis: float) -> None:
    from ats_assets.risk_analysis.tail_risk import _of_moments  # noqa: PLC0415

    assert cornish_fisher_holds(skew, kurtosis)
    mean, _ = integrate.quad(lambda u: cornish_fisher_quantile(float(stats.norm.ppf(u)), skew, kurtosis), 0, 0.05)
    found = _of_moments(0.0, 1.0, skew, kurtosis, 0.05)
    assert found.expected_shortfall == pytest.approx(mean / 0.05, rel=1e-6)


@pytest.mark.parametrize("skew", [0.0, 0.4, -0.8, 1.2])
@pytest.mark.parametrize("kurtosis", [-0.5, -0.01, 0.5, 2.0, 6.0, 9.0])
def test_the_domain_is_where_the_quantiles_rise(skew: float, kurtosis: float) -> None:
    for reach in (8.0, 60.0):
        z = np.linspace(-reach, reach, 20_001)
        quantiles = z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * kurtosis / 24 - (2 * z**3 - 5 * z) * skew**2 / 36
        assert cornish_fisher_holds(skew, kurtosis, reach) == bool((np.diff(quantiles) > 0).all())
    wide = cornish_fisher_holds(skew, kurtosis, 1e9)
    bend, constant = kurtosis / 8 - skew**2 / 6, 1 - kurtosis / 8 + 5 * skew**2 / 36
    assert wide == (skew**2 / 9 - 4 * bend * constant < 0)  # Maillard's condition


def test_outside_its_domain_there_is_no_figure() -> None:
    returns = np.append(np.random.default_rng(1).normal(0, 0.01, 200), -0.5)
    assert cornish_fisher_tail(returns, 0.05).value_at_risk is None
    assert normal_tail(returns, 0.05).value_at_risk is not None


def test_all_estimates_agree_on_normal_returns() -> None:
    """1.645 and 2.063 standard deviations at 95%, 2.326 and 2.665 at 99%."""
    returns = np.random.default_rng(3).normal(0.0005, 0.01, 20_000)
    for tail, z, shortfall in ((0.05, 1.6449, 2.0627), (0.01, 2.3263, 2.6652)):
        for name, found in tail_estimates(returns, tail).items():
            if name.startswith("filtered"):  # whose forecast of the next session is not the mean volatility
                assert found.value_at_risk == pytest.approx(0.0005 - z * 0.01, rel=0.2), name
            else:
                assert found.value_at_risk == pytest.approx(0.0005 - z * 0.01, rel=0.03), name
                assert found.expected_shortfall == pytest.approx(0.0005 - shortfall * 0.01, rel=0.03), name


def test_cornish_fisher_follows_a_skewed_tail_where_the_normal_does_not() -> None:
    """Losses of a gamma distribution, whose quantiles are known."""
    returns = -0.001 * np.random.default_rng(2).gamma(20, size=200_000)
    true = -stats.gamma.ppf(0.99, 20) * 0.001
    assert cornish_fisher_tail(returns, 0.01).value_at_risk == pytest.approx(true, rel=0.01)
    assert normal_tail(returns, 0.01).value_at_risk != pytest.approx(true, rel=0.04)


def garch_returns(n: int, seed: int, constant: float = 2e-6, shock: float = 0.09, kept: float = 0.89) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    variance = np.full(n + 1, constant / (1 - shock - kept))
    returns = np.zeros(n)
    for t in range(n):
        returns[t] = math.sqrt(variance[t]) * random.standard_normal()
        variance[t + 1] = constant + shock * returns[t] ** 2 + kept * variance[t]
    return returns, np.sqrt(variance)


def test_planted_garch_parameters_are_recovered() -> None:
    found = [fitted_garch(garch_returns(6000, seed)[0]) for seed in range(3)]
    assert all(found)
    assert np.mean([one.shock for one in found if one]) == pytest.approx(0.09, abs=0.02)
    assert np.mean([one.kept for one in found if one]) == pytest.approx(0.89, abs=0.03)
    returns, volatility = garch_returns(6000, 0)
    fitted = fitted_garch(returns)
    assert fitted is not None
    assert fitted.volatility[1000:] == pytest.approx(volatility[1000:], rel=0.15)


def test_the_filtered_estimate_follows_the_volatility_of_now() -> None:
    """The return of the next session falls short of it as often as it says, in quiet times and in others; a historical quantile does not."""
    quiet = np.random.default_rng(1).normal(0, 0.005, 600)
    loud = np.random.default_rng(2).normal(0, 0.02, 60)
    now, then = filtered_tail(np.concatenate([quiet, loud]), 0.05), filtered_tail(np.concatenate([loud, quiet]), 0.05)
    historical = historical_tail(np.concatenate([quiet, loud]), 0.05)
    assert now.value_at_risk == pytest.approx(-1.645 * 0.02, rel=0.3)
    assert then.value_at_risk == pytest.approx(-1.645 * 0.005, rel=0.3)
    assert historical.value_at_risk == pytest.approx(-0.009, rel=0.3)


def test_each_forecast_knows_earlier_returns_alone() -> None:
    returns = np.random.default_rng(4).normal(0, 0.01, 200)
    other = returns.copy()
    other[120:] *= 7
    assert (ewma_volatility(returns)[:121] == ewma_volatility(other)[:121]).all()


def test_what_is_too_short_or_does_not_vary_has_no_figure() -> None:
    flat = np.zeros(500)
    assert fitted_garch(flat) is None
    found = tail_estimates(flat, 0.05)
    assert found["filtered, exponential weights"].value_at_risk is None
    assert found["Cornish-Fisher"].value_at_risk is None
    assert found["historical"].value_at_risk == 0.0
    assert tail_estimates(np.zeros(0), 0.05)["historical"].value_at_risk is None
    assert tail_estimates(np.array([0.01, np.nan]), 0.05)["normal"].value_at_risk is None

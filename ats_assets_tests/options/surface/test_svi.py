"""SVI: a planted slice is found, its derivatives and its density are those of numerical oracles, and published slices are judged as published."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import least_squares
from scipy.stats import norm

from ats_assets.options.surface.smile import Smile
from ats_assets.options.surface.svi import RawSvi, durrleman, risk_neutral_density
from ats_assets.options.surface.svi_fit import STEEPEST, fit_svi
from ats_assets_tests.rounds import rounds

VOGT = RawSvi(a=-0.0410, b=0.1331, rho=0.3060, m=0.3586, sigma=0.4153)
"""Of A. Vogt, in Gatheral and Jacquier, Arbitrage-free SVI volatility surfaces, Quantitative Finance 14, 2014, equation 3.8: sound to look at, and with a butterfly arbitrage."""
MENDED = (0.01742625, -0.1752111, 0.6997381, 0.3493158, 0.01548182)
"""Their slice nearest to it without one, in the jump-wings form of section 3.3 (v, psi, p, c, smallest v) at one year, as printed in section 5.1."""


def of_jump_wings(v: float, psi: float, p: float, c: float, smallest: float) -> RawSvi:
    """Lemma 3.2 of the paper, at one year."""
    root = np.sqrt(v)
    b = 0.5 * root * (c + p)
    rho = 1.0 - p * root / b
    beta = rho - 2.0 * psi * root / b
    alpha = np.sign(beta) * np.sqrt(1.0 / beta**2 - 1.0)
    m = (v - smallest) / (b * (-rho + np.sign(alpha) * np.sqrt(1.0 + alpha**2) - alpha * np.sqrt(1.0 - rho**2)))
    return RawSvi(smallest - b * alpha * m * np.sqrt(1.0 - rho**2), b, rho, m, alpha * m)


@given(
    st.floats(0.02, 2.0), st.floats(0.02, 0.4), st.floats(-0.9, 0.9), st.floats(-0.1, 0.1), st.floats(0.03, 0.4), st.floats(-0.8, 2.0),
    st.integers(8, 60), st.integers(0, 2**32 - 1),
)  # fmt: skip
@settings(max_examples=rounds(150, 3_000), deadline=None)
def test_a_planted_slice_is_found(years: float, b: float, rho: float, m: float, sigma: float, level: float, n: int, seed: int) -> None:
    """Total variances to 1e-9 of the largest, whatever the weights."""
    b *= np.sqrt(years)
    planted = RawSvi(level * b * sigma * np.sqrt(1.0 - rho * rho), b, rho, m, sigma)
    random = np.random.default_rng(seed)  # strikes all over the width: bunched ones tell a slice less precisely
    k = np.sort(random.uniform(-0.6, 0.5, n))
    w = planted.total_variance(k)[0]
    weight = random.uniform(0.1, 1.0, n)
    found = fit_svi(k, w, weight)
    np.testing.assert_allclose(found.total_variance(k)[0], w, rtol=0, atol=1e-9 * w.max())


@pytest.mark.parametrize("seed", range(6))
def test_no_slice_of_scipys_leaves_less(seed: int) -> None:
    """With noise: bounded least squares over all five numbers, from the planted slice and from the found one."""
    random = np.random.default_rng(seed)
    planted = RawSvi(0.01, 0.12, random.uniform(-0.8, 0.5), random.uniform(-0.05, 0.05), random.uniform(0.05, 0.3))
    k = np.sort(random.uniform(-0.5, 0.4, 30))
    w = planted.total_variance(k)[0] * random.uniform(0.9, 1.1, 30)
    weight = random.uniform(0.2, 1.0, 30)
    found = fit_svi(k, w, weight)

    def left(at: np.ndarray) -> np.ndarray:
        return np.sqrt(weight) * (RawSvi(*at).total_variance(k)[0] - w)

    bounds = ([-9.0, 0.0, -1.0, -2.0, 1e-3], [9.0, 9.0, 1.0, 2.0, 5.1])
    for start in (planted, found):
        scipys = least_squares(
            left,
            np.clip(start, *(np.array(each) + shift for each, shift in zip(bounds, (1e-9, -1e-9), strict=True))),
            bounds=bounds,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        steep = scipys.x[1] * (1.0 + abs(scipys.x[2])) > STEEPEST
        negative = scipys.x[0] + scipys.x[1] * scipys.x[4] * np.sqrt(1.0 - scipys.x[2] ** 2) < 0.0
        assert steep or negative or (left(np.array(found)) ** 2).sum() <= 2.0 * scipys.cost * (1.0 + 1e-6)


def test_wings_keep_to_lees_bound_and_variance_is_not_negative() -> None:
    k = np.linspace(-0.5, 0.5, 21)
    for w in (3.0 * np.abs(k) + 1e-3, np.maximum(5.0 * k, 0.0) + 1e-4, 0.4 * k * k, np.abs(k) ** 0.3):
        found = fit_svi(k, w, np.ones(21))
        assert found.b * (1.0 + abs(found.rho)) <= STEEPEST * (1.0 + 1e-12)
        assert found.a + found.b * found.sigma * np.sqrt(1.0 - found.rho**2) >= -1e-15


def test_derivatives_are_those_of_differences() -> None:
    k, h = np.linspace(-1.0, 1.0, 20), 1e-5  # none of them at an end of the smoothed one
    smoothed = Smile(100.0, 0.5, 0.3, -0.2, 0.5, -0.4, 0.4, None)
    for smile in (VOGT, smoothed):
        w, slope, bend = smile.total_variance(k)
        up, down = smile.total_variance(k + h)[0], smile.total_variance(k - h)[0]
        np.testing.assert_allclose(slope, (up - down) / (2 * h), rtol=1e-6, atol=1e-9)
        np.testing.assert_allclose(bend, (up - 2 * w + down) / h**2, atol=2e-5)


@pytest.mark.parametrize("svi", [RawSvi(0.01, 0.1, -0.4, 0.02, 0.15), RawSvi(0.0, 0.3, -0.7, -0.05, 0.2), VOGT])
def test_the_density_is_that_of_prices_and_integrates_to_one(svi: RawSvi) -> None:
    """Against the second derivative of call prices by strike (Breeden and Litzenberger, Journal of Business 51, 1978); the mean of the price is the forward."""

    def density(k: float) -> float:
        return float(risk_neutral_density(*(np.array([each]) for each in (k, *(x[0] for x in svi.total_variance(np.array([k]))))))[0])

    assert quad(density, -90, 20, limit=900, points=[-8.0, -1.0, 0.0, 1.0])[0] == pytest.approx(1.0, abs=1e-6)
    assert quad(lambda k: np.exp(k) * density(k), -30, 40, limit=900, points=[-1.0, 0.0, 1.0, 8.0])[0] == pytest.approx(1.0, abs=1e-6)

    def call(strike: float) -> float:
        k = np.log(strike)
        root = float(np.sqrt(svi.total_variance(np.array([k]))[0][0]))
        return float(norm.cdf(-k / root + root / 2) - strike * norm.cdf(-k / root - root / 2))

    for k in (-0.3, 0.0, 0.2, 0.8):
        strike, h = np.exp(k), 1e-4
        by_prices = strike * (call(strike + h) - 2 * call(strike) + call(strike - h)) / h**2
        assert density(k) == pytest.approx(by_prices, rel=1e-4, abs=1e-6)


def test_a_published_slice_with_an_arbitrage_is_told_from_the_one_without() -> None:
    k = np.linspace(-1.5, 1.5, 601)
    g = durrleman(k, *VOGT.total_variance(k))
    assert g.min() < -0.01
    np.testing.assert_allclose(of_jump_wings(0.01742625, -0.1752111, 0.6997381, 1.316798, 0.0116249), VOGT, atol=2e-4)  # as printed
    assert 0.4 < k[g.argmin()] < 1.2  # figure 1 of the paper: it is negative to the right of the money
    assert durrleman(k, *of_jump_wings(*MENDED).total_variance(k)).min() >= 0.0

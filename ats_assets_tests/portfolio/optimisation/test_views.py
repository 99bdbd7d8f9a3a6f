"""Expected returns by hand and by sampling."""

import numpy as np
import pytest

from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimisation.cholesky import solution
from ats_assets.portfolio.optimisation.covariance import covariance
from ats_assets.portfolio.optimisation.views import blended_returns, implied_returns, returns_of_probabilities, returns_of_scores
from ats_assets.portfolio.optimisation.weight_ranges import WeightRanges
from ats_assets_tests.portfolio.optimisation.panels import factor_returns

MATRIX, _ = covariance(factor_returns(3, 6))


def test_a_score_with_a_skill_has_the_mean_return_of_its_rank() -> None:
    """Returns drawn with a rank correlation to scores: their mean by score is what the formula says, within four standard errors."""
    random = np.random.default_rng(0)
    n, draws, skill, deviation = 20, 40_000, 0.1, 0.03
    scores = np.arange(n, dtype=float)
    z = (scores - scores.mean()) / scores.std()
    outcomes = deviation * (skill * z + np.sqrt(1 - skill**2) * random.normal(size=(draws, n)))
    expected = returns_of_scores(scores, np.full(n, deviation), skill)
    np.testing.assert_allclose(outcomes.mean(axis=0), expected, atol=4 * deviation / draws**0.5 + 0.15 * skill * deviation)
    assert expected.sum() == pytest.approx(0.0, abs=1e-12)


def test_equal_scores_and_no_skill_expect_nothing() -> None:
    assert not returns_of_scores(np.full(5, 2.0), np.ones(5), 0.1).any()
    assert not returns_of_scores(np.arange(5.0), np.ones(5), 0.0).any()


def test_a_probability_is_that_of_a_normal_return_above_the_median() -> None:
    advantage = returns_of_probabilities(np.array([0.55]), np.array([0.02]))[0]
    random = np.random.default_rng(1)
    assert (random.normal(advantage, 0.02, 400_000) > 0.0).mean() == pytest.approx(0.55, abs=4 * 0.5 / 400_000**0.5)


def test_implied_returns_make_their_book_the_best_one() -> None:
    book = np.array([0.3, 0.2, 0.2, 0.1, 0.1, 0.1])
    gain = implied_returns(MATRIX, book, 2.5)
    np.testing.assert_allclose(best_weights(MATRIX, gain, WeightRanges(lower=np.zeros(6), upper=np.ones(6)), aversion=2.5), book, atol=1e-9)


def test_black_and_litterman_is_the_mean_of_the_posterior() -> None:
    """Two normal densities multiplied: the mean weighs prior and views by the inverse of their covariances."""
    random = np.random.default_rng(2)
    prior, views, doubt = random.normal(size=6) * 1e-3, random.normal(size=6) * 1e-3, random.uniform(1e-6, 1e-5, 6)
    tau = 0.05
    precision = np.linalg.inv(tau * MATRIX) + np.diag(1 / doubt)
    expected = np.linalg.solve(precision, np.linalg.solve(tau * MATRIX, prior) + views / doubt)
    np.testing.assert_allclose(blended_returns(MATRIX, prior, views, doubt, tau), expected, rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(blended_returns(MATRIX, prior, prior, doubt, tau), prior, atol=1e-15)


def test_a_linear_system_is_numpys() -> None:
    np.testing.assert_allclose(solution(MATRIX, np.arange(6.0)), np.linalg.solve(MATRIX, np.arange(6.0)), rtol=1e-9)

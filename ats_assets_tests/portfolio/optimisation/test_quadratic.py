"""The conditions of Karush, Kuhn and Tucker, which hold at the least cost and nowhere else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import PortfolioError
from ats_assets.portfolio.optimisation.covariance import covariance
from ats_assets.portfolio.optimisation.quadratic import box_weights
from ats_assets_tests.portfolio.optimisation.panels import factor_returns
from ats_assets_tests.rounds import rounds


@given(st.integers(0, 10_000), st.integers(1, 40), st.floats(-0.2, 0.0), st.floats(0.0, 1.0), st.floats(0.0, 3.0), st.booleans())
@settings(max_examples=rounds(200, 5_000))
def test_no_weight_can_be_moved_to_gain(seed: int, symbols: int, low: float, spare: float, returns: float, begins: bool) -> None:
    random = np.random.default_rng(seed)
    matrix, _ = covariance(factor_returns(seed, symbols, 60))
    gain = random.normal(size=symbols) * returns * 1e-4
    lower = np.full(symbols, low)
    upper = random.uniform(0.0, 1.0, symbols) * spare + (1.0 - low) / symbols
    start = random.dirichlet(np.ones(symbols)) if begins else None
    weights = box_weights(matrix, gain, lower, upper, 1.0, start)
    assert weights.sum() == pytest.approx(1.0, abs=1e-9)
    assert (weights >= lower).all()
    assert (weights <= upper).all()
    cost, scale = matrix @ weights - gain, matrix.diagonal().max()
    can_grow, can_shrink = weights < upper - 1e-9, weights > lower + 1e-9
    if can_grow.any() and can_shrink.any():
        assert cost[can_shrink].max() - cost[can_grow].min() <= 1e-8 * scale


def test_where_the_search_begins_does_not_matter() -> None:
    matrix, _ = covariance(factor_returns(7, 120))
    lower, upper, none = np.zeros(120), np.full(120, 0.03), np.zeros(120)
    cold = box_weights(matrix, none, lower, upper)
    warm = box_weights(matrix, none, lower, upper, start=np.random.default_rng(0).dirichlet(np.ones(120)))
    np.testing.assert_allclose(warm, cold, atol=1e-9)


def test_the_same_bits_twice() -> None:
    matrix, _ = covariance(factor_returns(8, 90))
    found = [box_weights(matrix, np.zeros(90), np.zeros(90), np.full(90, 0.05)).tobytes() for _ in range(2)]
    assert found[0] == found[1]


def test_two_symbols_by_hand() -> None:
    """The least variance of two: w = (s2² - s12) / (s1² + s2² - 2 s12)."""
    matrix = np.array([[0.04, 0.006], [0.006, 0.01]])
    assert box_weights(matrix, np.zeros(2), np.zeros(2), np.ones(2))[0] == pytest.approx((0.01 - 0.006) / (0.04 + 0.01 - 0.012))


def test_all_at_their_limits() -> None:
    weights = box_weights(np.eye(3), np.zeros(3), np.array([0.0, 0.2, 0.2]), np.array([0.6, 0.2, 0.2]))
    assert weights.tolist() == pytest.approx([0.6, 0.2, 0.2])


def test_what_has_no_answer_says_so() -> None:
    with pytest.raises(PortfolioError, match=r"no weights add up to 1: their ranges add up to 0 at least and 0\.8 at most"):
        box_weights(np.eye(2), np.zeros(2), np.zeros(2), np.full(2, 0.4))
    with pytest.raises(PortfolioError, match="finite covariance"):
        box_weights(np.diag([1.0, np.nan]), np.zeros(2), np.zeros(2), np.ones(2))
    with pytest.raises(PortfolioError, match="not positive definite"):
        box_weights(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2), np.full(2, -5.0), np.full(2, 5.0))

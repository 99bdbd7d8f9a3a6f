"""The covariance against its definition written out, and against scikit-learn's shrinkage."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from ats_assets.errors import PortfolioError
from ats_assets.portfolio.optimisation.covariance import covariance, session_weights
from ats_assets_tests.portfolio.optimisation.panels import factor_returns


def written_out(x: np.ndarray) -> tuple[np.ndarray, float]:
    """Ledoit and Wolf's constant correlation, 2004, appendices A and B, pair by pair."""
    sessions, n = x.shape
    x = x - x.mean(axis=0)
    s = x.T @ x / sessions
    root = np.sqrt(np.diag(s))
    mean = sum(s[i, j] / (root[i] * root[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    target = np.array([[s[i, i] if i == j else mean * root[i] * root[j] for j in range(n)] for i in range(n)])
    pi = rho = 0.0
    for i in range(n):
        for j in range(n):
            pi += ((x[:, i] * x[:, j] - s[i, j]) ** 2).mean()
            if i == j:
                rho += ((x[:, i] ** 2 - s[i, i]) ** 2).mean()
            else:
                of_i = ((x[:, i] ** 2 - s[i, i]) * (x[:, i] * x[:, j] - s[i, j])).mean()
                of_j = ((x[:, j] ** 2 - s[j, j]) * (x[:, i] * x[:, j] - s[i, j])).mean()
                rho += 0.5 * mean * (root[j] / root[i] * of_i + root[i] / root[j] * of_j)
    share = min(max((pi - rho) / ((target - s) ** 2).sum() / sessions, 0.0), 1.0)
    return share * target + (1 - share) * s, share


@given(st.integers(0, 1_000), st.integers(3, 8), st.integers(10, 60))
def test_constant_correlation_is_that_of_the_paper(seed: int, symbols: int, sessions: int) -> None:
    returns = factor_returns(seed, symbols, sessions)
    matrix, share = covariance(returns)
    expected, of_target = written_out(returns)
    assert share == pytest.approx(of_target, abs=1e-9)
    np.testing.assert_allclose(matrix, expected, rtol=1e-9, atol=1e-15)


def test_the_identity_target_is_scikit_learns() -> None:
    returns = factor_returns(1, 40)
    matrix, share = covariance(returns, shrinkage="identity")
    expected, of_target = ledoit_wolf(returns)
    assert share == pytest.approx(of_target, rel=1e-9)
    np.testing.assert_allclose(matrix, expected, rtol=1e-9, atol=1e-16)


def test_weights_are_those_of_numpy_and_of_repeated_sessions() -> None:
    returns = factor_returns(2, 5, 30)
    weights = session_weights(30, half_life=7)
    assert weights[-8] / weights[-1] == pytest.approx(0.5)
    np.testing.assert_allclose(covariance(returns, weights, "none")[0], np.cov(returns.T, aweights=weights, ddof=0), rtol=1e-10)
    twice = np.repeat([1, 2], 15) / 45  # a session that counts twice is there twice
    repeated = np.concatenate([returns[:15], returns[15:], returns[15:]])
    np.testing.assert_allclose(covariance(returns, twice, "none")[0], covariance(repeated, shrinkage="none")[0], rtol=1e-10)


def test_more_symbols_than_sessions_still_have_a_definite_matrix() -> None:
    matrix, share = covariance(factor_returns(3, 80, 40))
    assert 0.0 < share <= 1.0
    assert np.linalg.eigvalsh(matrix).min() > 0.0


def test_a_price_that_does_not_move_is_not_free_of_risk() -> None:
    returns = factor_returns(4, 3, 50)
    returns[:, 1] = 0.0
    assert covariance(returns, shrinkage="none")[0][1, 1] > 0.0


@pytest.mark.parametrize("returns", [np.zeros((1, 3)), np.full((5, 2), np.nan)])
def test_returns_that_tell_nothing_are_refused(returns: np.ndarray) -> None:
    with pytest.raises(PortfolioError, match="finite returns of at least two sessions"):
        covariance(returns)

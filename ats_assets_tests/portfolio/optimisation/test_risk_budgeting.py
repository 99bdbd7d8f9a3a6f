"""Risk contributions are the budgets."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import PortfolioError
from ats_assets.portfolio.optimisation.covariance import covariance
from ats_assets.portfolio.optimisation.risk_budgeting import risk_budget_weights, risk_contributions
from ats_assets_tests.portfolio.optimisation.panels import factor_returns


@given(st.integers(0, 10_000), st.integers(1, 60), st.data())
def test_contributions_are_the_budgets(seed: int, symbols: int, data: st.DataObject) -> None:
    matrix, _ = covariance(factor_returns(seed, symbols, 120))
    budgets = np.array(data.draw(st.lists(st.floats(0.01, 1.0), min_size=symbols, max_size=symbols)))
    weights = risk_budget_weights(matrix, budgets)
    assert (weights > 0.0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(risk_contributions(matrix, weights), budgets / budgets.sum(), atol=1e-10)


def test_five_hundred_symbols_contribute_the_same_to_1e_10() -> None:
    matrix, _ = covariance(factor_returns(0, 500, 756))
    assert np.abs(risk_contributions(matrix, risk_budget_weights(matrix)) - 1 / 500).max() < 1e-10


def test_weights_do_not_depend_on_the_unit_of_returns() -> None:
    matrix, _ = covariance(factor_returns(5, 10))
    np.testing.assert_allclose(risk_budget_weights(matrix * 1e8), risk_budget_weights(matrix), rtol=1e-9)
    mixed = np.diag(10.0 ** np.arange(10.0)) ** 0.5  # a currency beside a coin
    weights = risk_budget_weights(mixed @ matrix @ mixed)
    np.testing.assert_allclose(risk_contributions(mixed @ matrix @ mixed, weights), 0.1, atol=1e-10)


def test_what_has_no_answer_says_so() -> None:
    with pytest.raises(PortfolioError, match="positive variances"):
        risk_budget_weights(np.diag([0.04, 0.0]))
    with pytest.raises(PortfolioError, match="not positive definite"):
        risk_budget_weights(np.array([[1.0, -1.0], [-1.0, 1.0]]))

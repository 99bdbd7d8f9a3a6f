"""The profit of positions, and its derivatives beside finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.models.profit_objective import (
    SMOOTHING,
    ProfitTerms,
    hedged_returns,
    loss_hessian,
    loss_steps,
    profit,
    profit_curvature,
    profit_gradient,
    profit_unit,
    score_positions,
    session_profit,
)

TERMS = st.builds(ProfitTerms, cost=st.floats(0, 0.02), impact=st.floats(0, 0.02))
SCORES = st.floats(-4, 4).map(lambda score: np.array([score]))
RETURNS = st.floats(-0.3, 0.3).map(lambda value: np.array([value]))


def of_score(scores: np.ndarray, returns: np.ndarray, terms: ProfitTerms) -> np.ndarray:
    return profit(score_positions(scores), returns, terms)


@given(SCORES, RETURNS, TERMS)
def test_gradient_and_curvature_are_those_of_finite_differences(scores: np.ndarray, returns: np.ndarray, terms: ProfitTerms) -> None:
    e = 1e-5
    slope = (of_score(scores + e, returns, terms) - of_score(scores - e, returns, terms)) / (2 * e)
    np.testing.assert_allclose(profit_gradient(scores, returns, terms), slope, rtol=1e-5, atol=1e-9)
    bend = (profit_gradient(scores + e, returns, terms) - profit_gradient(scores - e, returns, terms)) / (2 * e)
    np.testing.assert_allclose(profit_curvature(scores, returns, terms), bend, rtol=1e-4, atol=1e-8)


@given(SCORES, RETURNS, TERMS)
def test_the_hessian_bounds_the_curvature_of_the_loss_and_is_positive(scores: np.ndarray, returns: np.ndarray, terms: ProfitTerms) -> None:
    bound = loss_hessian(scores, returns, terms)
    assert bound >= -profit_curvature(scores, returns, terms) - 1e-15
    gradient, hessian = loss_steps(scores, returns, terms, unit=0.02)
    assert hessian > 0
    np.testing.assert_allclose(gradient, -profit_gradient(scores, returns, terms) / 0.02)


@settings(max_examples=25)
@given(st.floats(-0.05, 0.05), st.floats(0, 0.01), st.floats(0.001, 0.05))
def test_newton_steps_end_at_the_best_position(expected: float, cost: float, impact: float) -> None:
    """The best of all positions, by trying 20,001 of them; below the cost nothing but what smoothing leaves."""
    terms, returns, score = ProfitTerms(cost=cost, impact=impact), np.array([expected]), np.array([0.0])
    for _ in range(1_000):
        gradient, hessian = loss_steps(score, returns, terms, unit=0.02)
        score = score - gradient / hessian
    tried = np.linspace(-1, 1, 20_001)
    best = profit(tried, np.full(20_001, expected), terms).max()
    assert profit(score_positions(score), returns, terms).item() == pytest.approx(best, abs=1e-5)


def test_small_edges_are_not_traded_and_large_ones_not_without_limit() -> None:
    terms = ProfitTerms(cost=0.001, impact=0.005)
    tried = np.linspace(-1, 1, 20_001)

    def best(expected: float) -> float:
        return float(tried[profit(tried, np.full(20_001, expected), terms, smoothing=0.0).argmax()])

    assert best(0.0009) == pytest.approx(0, abs=1e-3)
    assert best(0.004) == pytest.approx((0.004 - 0.001) / (2 * 0.005), abs=1e-3)
    assert best(-0.004) == pytest.approx(-0.3, abs=1e-3)
    assert best(0.03) == 1.0


def test_without_costs_a_step_depends_on_no_unit_of_returns() -> None:
    """As if returns were in percent: costs scale with them, and the step is the same."""
    returns = np.array([0.02, -0.01, 0.03])
    steps = []
    for scale in (1.0, 100.0):
        terms, of = ProfitTerms(cost=0.001 * scale, impact=0.002 * scale), returns * scale
        gradient, hessian = loss_steps(np.zeros(3), of, terms, profit_unit(of))
        steps.append(gradient.sum() / hessian.sum())
    assert steps[0] == pytest.approx(steps[1])
    free = loss_steps(np.zeros(3), returns, ProfitTerms(cost=0, impact=0), profit_unit(returns))
    assert -free[0].sum() / free[1].sum() == pytest.approx(0.04 / 0.06 * 3 * np.sqrt(3) / 4)


def test_the_figure_is_the_mean_of_the_sessions_with_the_whole_cost() -> None:
    sizes, terms = np.array([2, 1]), ProfitTerms(cost=0.001, impact=0.002)
    scores, returns = np.arctanh([0.5, -0.5, 0.2]), np.array([0.01, -0.02, 0.03])
    by_hand = [(0.5 * 0.01 - 0.0005 - 0.0005 + 0.5 * 0.02 - 0.0005 - 0.0005) / 2, 0.2 * 0.03 - 0.0002 - 0.002 * 0.04]
    assert session_profit(scores, returns, sizes, terms) == pytest.approx(np.mean(by_hand) * 1e4)
    assert SMOOTHING > 0
    assert session_profit(np.zeros(3), returns, sizes, terms) == 0


def test_hedged_returns_are_what_equal_parts_of_all_leave() -> None:
    random = np.random.default_rng(1)
    sizes = np.array([3, 7, 1])
    found = hedged_returns(random.standard_normal(11) + 5, sizes)
    assert np.add.reduceat(found, [0, 3, 10]) == pytest.approx(np.zeros(3), abs=1e-12)
    assert profit_unit(np.zeros(4)) == 1.0

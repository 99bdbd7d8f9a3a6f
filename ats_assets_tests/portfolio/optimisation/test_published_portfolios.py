"""Books against skfolio, another implementation of each, and by hand."""

import numpy as np
import pytest

from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimisation.clusters import hierarchical_weights, tree_order
from ats_assets.portfolio.optimisation.covariance import covariance
from ats_assets.portfolio.optimisation.diversification import diversification_ratio, most_diversified_weights
from ats_assets.portfolio.optimisation.risk_budgeting import risk_budget_weights
from ats_assets.portfolio.optimisation.tail import least_tail_weights, tail_risk
from ats_assets.portfolio.optimisation.weight_ranges import LimitsConflictError, WeightLimit, WeightRanges
from ats_assets_tests.portfolio.optimisation.panels import factor_returns

optimization = pytest.importorskip("skfolio.optimization", reason="skfolio is an extra: python3 dev.py installs it with the lock")
RETURNS = factor_returns(11, 20, 300)
MATRIX, _ = covariance(RETURNS, shrinkage="none")
CAPPED = WeightRanges(lower=np.zeros(20), upper=np.full(20, 0.12))


def quadratic_cost(weights: np.ndarray, gain: np.ndarray, aversion: float) -> float:
    return float(0.5 * aversion * weights @ MATRIX @ weights - gain @ weights)


def test_the_least_variance_is_skfolios() -> None:
    """Theirs is the sample covariance, ours that of the population: the weights are the same."""
    theirs = optimization.MeanRisk(max_weights=0.12).fit(RETURNS).weights_
    ours = best_weights(MATRIX, np.zeros(20), CAPPED)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
    assert quadratic_cost(ours, np.zeros(20), 1.0) <= quadratic_cost(theirs, np.zeros(20), 1.0) + 1e-12


def test_groups_are_limited_as_skfolios_are() -> None:
    members = (np.arange(20) < 8).astype(float)
    theirs = optimization.MeanRisk(groups=[["first"] * 8 + ["rest"] * 12], linear_constraints=["first <= 0.15"]).fit(RETURNS).weights_
    limits = WeightRanges(lower=np.zeros(20), upper=np.ones(20), rows=[WeightLimit(name="first", coefficients=members, high=0.15)])
    ours = best_weights(MATRIX, np.zeros(20), limits)
    assert ours[:8].sum() == pytest.approx(0.15, abs=1e-6)
    np.testing.assert_allclose(ours, theirs, atol=3e-4)


def test_risk_budgets_are_skfolios() -> None:
    theirs = optimization.RiskBudgeting().fit(RETURNS).weights_
    np.testing.assert_allclose(risk_budget_weights(MATRIX), theirs, atol=1e-4)


def test_the_most_diversified_book_is_skfolios_without_limits_and_with_them() -> None:
    for most in (1.0, 0.12):
        limits = WeightRanges(lower=np.zeros(20), upper=np.full(20, most))
        theirs = optimization.MaximumDiversification(max_weights=most).fit(RETURNS).weights_
        ours = most_diversified_weights(MATRIX, limits)
        assert limits.keeps(ours, 1e-6)
        np.testing.assert_allclose(ours, theirs, atol=2e-3)
        assert diversification_ratio(MATRIX, ours) >= diversification_ratio(MATRIX, theirs) - 1e-6


def test_the_least_tail_risk_is_skfolios() -> None:
    from skfolio import RiskMeasure  # noqa: PLC0415 - after the skip

    theirs = optimization.MeanRisk(risk_measure=RiskMeasure.CVAR, max_weights=0.12).fit(RETURNS).weights_
    ours = least_tail_weights(RETURNS, CAPPED)
    assert tail_risk(RETURNS, ours) == pytest.approx(tail_risk(RETURNS, theirs), rel=1e-4)
    assert tail_risk(RETURNS, ours) <= tail_risk(RETURNS, theirs) + 1e-9


def test_hierarchical_risk_parity_is_skfolios_with_single_linkage() -> None:
    """Theirs is of the distance itself, not of the distance of its columns, and splits the tree, not the order: it is compared where both are the same, on two clear clusters."""
    from skfolio.cluster import HierarchicalClustering, LinkageMethod  # noqa: PLC0415
    from skfolio.seriation import HierarchicalSeriation  # noqa: PLC0415

    random = np.random.default_rng(0)
    pair = random.normal(size=(500, 2)) * 0.01
    returns = np.column_stack([pair[:, [0]] + random.normal(size=(500, 2)) * 0.004, pair[:, [1]] + random.normal(size=(500, 2)) * 0.008])
    matrix, _ = covariance(returns, shrinkage="none")
    tree = HierarchicalSeriation(hierarchical_clustering_estimator=HierarchicalClustering(linkage_method=LinkageMethod.SINGLE))
    theirs = optimization.HierarchicalRiskParity(seriation_estimator=tree).fit(returns)
    np.testing.assert_allclose(hierarchical_weights(matrix), theirs.weights_, rtol=1e-6)


def test_hierarchical_risk_parity_by_hand() -> None:
    """Two pairs that move together: 0.9 within each, nothing across. Pair variances by inverse variance, then halves by the other's variance."""
    deviations = np.array([0.01, 0.02, 0.03, 0.03])
    correlations = np.eye(4)
    correlations[0, 2] = correlations[2, 0] = correlations[1, 3] = correlations[3, 1] = 0.9
    matrix = correlations * deviations[:, None] * deviations
    order = tree_order(matrix).tolist()
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset({0, 2}), frozenset({1, 3})}

    def pair(a: int, b: int) -> tuple[float, float]:
        share = deviations[b] ** 2 / (deviations[a] ** 2 + deviations[b] ** 2)
        return share, share**2 * matrix[a, a] + (1 - share) ** 2 * matrix[b, b] + 2 * share * (1 - share) * matrix[a, b]

    (of_0, first), (of_1, second) = pair(0, 2), pair(1, 3)
    left = second / (first + second)
    expected = [left * of_0, (1 - left) * of_1, left * (1 - of_0), (1 - left) * (1 - of_1)]
    np.testing.assert_allclose(hierarchical_weights(matrix), expected, rtol=1e-12)


def test_the_most_diversified_book_names_limits_that_conflict() -> None:
    rows = [WeightLimit(name="half of it at most 0.3", coefficients=(np.arange(20) < 10) * 1.0, high=0.3)]
    with pytest.raises(LimitsConflictError, match=r"each of 20 weights at most 0\.06; weights add up to 1; half of it at most 0\.3"):
        most_diversified_weights(MATRIX, WeightRanges(lower=np.zeros(20), upper=np.full(20, 0.06), rows=rows))

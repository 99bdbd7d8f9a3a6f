"""Linear fits beside scikit-learn's and SciPy's, and their bits in another order of the rows."""

from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import ElasticNet, LogisticRegression, Ridge

from ats_assets.errors import ModelError
from ats_assets.models.learners.elastic_net import ElasticNetSettings
from ats_assets.models.learners.ridge import RidgeSettings
from ats_assets.models.linear_fit import LinearProblem, RowLoss, cholesky_factor, cholesky_solution, sweeps
from ats_assets.models.linear_learner import LinearLearner
from ats_assets.models.linear_table import STEP, distances, feature_scales, linear_scorer
from ats_assets.models.objectives import above_median, money_returns
from ats_assets.models.profit_objective import profit, score_positions
from ats_assets_tests.models.fits import SETTINGS, small_training_set

N, K = 3_000, 7


def rows(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that resemble each other, labels that owe them something, and weights."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((N, K)) @ (np.eye(K) + 0.5)
    z = (np.round(x / STEP) * STEP).astype(np.float32)
    y = x @ np.array([0.5, -0.4, 0.3, 0, 0, 0, 0.01]) + random.standard_normal(N) + 0.7
    return z, y, random.uniform(0.2, 2.0, N)


def squared(y: np.ndarray, weights: np.ndarray) -> RowLoss:
    return RowLoss(slopes=lambda s: weights * (s - y), curvature=weights, start=0.0)


@pytest.mark.parametrize("penalty", [1.0, 0.01])
def test_ridge_is_that_of_scikit_learn(penalty: float) -> None:
    z, y, weights = rows()
    for w in (np.ones(N), weights):
        found = LinearProblem(z, squared(y, w)).solved(squares=penalty)
        theirs = Ridge(alpha=penalty * N, tol=1e-12).fit(z.astype(float), y, sample_weight=w)
        np.testing.assert_allclose(found.weight, theirs.coef_, atol=2e-5)
        assert found.intercept == pytest.approx(theirs.intercept_, abs=2e-5)


@pytest.mark.parametrize(("penalty", "share"), [(0.2, 0.5), (0.05, 1.0), (0.01, 0.3)])
def test_the_elastic_net_is_that_of_scikit_learn(penalty: float, share: float) -> None:
    z, y, _ = rows()
    problem = LinearProblem(z, squared(y, np.ones(N)))
    found = problem.solved(squares=penalty * (1 - share), sizes=penalty * share)
    theirs = ElasticNet(alpha=penalty, l1_ratio=share, tol=1e-10, max_iter=100_000).fit(z.astype(float), y)
    np.testing.assert_allclose(found.weight, theirs.coef_, atol=5e-4)
    assert ((found.weight == 0) == (theirs.coef_ == 0)).all()
    least = LinearProblem(z, RowLoss(slopes=lambda s: s - y, curvature=np.ones(N), start=y.mean())).largest_slope()
    assert not problem.solved(squares=0.0, sizes=least * 1.01).weight.any()
    assert problem.solved(squares=0.0, sizes=least * 0.95).weight.any()


def test_logistic_regression_is_that_of_scikit_learn() -> None:
    z, y, weights = rows()
    t = (y > 0.7).astype(float)
    loss = RowLoss(slopes=lambda s: weights * (1 / (1 + np.exp(-s)) - t), curvature=weights / 4, start=0.0)
    found = LinearProblem(z, loss).solved(squares=0.02)
    theirs = LogisticRegression(C=1 / (0.02 * N), tol=1e-10, max_iter=10_000).fit(z.astype(float), t, sample_weight=weights)
    np.testing.assert_allclose(found.weight, theirs.coef_[0], atol=1e-3)


@pytest.mark.parametrize("objective", ["dollar_profit", "quantile", "classification"])
def test_no_other_weights_have_a_lower_loss(objective: Any) -> None:
    """SciPy goes on from where the fit ends, by the loss alone, and gains less than a thousandth of what the fit did."""
    data, penalty = small_training_set(settings=SETTINGS.model_copy(update={"label": "raw"})).train, 0.01
    settings = RidgeSettings(objective=objective)
    z = distances(data.x, *feature_scales(data.x), clip_deviations=5.0)
    found = LinearProblem(z, LinearLearner(settings, objective)._loss(data)).solved(squares=penalty)

    def loss(at: np.ndarray) -> float:
        scores = z @ at[:-1] + at[-1]
        if objective == "dollar_profit":
            returns = money_returns(data, settings)
            mean = -profit(score_positions(scores), returns, settings.profit_terms).mean() / np.abs(returns).mean()
        elif objective == "classification":
            mean = np.logaddexp(0, (1 - 2 * above_median(data)) * scores).mean()
        else:
            width = 0.1 * data.y.std()
            mean = (width * np.logaddexp(0, (scores - data.y) / width) - settings.quantile * (scores - data.y)).mean()
        return float(mean + penalty / 2 * (at[:-1] ** 2).sum())

    ended = np.append(found.weight, found.intercept)
    further = minimize(loss, ended, method="BFGS")
    assert loss(ended) - further.fun < 1e-3 * abs(loss(ended) - loss(np.zeros(len(ended))))
    assert loss(ended) < loss(np.append(np.zeros(z.shape[1]), 0.0))


@pytest.mark.parametrize("settings", [RidgeSettings(), ElasticNetSettings(objective="dollar_profit")], ids=["ridge", "elastic_net"])
def test_the_order_of_the_rows_leaves_no_trace(settings: Any) -> None:
    """So no number of threads does, in which libraries for matrices add; what is random is only here."""
    z, y, weights = rows()
    order = np.random.default_rng(2).permutation(N)
    sizes = 0.01 if isinstance(settings, ElasticNetSettings) else 0.0
    fits = [LinearProblem(z[at], squared(y[at], weights[at])).solved(squares=0.1, sizes=sizes) for at in (np.arange(N), order)]
    assert fits[0].weight.tobytes() == fits[1].weight.tobytes()
    assert fits[0].intercept == fits[1].intercept


def test_cholesky_solves() -> None:
    random = np.random.default_rng(3)
    half = random.standard_normal((20, 20))
    matrix, right = half @ half.T + np.eye(20), random.standard_normal(20)
    np.testing.assert_allclose(cholesky_solution(cholesky_factor(matrix), right), np.linalg.solve(matrix, right), rtol=1e-9)


def test_a_feature_twice_shares_its_weight_and_one_far_value_ruins_none() -> None:
    z, y, _ = rows()
    twice = np.column_stack([z, z[:, 0]])
    found = LinearProblem(twice, squared(y, np.ones(N))).solved(squares=1e-6)
    assert found.weight[0] == pytest.approx(found.weight[-1], abs=1e-3)
    x = np.random.default_rng(4).standard_normal((1_000, 2)).astype(np.float32)
    x[0, 0], x[1, 0], x[2, 1] = 1e30, np.inf, np.nan
    centre, spread = feature_scales(x)
    assert np.abs(spread - 1).max() < 0.1
    clipped = distances(x, centre, spread, 5.0)
    assert (clipped[0, 0], clipped[1, 0], clipped[2, 1]) == (5.0, 0.0, 0.0)


def test_a_table_that_is_none_is_refused() -> None:
    for wrong in (b"[1, 2]", b'{"centre": [1.0]}', b"\xff"):
        with pytest.raises(ModelError, match="no table of a linear model"):
            linear_scorer(wrong)


@pytest.mark.parametrize("sizes", [0.0, 0.02, 5.0])
def test_compiled_sweeps_have_the_bits_of_plain_ones(sizes: float) -> None:
    z, y, _ = rows()
    table = np.column_stack([z[:200], z[:200, 0], np.zeros(200), np.ones(200)])  # a column twice, one of nothing, and the intercept
    matrix, slope, squares = table.T @ table / 200, table.T @ y[:200] / 200, np.full(table.shape[1], 1e-3)
    plain, compiled = np.zeros(table.shape[1]), np.zeros(table.shape[1])
    sweeps(matrix, slope.copy(), squares, sizes, plain)
    sweeps.compiled(matrix, slope.copy(), squares, sizes, compiled)
    assert plain.tobytes() == compiled.tobytes()
    assert plain.any()

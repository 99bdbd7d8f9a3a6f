"""Permutation importance against what a linear model must lose, and what stands in for what."""

import numpy as np
import pytest

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.permutation_importance import Predict, Rows, mean_decreases, single_features
from ats_assets.evaluation.splits import purged_kfold

RANDOM = np.random.default_rng(3)
N = 6_000
SESSIONS = np.repeat(np.arange(N // 20), 20)
X = RANDOM.normal(size=(N, 4)).astype(np.float32)
X[:, 3] = X[:, 0]  # says the same as the first
Y = 2.0 * X[:, 0].astype(np.float64) + X[:, 1] + RANDOM.normal(size=N)
SPLITS = list(purged_kfold(SESSIONS, SESSIONS + 3, 5, embargo=2))
ALONE = {"strong": [0], "weak": [1], "noise": [2], "copy": [3]}


def least_squares(train: Rows, columns: Rows) -> Predict:
    weights = np.linalg.pinv(X[np.ix_(train, columns)].astype(np.float64)) @ Y[train]
    return lambda rows: rows.astype(np.float64) @ weights


def minus_squared_error(scores: np.ndarray, rows: np.ndarray) -> float:
    return -float(np.mean((scores - Y[rows]) ** 2))


def test_a_linear_model_loses_twice_the_variance_that_each_feature_brings() -> None:
    """Permuted values are independent of what they replace: the error grows by 2 w^2 Var(x). The two copies share the weight of 2: each loses 2, together 8."""
    found = {one.name: one for one in mean_decreases(X, SPLITS, least_squares, minus_squared_error, ALONE | {"both": [0, 3]})}
    for name, expected in (("strong", 2.0), ("weak", 2.0), ("noise", 0.0), ("copy", 2.0), ("both", 8.0)):
        assert found[name].mean == pytest.approx(expected, abs=0.25), name
        assert len(found[name].folds) == 5
        assert found[name].standard_error == pytest.approx(np.std(found[name].folds, ddof=1) / np.sqrt(5))


def test_a_feature_alone_is_judged_without_what_could_stand_in_for_it() -> None:
    found = {
        one.name: one.mean
        for one in single_features(SPLITS, X, least_squares, minus_squared_error, {name: c[0] for name, c in ALONE.items()})
    }
    assert found["strong"] == pytest.approx(found["copy"])
    assert found["strong"] > found["weak"] > found["noise"]
    assert found["noise"] == pytest.approx(-6.0, abs=0.3)


def test_the_importance_of_a_feature_does_not_depend_on_which_others_are_asked_for() -> None:
    before = X.copy()
    together = mean_decreases(X, SPLITS, least_squares, minus_squared_error, ALONE, within=SESSIONS, seed=5)
    turned = mean_decreases(X, SPLITS, least_squares, minus_squared_error, dict(reversed(ALONE.items())), within=SESSIONS, seed=5)
    (alone,) = mean_decreases(X, SPLITS, least_squares, minus_squared_error, {"weak": [1]}, within=SESSIONS, seed=5)
    assert together == turned[::-1]
    assert alone == together[1]
    assert (before == X).all()
    assert mean_decreases(X, SPLITS, least_squares, minus_squared_error, ALONE, within=SESSIONS, seed=6) != together


def test_within_a_session_values_stay_there() -> None:
    """A feature that is the same for all symbols of a session can't be permuted away inside it: the order of symbols owes it nothing."""
    x = np.column_stack([SESSIONS, RANDOM.normal(size=N)]).astype(np.float32)

    def by_both(train: Rows, columns: Rows) -> Predict:
        return lambda rows: rows.sum(axis=1, dtype=np.float64)

    market, own = mean_decreases(x, SPLITS, by_both, minus_squared_error, {"market": [0], "own": [1]}, within=SESSIONS)
    assert market.folds == (0.0,) * 5
    assert own.mean != 0.0


def test_folds_that_can_not_be_judged_are_left_out_and_none_at_all_is_said() -> None:
    (found,) = mean_decreases(X, SPLITS, least_squares, lambda scores, rows: float("nan"), {"weak": [1]})
    assert found.folds == ()
    assert np.isnan(found.mean)
    assert np.isnan(found.standard_error)


@pytest.mark.parametrize("columns", [[], [4], [-1]])
def test_a_group_of_columns_that_there_are_not_is_refused(columns: list[int]) -> None:
    with pytest.raises(EvaluationError, match="wrong has the columns"):
        mean_decreases(X, SPLITS, least_squares, minus_squared_error, {"wrong": columns})

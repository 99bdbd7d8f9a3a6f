"""Stacking is the regression of outcomes on scores that it says it is, by scipy's non-negative least squares on the rows themselves."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import nnls
from scipy.stats import rankdata

from ats_assets.predictions.ensemble_rule import Evidence
from ats_assets.predictions.ensembles.stacked import Stacked, StackedSettings, non_negative_ridge
from ats_assets.predictions.model_evidence import judged_decisions
from ats_assets_tests.kits.ensembles import evidence_of
from ats_assets_tests.predictions.judged_models import DAYS, outcomes_of, predictions_of


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6), st.sampled_from([0.0, 0.01, 0.5, 20.0]))
def test_the_ridge_is_that_of_scipy(seed: int, n: int, penalty: float) -> None:
    rng = np.random.default_rng(seed)
    factors, centre = rng.standard_normal((n + 3, n)), 0.05
    matrix, target = factors.T @ factors / (n + 3), rng.normal(0.0, 0.1, n)
    rows = np.vstack([factors / np.sqrt(n + 3), np.sqrt(penalty) * np.eye(n)])
    wanted = np.concatenate([np.linalg.lstsq(factors.T / np.sqrt(n + 3), target, rcond=None)[0], np.full(n, np.sqrt(penalty) * centre)])
    expected, _ = nnls(rows, wanted)
    assert non_negative_ridge(matrix, target, penalty, centre) == pytest.approx(expected, abs=1e-8)


def test_without_shrinkage_it_is_the_regression_of_ranks_on_ranks_each_session_counting_the_same() -> None:
    rng = np.random.default_rng(4)
    returns = rng.standard_t(3, (40, 25)) * 0.02
    scores = {
        name: ic * returns / 0.02 + rng.standard_normal(returns.shape) + 2.0 * rng.standard_normal((40, 1))
        for name, ic in (("a", 0.4), ("b", 0.3), ("c", -0.2))
    }
    judged = judged_decisions({name: predictions_of(values) for name, values in scores.items()}, outcomes_of(returns))
    evidence = Evidence(
        models=tuple(scores),
        decided=tuple(one.decided for one in judged),
        rank_ic=np.array([one.rank_ic for one in judged]),
        correlation=np.array([one.correlation for one in judged]),
        horizon_sessions=1,
    )

    def standardised(values: np.ndarray) -> np.ndarray:
        ranks = rankdata(values, axis=1)
        return ((ranks - ranks.mean(axis=1, keepdims=True)) / ranks.std(axis=1, keepdims=True)).ravel()

    known = len(judged)
    x = np.column_stack([standardised(values[1 : 1 + known]) for values in scores.values()])
    expected, _ = nnls(x, standardised(returns[1 : 1 + known]))
    assert expected[2] == 0.0, "the third model is made so that it adds nothing"
    found = Stacked(StackedSettings(shrinkage=0.0)).weights(evidence)
    assert found.weights == pytest.approx(expected / expected.sum(), abs=1e-9)
    assert [one.decided for one in judged] == DAYS[1 : 1 + known]


def test_it_knows_that_two_models_say_the_same_and_counts_them_as_one() -> None:
    one = evidence_of([0.05, 0.05, 0.05], sessions=500, alike=0.0)
    same = one.correlation.copy()
    same[:, 0, 1] = same[:, 1, 0] = 0.95
    ics = one.rank_ic.copy()
    ics[:, 1] = ics[:, 0] + 0.001 * np.random.default_rng(0).standard_normal(500)
    found = Stacked(StackedSettings(shrinkage=0.0)).weights(
        Evidence(models=one.models, decided=one.decided, rank_ic=ics, correlation=same, horizon_sessions=1)
    )
    assert found.weights[2] > 0.4
    assert pl.Series(found.weights[:2]).sum() < 0.6

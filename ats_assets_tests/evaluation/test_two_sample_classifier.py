"""The classifier two-sample test beside scikit-learn's discriminant and area."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import roc_auc_score

from ats_assets.evaluation import two_sample_classifier as module
from ats_assets.evaluation.two_sample_classifier import TwoSampleClassifier, roc_area

SCORES = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=20)


@settings(max_examples=50, deadline=None)
@given(SCORES, SCORES)
def test_the_area_is_that_of_scikit_learn_with_ties(one: list[float], other: list[float]) -> None:
    truth = [1] * len(one) + [0] * len(other)
    assert roc_area(np.array(one), np.array(other)) == pytest.approx(roc_auc_score(truth, one + other), abs=1e-12)


def test_the_classifier_is_fishers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RIDGE", 1e-9)
    rng = np.random.default_rng(3)
    mixed = rng.standard_normal((4, 4))
    past, newest = (rng.standard_normal((sessions * 20, 4)) @ mixed for sessions in (60, 10))
    newest[:, 0] += 0.5
    sizes = np.full(60, 20)
    test = TwoSampleClassifier(past.astype(np.float32), sizes, recent=10, gap=5)
    figure = test.of(newest.astype(np.float32), np.full(10, 20))
    even = np.arange(20) % 2 == 0
    one, other = np.tile(even, 60), np.tile(even, 10)
    # scikit-learn pools both samples' covariance; where the past's alone is to count, it is given as many of its rows as outweigh the newest
    oracle = LinearDiscriminantAnalysis(solver="lsqr", priors=[1 - 1e-9, 1e-9]).fit(
        np.concatenate([past[one], newest[other]]), np.repeat([0, 1], [one.sum(), other.sum()])
    )
    scores = oracle.decision_function(np.concatenate([past[~one], newest[~other]]))
    area = roc_auc_score(np.repeat([0, 1], [(~one).sum(), (~other).sum()]), scores)
    assert 1.0 / (1.0 + np.exp(-figure)) == pytest.approx(area, abs=0.01)
    assert area > 0.55


def test_what_is_missing_and_symbols_that_are_few_are_no_errors() -> None:
    x = np.full((100, 3), np.nan, np.float32)
    test = TwoSampleClassifier(x, np.full(50, 2), recent=5, gap=2)
    assert test.of(x[:10], np.full(5, 2)) == 0.0, "all scores are the same: an area of one half"
    assert np.isnan(TwoSampleClassifier(x, np.full(100, 1), recent=5, gap=2).of(x[:5], np.full(5, 1)))

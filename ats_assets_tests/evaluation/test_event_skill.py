"""Skill of probabilities beside scikit-learn's figures, and where there is nothing to divide by."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.event_skill import event_skill, reliability


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 60), steps=st.sampled_from([3, 10, 1_000]))
def test_the_figures_are_scikit_learns(seed: int, n: int, steps: int) -> None:
    """Ties among the probabilities are common where there are few steps."""
    random = np.random.default_rng(seed)
    p, y = random.integers(0, steps + 1, n) / steps, random.random(n) < 0.4
    found = event_skill(p, y)
    matrix = metrics.confusion_matrix(y, p > 0.5, labels=[False, True])
    assert [[found.true_negatives, found.false_positives], [found.false_negatives, found.true_positives]] == matrix.tolist()
    assert found.accuracy == pytest.approx(metrics.accuracy_score(y, p > 0.5))
    assert found.brier == pytest.approx(np.mean((p - y) ** 2))
    assert found.brier_of_base_rate == pytest.approx(np.mean((y.mean() - y) ** 2))
    if y.any() and not y.all():
        assert found.auc == pytest.approx(metrics.roc_auc_score(y, p))
        assert found.recall == pytest.approx(metrics.recall_score(y, p > 0.5))
    else:
        assert found.auc is None
    if (p > 0.5).any():
        assert found.precision == pytest.approx(metrics.precision_score(y, p > 0.5))


def test_the_error_of_the_auc_is_that_of_many_samples() -> None:
    random = np.random.default_rng(0)
    aucs = []
    for _ in range(400):
        y = np.repeat([True, False], [40, 60])
        aucs.append(event_skill(random.random(100), y).auc)
    assert event_skill(random.random(100), y).auc_error == pytest.approx(np.std(aucs), rel=0.15)


def test_groups_of_equal_probabilities_stay_together_and_hold_all_events() -> None:
    random = np.random.default_rng(1)
    p = random.integers(0, 5, 200) / 4
    groups = reliability(p, random.random(200) < p, bins=10)
    assert groups["events"].sum() == 200
    assert groups.height <= 5
    assert groups["mean_probability"].is_sorted()


def test_nothing_is_no_skill_and_nonsense_an_error() -> None:
    nothing = event_skill([], [])
    assert (nothing.events, nothing.auc, nothing.brier, nothing.accuracy) == (0, None, None, None)
    assert reliability([], []).is_empty()
    with pytest.raises(EvaluationError, match="outside"):
        event_skill([1.5], [True])
    with pytest.raises(EvaluationError, match="shape"):
        event_skill([0.5], [True, False])

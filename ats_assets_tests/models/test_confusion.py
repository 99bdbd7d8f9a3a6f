import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix

from ats_assets.models.confusion import class_confusion


@given(st.lists(st.tuples(st.sampled_from([-1.0, 0.0, 1.0]), st.integers(-5, 5)), min_size=2, max_size=40))
def test_counts_are_those_of_sklearn_and_each_class_is_predicted_as_often_as_it_occurs(rows: list[tuple[float, int]]) -> None:
    labels, scores = np.array([label for label, _ in rows]), np.array([float(score) for _, score in rows])
    found = class_confusion(labels, scores)
    if len(set(labels)) < 2:
        assert found is None
        return
    assert found is not None
    predicted = np.empty(len(labels))
    predicted[np.argsort(scores, kind="stable")] = np.sort(labels)
    np.testing.assert_array_equal(found.counts, confusion_matrix(labels, predicted))
    assert found.accuracy == pytest.approx(float((predicted == labels).mean()))
    assert [sum(column) for column in zip(*found.counts, strict=True)] == [sum(row) for row in found.counts]


@pytest.mark.parametrize("labels", [[0.1, 0.2, 0.3], [1.0, 1.0], [0.0, 1.0, 2.0]])
def test_what_is_no_class_has_none(labels: list[float]) -> None:
    assert class_confusion(np.array(labels), np.arange(float(len(labels)))) is None

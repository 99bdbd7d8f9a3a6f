import io
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

from ats_assets.errors import ModelError
from ats_assets.models.forest import LEAF, NODES, Forest
from ats_assets.models.learner import Fitted
from ats_assets.models.learners.extra_trees import ExtraTrees, ExtraTreesSettings
from ats_assets.models.learners.random_forest import RandomForest, RandomForestSettings
from ats_assets.models.objectives import above_median
from ats_assets_tests.models.fits import small_training_set


@pytest.mark.parametrize("objective", ["regression", "classification"])
@pytest.mark.parametrize(
    ("learner", "theirs"),
    [
        (RandomForest(RandomForestSettings(trees=15, min_samples_leaf=20)), RandomForestRegressor),
        (ExtraTrees(ExtraTreesSettings(trees=15, min_samples_leaf=20)), ExtraTreesRegressor),
    ],
    ids=["random_forest", "extra_trees"],
)
def test_scores_are_those_of_scikit_learn(learner: Any, theirs: type[Any], objective: str) -> None:
    data = small_training_set()
    found = type(learner)(learner.settings.model_copy(update={"objective": objective})).fit(data)
    assert isinstance(found, Fitted)
    told = {name: value for name, value in found.parameters.items() if name != "objective"}
    y = above_median(data.train) if objective == "classification" else data.train.y
    theirs = theirs(**told, bootstrap=True, n_jobs=1).fit(data.train.x, y)
    assert np.isnan(data.validation.x).any()
    np.testing.assert_allclose(found.scores, theirs.predict(data.validation.x), rtol=1e-12)
    importance = np.array(list(found.importance.values()))  # a tree without a split counts as nothing here, and not at all there
    np.testing.assert_allclose(importance / importance.sum(), theirs.feature_importances_, rtol=1e-12)
    assert len(np.unique(found.scores)) > 20
    assert found.label_kind == ("class" if objective == "classification" else None)
    if objective == "classification":
        assert 0 < found.scores.min() < found.scores.max() < 1


def test_the_file_is_no_pickle() -> None:
    found = RandomForest(RandomForestSettings(trees=2, min_samples_leaf=20)).fit(small_training_set())
    assert isinstance(found, Fitted)
    assert found.content[:6] == b"ARROW1"


def test_a_contribution_is_the_change_of_a_nodes_mean_at_a_split() -> None:
    """A tree by hand: feature 0 splits at 1, and above it feature 1 at 5; what is missing goes left at the first, right at the second."""
    nodes = {
        "tree": [0] * 5,
        "left": [1, -1, 3, -1, -1],
        "right": [2, -1, 4, -1, -1],
        "feature": [0, LEAF, 1, LEAF, LEAF],
        "threshold": [1.0, 0.0, 5.0, 0.0, 0.0],
        "missing_left": [True, False, False, False, False],
        "value": [0.5, 0.2, 1.0, 0.7, 1.6],
    }
    forest = Forest(pl.DataFrame(nodes, schema=NODES))
    x = np.array([[0.0, 9.0], [2.0, 4.0], [2.0, np.nan], [np.nan, 4.0]], np.float32)
    assert forest.predict(x) == pytest.approx([0.2, 0.7, 1.6, 0.2])
    expected = np.array([[-0.3, 0.0, 0.5], [0.5, -0.3, 0.5], [0.5, 0.6, 0.5], [-0.3, 0.0, 0.5]])
    np.testing.assert_allclose(forest.contributions(x), expected, atol=1e-12)


def test_a_sequential_bootstrap_is_another_forest_and_needs_the_spans_of_labels() -> None:
    data, how = small_training_set(), {"trees": 3, "min_samples_leaf": 20}
    plain, sequential = (RandomForest(RandomForestSettings(bootstrap=way, **how)) for way in ("rows", "sequential"))
    one, other = plain.fit(data), sequential.fit(data)
    assert isinstance(one, Fitted)
    assert isinstance(other, Fitted)
    assert one.content != other.content
    assert "bootstrap" not in one.parameters, "a forest without it is recorded as before"
    assert other.parameters["bootstrap"] == "sequential"
    with pytest.raises(ModelError, match="do not tell the spans of their labels"):
        sequential.fit(replace(data, train=replace(data.train, spans=None)))


def test_damaged_trees_are_refused() -> None:
    """An Arrow file that is cut off ended in a panic, and one whose way down comes back upwards would never have ended."""
    learner = RandomForest(RandomForestSettings(trees=2, min_samples_leaf=20))
    found = learner.fit(small_training_set())
    assert isinstance(found, Fitted)
    nodes = pl.read_ipc(io.BytesIO(found.content))
    inner = pl.col("feature") != LEAF
    damaged = [
        nodes.with_columns(left=pl.when(inner).then(0).otherwise("left").cast(pl.Int32)),
        nodes.with_columns(right=pl.when(inner).then(10_000).otherwise("right").cast(pl.Int32)),
        nodes.clear(),
        nodes.drop("value"),
    ]
    for table in damaged:
        buffer = io.BytesIO()
        table.write_ipc(buffer)
        with pytest.raises(ModelError, match="not of a forest's nodes, or a damaged one"):
            learner.load(buffer.getvalue())
    for length in range(0, len(found.content), 97):
        with pytest.raises(ModelError):
            learner.load(found.content[:length])

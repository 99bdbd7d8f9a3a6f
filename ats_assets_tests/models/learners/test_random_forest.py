import numpy as np
from sklearn.ensemble import RandomForestRegressor

from ats_assets.models.learner import Fitted
from ats_assets.models.learners.random_forest import RandomForest, RandomForestSettings
from ats_assets_tests.models.fits import small_training_set


def test_scores_are_those_of_scikit_learn() -> None:
    settings, data = RandomForestSettings(trees=15, min_samples_leaf=20), small_training_set()
    learner = RandomForest(settings)
    found = learner.fit(data)
    assert isinstance(found, Fitted)
    theirs = RandomForestRegressor(**found.parameters, n_jobs=1).fit(data.train.x, data.train.y)
    assert np.isnan(data.validation.x).any()
    np.testing.assert_allclose(found.scores, theirs.predict(data.validation.x), rtol=1e-12)
    np.testing.assert_allclose(list(found.importance.values()), theirs.feature_importances_, rtol=1e-12)
    assert len(np.unique(found.scores)) > 20


def test_the_file_is_no_pickle() -> None:
    found = RandomForest(RandomForestSettings(trees=2, min_samples_leaf=20)).fit(small_training_set())
    assert isinstance(found, Fitted)
    assert found.content[:6] == b"ARROW1"

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ats_assets.errors import ModelError
from ats_assets.models.learner import Fitted
from ats_assets.models.learners.xgboost import Xgboost, XgboostSettings, summable
from ats_assets.models.xgboost_trees import XgboostTrees
from ats_assets_tests.models.fits import SETTINGS, small_training_set

xgb = pytest.importorskip("xgboost")


def learner(**changes: Any) -> Xgboost:
    small = {"min_rounds": 5, "max_rounds": 40, "early_stopping_rounds": 10, "min_child_weight": 20.0}
    return Xgboost(XgboostSettings.model_validate(small | changes))


def fitted(**changes: Any) -> Fitted:
    found = learner(**changes).fit(small_training_set())
    assert isinstance(found, Fitted), found
    return found


@pytest.mark.parametrize("threads", [1, 3])
def test_loaded_trees_say_what_the_python_module_of_the_library_says(threads: int) -> None:
    model, x = fitted(), small_training_set().validation.x
    x = np.where(np.random.default_rng(3).random(x.shape) < 0.1, np.float32(np.nan), x)
    booster, trees = xgb.Booster(model_file=bytearray(model.content)), XgboostTrees(model.content)
    assert trees.predict(x, threads=threads).tolist() == booster.predict(xgb.DMatrix(x), output_margin=True).tolist()
    assert np.array_equal(trees.predict(np.asfortranarray(x), threads=threads), trees.predict(x))
    theirs = booster.predict(xgb.DMatrix(x), pred_contribs=True)
    np.testing.assert_allclose(trees.contributions(x, threads=threads), theirs, atol=1e-6)
    assert trees.predict(x[:0]).shape == (0,)
    assert booster.num_boosted_rounds() == model.rounds


def test_heavy_tails_give_the_same_bytes_with_any_number_of_threads_though_xgboost_alone_does_not() -> None:
    """Sums of gradients that reach over many powers of two depend on their order, and XGBoost's order is that of its threads."""
    random = np.random.default_rng(0)
    x, y = random.standard_normal((20_000, 10)).astype(np.float32), random.standard_cauchy(20_000) ** 3

    def alone(threads: int, *, rounded: bool) -> str:
        told = {"nthread": threads, "max_depth": 6, "eta": 0.3, "tree_method": "hist", "max_bin": 63, "reg_lambda": 0.0, "base_score": 0.0}

        def steps(found: np.ndarray, _: object) -> tuple[np.ndarray, np.ndarray]:
            return summable(found.astype(np.float64) - y), np.ones(len(y), np.float32)

        data = xgb.QuantileDMatrix(x, y, max_bin=63, nthread=threads)
        booster = xgb.train(told, data, 10, obj=steps if rounded else None)
        return hashlib.sha256(bytes(booster.save_raw("ubj"))).hexdigest()

    assert alone(1, rounded=True) == alone(2, rounded=True) == alone(3, rounded=True)
    assert alone(1, rounded=False) != alone(2, rounded=False), "XGBoost's own sums are the same now: rounding can go"


def test_any_order_of_a_sum_is_the_same() -> None:
    random = np.random.default_rng(2)
    for values in (random.standard_cauchy(10_000) ** 3, random.standard_normal(10_000), np.zeros(5)):
        rounded = summable(values).astype(np.float64)
        assert np.abs(rounded - values).max() <= 2.0**-23 * max(np.abs(values).max(), 1e-300)
        sums = {float(np.cumsum(rounded[random.permutation(len(rounded))])[-1]) for _ in range(20)}
        assert len(sums) == 1


def test_what_a_far_label_does_not_move() -> None:
    """XGBoost's own intercept went to 1e5 for labels near 50 with some losses; here it is the mean, or the log-odds."""
    data = small_training_set(settings=SETTINGS.model_copy(update={"label": "raw"}))
    far = replace(data, train=replace(data.train, y=data.train.y + 50.0), validation=replace(data.validation, y=data.validation.y + 50.0))
    for objective in ("regression", "quantile"):
        found = learner(objective=objective).fit(far)
        assert isinstance(found, Fitted)
        assert np.abs(found.scores - 50.0).max() < 0.05


def test_without_a_signal_the_first_rounds_stay() -> None:
    found = learner().fit(small_training_set(strength=0.0))
    assert isinstance(found, Fitted)
    assert found.rounds >= 5
    assert fitted(min_rounds=40).rounds == 40
    assert fitted(seed=8).content != fitted().content


def test_what_is_no_model_and_rows_of_other_features_are_refused() -> None:
    with pytest.raises(ModelError, match="XGBoost: "):
        learner().load(b"no model of any kind")
    with pytest.raises(ModelError, match="XGBoost: the rows have 2 features, those of the model have 4"):
        learner().load(fitted().content).predict(np.zeros((2, 2), dtype=np.float32))

from dataclasses import replace

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest

from ats_assets.errors import ModelError
from ats_assets.models import CrossSections, fit
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.learners.lightgbm import LARGEST_QUERY, parameters
from ats_assets.models.lightgbm_trees import LightgbmTrees
from ats_assets.models.objectives import GRADES
from ats_assets_tests.models.fits import LIGHTGBM, SESSION, SETTINGS, fitted_lightgbm, lightgbm, small_training_set


def fitted(threads: int = 1, label: str = "rank", **changes: object) -> Fitted:
    settings = SETTINGS.model_copy(update={"label": label, "threads": threads})
    found = fit(lightgbm(**changes), small_training_set(settings=settings), settings)
    assert isinstance(found, Fitted)
    return found


@pytest.mark.parametrize("changes", [{}, {"label": "raw"}, {"objective": "lambdarank"}])
def test_the_signal_is_found_and_the_threads_leave_no_trace(changes: dict[str, str]) -> None:
    one = fitted(threads=1, **changes)
    for threads in (2, 3):
        many = fitted(threads=threads, **changes)
        assert many.content == one.content
        assert np.array_equal(many.scores, one.scores)
    assert max(one.importance, key=lambda name: one.importance[name]) == "signal"


def test_the_figures_are_those_of_the_trees() -> None:
    model, data = fitted(), small_training_set()
    booster = lgb.Booster(model_str=model.content.decode())
    assert booster.num_trees() == model.rounds
    assert np.array_equal(np.asarray(booster.predict(data.validation.x, num_threads=1)), model.scores)


@pytest.mark.parametrize("threads", [1, 3])
def test_loaded_trees_say_what_the_python_module_of_the_library_says(threads: int) -> None:
    model, x = fitted(), small_training_set().validation.x
    x = np.where(np.random.default_rng(3).random(x.shape) < 0.1, np.float32(np.nan), x)
    booster, trees = lgb.Booster(model_str=model.content.decode()), LightgbmTrees(model.content)
    assert np.array_equal(trees.predict(x, threads=threads), np.asarray(booster.predict(x, num_threads=1)))
    assert np.array_equal(trees.predict(np.asfortranarray(x), threads=threads), trees.predict(x))
    added = trees.contributions(x, threads=threads)
    assert np.array_equal(added, np.asarray(booster.predict(x, pred_contrib=True, num_threads=1)))
    assert added.sum(axis=1) == pytest.approx(trees.predict(x))
    assert trees.predict(x[:0]).shape == (0,)


def test_contributions_are_the_exact_shapley_values_of_the_trees() -> None:
    """Beside shap, which walks the trees by code of its own."""
    explainer = pytest.importorskip("shap").TreeExplainer
    model, x = fitted(), small_training_set().validation.x[:50].astype(np.float64)
    added = LightgbmTrees(model.content).contributions(x.astype(np.float32))
    expected = explainer(lgb.Booster(model_str=model.content.decode()), feature_perturbation="tree_path_dependent", data=None)
    np.testing.assert_allclose(added[:, :-1], expected.shap_values(x), atol=1e-6)


def test_what_is_no_model_and_rows_of_other_features_are_refused() -> None:
    with pytest.raises(ModelError, match="LightGBM: Model file doesn't specify"):
        lightgbm().learner.load(b"tree\nno model\n")
    with pytest.raises(ModelError, match="LightGBM: The number of features in data"):
        lightgbm().learner.load(fitted().content).predict(np.zeros((2, 2), dtype=np.float32))


def test_without_a_signal_the_first_rounds_stay() -> None:
    assert fitted_lightgbm(small_training_set(strength=0.0)).rounds >= 5
    assert fitted(min_rounds=40).rounds == 40


def test_another_seed_is_another_model() -> None:
    assert fitted(seed=8).content != fitted().content


@pytest.mark.parametrize("objective", ["regression", "dollar_profit"])
def test_trees_without_a_split_are_no_model_but_a_reason(objective: str) -> None:
    """Such a model was "fitted" until then, and the ten symbols that sort first were bought; by an objective of our own LightGBM ended in an error."""
    model = fit(lightgbm(min_data_in_leaf=2_000, objective=objective), small_training_set(), SETTINGS)
    assert model == Unavailable(
        reason=f"no tree of the fit as of {SESSION} has a split, so that every symbol would have the same score; 1,872 rows, which a tree is grown on, can't be split into leaves of 2000: "
        "lower min_data_in_leaf, or train on more sessions or symbols"
    )


@pytest.mark.parametrize("changes", [{}, {"objective": "lambdarank"}])
def test_features_that_tell_nothing_apart_are_no_model(changes: dict[str, str]) -> None:
    data = small_training_set()
    flat = replace(data, train=replace(data.train, x=np.ones_like(data.train.x)))
    model = fit(lightgbm(**changes), flat, SETTINGS)
    assert isinstance(model, Unavailable)
    assert "no feature tells the labels" in model.reason


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_session_of_more_symbols_than_lambdarank_takes_is_an_error_that_names_the_settings(part: str) -> None:
    """LightGBM's own error came until then, which names neither the session nor a setting."""
    settings = SETTINGS.model_copy(update={"min_train_sessions": 1})
    data = small_training_set(settings=settings)
    n = LARGEST_QUERY + 1
    keys = pl.DataFrame({"session": [SESSION] * n, "symbol": [f"S{i:05d}" for i in range(n)]})
    y = np.arange(n, dtype=float)
    large = CrossSections(keys=keys, x=np.arange(4.0 * n, dtype=np.float32).reshape(n, 4), y=y, returns=y / n, sizes=np.array([n]))
    with pytest.raises(ModelError, match=rf"{SESSION} has 10,001 symbols.*universe.size.*the objective"):
        fit(lightgbm(objective="lambdarank"), replace(data, **{part: large}), settings)  # pyright: ignore[reportArgumentType]
    assert not isinstance(lightgbm_takes(LARGEST_QUERY), str)
    assert "10000" in str(lightgbm_takes(n))


def lightgbm_takes(rows: int) -> lgb.Booster | str:
    """A ranking of one query, or what LightGBM says."""
    data = lgb.Dataset(np.arange(rows, dtype=float)[:, None], np.arange(rows) % GRADES, group=[rows])
    try:
        return lgb.train({"objective": "lambdarank", "num_leaves": 2, "verbosity": -1, "num_threads": 1}, data, num_boost_round=1)
    except lgb.basic.LightGBMError as error:
        return str(error)


def test_without_weights_the_trees_are_those_of_the_library_told_of_none() -> None:
    data, found = small_training_set(), fitted()
    own = parameters(LIGHTGBM) | {"num_threads": 1}
    rows = lgb.Dataset(data.train.x, data.train.y, feature_name=list(data.features), params=own)
    text = lgb.train(own, rows, num_boost_round=found.rounds).model_to_string(num_iteration=found.rounds)
    assert text.partition("parameters:")[0].encode() == found.content.partition(b"parameters:")[0]

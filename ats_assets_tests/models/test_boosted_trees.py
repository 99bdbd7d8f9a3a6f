from dataclasses import replace

import lightgbm as lgb
import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from ats_assets.errors import ModelError
from ats_assets.models import CrossSections, FittedTrees, Unavailable, fit_boosted_trees
from ats_assets.models.boosted_trees import GRADES, LARGEST_QUERY, rank_ic_by_session
from ats_assets_tests.models.fits import CALENDAR, SESSION, SETTINGS, small_training_set


def fitted(**changes: object) -> FittedTrees:
    settings = SETTINGS.model_copy(update=changes)
    model = fit_boosted_trees(small_training_set(settings=settings), settings)
    assert isinstance(model, FittedTrees)
    return model


@pytest.mark.parametrize("changes", [{}, {"label": "raw"}, {"objective": "lambdarank"}])
def test_the_signal_is_found_and_the_threads_leave_no_trace(changes: dict[str, str]) -> None:
    one = fitted(threads=1, **changes)
    for threads in (2, 3):
        many = fitted(threads=threads, **changes)
        assert many.text == one.text
        assert many.validation.equals(one.validation)
    assert max(one.importance, key=lambda name: one.importance[name]) == "signal"
    assert one.validation["rank_ic"].mean() > 0.2  # pyright: ignore[reportOperatorIssue]


def test_the_figures_are_those_of_the_trees() -> None:
    model, data = fitted(), small_training_set()
    booster = lgb.Booster(model_str=model.text)
    assert booster.num_trees() == model.best_iteration
    scores = np.asarray(booster.predict(data.validation.x, num_threads=1))
    at = np.cumsum(data.validation.sizes)[:-1]
    for ours, score, label in zip(model.validation["rank_ic"], np.split(scores, at), np.split(data.validation.y, at), strict=True):
        assert ours == pytest.approx(spearmanr(score, label).statistic, abs=1e-12)
    assert model.validation["decision_session"].to_list() == list(data.window.validation)


def test_without_a_signal_the_first_rounds_stay() -> None:
    model = fit_boosted_trees(small_training_set(strength=0.0), SETTINGS)
    assert isinstance(model, FittedTrees)
    assert model.best_iteration >= SETTINGS.min_rounds
    assert fitted(min_rounds=40).best_iteration == 40


def test_another_seed_is_another_model() -> None:
    assert fitted(seed=8).text != fitted().text


def test_too_little_history_gives_no_model_but_its_reason() -> None:
    model = fit_boosted_trees(small_training_set(session=CALENDAR.offset(CALENDAR.first, 50)), SETTINGS)
    assert model == Unavailable(
        reason=f"25 labelled sessions to train on as of {CALENDAR.offset(CALENDAR.first, 50)}; lightgbm.min_train_sessions is 30"
    )
    nothing = fit_boosted_trees(small_training_set(session=CALENDAR.offset(CALENDAR.first, 3)), SETTINGS)
    assert isinstance(nothing, Unavailable)


def test_constant_scores_have_no_rank_ic() -> None:
    rows = small_training_set().validation
    assert rank_ic_by_session(rows, np.zeros(len(rows.y)))["rank_ic"].null_count() == len(rows.sizes)


def test_trees_without_a_split_are_no_model_but_a_reason() -> None:
    """Such a model was "fitted" until then, and the ten symbols that sort first were bought by it."""
    settings = SETTINGS.model_copy(update={"min_data_in_leaf": 2_000})
    model = fit_boosted_trees(small_training_set(settings=settings), settings)
    assert model == Unavailable(
        reason=f"no tree of the fit as of {SESSION} has a split, so that every symbol would have the same score; 1,872 rows, which a tree is grown on, can't be split into leaves of 2000: "
        "lower lightgbm.min_data_in_leaf, or train on more sessions or symbols"
    )


@pytest.mark.parametrize("changes", [{}, {"objective": "lambdarank"}])
def test_features_that_tell_nothing_apart_are_no_model(changes: dict[str, str]) -> None:
    settings = SETTINGS.model_copy(update=changes)
    data = small_training_set(settings=settings)
    flat = replace(data, train=replace(data.train, x=np.ones_like(data.train.x)))
    model = fit_boosted_trees(flat, settings)
    assert isinstance(model, Unavailable)
    assert "no feature tells the labels" in model.reason


@pytest.mark.parametrize("part", ["train", "validation"])
def test_a_session_of_more_symbols_than_lambdarank_takes_is_an_error_that_names_the_settings(part: str) -> None:
    """LightGBM's own error came until then, which names neither the session nor a setting."""
    settings = SETTINGS.model_copy(update={"objective": "lambdarank", "min_train_sessions": 1})
    data = small_training_set(settings=settings)
    n = LARGEST_QUERY + 1
    keys = pl.DataFrame({"session": [SESSION] * n, "symbol": [f"S{i:05d}" for i in range(n)]})
    large = CrossSections(keys=keys, x=np.zeros((n, 4), np.float32), y=np.arange(n, dtype=float), sizes=np.array([n]))
    with pytest.raises(ModelError, match=rf"{SESSION} has 10,001 symbols.*universe.size.*lightgbm.objective"):
        fit_boosted_trees(replace(data, **{part: large}), settings)  # pyright: ignore[reportArgumentType]
    assert not isinstance(lightgbm_takes(LARGEST_QUERY), str)
    assert "10000" in str(lightgbm_takes(n))


def lightgbm_takes(rows: int) -> lgb.Booster | str:
    """A ranking of one query, or what LightGBM says."""
    data = lgb.Dataset(np.arange(rows, dtype=float)[:, None], np.arange(rows) % GRADES, group=[rows])
    try:
        return lgb.train({"objective": "lambdarank", "num_leaves": 2, "verbosity": -1, "num_threads": 1}, data, num_boost_round=1)
    except lgb.basic.LightGBMError as error:
        return str(error)

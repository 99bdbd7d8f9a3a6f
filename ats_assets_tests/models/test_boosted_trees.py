import lightgbm as lgb
import numpy as np
import pytest
from scipy.stats import spearmanr

from ats_assets.models import FittedTrees, Unavailable, fit_boosted_trees
from ats_assets_tests.models.fits import CALENDAR, SETTINGS, small_training_set


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
    settings = SETTINGS.model_copy(update={"min_data_in_leaf": 100_000})
    model = fit_boosted_trees(small_training_set(settings=settings), settings)
    assert isinstance(model, FittedTrees)
    assert model.validation["rank_ic"].null_count() == model.validation.height

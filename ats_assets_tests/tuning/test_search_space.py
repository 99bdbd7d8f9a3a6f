"""A space is checked before anything is tried: what is in it, and whether the learner takes it."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.models.choosing import models
from ats_assets.plugins import LEARNERS
from ats_assets.settings import SearchChoices, SearchRange, TuningSettings, load_settings
from ats_assets.tuning.search_space import own_parameters, rounded, search_space
from ats_assets_tests.tuning.panels import LEAVES, stumps
from ats_assets_tests.tuning.tuned_market import tuned_market


def of_lightgbm(**parameters: Any) -> TuningSettings:
    return TuningSettings.model_validate({"models": ["lightgbm"], "space": {"lightgbm": parameters}})


def test_what_the_settings_say_is_the_space_and_else_what_the_learner_declares() -> None:
    assert search_space(stumps(), TuningSettings(models=("lightgbm",))) == LEAVES
    assert list(search_space(stumps(), of_lightgbm(lambda_l2={"low": 0.0, "high": 5.0}))) == ["lambda_l2"]


@pytest.mark.parametrize("name", LEARNERS.names())
def test_each_learner_takes_all_of_the_space_that_it_declares(name: str) -> None:
    try:
        chosen = LEARNERS.chosen(name, {})
    except SettingsError as error:
        pytest.skip(str(error))
    if not chosen.plugin.space:
        pytest.skip("it declares none")
    settings = load_settings(models={name: {}}, tuning={"models": (name,)})
    (model,) = models(Deployment(settings)).values()
    space = search_space(model, settings.tuning)
    assert space
    assert own_parameters(model, space) is not None, "its own settings lie in the space, so that the sampler is told of them"


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"leafs": {"low": 2, "high": 9}}, "'leafs', which is no setting of lightgbm: choose from "),
        (
            {"num_leaves": {"low": 0, "high": 9}},
            "num_leaves be 0, which lightgbm does not take: Input should be greater than or equal to 1",
        ),
        ({"num_leaves": {"low": 2.0, "high": 9.0}}, "which lightgbm does not take: Input should be a valid integer"),
        ({"feature_fraction": {"low": 0.5, "high": 1.5}}, "feature_fraction be 1.5"),
        ({"objective": {"choices": ["regression", "ranking"]}}, "objective be 'ranking'"),
    ],
)
def test_a_space_that_the_learner_does_not_take_is_refused(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        search_space(stumps(), of_lightgbm(**parameters))
    assert said in str(refused.value)
    assert "[tuning.space.lightgbm]" in str(refused.value)


def test_a_learner_without_a_space_needs_one_of_the_settings() -> None:
    with pytest.raises(SettingsError, match="declares no space: say in"):
        search_space(replace(stumps(), space={}), TuningSettings(models=("lightgbm",)))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"low": 5, "high": 5}, "the range from 5 to 5 is empty"),
        ({"low": 0, "high": 5, "log": True}, "begins above 0"),
        ({"low": 1, "high": 5, "log": True, "step": 2}, "log and step are both set"),
        ({"low": 1, "high": 5, "step": 0.5}, "step is 0.5 in a range of whole numbers"),
        ({"low": 1}, "high"),
        ({"low": 1.0, "high": float("inf")}, "finite"),
        ({"choices": []}, "at least 1 item"),
        ({"choices": [1, 1]}, "names one twice"),
    ],
)
def test_a_range_that_holds_nothing_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        of_lightgbm(num_leaves=values)


def test_true_and_one_are_two_choices() -> None:
    assert SearchChoices(choices=(1, True)).holds(True)
    assert not SearchChoices(choices=(1, 2)).holds(True)


def test_numbers_are_as_short_as_people_read_them_and_stay_in_the_range() -> None:
    space = {"a": SearchRange(low=0.1, high=0.12345678), "b": SearchRange(low=0.0, high=1.0, step=0.1), "c": SearchRange(low=1, high=9)}
    assert rounded(space, {"a": 0.11111111111, "b": 0.30000000000000004, "c": 7}) == {"a": 0.111111, "b": 0.30000000000000004, "c": 7}
    assert rounded(space, {"a": 0.12345678})["a"] == 0.12345678  # and not 0.123457, which is above its end
    assert space["a"].holds(rounded(space, {"a": 0.12345678})["a"])


@pytest.mark.parametrize(
    ("tuning", "said"),
    [
        ({"models": ("forest",)}, "tuning.models names 'forest', which is none of"),
        ({"models": ("lightgbm", "lightgbm")}, "models names one twice"),
        ({"space": {"lightgbm": {"num_leaves": {"low": 2, "high": 5}}}}, "is of a model that is not tuned"),
        ({"models": ("lightgbm",), "space": {"lightgbm": {}}}, "is empty: name a parameter"),
    ],
)
def test_settings_that_do_not_agree_are_refused(tuning: dict[str, Any], said: str) -> None:
    with pytest.raises((SettingsError, ValidationError), match=said):
        load_settings(tuning=tuning)


def test_the_graph_is_not_built_without_optuna_or_with_a_wrong_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="num_leaves be 0"):
        build(tuned_market(tmp_path, space={"lightgbm": {"num_leaves": {"low": 0, "high": 9}}}))
    monkeypatch.setitem(sys.modules, "optuna", None)  # as find_spec and import see what is not installed
    with pytest.raises(SettingsError, match=r"needs optuna, which is not installed: pip install 'ats-assets\[tuning\]'"):
        build(tuned_market(tmp_path))

"""Trials come to the same end whatever process ends first and wherever a run was killed; a parameter that matters is found."""

import itertools
import random
from collections.abc import Iterator, Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.settings import Search, SearchChoices, SearchRange, TuningSettings
from ats_assets.tuning.study import study
from ats_assets.tuning.tried_trials import AskedTrial, TriedTrial, chosen_trial, limits_after
from ats_assets.tuning.tuned_rows import try_parameters, tuned_rows
from ats_assets_tests.tuning.panels import LEAVES, TRAINING, panel, stumps

pytest.importorskip("optuna")
SPACE: dict[str, Search] = {
    "learning_rate": SearchRange(low=0.01, high=0.5, log=True),
    "num_leaves": SearchRange(low=2, high=100),
    "objective": SearchChoices(choices=("regression", "lambdarank")),
}
HOW = TuningSettings(trials=22, folds=3, random_trials=6, generation=4)


def worth(parameters: Mapping[str, object]) -> float:
    """A smooth figure of the parameters that is largest, 0, at a rate of 0.1 and 60 leaves of a regression."""
    rate, leaves = float(str(parameters.get("learning_rate", 0.3))), int(str(parameters.get("num_leaves", 2)))
    return -abs(rate - 0.1) - abs(leaves - 60) / 100 - 0.2 * (parameters.get("objective") == "lambdarank")


def judged(asked: AskedTrial) -> TriedTrial:
    """What comes of a trial where its folds are known without a fit."""
    folds: list[float] = []
    for fold in range(3):
        folds.append(worth(asked.parameters) + 0.01 * fold)
        limit = asked.limits[fold] if fold < len(asked.limits) else None
        if limit is not None and sum(folds) / len(folds) < limit and fold < 2:
            break
    state = "complete" if len(folds) == 3 else "pruned"
    how = {"number": asked.number, "generation": asked.generation, "parameters": dict(asked.parameters)}
    return TriedTrial(**how, state=state, folds=tuple(folds), fits=len(folds))


def in_order(asked: Sequence[AskedTrial]) -> Iterator[TriedTrial]:
    return (judged(one) for one in asked)


UNDISTURBED = study(stumps(), SPACE, HOW, in_order)


@settings(max_examples=15)
@given(kept=st.sets(st.integers(0, 21)), seed=st.integers(0, 100))
def test_it_ends_the_same_whatever_ended_first_and_whatever_was_stored_when_it_was_killed(kept: set[int], seed: int) -> None:
    def shuffled(asked: Sequence[AskedTrial]) -> list[TriedTrial]:
        assert not {one.number for one in asked} & kept, "what is stored is not tried again"
        return random.Random(seed).sample([*in_order(asked)], len(asked))

    stored = {one.number: one for one in UNDISTURBED if one.number in kept and "same" not in (one.reason or "")}
    kept &= stored.keys()
    assert study(stumps(), SPACE, HOW, shuffled, stored) == UNDISTURBED


def test_a_stored_trial_of_other_parameters_is_tried_again() -> None:
    wrong = {5: TriedTrial(number=5, generation=1, parameters={"num_leaves": 3}, state="complete", folds=(9.0, 9.0, 9.0), fits=3)}
    assert study(stumps(), SPACE, HOW, in_order, wrong) == UNDISTURBED


def test_a_generation_draws_other_numbers_than_the_one_before() -> None:
    """A sampler that is made again with the same seed repeats them."""
    drawn = [tuple(sorted((key, str(value)) for key, value in one.parameters.items())) for one in UNDISTURBED]
    assert len(set(drawn)) == len(drawn) == 22
    assert study(stumps(), SPACE, HOW.model_copy(update={"seed": 1}), in_order) != UNDISTURBED


def test_the_first_trial_is_the_models_own_settings_and_later_ones_are_drawn_where_the_good_ones_were() -> None:
    assert UNDISTURBED[0].parameters == {}
    values = [worth(one.parameters) for one in UNDISTURBED]
    assert sum(values[-8:]) / 8 > sum(values[1:6]) / 5 + 0.1
    assert max(values) > values[0]


def test_what_was_asked_for_before_is_not_tried_again() -> None:
    made: list[int] = []

    def counted(asked: Sequence[AskedTrial]) -> Iterator[TriedTrial]:
        made.extend(one.number for one in asked)
        return in_order(asked)

    few: dict[str, Search] = {"num_leaves": SearchRange(low=2, high=4)}
    trials = study(stumps(), few, HOW.model_copy(update={"trials": 12}), counted)
    assert len(trials) == 12
    assert len(made) == 3  # two leaves are the model's own: trial 0
    again = [one for one in trials if one.number not in made]
    assert {one.reason for one in again} <= {f"the same as trial {number}" for number in made}
    assert sum(one.fits for one in trials) == 9
    assert {one.folds for one in again} <= {trials[number].folds for number in made}


@pytest.mark.parametrize("budget", [1, 10, 30])
def test_no_generation_begins_once_the_budget_is_spent(budget: int) -> None:
    trials = study(stumps(), SPACE, HOW.model_copy(update={"budget_fits": budget}), in_order)
    fits = [sum(one.fits for one in group) for _, group in itertools.groupby(trials, key=lambda one: one.generation)]
    assert sum(fits[:-1]) < budget <= sum(fits)
    assert trials == UNDISTURBED[: len(trials)]


def test_a_trial_ends_where_it_is_below_the_median_of_those_of_earlier_generations() -> None:
    assert limits_after(UNDISTURBED[:3], 3) == (None, None)  # too few to say
    pruned = [one for one in UNDISTURBED if one.state == "pruned"]
    assert pruned
    assert min(one.generation for one in pruned) >= 1
    for one in pruned:
        before = [other for other in UNDISTURBED if other.generation < one.generation]
        assert sum(one.folds) / len(one.folds) < limits_after(before, 3)[len(one.folds) - 1]
    assert sum(one.fits for one in UNDISTURBED) < 3 * len(UNDISTURBED)
    assert not [one for one in study(stumps(), SPACE, HOW.model_copy(update={"pruning": "none"}), in_order) if one.state == "pruned"]


def test_a_parameter_that_matters_is_found_and_one_tree_of_one_split_is_not_kept() -> None:
    data, how = panel(100, 40, 0.3, 1), TuningSettings(trials=6, folds=3, random_trials=4, generation=3)
    rows, model = tuned_rows(data, TRAINING, how), stumps()
    trials = study(model, LEAVES, how, lambda asked: (try_parameters(model, rows, one, threads=1) for one in asked))
    chosen, why = chosen_trial(trials, penalty=how.penalty, margin=how.margin)
    assert trials[chosen].parameters["num_leaves"] >= 4
    assert trials[0].rank_ic is not None
    assert trials[chosen].rank_ic - trials[0].rank_ic > 0.1
    assert why.startswith("the best of 6: rank IC +0.")
    assert len(trials[chosen].ics) == 100


def test_what_parameters_lead_to_is_a_failed_trial_with_its_reason() -> None:
    data = panel(100, 40, 0.3, 1)
    rows, model = tuned_rows(data, TRAINING, HOW), stumps()

    def tried(**parameters: object) -> TriedTrial:
        return try_parameters(model, rows, AskedTrial(number=1, generation=0, parameters=parameters), threads=1)  # pyright: ignore[reportArgumentType]

    too_large = tried(min_data_in_leaf=100_000)
    assert (too_large.state, too_large.fits, too_large.folds) == ("failed", 1, ())
    assert "fold 0" in str(too_large.reason)
    assert "min_data_in_leaf" in str(too_large.reason)
    refused = tried(num_leaves=-1)
    assert (refused.state, refused.fits) == ("failed", 0)
    assert refused.reason == "Input should be greater than or equal to 1"
    by_library = tried(num_leaves=1)
    assert by_library.state == "failed"
    assert "LightGBMError" in str(by_library.reason)
    own = TriedTrial(number=0, generation=0, parameters={}, state="failed", reason="no luck")
    assert chosen_trial([own, too_large], penalty=1, margin=1) == (0, "own settings: no trial was complete; the first says: no luck")


def test_the_best_must_beat_the_own_settings_on_the_same_folds_by_the_margin() -> None:
    def trial(number: int, *folds: float) -> TriedTrial:
        return TriedTrial(number=number, generation=0, parameters={}, state="complete", folds=folds)

    own, uneven, even = trial(0, 0.02, 0.02, 0.02), trial(1, 0.30, -0.10, 0.10), trial(2, 0.04, 0.03, 0.05)
    assert chosen_trial([own, uneven, even], penalty=0, margin=0)[0] == 1  # the largest mean
    assert chosen_trial([own, uneven, even], penalty=1, margin=0)[0] == 2  # the most certain one
    number, why = chosen_trial([own, uneven], penalty=0, margin=1)
    assert (number, why) == (0, "own settings: trial 1 is the best, but with rank IC +0.0800 ± 0.1155 not above them by 1 standard errors")

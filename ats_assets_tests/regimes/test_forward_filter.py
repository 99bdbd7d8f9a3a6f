"""Filtered probabilities against enumeration of every path, a recursion in logarithms, and hmmlearn's likelihood; and what comes later changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import ModelError
from ats_assets.regimes import RegimeModel, filtered_states, window_starts
from ats_assets.regimes.estimation import smoothed_states
from ats_assets.regimes.regime_model import lagged, long_run
from ats_assets_tests.regimes.chains import enumerated, in_logs, planted, random_model

ONE = np.zeros(200, np.int64)


@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.integers(1, 3), st.integers(1, 6))
def test_the_last_row_is_as_every_path_of_states_adds_up_to(seed: int, states: int, features: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    lags = int(random.integers(0, 3)) if features == 1 else 0
    model = random_model(random, states, features, lags)
    observations = random.normal(0, 2, (rows, features))
    observations[random.random(rows) < 0.2] = np.nan
    found = filtered_states(model, observations, ONE[:rows])
    assert found.probabilities[-1] == pytest.approx(enumerated(model, observations)[0], abs=1e-10)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_a_long_sequence_is_as_in_logarithms_and_never_underflows(seed: int, states: int) -> None:
    random = np.random.default_rng(seed)
    model = random_model(random, states, 2)
    observations = random.normal(0, 30, (200, 2))
    found = filtered_states(model, observations, ONE)
    assert found.probabilities == pytest.approx(in_logs(model, observations), abs=1e-9)
    assert found.probabilities.sum(axis=1) == pytest.approx(1.0)
    assert ((found.entropy >= 0) & (found.entropy <= 1)).all()


def test_the_likelihood_is_hmmlearns_and_the_smoothed_probabilities_are_too() -> None:
    hmm = pytest.importorskip("hmmlearn.hmm")
    random = np.random.default_rng(5)
    model = random_model(random, 3, 2)
    observations = random.normal(0, 1.5, (120, 2))
    theirs = hmm.GaussianHMM(3, covariance_type="full")
    theirs.startprob_, theirs.transmat_ = model.start, model.transition
    theirs.means_, theirs.covars_ = model.coefficients[:, :, 0], model.covariances
    first = np.arange(120) % 60 == 0
    smoothed, likelihood = smoothed_states(model, observations, lagged(observations, 0), first)
    assert likelihood == pytest.approx(theirs.score(observations, [60, 60]), abs=1e-8)
    assert smoothed == pytest.approx(theirs.predict_proba(observations, [60, 60]), abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 99))
def test_what_comes_after_a_row_changes_no_bit_of_it(seed: int, last: int) -> None:
    random = np.random.default_rng(seed)
    model = random_model(random, 3, 1, lags=1)
    observations = random.normal(0, 2, (100, 1))
    other = observations.copy()
    other[last:] = random.normal(5, 20, (100 - last, 1))
    first = window_starts(ONE[:100], 30)
    before, after = filtered_states(model, observations, first), filtered_states(model, other, first)
    assert (before.probabilities[:last] == after.probabilities[:last]).all()
    assert (before.rows_in_state[:last] == after.rows_in_state[:last]).all()


def test_smoothed_probabilities_do_look_ahead_so_they_are_no_feature() -> None:
    path, values = planted(np.array([1.0, 3.0]), seed=2, rows=200, stay=0.97)
    random = np.random.default_rng(0)
    transition = np.array([[0.97, 0.03], [0.03, 0.97]])
    model = RegimeModel(
        start=long_run(transition), transition=transition, coefficients=np.zeros((2, 1, 1)), covariances=np.array([[[1.0]], [[9.0]]])
    )
    assert 0.2 < path.mean() < 0.8
    other = values.copy()
    other[100:] = random.normal(0, 3, 100)
    smoothed = [smoothed_states(model, one[:, None], np.ones((200, 1)), ONE == 1)[0] for one in (values, other)]
    assert (smoothed[0][:100] != smoothed[1][:100]).any()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_a_row_alone_has_the_bits_that_it_has_in_a_range(seed: int, rows: int) -> None:
    random = np.random.default_rng(seed)
    model = random_model(random, 2, 2)
    observations = random.normal(0, 2, (150, 2))
    whole = filtered_states(model, observations, window_starts(ONE[:150], rows))
    for i in random.integers(0, 150, 4):
        own = observations[max(0, i - rows + 1) : i + 1]
        alone = filtered_states(model, own, np.zeros(len(own), np.int64))
        assert (alone.probabilities[-1] == whole.probabilities[i]).all()
        assert alone.entropy[-1] == whole.entropy[i]
        assert alone.rows_in_state[-1] == whole.rows_in_state[i]


def test_a_sequence_begins_anew_and_a_row_without_a_window_is_not_known() -> None:
    sequence = np.repeat([0, 1], 5)
    first = window_starts(sequence, 4, least=2)
    assert first.tolist() == [1, 0, 0, 0, 1, 6, 5, 5, 5, 6]
    model = random_model(np.random.default_rng(1), 2, 1)
    found = filtered_states(model, np.ones((10, 1)), first, sequence)
    assert np.isnan(found.probabilities[[0, 5]]).all()
    assert found.state[[0, 5]].tolist() == [-1, -1]
    assert (found.probabilities[1:5] == found.probabilities[6:]).all()


def test_the_time_in_a_state_counts_the_rows_of_the_window_since_the_last_change() -> None:
    transition = np.array([[0.9, 0.1], [0.1, 0.9]])
    model = RegimeModel(
        start=long_run(transition), transition=transition, coefficients=np.array([[[-9.0]], [[9.0]]]), covariances=np.ones((2, 1, 1))
    )
    found = filtered_states(model, np.array([[-9.0], [9.0], [9.0], [9.0], [-9.0]]), window_starts(ONE[:5], 3))
    assert found.state.tolist() == [0, 1, 1, 1, 0]
    assert found.rows_in_state.tolist() == [1, 1, 2, 3, 1]


def test_a_covariance_that_is_none_says_so() -> None:
    model = RegimeModel(start=np.ones(1), transition=np.ones((1, 1)), coefficients=np.zeros((1, 1, 1)), covariances=-np.ones((1, 1, 1)))
    with pytest.raises(ModelError, match="state 0 has a covariance that is not positive definite"):
        filtered_states(model, np.ones((2, 1)), ONE[:2])


def test_parameters_are_json_to_the_last_bit() -> None:
    model = random_model(np.random.default_rng(3), 3, 2)
    again = RegimeModel.from_json(model.to_json())
    for name in ("start", "transition", "coefficients", "covariances"):
        assert (getattr(again, name) == getattr(model, name)).all()

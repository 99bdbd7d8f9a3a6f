import math
from fractions import Fraction
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import holds, long_short_quantiles, score_proportional, score_ranks, target_weights, top_k_long
from ats_assets.settings import PortfolioSettings

SCORES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40).map(np.array)
METHODS = st.sampled_from(["top_k_long", "long_short_quantiles", "score_proportional"])


def test_top_k_takes_the_best_and_equal_scores_share_the_places_that_are_left() -> None:
    """The alphabet decided until then: of three equal scores the first symbol had the whole second place."""
    weights = top_k_long(np.array([1.0, 1.0, 3.0, 1.0]), 2)
    np.testing.assert_allclose(weights, [1 / 6, 1 / 6, 0.5, 1 / 6])


def test_scores_that_say_nothing_choose_nothing() -> None:
    """Of twelve equal scores the ten first of the alphabet were bought."""
    assert not top_k_long(np.full(12, 0.3), 10).any()
    assert not long_short_quantiles(np.full(12, 0.3), 0.2).any()
    assert top_k_long(np.full(10, 0.3), 10).tolist() == [0.1] * 10  # there is nothing to choose


def test_top_k_with_fewer_symbols_is_fully_invested_in_them() -> None:
    assert top_k_long(np.array([1.0, np.nan]), 5).tolist() == [1.0, 0.0]


def test_quantiles_long_the_best_short_the_worst() -> None:
    weights = long_short_quantiles(np.arange(10.0), 0.2)
    assert weights.tolist() == [-0.25, -0.25, 0, 0, 0, 0, 0, 0, 0.25, 0.25]


def test_equal_scores_at_the_end_of_a_quantile_share_its_places() -> None:
    weights = long_short_quantiles(np.array([0.0, 1, 1, 2, 3, 3, 3, 4]), 0.25)
    np.testing.assert_allclose(weights, [-0.25, -0.125, -0.125, 0, 1 / 12, 1 / 12, 1 / 12, 0.25])


def test_quantile_size_is_not_lost_to_rounding() -> None:
    assert (long_short_quantiles(np.arange(100.0), 0.29) > 0).sum() == 29


def test_proportional_weights_by_hand() -> None:
    # mean 2, distances -1, 0, 1: sum of sizes 2
    np.testing.assert_allclose(score_proportional(np.array([1.0, 2.0, 3.0])), [-0.5, 0.0, 0.5], atol=1e-15)


@given(st.lists(st.integers(-50, 50), min_size=2, max_size=30))
def test_proportional_weights_are_the_fractions(scores: list[int]) -> None:
    mean = Fraction(sum(scores), len(scores))
    total = sum(abs(s - mean) for s in scores)
    expected = [float((s - mean) / total) if total else 0.0 for s in scores]
    np.testing.assert_allclose(score_proportional(np.array(scores, dtype=float)), expected, atol=1e-12)


def test_equal_scores_give_no_proportional_weights() -> None:
    assert not score_proportional(np.full(7, 0.1)).any()


@given(METHODS, SCORES, st.floats(0.001, 1), st.floats(0, 3), st.floats(0, 3), st.integers(1, 20), st.floats(0.01, 0.5))
def test_targets_satisfy_the_limits(method: str, scores: np.ndarray, weight: float, gross: float, net: float, k: int, q: float) -> None:
    settings = PortfolioSettings(method=method, max_weight=weight, max_gross=gross, max_net=net, top_k=k, quantile=q)  # pyright: ignore[reportArgumentType]
    weights = target_weights(scores, settings)
    assert holds(weights, settings)
    assert np.abs(weights).max(initial=0) <= weight
    assert np.isfinite(weights).all()
    assert not weights[~np.isfinite(scores)].any()


@given(
    METHODS, st.lists(st.sampled_from([-1.5, 0.0, 0.1, 0.3, 2.0, math.nan]), max_size=30).map(np.array), st.randoms(use_true_random=False)
)
def test_symbols_in_another_order_have_the_same_weights_to_the_bit(method: str, scores: np.ndarray, random: Random) -> None:
    settings = PortfolioSettings(method=method, top_k=3)  # pyright: ignore[reportArgumentType]
    order = np.array(random.sample(range(len(scores)), len(scores)), dtype=int)
    weights = target_weights(scores, settings)
    assert target_weights(scores[order], settings).tolist() == weights[order].tolist()
    for value in scores[np.isfinite(scores)]:
        assert len(set(weights[scores == value].tolist())) == 1


@given(SCORES)
def test_a_rank_is_one_more_than_the_number_of_better_scores(scores: np.ndarray) -> None:
    known = [s for s in scores if math.isfinite(s)]
    expected = [1 + (sum(other > s for other in known) if math.isfinite(s) else len(known)) for s in scores]
    assert score_ranks(scores).tolist() == expected

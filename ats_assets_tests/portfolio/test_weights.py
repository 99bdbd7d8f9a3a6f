import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import holds, long_short_quantiles, score_order, score_proportional, target_weights, top_k_long
from ats_assets.settings import PortfolioSettings

SCORES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40).map(np.array)
METHODS = st.sampled_from(["top_k_long", "long_short_quantiles", "score_proportional"])


def names(n: int) -> list[str]:
    return [f"S{i:03}" for i in range(n)]


def test_top_k_takes_the_best_and_ties_go_to_the_first_symbol() -> None:
    weights = top_k_long(["C", "A", "D", "B"], np.array([1.0, 1.0, 3.0, 1.0]), 2)
    assert weights.tolist() == [0.0, 0.5, 0.5, 0.0]


def test_top_k_with_fewer_symbols_is_fully_invested_in_them() -> None:
    assert top_k_long(["A", "B"], np.array([1.0, np.nan]), 5).tolist() == [1.0, 0.0]


def test_quantiles_long_the_best_short_the_worst() -> None:
    weights = long_short_quantiles(names(10), np.arange(10.0), 0.2)
    assert weights.tolist() == [-0.25, -0.25, 0, 0, 0, 0, 0, 0, 0.25, 0.25]


def test_quantile_size_is_not_lost_to_rounding() -> None:
    assert (long_short_quantiles(names(100), np.arange(100.0), 0.29) > 0).sum() == 29


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
    weights = target_weights(names(len(scores)), scores, settings)
    assert holds(weights, settings)
    assert np.abs(weights).max(initial=0) <= weight
    assert np.isfinite(weights).all()
    assert not weights[~np.isfinite(scores)].any()


@given(METHODS, SCORES, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(method: str, scores: np.ndarray, random: object) -> None:
    settings = PortfolioSettings(method=method, top_k=3)  # pyright: ignore[reportArgumentType]
    symbols = np.array(names(len(scores)))
    order = np.array(random.sample(range(len(scores)), len(scores)), dtype=int)  # pyright: ignore[reportAttributeAccessIssue]
    direct = target_weights(list(symbols), scores, settings)
    shuffled = target_weights(list(symbols[order]), scores[order], settings)
    np.testing.assert_allclose(shuffled, direct[order], atol=1e-12)


@given(SCORES)
def test_order_is_that_of_sorted(scores: np.ndarray) -> None:
    symbols = names(len(scores))
    expected = sorted(
        range(len(scores)), key=lambda i: (not math.isfinite(scores[i]), -scores[i] if math.isfinite(scores[i]) else 0, symbols[i])
    )
    assert score_order(symbols, scores).tolist() == expected


def test_scores_and_symbols_must_match() -> None:
    with pytest.raises(ValueError, match="2 symbols but 1 scores"):
        target_weights(["A", "B"], np.array([1.0]), PortfolioSettings())

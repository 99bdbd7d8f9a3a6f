import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.errors import ContractError, SettingsError
from ats_assets.portfolio import score_ranks, target_weights
from ats_assets.portfolio.choosing import method_of
from ats_assets.settings import PortfolioSettings

SCORES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40).map(np.array)


def top_k_long(scores: np.ndarray, k: int) -> np.ndarray:
    return method_of(PortfolioSettings(top_k=k)).weights(scores)


def long_short_quantiles(scores: np.ndarray, quantile: float) -> np.ndarray:
    return method_of(PortfolioSettings(method="long_short_quantiles", quantile=quantile)).weights(scores)


def score_proportional(scores: np.ndarray) -> np.ndarray:
    return method_of(PortfolioSettings(method="score_proportional")).weights(scores)


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


def test_a_method_that_gives_no_weights_is_named() -> None:
    class Broken:
        settings = PortfolioSettings()

        def weights(self, scores: np.ndarray) -> np.ndarray:
            return np.full(len(scores), np.nan)

    with pytest.raises(ContractError, match="the portfolio method Broken must give a finite weight for each of 3 scores"):
        target_weights(np.arange(3.0), PortfolioSettings(), Broken())


@pytest.mark.parametrize(
    ("settings", "method"),
    [
        ({"top_k": 3}, {"top_k": 3}),
        ({"options": {"top_k": 4}}, {"top_k": 4}),
        ({"method": "long_short_quantiles", "quantile": 0.1, "top_k": 3}, {"quantile": 0.1}),
        ({"method": "score_proportional", "top_k": 3}, {}),
    ],
)
def test_a_method_takes_its_settings_from_its_options_or_from_the_section(settings: dict[str, Any], method: dict[str, Any]) -> None:
    assert method_of(PortfolioSettings(**settings)).settings.model_dump() == method


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"method": "top_long"},
            r"portfolio.method is 'top_long', which is no portfolio method: choose one of black_litterman, .*, top_k_long",
        ),
        ({"options": {"topk": 3}}, r"\[portfolio.method\] has 1 wrong setting.*topk.*It knows top_k"),
        ({"options": {"top_k": 3}, "top_k": 4}, r"top_k is given twice, in \[portfolio\] and in \[portfolio.options\]"),
    ],
)
def test_a_method_that_can_not_be_made_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        method_of(PortfolioSettings(**settings))


@given(SCORES)
def test_a_rank_is_one_more_than_the_number_of_better_scores(scores: np.ndarray) -> None:
    known = [s for s in scores if math.isfinite(s)]
    expected = [1 + (sum(other > s for other in known) if math.isfinite(s) else len(known)) for s in scores]
    assert score_ranks(scores).tolist() == expected

"""What every portfolio method must do: derive a class `Test…` from `MethodKit` and name the plugin.

class TestMine(MethodKit):
    plugin = PLUGIN
    small = {"top_k": 3}
"""

import math
from collections.abc import Mapping
from random import Random
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.plugins import Plugin
from ats_assets.portfolio import Method, holds, target_weights
from ats_assets.settings import PortfolioSettings
from ats_assets_tests.kits.settings import judge_settings

SCORES = st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=40).map(np.array)
FEW_VALUES = st.lists(st.sampled_from([-1.5, 0.0, 0.1, 0.3, 2.0, math.nan]), max_size=30).map(np.array)
FOR_EACH_CLASS = settings(suppress_health_check=[HealthCheck.differing_executors])
"""One test of several methods: an example that one has failed is tried by all."""
LIMITS = st.builds(PortfolioSettings, max_weight=st.floats(0.001, 1), max_gross=st.floats(0, 3), max_net=st.floats(0, 3))


def in_order(scores: np.ndarray) -> np.ndarray:
    return scores[np.argsort(scores, kind="stable")]


class MethodKit:
    """The tests of one method."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}

    def method(self, **changes: Any) -> Method:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    @FOR_EACH_CLASS
    @given(SCORES)
    def test_a_shape_is_of_size_one_at_most_and_only_of_finite_scores(self, scores: np.ndarray) -> None:
        given_scores = in_order(scores)
        kept = given_scores.copy()
        weights = self.method().weights(given_scores)
        assert weights.dtype == np.float64
        assert weights.shape == scores.shape
        assert np.isfinite(weights).all()
        assert np.abs(weights).sum() <= 1 + 1e-9
        assert not weights[~np.isfinite(given_scores)].any()
        assert np.array_equal(given_scores, kept, equal_nan=True), "what it was given is not its own to change"
        assert weights.tobytes() == self.method().weights(given_scores).tobytes()

    def test_scores_that_tell_symbols_apart_are_traded(self) -> None:
        assert self.method().weights(np.arange(20.0)).any(), "it gives no weights: give `small` settings with which it does"

    @FOR_EACH_CLASS
    @given(FEW_VALUES, st.randoms(use_true_random=False))
    def test_symbols_in_another_order_have_the_same_weights_to_the_bit_and_equal_scores_equal_ones(
        self, scores: np.ndarray, random: Random
    ) -> None:
        order = np.array(random.sample(range(len(scores)), len(scores)), dtype=int)
        weights = target_weights(scores, PortfolioSettings(), self.method())
        assert target_weights(scores[order], PortfolioSettings(), self.method()).tolist() == weights[order].tolist()
        for value in scores[np.isfinite(scores)]:
            assert len(set(weights[scores == value].tolist())) == 1

    @FOR_EACH_CLASS
    @given(SCORES, LIMITS)
    def test_targets_satisfy_the_limits(self, scores: np.ndarray, limits: PortfolioSettings) -> None:
        weights = target_weights(scores, limits, self.method())
        assert holds(weights, limits)
        assert np.isfinite(weights).all()
        assert not weights[~np.isfinite(scores)].any()

    @pytest.mark.parametrize("scores", [[], [math.nan], [1.0], [1.0] * 50])
    def test_hardly_any_scores_are_no_error(self, scores: list[float]) -> None:
        assert len(self.method().weights(np.array(scores, dtype=np.float64))) == len(scores)

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)

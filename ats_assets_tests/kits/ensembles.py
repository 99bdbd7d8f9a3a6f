"""What every rule of ensembles must do: derive a class `Test…` from `EnsembleKit` and name the plugin.

class TestMine(EnsembleKit):
    plugin = PLUGIN
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.plugins import Plugin
from ats_assets.predictions.ensemble_rule import EnsembleRule, Evidence
from ats_assets_tests.kits.settings import judge_settings

FOR_EACH_CLASS = settings(suppress_health_check=[HealthCheck.differing_executors], max_examples=40, deadline=None)
"""One test of several rules: an example that one has failed is tried by all."""
SKILLS = st.lists(st.floats(-0.3, 0.3), min_size=2, max_size=5)


def evidence_of(
    skills: Sequence[float], *, sessions: int = 60, seed: int = 0, symbols: int = 100, alike: float = 0.3, horizon: int = 1
) -> Evidence:
    """What is seen of models with these skills, on so many symbols: rank ICs with the noise of a sample, which is common to models as far as their scores are alike."""
    n = len(skills)
    same = np.full((n, n), alike) + np.eye(n) * (1.0 - alike)
    noise = np.random.default_rng(seed).standard_normal((sessions + horizon - 1, n)) @ np.linalg.cholesky(same).T
    sums = np.cumsum(np.vstack([np.zeros(n), noise]), axis=0)
    ics = np.array(skills) + (sums[horizon:] - sums[:-horizon]) / np.sqrt(horizon * symbols)
    return Evidence(
        models=tuple(f"model_{i}" for i in range(n)),
        decided=tuple(date(2020, 1, 1) + timedelta(i) for i in range(sessions)),
        rank_ic=np.clip(ics, -1.0, 1.0),
        correlation=np.tile(same, (sessions, 1, 1)),
        horizon_sessions=horizon,
    )


def part_of(evidence: Evidence, order: Sequence[int]) -> Evidence:
    """The same with the models in another order."""
    return Evidence(
        models=tuple(evidence.models[i] for i in order),
        decided=evidence.decided,
        rank_ic=evidence.rank_ic[:, order],
        correlation=evidence.correlation[np.ix_(range(len(evidence.decided)), order, order)],
        horizon_sessions=evidence.horizon_sessions,
    )


class EnsembleKit:
    """The tests of one rule."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}

    def rule(self, **changes: Any) -> EnsembleRule:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    @FOR_EACH_CLASS
    @given(SKILLS, st.integers(0, 3), st.sampled_from([1, 5]))
    def test_weights_are_shares_with_reasons_and_the_same_to_the_bit_again(self, skills: list[float], seed: int, horizon: int) -> None:
        given_evidence = evidence_of(skills, seed=seed, horizon=horizon)
        before = given_evidence.rank_ic.copy()
        found = self.rule().weights(given_evidence)
        assert found.weights.shape == (len(skills),)
        assert (found.weights >= 0).all()
        assert found.weights.sum() == pytest.approx(1.0, abs=1e-12)
        assert len(found.reasons) == len(skills)
        assert all(found.reasons)
        assert found.weights.tobytes() == self.rule().weights(evidence_of(skills, seed=seed, horizon=horizon)).weights.tobytes()
        assert np.array_equal(given_evidence.rank_ic, before), "what it was shown is not its own to change"

    @FOR_EACH_CLASS
    @given(SKILLS, st.randoms(use_true_random=False))
    def test_the_order_of_the_models_does_not_matter(self, skills: list[float], random: Any) -> None:
        whole, order = evidence_of(skills), random.sample(range(len(skills)), len(skills))
        expected = self.rule().weights(whole).weights[order]
        assert self.rule().weights(part_of(whole, order)).weights == pytest.approx(expected, abs=1e-8)

    def test_a_model_that_is_there_twice_has_the_same_weight_twice(self) -> None:
        twice = part_of(evidence_of([0.05, 0.02, 0.0]), [0, 1, 0])
        a, _, c = self.rule().weights(twice).weights
        assert a == pytest.approx(c, abs=1e-6)

    def test_models_that_can_not_be_told_apart_get_equal_weights(self) -> None:
        for skills in ([0.0, 0.0, 0.0], [0.03, 0.03, 0.03]):
            same = part_of(evidence_of(skills), [0, 0, 0])
            assert self.rule().weights(same).weights == pytest.approx(np.full(3, 1 / 3), abs=1e-6)

    @pytest.mark.parametrize("sessions", [1, 2, 3])
    def test_hardly_any_sessions_are_no_error(self, sessions: int) -> None:
        weights = self.rule().weights(evidence_of([0.1, -0.1], sessions=sessions)).weights
        assert weights.sum() == pytest.approx(1.0)

    def test_what_it_knows_of_is_the_evidence_of_its_window_alone_if_it_asks_for_any(self) -> None:
        rule = self.rule()
        if not rule.needs_evidence:
            nothing = Evidence(models=("a", "b"), decided=(), rank_ic=np.empty((0, 2)), correlation=np.empty((0, 2, 2)), horizon_sessions=1)
            assert rule.weights(nothing).weights.tolist() == rule.weights(evidence_of([0.3, -0.3])).weights.tolist()
        else:
            assert rule.weights(evidence_of([0.3, -0.3], seed=1)).weights[0] > 0.5

    def test_settings(self) -> None:
        judge_settings(self.plugin)

"""What every portfolio method that weighs risk must do: derive a class `Test…` from `RiskMethodKit` and name the plugin.

class TestMine(RiskMethodKit):
    plugin = PLUGIN
    small = {"lookback_sessions": 20}
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.plugins import Needs, Plugin
from ats_assets.portfolio import holds
from ats_assets.portfolio.method import Candidates, RiskMethod, exposures_of
from ats_assets.settings import PortfolioSettings
from ats_assets.strategies.contracts import ReasonedSignals
from ats_assets.strategies.weighting import Weighting
from ats_assets_tests.kits import market
from ats_assets_tests.kits.settings import judge_settings

FOR_EACH_CLASS = settings(suppress_health_check=[HealthCheck.differing_executors], max_examples=25, deadline=None)


class RiskMethodKit:
    """The tests of one method."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which it has weights from the 25th session of the kit's market on."""

    def method(self, **changes: Any) -> RiskMethod:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    def candidates(self, seed: int, symbols: int, gaps: float, *, held: bool) -> Candidates:
        """Values that are positive and near 0.01, as returns and ranges are, some of them missing."""
        random = np.random.default_rng(seed)
        method = self.method()
        values = {}
        for name in method.expressions():
            values[name] = np.abs(0.01 + 0.02 * random.normal(size=(method.lookback_sessions, symbols)))
            values[name][random.random(values[name].shape) < gaps] = np.nan
        scores = random.normal(size=symbols)
        scores[random.random(symbols) < 0.1] = np.nan
        return Candidates(
            session=date(2024, 3, 1),
            symbols=tuple(f"S{i:03}" for i in range(symbols)),
            scores=scores,
            probabilities=random.uniform(0.4, 0.7, symbols),
            values=values,
            horizon_sessions=5,
            held=random.dirichlet(np.ones(symbols)) if held and symbols else None,
            exposures={name: random.normal(size=symbols) for name in exposures_of(method)},
        )

    @FOR_EACH_CLASS
    @given(st.integers(0, 1_000), st.integers(0, 25), st.sampled_from([0.0, 0.1, 1.0]), st.booleans())
    def test_a_shape_is_of_size_one_at_most_and_only_of_finite_scores(self, seed: int, symbols: int, gaps: float, held: bool) -> None:
        seen = self.candidates(seed, symbols, gaps, held=held)
        kept = {name: panel.copy() for name, panel in seen.values.items()}
        book = self.method().book(seen)
        assert book.weights.shape == (symbols,)
        assert np.isfinite(book.weights).all()
        assert np.abs(book.weights).sum() <= 1 + 1e-9
        assert not book.weights[~np.isfinite(seen.scores)].any()
        assert all(np.array_equal(panel, seen.values[name], equal_nan=True) for name, panel in kept.items()), (
            "what it was given is not its own to change"
        )
        assert book.weights.tobytes() == self.method().book(seen).weights.tobytes()
        if gaps == 1.0:
            assert not book.weights.any(), "a symbol whose past nobody knows has no weight"

    def weighed(self, sessions: Sequence[date], rows: market.Frames | None = None, **limits: Any) -> pl.DataFrame:
        """Signals of neighbouring sessions on the kit's market, from what the method asks for and nothing else; the scores are those of predictions."""
        portfolio = PortfolioSettings(**limits)
        weighing = Weighting(self.method(), portfolio, 1)
        windows = (*weighing.needs(), Needs(asset="predictions", back=weighing.earlier))
        frames, days = market.windows(windows, sessions, rows)
        wanted = weighing.scored(days, sessions)
        scores = frames["predictions"].filter(pl.col("session").is_in(wanted)).with_columns(probability=0.5 + 0.1 * pl.col("score").tanh())
        return weighing.signals(scores, frames, days, sessions)[0]

    def test_it_holds_something_within_the_limits(self) -> None:
        made = self.weighed(market.DAYS[25:], max_weight=0.3)
        ReasonedSignals.validate(made)
        assert (made.group_by("session").agg(pl.col("target_weight").abs().sum())["target_weight"] > 0.0).all(), (
            "give `small` settings with which it does"
        )
        for weights in made.partition_by("session"):
            assert holds(weights["target_weight"].to_numpy(), PortfolioSettings(max_weight=0.3))

    def test_the_same_rows_give_the_same_weights_alone_and_in_any_range(self) -> None:
        sessions = market.DAYS[24:]
        whole = self.weighed(sessions)
        for day in sessions[::7]:
            assert self.weighed([day]).equals(whole.filter(session=day)), day
        assert self.weighed(sessions[3:9]).equals(whole.filter(pl.col("session").is_between(sessions[3], sessions[8])))

    @pytest.mark.parametrize("last", market.DAYS[30:45:7])
    def test_what_comes_after_a_session_changes_no_weight_up_to_it(self, last: date) -> None:
        sessions = market.DAYS[25:]
        before, other = self.weighed(sessions), self.weighed(sessions, market.other_future(last))
        assert other.filter(pl.col("session") <= last).equals(before.filter(pl.col("session") <= last))

    def test_a_history_too_short_has_no_weights_and_no_error(self) -> None:
        assert (self.weighed(market.DAYS[:1])["target_weight"] == 0.0).all()

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)

"""What every strategy must do, whatever its idea is: derive a class `Test…` from `StrategyKit` and name the plugin.

class TestMine(StrategyKit):
    plugin = PLUGIN
    small = {"lookback_sessions": 5}
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.plugins import Plugin
from ats_assets.settings import PortfolioSettings, TrainingSettings
from ats_assets.strategies.contracts import ReasonedSignals, Signals
from ats_assets.strategies.strategy import SCORES_SCHEMA, Strategy
from ats_assets.strategies.weighting import signals_from_scores
from ats_assets_tests.kits import market
from ats_assets_tests.kits.settings import judge_settings


class StrategyKit:
    """The tests of one strategy on the kits' market."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which it has scores from the 20th session of the market on."""
    training: ClassVar[TrainingSettings] = market.TRAINING

    def strategy(self, **changes: Any) -> Strategy:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    def scored(self, sessions: Sequence[date], rows: market.Frames | None = None) -> pl.DataFrame:
        """Of neighbouring sessions, from what the strategy asks for and nothing else."""
        strategy = self.strategy()
        frames, days = market.windows(strategy.needs(self.training), sessions, rows)
        made = strategy.scores(frames, days, sessions, self.training)
        known = [name for name in SCORES_SCHEMA if name in made.columns]
        return made.select(known).sort("session", "symbol")

    def test_every_score_is_of_one_symbol_and_session_that_was_asked_for(self) -> None:
        sessions = market.DAYS[20:]
        made = self.scored(sessions)
        assert made.height, "it has no score on this market: give `small` settings with which it has"
        assert dict(made.schema).items() <= dict(SCORES_SCHEMA).items()
        assert {"symbol", "session", "score"} <= set(made.columns)
        assert set(made["session"]) <= set(sessions)
        assert not made.select("symbol", "session").is_duplicated().any()
        assert made["score"].is_finite().all()
        with_bar = market.frames()["bars"].select("symbol", "session")
        assert made.join(with_bar, on=["symbol", "session"], how="anti").is_empty(), "a score of what had no bar at the session"
        told = getattr(self.strategy(), "gives_reasons", False)
        assert told or "reason" not in made.columns, "set gives_reasons = True on its class: then signals have a column for them"
        (ReasonedSignals if told else Signals).validate(signals_from_scores(made, PortfolioSettings(top_k=3)))

    def test_the_same_rows_give_the_same_scores_alone_and_in_any_range(self) -> None:
        sessions = market.DAYS[18:]
        whole = self.scored(sessions)
        assert whole.equals(self.scored(sessions))
        for day in sessions[::5]:
            assert self.scored([day]).equals(whole.filter(session=day)), day
        assert self.scored(sessions[3:9]).equals(whole.filter(pl.col("session").is_between(sessions[3], sessions[8])))

    @pytest.mark.parametrize("last", market.DAYS[23:45:7])
    def test_what_comes_after_a_session_changes_no_score_up_to_it(self, last: date) -> None:
        sessions = market.DAYS[20:]
        before, other = self.scored(sessions), self.scored(sessions, market.other_future(last))
        assert other.filter(pl.col("session") <= last).equals(before.filter(pl.col("session") <= last))

    def test_a_history_too_short_has_no_scores_and_no_error(self) -> None:
        made = self.scored(market.DAYS[:1])
        assert set(made["session"]) <= {market.DAYS[0]}
        assert made["score"].is_finite().all()

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)

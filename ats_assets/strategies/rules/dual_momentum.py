"""Dual momentum: what rose most against the others, and only while it rose at all (Antonacci, Dual Momentum Investing, 2014).

The best `positions` symbols by total return over the look-back get a place each; a place whose symbol has not returned more than `least_return` stays in cash.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Positive, Section, TrainingSettings
from ats_assets.strategies.equal_bets import equal_bets
from ats_assets.strategies.price_rows import PriceRows, of_members, past_return


class DualMomentumSettings(Section):
    """The look-back, and what a symbol must have returned."""

    lookback_sessions: Positive = Field(default=252, description="of the total return")
    least_return: float = Field(
        default=0.0, gt=-1, description="over the look-back, as a share: what cash would have returned, for example"
    )
    positions: Positive = Field(default=10, description="places of the book, each the same share of equity")


class DualMomentum:
    """Trade the best of those that rose."""

    def __init__(self, settings: DualMomentumSettings) -> None:
        self.settings = settings
        self._rows = PriceRows("dual_momentum", {"past": past_return(settings.lookback_sessions, 0)})

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The bars of the window, and who is tradable."""
        return self._rows.needs()

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """Past returns, and a place for the best of them that are high enough."""
        rows = of_members(self._rows.rows(frames, days, sessions), frames, sessions).filter(pl.col("past").is_finite())
        ranked = rows.select("symbol", "session", score="past", side=pl.lit(1, pl.Int8)).sort("session", "symbol")
        placed = equal_bets(ranked, self.settings.positions)
        enough = pl.col("score") > self.settings.least_return
        return placed.with_columns(target_weight=pl.when(enough).then("target_weight").otherwise(0.0))


PLUGIN = Plugin(settings=DualMomentumSettings, make=DualMomentum, quick={"lookback_sessions": 5})

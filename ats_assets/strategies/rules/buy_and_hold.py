"""Buy and hold: every member of the universe, or the symbols that are named, at equal weights. What every other strategy has to beat."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Section, TrainingSettings


class BuyAndHoldSettings(Section):
    """What is held."""

    symbols: tuple[str, ...] = Field(default=(), description="tickers; none: all members of the universe")


class BuyAndHold:
    """Hold the market."""

    def __init__(self, settings: BuyAndHoldSettings) -> None:
        self.settings = settings

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """Who is tradable."""
        return (Needs(asset="universe"),)

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],  # noqa: ARG002 - a session needs no other
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """Equal weights of those that are held and tradable; one that is not keeps its share in cash."""
        members = frames["universe"].filter(pl.col("session").is_in(list(sessions))).select("symbol", "session")
        if not self.settings.symbols:
            weighted = members.with_columns(score=pl.lit(1.0), target_weight=1.0 / pl.len().over("session"))
        else:
            named = pl.col("symbol").is_in(list(self.settings.symbols)).cast(pl.Float64)
            weighted = members.with_columns(score=named, target_weight=named / len(set(self.settings.symbols)))
        return weighted.sort("session", "symbol")


PLUGIN = Plugin(settings=BuyAndHoldSettings, make=BuyAndHold)

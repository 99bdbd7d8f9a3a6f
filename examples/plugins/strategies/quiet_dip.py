"""Buys what fell on little volume: a fall that few took part in tends to be undone."""

import polars as pl
from pydantic import Field

from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.features.family import FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.plugins import Plugin
from ats_assets.settings import Section
from ats_assets.strategies.strategy import Needs


class QuietDipSettings(Section):
    """The strategy's own settings, `[strategies.quiet_dip]`."""

    sessions: int = Field(default=5, ge=1, description="that fall and volume are measured over")


class QuietDip:
    """Score a symbol by its fall, divided by how much more than usual was traded."""

    def __init__(self, settings: QuietDipSettings) -> None:
        self.settings = settings
        n = settings.sessions
        self._back = 4 * n
        score = f"(1 - $close / Ref($close, {n})) * Mean($volume, {4 * n}) / (Mean($volume, {n}) + 1)"
        self._family = FeatureFamily(name="quiet_dip", expressions={"score": score})

    def needs(self, training):  # noqa: ARG002 - no model is asked
        """What a session is made from: bars and splits of the window, and who is tradable."""
        bars, actions = Needs(asset="bars", back=self._back), Needs(asset="corporate_actions", back=self._back - 1 + REPEAT_DAYS)
        return bars, actions, Needs(asset="universe")

    def scores(self, frames, days, sessions, training):  # noqa: ARG002
        """A score for each session and tradable symbol, larger for what is to be bought; sizes are the portfolio method's."""
        rows = features_of(
            self._family, frames["bars"], frames["corporate_actions"], calendar=days, sessions=sessions, adjust="splits_and_dividends"
        )
        tradable = frames["universe"].select("symbol", "session")
        rows = rows.join(tradable, on=["symbol", "session"], how="semi", maintain_order="left")
        return rows.with_columns(pl.col("score").cast(pl.Float64)).filter(pl.col("score").is_finite())


PLUGIN = Plugin(settings=QuietDipSettings, make=QuietDip)

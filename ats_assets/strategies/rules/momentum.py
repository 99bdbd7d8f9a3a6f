"""Cross-sectional momentum: what rose most over the last year, its newest month left out (Jegadeesh and Titman, Journal of Finance 48, 1993).

The score is the total return from `lookback_sessions` to `skip_sessions` before the session, splits and payments included as they were known at its close. A symbol
without a bar at one of the two has no score. The newest month is left out since returns over a month tend to revert.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from pydantic import Field, model_validator

from ats_assets.corporate_actions.identity import REPEAT_DAYS
from ats_assets.features.family import FeatureFamily
from ats_assets.features.making import features_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import NonNegative, Positive, Section, TrainingSettings


class MomentumSettings(Section):
    """What rose most."""

    lookback_sessions: Positive = Field(default=252, description="sessions before the signal at which the return begins")
    skip_sessions: NonNegative = Field(default=21, description="sessions before the signal at which it ends")

    @model_validator(mode="after")
    def _begins_before_it_ends(self) -> "MomentumSettings":
        if self.skip_sessions >= self.lookback_sessions:
            raise ValueError(f"skip_sessions ({self.skip_sessions}) must be less than lookback_sessions ({self.lookback_sessions})")
        return self


class Momentum:
    """Trade what rose most."""

    def __init__(self, settings: MomentumSettings) -> None:
        self.settings = settings
        begin, end = settings.lookback_sessions, settings.skip_sessions
        self._family = FeatureFamily(
            name="momentum",
            expressions={"score": f"Ref($close, {end}) / Ref($close, {begin}) - 1" if end else f"$close / Ref($close, {begin}) - 1"},
        )

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The bars and corporate actions of the window, and who is tradable."""
        back = self.settings.lookback_sessions
        return (
            Needs(asset="bars", back=back),
            Needs(asset="corporate_actions", back=back - 1 + REPEAT_DAYS),
            Needs(asset="universe"),
        )

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The total return of each member of the universe that has one."""
        bars = frames["bars"]
        first = bars["session"].to_list()[0] if len(bars) else days[-1]
        calendar = [day for day in days if day >= first]
        rows = features_of(
            self._family, bars, frames["corporate_actions"], calendar=calendar, sessions=sessions, adjust="splits_and_dividends"
        )
        members = frames["universe"].select("symbol", "session")
        scored = rows.join(members, on=["symbol", "session"], how="semi", maintain_order="left").with_columns(
            pl.col("score").cast(pl.Float64)
        )
        return scored.filter(pl.col("score").is_finite())


PLUGIN = Plugin(settings=MomentumSettings, make=Momentum, quick={"lookback_sessions": 5, "skip_sessions": 1})

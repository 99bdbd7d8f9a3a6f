"""Cross-sectional momentum: what rose most over the last year, its newest month left out (Jegadeesh and Titman, Journal of Finance 48, 1993).

The score is the total return from `lookback_sessions` to `skip_sessions` before the session, splits and payments included as they were known at its close. A symbol
without a bar at one of the two has no score. The newest month is left out since returns over a month tend to revert.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import NonNegative, TrainingSettings
from ats_assets.strategies.price_rows import PastReturnSettings, PriceRows, of_members, past_return


class MomentumSettings(PastReturnSettings):
    """What rose most."""

    skip_sessions: NonNegative = Field(default=21, description="sessions before the signal at which it ends")


class Momentum:
    """Trade what rose most."""

    def __init__(self, settings: MomentumSettings) -> None:
        self.settings = settings
        self._rows = PriceRows("momentum", {"score": past_return(settings.lookback_sessions, settings.skip_sessions)})

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The bars and corporate actions of the window, and who is tradable."""
        return self._rows.needs()

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The total return of each member of the universe that has one."""
        scored = of_members(self._rows.rows(frames, days, sessions), frames, sessions)
        return scored.filter(pl.col("score").is_finite()).select("symbol", "session", "score")


PLUGIN = Plugin(settings=MomentumSettings, make=Momentum, quick={"lookback_sessions": 5, "skip_sessions": 1})

"""Trend following by moving averages: hold what is above, leave what falls below (Brock, Lakonishok and LeBaron, Journal of Finance 47, 1992).

Held where the fast average is above the slow one by more than a band; the score is the distance between them. The band keeps a price that crosses its average every other day from being traded
every other day.
"""

import polars as pl
from pydantic import Field, model_validator

from ats_assets.plugins import Plugin
from ats_assets.settings import Positive
from ats_assets.strategies.entry_rule import Conditions, EntryRule, EntryRuleSettings


class MovingAveragesSettings(EntryRuleSettings):
    """The two averages."""

    fast_sessions: Positive = Field(default=50, description="of the fast moving average")
    slow_sessions: Positive = Field(default=200, description="of the slow one")
    band: float = Field(
        default=0.01, ge=0, lt=1, description="how far the fast average must be above the slow one, as a share, for an entry"
    )
    max_sessions: Positive = Field(
        default=60, description="a position ends so many sessions after the fast average was last above the band"
    )

    @model_validator(mode="after")
    def _the_fast_one_is_faster(self) -> "MovingAveragesSettings":
        if self.fast_sessions >= self.slow_sessions:
            raise ValueError(f"fast_sessions ({self.fast_sessions}) must be less than slow_sessions ({self.slow_sessions})")
        return self


def moving_averages(settings: MovingAveragesSettings) -> EntryRule:
    """Hold what is above its slow average."""
    fast, slow, above = settings.fast_sessions, settings.slow_sessions, pl.col("above")
    return EntryRule(
        "moving_averages",
        settings,
        {"above": f"Mean($close, {fast}) / Mean($close, {slow}) - 1 + 0 * Ref($close, {slow - 1})"},
        long=Conditions(enter=above > settings.band, leave=above < 0, score=above),
        short=Conditions(enter=above < -settings.band, leave=above > 0, score=-above),
    )


PLUGIN = Plugin(
    settings=MovingAveragesSettings, make=moving_averages, quick={"fast_sessions": 2, "slow_sessions": 5, "max_sessions": 3, "band": 0.0}
)

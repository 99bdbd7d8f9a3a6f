"""Trend following by breakouts of a channel: buy above the highest high of some sessions, leave below the lowest low of fewer (Donchian; as the Turtles traded it, 20 and 10).

The channel is that of the sessions before, so that a close can leave it. Scores are how far the close is outside of it, as a share.
"""

import polars as pl
from pydantic import Field, model_validator

from ats_assets.plugins import Plugin
from ats_assets.settings import Positive
from ats_assets.strategies.entry_rule import Conditions, EntryRule, EntryRuleSettings


class BreakoutSettings(EntryRuleSettings):
    """The channels."""

    entry_sessions: Positive = Field(default=20, description="of the channel whose breakout enters")
    exit_sessions: Positive = Field(default=10, description="of the channel whose breakout to the other side leaves")
    max_sessions: Positive = Field(default=60, description="a position ends so many sessions after the newest breakout")

    @model_validator(mode="after")
    def _leaves_by_the_shorter(self) -> "BreakoutSettings":
        if self.exit_sessions > self.entry_sessions:
            raise ValueError(f"exit_sessions ({self.exit_sessions}) must be at most entry_sessions ({self.entry_sessions})")
        return self


def breakout(settings: BreakoutSettings) -> EntryRule:
    """Buy what leaves its channel upwards."""
    n, m = settings.entry_sessions, settings.exit_sessions
    full = f"0 * Ref($close, {n})"
    high, low = f"Max(Ref($high, 1), {n})", f"Min(Ref($low, 1), {n})"
    up, down = pl.col("up"), pl.col("down")
    return EntryRule(
        "breakout",
        settings,
        {
            "up": f"$close / {high} - 1 + {full}",
            "down": f"$close / {low} - 1 + {full}",
            "exit_long": f"$close / Min(Ref($low, 1), {m}) - 1",
            "exit_short": f"$close / Max(Ref($high, 1), {m}) - 1",
        },
        long=Conditions(enter=up > 0, leave=pl.col("exit_long") < 0, score=up),
        short=Conditions(enter=down < 0, leave=pl.col("exit_short") > 0, score=-down),
    )


PLUGIN = Plugin(settings=BreakoutSettings, make=breakout, quick={"entry_sessions": 4, "exit_sessions": 2, "max_sessions": 3})

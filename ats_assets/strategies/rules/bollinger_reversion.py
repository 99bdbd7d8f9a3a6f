"""Mean reversion within Bollinger bands: buy what fell far below its moving average, and sell it when it is back.

z is the distance of the close from its mean over a window, in standard deviations of the window (Bollinger, Bollinger on Bollinger Bands, 2001). A position is entered at
z < -entry and left at z > -leave (mirrored for the short side), or after `max_sessions`.
"""

import polars as pl
from pydantic import Field, model_validator

from ats_assets.plugins import Plugin
from ats_assets.strategies.entry_rule import Conditions, EntryRule, EntryRuleSettings


class BollingerReversionSettings(EntryRuleSettings):
    """How far a price must have fallen."""

    window_sessions: int = Field(default=20, ge=3, description="of mean and standard deviation")
    entry: float = Field(
        default=2.0, gt=0, description="standard deviations below the mean (above it for the short side) at which a position is entered"
    )
    leave: float = Field(default=0.0, description="standard deviations below the mean at which it is left; negative: above it")

    @model_validator(mode="after")
    def _is_left_nearer_to_the_mean(self) -> "BollingerReversionSettings":
        if self.leave >= self.entry:
            raise ValueError(
                f"leave ({self.leave:g}) must be less than entry ({self.entry:g}): a position would be left where it is entered"
            )
        return self


def bollinger_reversion(settings: BollingerReversionSettings) -> EntryRule:
    """Buy what fell far below its moving average."""
    n, z = settings.window_sessions, pl.col("z")
    return EntryRule(
        "bollinger_reversion",
        settings,
        {"z": f"($close - Mean($close, {n})) / Std($close, {n}) + 0 * Ref($close, {n - 1})"},
        long=Conditions(enter=z < -settings.entry, leave=z > -settings.leave, score=-z),
        short=Conditions(enter=z > settings.entry, leave=z < settings.leave, score=z),
    )


PLUGIN = Plugin(settings=BollingerReversionSettings, make=bollinger_reversion, quick={"window_sessions": 4, "max_sessions": 3})

"""Short-term reversion: buy what was oversold for a day or two within a rising trend (Connors and Alvarez, Short Term Trading Strategies That Work, 2009).

Entered where the relative strength index of two sessions is below `entry` and the close above its long moving average; left where the close is above its short moving average, or after
`max_sessions`. The short side is mirrored. RSI is Wilder's: 100 times the smoothed rises, over smoothed rises and falls.
"""

import polars as pl
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.settings import Positive
from ats_assets.strategies.entry_rule import Conditions, EntryRule, EntryRuleSettings


class RsiReversionSettings(EntryRuleSettings):
    """When a price is oversold."""

    rsi_sessions: Positive = Field(default=2, description="of the relative strength index")
    entry: float = Field(
        default=10.0, gt=0, lt=50, description="index below which a position is entered (above 100 less that for the short side)"
    )
    trend_sessions: Positive = Field(default=200, description="of the moving average that the close must be above")
    exit_sessions: Positive = Field(default=5, description="of the moving average above which a position is left")


def rsi_reversion(settings: RsiReversionSettings) -> EntryRule:
    """Buy what is oversold in a rising trend."""
    change, span = "$close - Ref($close, 1)", 2 * settings.rsi_sessions - 1
    rise, fall = f"EMA(Greater({change}, 0), {span})", f"EMA(Greater(0 - ({change}), 0), {span})"
    trend = f"$close / Mean($close, {settings.trend_sessions}) - 1 + 0 * Ref($close, {settings.trend_sessions - 1})"
    rsi, above, back = pl.col("rsi"), pl.col("trend"), pl.col("back")
    return EntryRule(
        "rsi_reversion",
        settings,
        {"rsi": f"100 * {rise} / ({rise} + {fall})", "trend": trend, "back": f"$close / Mean($close, {settings.exit_sessions}) - 1"},
        long=Conditions(enter=(rsi < settings.entry) & (above > 0), leave=back > 0, score=100 - rsi),
        short=Conditions(enter=(rsi > 100 - settings.entry) & (above < 0), leave=back < 0, score=rsi),
    )


PLUGIN = Plugin(
    settings=RsiReversionSettings, make=rsi_reversion, quick={"trend_sessions": 4, "exit_sessions": 2, "max_sessions": 3, "entry": 40.0}
)

"""Mean reversion of prices that have been reverting: an Ornstein-Uhlenbeck process fitted to each symbol's recent log prices.

Of the last `window_sessions` the change of the log price is regressed on the log price before it: x(t) - x(t-1) = a + b x(t-1) + e. With b in (-1, 0) a distance from the mean halves in
-ln 2 / ln(1 + b) sessions (Chan, Algorithmic Trading, 2013, chapter 2). A symbol is entered only where this half-life lies between the limits and b is so many standard errors below 0 that the test of
Dickey and Fuller rejects a random walk at `level_percent` (over short windows a random walk looks as if it reverted). What decides is the distance z of the log price from the window's mean in standard deviations: entered
at z < -entry, left at z > -leave, and after `max_sessions`.
"""

import polars as pl
from pydantic import Field, model_validator

from ats_assets.plugins import Plugin
from ats_assets.strategies.cointegration import Level, critical_value
from ats_assets.strategies.entry_rule import Conditions, EntryRule, EntryRuleSettings


class OrnsteinUhlenbeckSettings(EntryRuleSettings):
    """What counts as reverting."""

    window_sessions: int = Field(default=60, ge=5, description="that the process is fitted to")
    least_half_life_sessions: float = Field(default=1.0, gt=0, description="a faster reversion is bid-ask bounce")
    most_half_life_sessions: float = Field(default=15.0, gt=0, description="a slower one is no reversion that can be waited for")
    level_percent: Level = Field(default=5, description="of the test against a random walk: 1, 5 or 10")
    entry: float = Field(default=1.5, gt=0, description="standard deviations from the mean at which a position is entered")
    leave: float = Field(default=0.0, description="standard deviations below the mean at which it is left")

    @model_validator(mode="after")
    def _limits_are_in_order(self) -> "OrnsteinUhlenbeckSettings":
        if self.least_half_life_sessions >= self.most_half_life_sessions:
            raise ValueError(
                f"least_half_life_sessions ({self.least_half_life_sessions:g}) must be less than most_half_life_sessions ({self.most_half_life_sessions:g})"
            )
        if self.leave >= self.entry:
            raise ValueError(
                f"leave ({self.leave:g}) must be less than entry ({self.entry:g}): a position would be left where it is entered"
            )
        return self


def ornstein_uhlenbeck(settings: OrnsteinUhlenbeckSettings) -> EntryRule:
    """Buy what is far below a mean to which it returns."""
    n = settings.window_sessions
    slope = f"Cov(Log($close / Ref($close, 1)), Log(Ref($close, 1)), {n}) / Var(Log(Ref($close, 1)), {n})"
    correlated = f"Corr(Log($close / Ref($close, 1)), Log(Ref($close, 1)), {n})"
    half_life = -0.6931471805599453 / (1.0 + pl.col("slope")).log()
    correlation = pl.col("correlation")
    statistic = correlation * ((n - 2) / (1.0 - correlation**2)).sqrt()  # of a line's slope
    within = half_life.is_between(settings.least_half_life_sessions, settings.most_half_life_sessions)
    reverts = pl.col("slope").is_between(-1, 0, closed="none") & within & (statistic <= critical_value(settings.level_percent, n, series=1))
    z = pl.col("z")
    return EntryRule(
        "ornstein_uhlenbeck",
        settings,
        {
            "slope": slope,
            "correlation": correlated,
            "z": f"(Log($close) - Mean(Log($close), {n})) / Std(Log($close), {n}) + 0 * Ref($close, {n})",
        },
        long=Conditions(enter=reverts & (z < -settings.entry), leave=z > -settings.leave, score=-z),
        short=Conditions(enter=reverts & (z > settings.entry), leave=z < settings.leave, score=z),
    )


PLUGIN = Plugin(
    settings=OrnsteinUhlenbeckSettings,
    make=ornstein_uhlenbeck,
    quick={"window_sessions": 6, "max_sessions": 3, "most_half_life_sessions": 50.0, "entry": 0.5, "level_percent": 10},
)

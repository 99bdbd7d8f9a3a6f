"""Time-series momentum: each symbol by its own past, long what rose and short (or out of) what fell (Moskowitz, Ooi and Pedersen, Journal of Financial Economics 104, 2012).

The side is the sign of the total return over the look-back. Sizes aim at the same volatility for each position: a symbol's target weight is

    side * min(1, volatility_per_session / sigma) / n

of equity, where sigma is the standard deviation of its returns a session over `volatility_sessions` and n the number of symbols that have both figures. What is not bet stays in cash.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import TrainingSettings
from ats_assets.strategies.price_rows import PastReturnSettings, PriceRows, of_members, past_return


class TimeSeriesMomentumSettings(PastReturnSettings):
    """Whose past, and how large the bets are."""

    volatility_sessions: int = Field(default=60, ge=2, description="of the standard deviation of returns")
    volatility_per_session: float = Field(
        default=0.01, gt=0, description="standard deviation of a session's return that a position aims at, as a share"
    )
    short: bool = Field(default=False, description="go short what fell, not only out of it")


class TimeSeriesMomentum:
    """Trade each symbol by its own past."""

    def __init__(self, settings: TimeSeriesMomentumSettings) -> None:
        self.settings = settings
        n = settings.volatility_sessions
        sigma = f"Std($close / Ref($close, 1) - 1, {n}) + 0 * Ref($close, {n})"
        self._rows = PriceRows(
            "time_series_momentum", {"past": past_return(settings.lookback_sessions, settings.skip_sessions), "sigma": sigma}
        )

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:  # noqa: ARG002 - no model is asked
        """The bars of the windows, and who is tradable."""
        return self._rows.needs()

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """Past returns in standard deviations, and target weights of equal risk."""
        rows = of_members(self._rows.rows(frames, days, sessions), frames, sessions)
        known = rows.filter(pl.col("past").is_finite() & (pl.col("sigma") > 0)).sort("session", "symbol")
        side = pl.col("past").sign() if self.settings.short else (pl.col("past") > 0).cast(pl.Float64)
        size = (self.settings.volatility_per_session / pl.col("sigma")).clip(upper_bound=1.0)
        weight = side * size / pl.len().over("session")
        return known.select("symbol", "session", (pl.col("past") / pl.col("sigma")).alias("score"), (weight + 0.0).alias("target_weight"))


PLUGIN = Plugin(settings=TimeSeriesMomentumSettings, make=TimeSeriesMomentum, quick={"lookback_sessions": 5, "volatility_sessions": 4})

"""Volatility target: the whole book shrinks until its yearly volatility, as its own returns of the past tell it, is at most a target.

1. The returns are the total returns of what the weights name, over the last `lookback_sessions` up to the session: splits and payments included as they were known
   at its close, a change of name followed. A session without a bar is a return of 0, and the next bar has the whole move since the last one.
2. The book's return of each of those sessions is the sum of weight times return, at the weights of today: what today's book would have earned. Of a symbol
   whose first bar lies inside the window the sessions before it are unknown; it is taken to have moved as the rest of the book did, for the same gross.
3. Its yearly volatility is the standard deviation of these returns (of the sample) times the square root of the sessions of a year: with all returns known
   sqrt(w' S w), where S is the sample covariance.
4. Where that is above the target, all weights are multiplied by target / volatility: the book keeps its shape, the rest is cash. Where it is below, nothing changes.

Where fewer than `min_sessions` returns are known the volatility is not, and nothing is held: a book whose risk nobody can tell is no book at a target.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.book_history import book_returns, closes_before, needs_of_closes
from ats_assets.risk.rule import all_allowed, all_scaled, session_by_session
from ats_assets.settings import Positive, Section


class VolatilityTargetSettings(Section):
    """A book at a target volatility."""

    target_volatility: float = Field(
        default=0.15, gt=0, le=10, allow_inf_nan=False, description="a year, as a share of equity: 0.15 is 15 %"
    )
    lookback_sessions: int = Field(default=63, ge=2, description="returns that the volatility is estimated from")
    min_sessions: int = Field(default=20, ge=2, description="fewer known returns than this: nothing is held")
    sessions_per_year: Positive = Field(default=252, description="that make a yearly volatility; default: backtest.sessions_per_year")

    @model_validator(mode="before")
    @classmethod
    def _a_short_window_asks_for_no_more(cls, values: Any) -> Any:
        """`min_sessions` left out is never more than the window has."""
        if isinstance(values, dict) and "min_sessions" not in values and isinstance(window := values.get("lookback_sessions"), int):
            return {**values, "min_sessions": min(20, window)}
        return values

    @model_validator(mode="after")
    def _the_window_holds_enough(self) -> "VolatilityTargetSettings":
        if self.min_sessions > self.lookback_sessions:
            raise ValueError(f"min_sessions ({self.min_sessions}) must be at most lookback_sessions ({self.lookback_sessions})")
        return self


class VolatilityTarget:
    """Shrink the book to a target volatility."""

    def __init__(self, settings: VolatilityTargetSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The bars of the window, one more for its first return, and the corporate actions."""
        return needs_of_closes(self.settings.lookback_sessions)

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, those of each session times one factor."""
        return session_by_session(proposed, lambda rows, session: self._of_one_session(rows, frames, days, session))

    def _of_one_session(self, rows: pl.DataFrame, frames: Mapping[str, pl.DataFrame], days: Sequence[date], session: date) -> pl.DataFrame:
        held = rows.filter(pl.col("weight") != 0.0)
        if held.is_empty():
            return all_allowed(rows)
        closes = closes_before(session, held["symbol"], frames, days, self.settings.lookback_sessions)
        returns = book_returns(held["weight"].to_numpy(), closes)
        least = self.settings.min_sessions
        if len(returns) < least:
            return all_scaled(rows, 0.0, f"only {len(returns)} returns of the book are known, fewer than min_sessions ({least})")
        volatility = float(returns.std(ddof=1)) * self.settings.sessions_per_year**0.5
        target = self.settings.target_volatility
        if volatility <= target:
            return all_allowed(rows)
        why = f"volatility {volatility:.2%} of the book is above the target {target:.2%}: times {target / volatility:.4f}"
        return all_scaled(rows, target / volatility, why)


PLUGIN = Plugin(settings=VolatilityTargetSettings, make=VolatilityTarget, quick={"lookback_sessions": 5, "min_sessions": 2})

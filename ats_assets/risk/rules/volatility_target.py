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

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, identities_of
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.rule import RULED_SCHEMA
from ats_assets.settings import Positive, Section

Floats = NDArray[np.float64]


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
        back = self.settings.lookback_sessions
        return (Needs(asset="bars", back=back), Needs(asset="corporate_actions", back=back - 1 + REPEAT_DAYS))

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, those of each session times one factor."""
        place = {day: i for i, day in enumerate(days)}
        parts = [RULED_SCHEMA.to_frame()]
        for (session,), rows in proposed.partition_by("session", as_dict=True, maintain_order=True).items():
            i = place[session]
            window = days[max(0, i - self.settings.lookback_sessions) : i + 1]
            parts.append(self._of_one_session(rows, frames, window, days[max(0, i - self.needs()[1].back)]))
        return pl.concat(parts)

    def _of_one_session(
        self, rows: pl.DataFrame, frames: Mapping[str, pl.DataFrame], window: Sequence[date], told_from: date
    ) -> pl.DataFrame:
        held = rows.filter(pl.col("weight") != 0.0)
        bars = frames["bars"].filter(pl.col("session").is_between(window[0], window[-1]))
        actions = frames["corporate_actions"].filter(pl.col("session").is_between(told_from, window[-1]))
        unchanged = pl.lit(None, pl.String).alias("reason")
        if held.is_empty():
            return rows.with_columns(unchanged)
        returns = book_returns(held["weight"].to_numpy(), held_closes(held["symbol"], bars, actions, window))
        least = self.settings.min_sessions
        if len(returns) < least:
            why = f"only {len(returns)} returns of the book are known, fewer than min_sessions ({least})"
            return rows.with_columns(weight=pl.lit(0.0), reason=pl.when(pl.col("weight") != 0.0).then(pl.lit(why)))
        volatility = float(returns.std(ddof=1)) * self.settings.sessions_per_year**0.5
        target = self.settings.target_volatility
        if volatility <= target:
            return rows.with_columns(unchanged)
        why = f"volatility {volatility:.2%} of the book is above the target {target:.2%}: times {target / volatility:.4f}"
        return rows.with_columns(weight=pl.col("weight") * (target / volatility), reason=pl.when(pl.col("weight") != 0.0).then(pl.lit(why)))


def held_closes(symbols: pl.Series, bars: pl.DataFrame, actions: pl.DataFrame, window: Sequence[date]) -> Floats:
    """The closes of symbols over a window, scaled by the actions inside it, the last one carried forward where there is no bar.

    Parameters
    ----------
    symbols
        Tickers at the last session.
    bars, actions
        Rows of the window, and those corporate actions that tell of it.
    window
        Its sessions.

    Returns
    -------
    ndarray of shape (n_sessions, n_symbols)
        NaN before the first bar.
    """
    known = identities_of(actions)
    panel = known.named(bars)
    columns = {known.of(symbol, window[-1]): i for i, symbol in enumerate(symbols)}
    rows = {day: i for i, day in enumerate(window)}
    closes, factors = np.full((len(window), len(symbols)), np.nan), np.ones((len(window), len(symbols)))
    for one, day, close in panel.filter(pl.col(INSTRUMENT).is_in(list(columns))).select(INSTRUMENT, "session", "close").iter_rows():
        if one in columns:
            closes[rows[day], columns[one]] = close
    scaling = adjustments(known.of_actions(actions), panel, "splits_and_dividends")
    for one, day, factor in scaling.select(INSTRUMENT, "session", "price").iter_rows():
        if one in columns and day in rows:
            factors[rows[day], columns[one]] = factor
    later = np.ones_like(factors)  # the product of the factors after each session
    for i in range(len(window) - 2, -1, -1):
        later[i] = later[i + 1] * factors[i + 1]
    closes *= later
    for i in range(1, len(window)):
        closes[i] = np.where(np.isnan(closes[i]), closes[i - 1], closes[i])
    return closes


def book_returns(weights: Floats, closes: Floats) -> Floats:
    """What the weights would have earned in each session of which anything is known.

    Parameters
    ----------
    weights
        ndarray of shape (n_symbols,).
    closes
        ndarray of shape (n_sessions, n_symbols), NaN before a symbol's first bar.

    Returns
    -------
    ndarray of shape (n_known,)
        Shares of equity. Of unknown returns the rest of the book stands in, for the same gross.

    Examples
    --------
    >>> book_returns(np.array([0.5, -0.5]), np.array([[10.0, 20.0], [11.0, 21.0]])).round(3).tolist()
    [0.025]
    """
    returns = closes[1:] / closes[:-1] - 1.0
    known = ~np.isnan(returns)
    sizes = np.abs(weights)
    covered = (known * sizes).sum(axis=1)
    earned = np.where(known, returns * weights, 0.0).sum(axis=1)
    some = covered > 0.0
    return earned[some] * (sizes.sum() / covered[some])


PLUGIN = Plugin(settings=VolatilityTargetSettings, make=VolatilityTarget, quick={"lookback_sessions": 5, "min_sessions": 2})

"""What a book of today would have earned in each session of a window: its shape over the closes of what it holds, scaled by the actions inside the window."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, REPEAT_DAYS, identities_of
from ats_assets.plugins import Needs

Floats = NDArray[np.float64]
ACTIONS: Final = "corporate_actions"


def needs_of_closes(lookback_sessions: int) -> tuple[Needs, ...]:
    """The bars of a window, one more for its first return, and the corporate actions that tell of it."""
    return (Needs(asset="bars", back=lookback_sessions), Needs(asset=ACTIONS, back=lookback_sessions - 1 + REPEAT_DAYS))


def closes_before(
    session: date, symbols: pl.Series, frames: Mapping[str, pl.DataFrame], days: Sequence[date], lookback_sessions: int
) -> Floats:
    """The closes of symbols over the window that ends with a session, as `held_closes`.

    Parameters
    ----------
    frames, days
        As of `Rule.apply`.
    """
    i = days.index(session)
    window = days[max(0, i - lookback_sessions) : i + 1]
    told_from = days[max(0, i - needs_of_closes(lookback_sessions)[1].back)]
    bars = frames["bars"].filter(pl.col("session").is_between(window[0], session))
    actions = frames[ACTIONS].filter(pl.col("session").is_between(told_from, session))
    return held_closes(symbols, bars, actions, window)


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

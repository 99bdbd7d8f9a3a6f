"""The universe: which symbols are tradable at a session, chosen with that session's knowledge only, so without survivorship bias."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.bars.panel import Panel, median_of_columns, panel
from ats_assets.bars.schema import UNIVERSE_SCHEMA
from ats_assets.calendar import SessionCalendar
from ats_assets.settings import UniverseSettings


def universe(bars: pl.DataFrame, sessions: Sequence[date], settings: UniverseSettings, *, calendar: SessionCalendar) -> pl.DataFrame:
    """Choose the members of each session.

    Among the symbols with a bar at session D, those qualify that close at `min_price` or above and have bars at `min_history_sessions` or more of
    the `lookback_sessions` sessions that end at D. The `size` of them with the largest median dollar volume (median of close * volume over the
    bars of those sessions; ties by symbol) are members. A symbol of the focus list is a member, beyond `size` if need be, whenever it has a bar
    at D. Members are ranked together.

    Parameters
    ----------
    bars
        Bars from `lookback_sessions - 1` sessions before the first of `sessions` on (fewer at the start of history). Later ones are never read. The history of a symbol
        is that of its `instrument`, where they have that column.
    sessions
        Sessions to choose for, each by itself: its members are the same whichever others are asked for.
    settings
        Size, minimum price, minimum history, lookback and focus list.
    calendar
        The exchange's sessions.

    Returns
    -------
    DataFrame
        Columns of `UNIVERSE_SCHEMA`, sorted by session and symbol. At the start of history no symbol has the minimum of bars: no rows but
        those of the focus list.
    """
    if not sessions:
        return UNIVERSE_SCHEMA.to_frame()
    lookback = settings.lookback_sessions
    laid_out = panel(bars, sessions, ("close", "volume"), calendar=calendar, lookback_sessions=lookback - 1)
    dollar_volume = laid_out.columns["close"] * laid_out.columns["volume"]
    chosen = [
        _members(session, row, dollar_volume[max(0, row - lookback + 1) : row + 1], bars=laid_out, settings=settings)
        for session, row in laid_out.rows(sessions).items()
    ]
    return pl.concat(chosen).sort("session", "symbol")


def _members(session: date, row: int, window: np.ndarray, *, bars: Panel, settings: UniverseSettings) -> pl.DataFrame:
    """The members of one session; `window` is the dollar volume of shape (at most lookback_sessions, n_series) that ends at it."""
    quoted = np.flatnonzero(bars.present[row])
    quoted = quoted[bars.symbols_at(row, quoted).arg_sort().to_numpy()]  # by symbol, in which all of what follows goes on
    window, symbols, close = window[:, quoted], bars.symbols_at(row, quoted), bars.columns["close"][row, quoted]
    history = (~np.isnan(window)).sum(axis=0)
    focus = symbols.is_in(list(settings.focus)).to_numpy()
    qualified = np.flatnonzero((close >= settings.min_price) & (history >= settings.min_history_sessions))
    median = median_of_columns(window)
    leaders = qualified[np.lexsort((qualified, -median[qualified]))][: settings.size]
    members = np.union1d(leaders, np.flatnonzero(focus))
    rank = np.empty(len(members), dtype=np.uint32)
    rank[np.lexsort((members, -median[members]))] = np.arange(1, len(members) + 1, dtype=np.uint32)
    return pl.DataFrame(
        {
            "symbol": symbols.gather(members),
            "session": [session] * len(members),
            "rank": rank,
            "median_dollar_volume": median[members],
            "close": close[members],
            "history_sessions": history[members].astype(np.uint32),
            "focus": focus[members],
        },
        schema=UNIVERSE_SCHEMA,
    )

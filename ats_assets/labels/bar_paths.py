"""Bars inside sessions as arrays that lie series after series, for labels that follow a position from bar to bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.errors import CalendarError, ContractError

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
PRICES = ("open", "high", "low", "close")


@dataclass(frozen=True, kw_only=True)
class BarPaths:
    """Bars sorted by (symbol, session, bar)."""

    rows: pl.DataFrame
    """The bars in that order, as they came."""
    prices: dict[str, Floats]
    """float64 of shape (n_bars,) by name."""
    day: Places
    """The place of each bar's session among the days, of shape (n_bars,)."""
    days: Sequence[date]
    _key: Places
    """Ascending: the days of the first symbol, then those of the second, and so on."""

    def begins(self, sessions: int = 0) -> Places:
        """For each bar the first one of its symbol that is at most so many sessions before it; with 0 the first one of its session."""
        return np.searchsorted(self._key, self._key - np.minimum(self.day, sessions), side="left")

    def ends(self, sessions: int = 0) -> Places:
        """For each bar the one after the last of its symbol that is at most so many sessions after it; with 0 the one after its session."""
        return np.searchsorted(self._key, self._key + np.minimum(len(self.days) - 1 - self.day, sessions), side="right")

    def returns(self) -> Floats:
        """Of each bar, from the close before; of the first one of a session from its own open, so that no night and no corporate action is in it."""
        closes = self.prices["close"]
        first = self.begins() == np.arange(len(closes))
        return closes / np.where(first, self.prices["open"], np.roll(closes, 1)) - 1.0


def bar_paths(bars: pl.DataFrame, days: Sequence[date]) -> BarPaths:
    """Lay out bars.

    Parameters
    ----------
    bars
        symbol, session, bar, open, high, low, close, and whatever else, in any order.
    days
        Sessions of the exchange without a gap, ascending; those of the bars among them.

    Raises
    ------
    CalendarError
        If a bar is of none of the days.
    ContractError
        If a bar is there twice.
    """
    rows = bars.sort("symbol", "session", "bar")
    place = {day: i for i, day in enumerate(days)}
    if strangers := sorted(set(rows["session"].unique()) - place.keys()):
        raise CalendarError(
            f"there are bars of {strangers[0]}, which is none of the {len(place)} sessions that came with them: widen these"
        )
    day = rows["session"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
    symbol = rows["symbol"].rle_id().cast(pl.Int64).to_numpy()
    key, bar = symbol * len(days) + day, rows["bar"].to_numpy()
    if (twice := np.flatnonzero((key[1:] == key[:-1]) & (bar[1:] == bar[:-1]))).size:
        named = rows.row(int(twice[0]), named=True)
        raise ContractError(
            f"{named['symbol']} has bar {named['bar']} of {named['session']} more than once: make the bars of that session again"
        )
    return BarPaths(
        rows=rows,
        prices={name: np.array(rows[name].to_numpy(), dtype=np.float64) for name in PRICES},
        day=day,
        days=days,
        _key=key,
    )

"""Bars as dense arrays of sessions x symbols, for rules that look along both."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import INSTRUMENT


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Bars over consecutive sessions of the calendar.

    Attributes
    ----------
    sessions
        Every session of the calendar from the first to the last one, with bars or without.
    series
        All instruments that have a bar in them, sorted; all symbols, where the bars have no column `instrument`.
    columns
        For each column of the bars an array of shape (n_sessions, n_symbols), NaN where there is no bar.
    present
        Whether there is a bar, of the same shape.
    place, symbols
        Of each bar the place of its symbol in `symbols`, and where there is none that of the last bar before, of the same shape: what a series is called can change.
    """

    sessions: list[date]
    series: list[str]
    columns: dict[str, np.ndarray]
    present: np.ndarray
    place: np.ndarray
    symbols: pl.Series

    def rows(self, sessions: Sequence[date]) -> dict[date, int]:
        """Each of `sessions`, sorted and once, and its row."""
        row = {session: i for i, session in enumerate(self.sessions)}
        return {session: row[session] for session in sorted(set(sessions))}

    def symbols_at(self, rows: np.ndarray | int, columns: np.ndarray) -> pl.Series:
        """The symbols of series at rows, each with a bar there or before."""
        return self.symbols.gather(self.place[rows, columns])


def panel(
    bars: pl.DataFrame, sessions: Sequence[date], columns: Sequence[str], *, calendar: SessionCalendar, lookback_sessions: int
) -> Panel:
    """Lay out the bars that judging `sessions` takes: from `lookback_sessions` before the first of them to the last.

    Parameters
    ----------
    bars
        Bars with the columns symbol, perhaps instrument, session and `columns`, unique by symbol and session, in any order; others than the needed sessions are ignored.
    sessions
        Sessions of the calendar, at least one.
    columns
        Numeric columns to lay out.
    calendar
        The exchange's sessions; at its start there are fewer before the first one.
    lookback_sessions
        How many sessions before each one are looked at.
    """
    days = calendar.sessions(calendar.window(min(sessions), lookback_sessions + 1)[0], max(sessions))
    key = INSTRUMENT if INSTRUMENT in bars.columns else "symbol"
    bars = bars.filter(pl.col("session").is_between(days[0], days[-1])).select(*dict.fromkeys(["symbol", key, "session", *columns]))
    series = bars[key].unique().sort()
    row = np.searchsorted(np.array(days, dtype="datetime64[D]"), bars["session"].to_numpy().astype("datetime64[D]"))
    column = bars[key].cast(pl.Enum(series)).to_physical().to_numpy()
    shape = (len(days), len(series))
    place = np.full(shape, -1, dtype=np.int32)
    place[row, column] = np.arange(bars.height)
    present = place >= 0
    place = np.take_along_axis(place, np.maximum.accumulate(np.where(present, np.arange(len(days))[:, None], 0), axis=0), axis=0)
    laid_out = {}
    for name in columns:
        laid_out[name] = np.full(shape, np.nan)
        laid_out[name][row, column] = bars[name].cast(pl.Float64).to_numpy()
    return Panel(sessions=days, series=series.to_list(), columns=laid_out, present=present, place=place, symbols=bars["symbol"])


def median_of_columns(values: np.ndarray) -> np.ndarray:
    """The median of each column's numbers: NaN is left out, and is the median where there is nothing else.

    Parameters
    ----------
    values
        Array of shape (n_sessions, n_columns). The middle two of an even number are halved before they are added, so that nothing overflows.
    """
    if not values.size:
        return np.full(values.shape[1], np.nan)
    ordered = np.sort(values, axis=0)  # NaN last
    count = (~np.isnan(values)).sum(axis=0)
    lower = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[None], axis=0)[0]
    upper = np.take_along_axis(ordered, (count // 2)[None], axis=0)[0]
    return np.where(lower == upper, lower, lower * 0.5 + upper * 0.5)

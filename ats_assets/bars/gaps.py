"""Which bars are missing: sessions without any, and sessions of a symbol between its first and its last bar."""

from collections.abc import Sequence
from datetime import date

import polars as pl


def missing_sessions(bars: pl.DataFrame, sessions: Sequence[date]) -> list[date]:
    """The sessions that have no bar at all.

    Parameters
    ----------
    bars
        A column session.
    sessions
        Of the calendar, ascending.
    """
    there = set(bars["session"])
    return [day for day in sessions if day not in there]


def symbol_gaps(bars: pl.DataFrame, sessions: Sequence[date]) -> pl.DataFrame:
    """The symbols that lack a bar in a session between their first and their last one, those that lack most first.

    A listing or a delisting is no gap. A session without any bar is one of no symbol.

    Parameters
    ----------
    bars
        Columns symbol, session; one row a pair.
    sessions
        Of the calendar, ascending.

    Returns
    -------
    DataFrame
        symbol, first, last (sessions of its bars), bars, missing (sessions between them without one), longest (in a row), newest_gap (the last session without one).

    Examples
    --------
    >>> days = [date(2024, 1, day) for day in (2, 3, 4, 5)]
    >>> bars = pl.DataFrame({"symbol": ["A", "A", "B", "B", "B", "B"], "session": [days[0], days[3], *days]})
    >>> symbol_gaps(bars, days).select("symbol", "bars", "missing", "longest").rows()
    [('A', 2, 2, 2)]
    """
    traded = sorted(set(bars["session"]).intersection(sessions))
    places = pl.DataFrame({"session": traded, "place": range(len(traded))}, schema={"session": pl.Date, "place": pl.Int64})
    placed = bars.select("symbol", "session").join(places, on="session").sort("symbol", "place")
    gap = pl.col("place").diff().over("symbol") - 1
    by_symbol = placed.with_columns(gap=gap.fill_null(0), before=pl.col("place") - 1).group_by("symbol", maintain_order=True)
    found = by_symbol.agg(
        first=pl.col("session").first(),
        last=pl.col("session").last(),
        bars=pl.len(),
        missing=pl.col("gap").sum(),
        longest=pl.col("gap").max(),
        before=pl.col("before").filter(pl.col("gap") > 0).last(),
    ).filter(pl.col("missing") > 0)
    named = found.join(places.rename({"session": "newest_gap", "place": "before"}), on="before", how="left")
    return named.drop("before").sort("missing", "symbol", descending=[True, False])

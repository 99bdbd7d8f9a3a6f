"""Positions of rules that enter on one condition and leave on another, rebuilt from a bounded window, so that the position of a session can be told by itself.

A symbol is held at a session if its newest entry lies at most `max_sessions` before it and no exit has come since. The entry that counts is the newest one: a rule that says again "buy" while it
holds starts the time again. So what happened before the window can't matter, and a session made alone is the same as in any range.
"""

import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.strategies.price_rows import PLACE

LONG, SHORT = 1, -1


def entered_positions(rows: pl.DataFrame, *, enter: pl.Expr, leave: pl.Expr, max_sessions: int, side: int = LONG) -> pl.DataFrame:
    """Who is held at each row's session, and for how long.

    Parameters
    ----------
    rows
        From `PriceRows.rows`, of `max_sessions` sessions before those that are wanted, at least.
    enter, leave
        Conditions on the rows; a null is a no. Where both hold the position is left.
    max_sessions
        An entry lasts so long at most.
    side
        1 for long, -1 for short.

    Returns
    -------
    polars.DataFrame
        The rows with `side` (Int8: that of the position, 0 without one) and `held_sessions` (Int64, since the newest entry; null without a position).

    Examples
    --------
    >>> rows = pl.DataFrame({"instrument": ["A"] * 5, "place": range(5), "z": [0.0, -3.0, -1.0, 1.0, 0.5]})
    >>> found = entered_positions(rows, enter=pl.col("z") < -2, leave=pl.col("z") > 0, max_sessions=3)
    >>> found["side"].to_list(), found["held_sessions"].to_list()
    ([0, 1, 1, 0, 0], [None, 0, 1, None, None])
    """
    ordered = rows.sort(INSTRUMENT, PLACE)
    marked = ordered.with_columns(
        _entered=pl.when(enter.fill_null(value=False)).then(PLACE).forward_fill().over(INSTRUMENT),
        _left=pl.when(leave.fill_null(value=False)).then(PLACE).forward_fill().over(INSTRUMENT),
    )
    age = pl.col(PLACE) - pl.col("_entered")
    held = (age <= max_sessions) & (pl.col("_left").is_null() | (pl.col("_left") < pl.col("_entered")))
    held = held.fill_null(value=False)
    return marked.with_columns(
        side=pl.when(held).then(pl.lit(side, pl.Int8)).otherwise(pl.lit(0, pl.Int8)), held_sessions=pl.when(held).then(age)
    ).drop("_entered", "_left")

"""Equal bets on what a rule holds: each the same share of equity, the rest in cash."""

import polars as pl


def equal_bets(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """The target weights of rows with a side.

    Parameters
    ----------
    rows
        symbol, session, score (how much is thought of the position, whatever its side), side (1, -1 or 0).
    most
        Places of a book, each 1/most of equity. Where more are held, those with the highest scores get them; equal scores at the last place share it.

    Returns
    -------
    polars.DataFrame
        symbol, session, score (times the side), target_weight.

    Examples
    --------
    >>> from datetime import date
    >>> rows = pl.DataFrame({"symbol": ["A", "B", "C"], "session": [date(2024, 1, 2)] * 3, "score": [1.0, 2.0, 3.0], "side": [1, -1, 0]})
    >>> equal_bets(rows, 4)["target_weight"].to_list()
    [0.25, -0.25, 0.0]
    """
    held = pl.col("side") != 0
    value = pl.when(held).then(pl.col("score"))
    better = value.rank("min", descending=True).over("session").cast(pl.Int64) - 1
    equal = value.is_not_null().sum().over("session", value)
    share = ((most - better) / equal).clip(0.0, 1.0)
    weight = pl.when(held).then(pl.col("side") * share / most).otherwise(0.0)
    return rows.select("symbol", "session", (pl.col("score") * pl.col("side")).alias("score") + 0.0, weight.alias("target_weight") + 0.0)

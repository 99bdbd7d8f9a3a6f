"""What strategies may hold, where settings say: tickers in focus, or active ones."""

from collections.abc import Sequence

import polars as pl


def of_tradable(rows: pl.DataFrame, selected: pl.DataFrame, states: Sequence[str]) -> pl.DataFrame:
    """The rows (symbol, session) whose ticker is in one of the states at their session.

    Examples
    --------
    >>> rows = pl.DataFrame({"symbol": ["A", "B"], "session": [1, 1]})
    >>> of_tradable(rows, rows.with_columns(state=pl.Series(["focus", "out"])), ("focus", "active"))["symbol"].to_list()
    ['A']
    """
    chosen = selected.filter(pl.col("state").is_in(list(states))).select("symbol", "session")
    return rows.join(chosen, on=["symbol", "session"], how="semi", maintain_order="left")

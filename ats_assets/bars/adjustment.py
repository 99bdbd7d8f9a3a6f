"""What corporate actions do to earlier prices and volumes: the factors by which the bars before an ex-session are multiplied.

For a symbol and ex-session E, with the ratios r and payments c of its actions there (both for one share before E) and the last close p before E:

    price = (1 - c / p) / r        volume = r

A split leaves close * volume as it was. The factor of a payment is CRSP's and most vendors' convention: the return across E is that of who puts the payment
into the share at the close before E. What is multiplied by these factors keeps the returns that were earned, and has no jump at E.

The factor is applied inside the window of a session D >= E only. Bars stay as they were traded, so a later action changes no earlier partition. The close p lies
in every window in which there is anything to scale, so the factor is the same in each of them.
"""

from typing import Final

import polars as pl

from ats_assets.settings import Adjust

ADJUSTMENTS_SCHEMA: Final = pl.Schema({"symbol": pl.String, "session": pl.Date, "price": pl.Float64, "volume": pl.Float64})
SHARE_KINDS: Final = ("split", "stock_dividend")
CASH_KINDS: Final = ("cash_dividend", "spin_off")


def adjustments(actions: pl.DataFrame, bars: pl.DataFrame, adjust: Adjust) -> pl.DataFrame:
    """The factors of actions.

    Parameters
    ----------
    actions
        Rows of `corporate_actions`. Mergers, name changes and others scale nothing, nor does a spin-off whose worth is not known.
    bars
        symbol, session, close, unique by (symbol, session), in any order: those that are to be scaled.
    adjust
        Which actions count.

    Returns
    -------
    DataFrame
        Columns of `ADJUSTMENTS_SCHEMA`, one row for each symbol and ex-session whose factors are not both 1, sorted by these. A payment without a close
        before it in `bars`, or not below that close, scales nothing.
    """
    if adjust == "none" or actions.is_empty():
        return ADJUSTMENTS_SCHEMA.to_frame()
    counted = actions.filter(pl.col("kind").is_in([*SHARE_KINDS, *(CASH_KINDS if adjust == "splits_and_dividends" else ())]))
    cash = pl.col("cash").sort().sum() if adjust == "splits_and_dividends" else pl.lit(0.0)
    ratio = pl.col("ratio").drop_nulls().sort().product().fill_null(1.0)
    events = counted.group_by("session", "symbol").agg(ratio.alias("volume"), cash.alias("cash")).sort("session", "symbol")
    closes = bars.select("symbol", "session", "close").filter(pl.col("symbol").is_in(events["symbol"].implode())).sort("session", "symbol")
    found = events.join_asof(closes, on="session", by="symbol", strategy="backward", allow_exact_matches=False, check_sortedness=False)
    kept = 1 - pl.col("cash") / pl.col("close")
    scaled = found.with_columns(price=pl.when(kept > 0).then(kept).otherwise(1.0) / pl.col("volume"))
    return scaled.filter((pl.col("price") != 1) | (pl.col("volume") != 1)).select(ADJUSTMENTS_SCHEMA.names()).sort("symbol", "session")

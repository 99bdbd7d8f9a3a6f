"""What corporate actions do to earlier prices and volumes: the factors by which the bars before an ex-session are multiplied.

For a symbol and ex-session E, with the ratios r and payments c of its actions there (both for one share before E) and the last close p before E:

    price = (1 - c / p) / r        volume = r

Where E comes before the first bar after an earlier ex-session, p is that close as the earlier actions have left it, (p' - c') / r': all that is said of E is for a share
as it is then, which there is no bar of.

A payment of p or more counts nowhere: neither here nor in an account (`counted_payment`), where it would leave a price of zero.

A split leaves close * volume as it was. The factor of a payment is CRSP's and most vendors' convention: the return across E is that of who puts the payment
into the share at the close before E. What is multiplied by these factors keeps the returns that were earned, and has no jump at E.

The factor is applied inside the window of a session D >= E only. Bars stay as they were traded, so a later action changes no earlier partition. The close p lies
in every window in which there is anything to scale, so the factor is the same in each of them.
"""

from typing import Final

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT
from ats_assets.settings import Adjust

ADJUSTMENTS_SCHEMA: Final = pl.Schema({"symbol": pl.String, "session": pl.Date, "price": pl.Float64, "volume": pl.Float64})
SHARE_KINDS: Final = ("split", "stock_dividend")
CASH_KINDS: Final = ("cash_dividend", "spin_off")


def adjustments(actions: pl.DataFrame, bars: pl.DataFrame, adjust: Adjust) -> pl.DataFrame:
    """The factors of actions.

    Parameters
    ----------
    actions
        Rows of `corporate_actions`; where the bars have a column `instrument`, so must they (`Identities.of_actions`). Mergers, name changes and others scale nothing,
        nor does a spin-off whose worth is not known.
    bars
        symbol, perhaps instrument, session, close, unique by (symbol, session), in any order: those that are to be scaled.
    adjust
        Which actions count.

    Returns
    -------
    DataFrame
        Columns of `ADJUSTMENTS_SCHEMA` (`instrument` in the place of `symbol`, where the bars have it), one row for each symbol and ex-session whose factors are not
        both 1, sorted by these. A payment without a close
        before it in `bars`, or not below that close, scales nothing.

    Examples
    --------
    >>> from datetime import date
    >>> import polars as pl
    >>> from ats_assets.corporate_actions import adjustments
    >>> bars = pl.DataFrame({"symbol": ["ABC"], "session": [date(2024, 1, 2)], "close": [100.0]})
    >>> actions = pl.DataFrame(
    ...     {"symbol": ["ABC"], "session": [date(2024, 1, 3)], "kind": ["split"], "ratio": [4.0], "cash": [None]},
    ...     schema_overrides={"cash": pl.Float64},
    ... )
    >>> adjustments(actions, bars, "splits_and_dividends").row(0, named=True)
    {'symbol': 'ABC', 'session': datetime.date(2024, 1, 3), 'price': 0.25, 'volume': 4.0}
    """
    key = INSTRUMENT if INSTRUMENT in bars.columns else "symbol"
    if adjust == "none" or actions.is_empty():
        return ADJUSTMENTS_SCHEMA.to_frame().rename({"symbol": key})
    counted = actions.filter(pl.col("kind").is_in([*SHARE_KINDS, *(CASH_KINDS if adjust == "splits_and_dividends" else ())]))
    events = by_ex_session(counted, key).sort("session", key)
    closes = bars.select(key, "session", "close", closed="session").filter(pl.col(key).is_in(events[key].implode()))
    closes = closes.sort("session", key)
    found = events.join_asof(closes, on="session", by=key, strategy="backward", allow_exact_matches=False, check_sortedness=False)
    before = _as_left(found, key)
    close, cash, ratio = (before[name].to_numpy() for name in ("before", "cash", "ratio"))
    with np.errstate(divide="ignore", invalid="ignore"):
        kept = np.where(close > cash, 1 - cash / close, 1.0)  # by NumPy: Polars divides by a column of one value otherwise than by others
    scaled = before.with_columns(price=pl.Series(kept / ratio, dtype=pl.Float64), volume="ratio")
    return scaled.filter((pl.col("price") != 1) | (pl.col("volume") != 1)).select(key, "session", "price", "volume").sort(key, "session")


def _as_left(found: pl.DataFrame, key: str) -> pl.DataFrame:
    """The events with a column `before`: the last close as the events since have left it. A payment that reaches it is none (0), also to later ones."""
    shares = pl.col("ratio").cum_prod().shift(1, fill_value=1.0).over(key, "closed", order_by="session")
    paid = (pl.col("cash") * pl.col("shares")).cum_sum().shift(1, fill_value=0.0).over(key, "closed", order_by="session")
    too_large = (pl.col("cash") > 0) & (pl.col("cash") >= pl.col("before"))
    while True:
        before = found.with_columns(shares=shares).with_columns(before=(pl.col("close") - paid) / pl.col("shares"))
        first = before.filter(too_large).group_by(key, "closed").agg(pl.col("session").min(), none=pl.lit(value=True))
        if first.is_empty():
            return before
        marked = found.join(first, on=[key, "closed", "session"], how="left", maintain_order="left")
        found = marked.with_columns(cash=pl.when("none").then(0.0).otherwise("cash")).drop("none")


def by_ex_session(actions: pl.DataFrame, key: str = "symbol") -> pl.DataFrame:
    """What becomes of an old share at each ex-session: new shares for it (`ratio`, 1 for none) and currency paid for it (`cash`, 0 for none).

    Splits and stock dividends have a ratio. Cash dividends pay, and a spin-off pays what its shares are worth, as if they were sold at once. Labels, features,
    backtests and the paper broker all read actions through this one function.

    Parameters
    ----------
    actions
        symbol, session, kind, ratio, cash, as `CorporateActions` has them; in any order.
    key
        The column that says whose shares they are: `symbol`, or `instrument` where the actions have it.

    Returns
    -------
    DataFrame
        session, the key, ratio, cash, one row for each key and ex-session, in no order.

    Examples
    --------
    >>> from datetime import date
    >>> split = {"symbol": "AAA", "session": date(2024, 3, 4), "kind": "split", "ratio": 4.0, "cash": None}
    >>> dividend = {"symbol": "AAA", "session": date(2024, 3, 4), "kind": "cash_dividend", "ratio": None, "cash": 0.5}
    >>> by_ex_session(pl.DataFrame([split, dividend])).rows()
    [(datetime.date(2024, 3, 4), 'AAA', 4.0, 0.5)]
    """
    ratio = pl.col("ratio").filter(pl.col("kind").is_in(SHARE_KINDS)).drop_nulls().sort().product()
    cash = pl.col("cash").filter(pl.col("kind").is_in(CASH_KINDS)).sort().sum()
    return actions.group_by("session", key).agg(ratio.fill_null(1.0), cash.fill_null(0.0))

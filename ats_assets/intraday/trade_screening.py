"""Raw trades are split into those that satisfy the contract and those that do not.

1. Each rule is evaluated for every row, so that a rejected trade has all of its reasons.
2. A trade that breaks none is accepted, with what its condition codes let it be used for (`conditions`): a late report or an odd lot is a good trade that sets no price.
3. Accepted trades are sorted by symbol, time and the order of delivery.

Accepted plus rejected is the input, always. Each session is judged by its own rows alone.
"""

import polars as pl

from ats_assets.intraday.conditions import allowed
from ats_assets.intraday.schema import RAW_TRADES_SCHEMA, REJECTED_TRADES_SCHEMA, TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_rules import accepted_and_rejected, require_ticks, shared_rules
from ats_assets.settings import TickScreeningSettings

_CONTENT = ("at", "price", "size", "exchange", "conditions")


def screen_trades(raw: pl.DataFrame, hours: SessionHours, settings: TickScreeningSettings) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split raw trades into accepted and rejected ones.

    Parameters
    ----------
    raw
        Of `RAW_TRADES_SCHEMA`, of any number of sessions.
    hours
        In which each instrument is traded.

    Returns
    -------
    trades : DataFrame
        Of `TRADES_SCHEMA`, sorted by session, symbol, at, sequence.
    rejected_trades : DataFrame
        The others as they came, with their `reasons`, sorted by session, symbol (rows without one last), sequence.

    Raises
    ------
    ContractError
        If `raw` has other columns or types.
    """
    require_ticks(raw, RAW_TRADES_SCHEMA, "raw trades")
    raw = raw.sort("session", "symbol", "sequence", nulls_last=True, maintain_order=True)
    price, size = pl.col("price").fill_nan(None), pl.col("size").fill_nan(None)
    own = {
        "cancelled": pl.col("cancelled"),
        "price_missing": price.is_null(),
        "price_not_positive": (price <= 0) | price.is_infinite(),
        "size_missing": size.is_null(),
        "size_not_positive": (size <= 0) | size.is_infinite(),
    }
    faults = raw.select(**{reason: broken.fill_null(value=False) for reason, broken in own.items()})
    shared = shared_rules(raw, hours, _CONTENT, max_disorder_seconds=settings.max_disorder_seconds)
    sound, rejected = accepted_and_rejected(raw, pl.concat([faults, shared], how="horizontal"))
    kept = raw.filter(sound)
    may = allowed(kept["conditions"], kept["tape"], settings.conditions, settings.no_price).drop("unknown")
    trades = pl.concat([kept.with_columns(pl.col("conditions").fill_null([])), may], how="horizontal").select(TRADES_SCHEMA.names())
    return trades.sort("session", "symbol", "at", "sequence", maintain_order=True), rejected.cast(REJECTED_TRADES_SCHEMA)  # pyright: ignore[reportArgumentType]

"""From candles to `raw_bars`, each in the session at whose end it was known.

A candle that begins at midnight in UTC is that day's. Some exchanges begin their days elsewhere (in Hong Kong at 16:00 UTC): such a candle ends within the day after, which is
the session that it is delivered with, named in `defects`, so that it is rejected there and not taken for the day.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

import polars as pl

from ats_assets.sources.schema import RAW_BARS_SCHEMA
from ats_assets.vendors.ccxt import Candle

_COLUMNS = {"at": pl.Int64, **dict.fromkeys(("open", "high", "low", "close", "volume", "vwap"), pl.Float64)}


def candle_rows(symbol: str, candles: Sequence[Candle], sessions: Sequence[date]) -> pl.DataFrame:
    """The rows of `RAW_BARS_SCHEMA` that these neighbouring sessions own, by session.

    Parameters
    ----------
    candles
        Ascending, of one pair; those that another session owns are left to it.
    """
    rows = pl.DataFrame([tuple(candle) for candle in candles], schema=_COLUMNS, orient="row")
    at = pl.from_epoch("at", time_unit="ms")
    odd = at.dt.time() != time()
    told = pl.format("date: the candle begins at {} UTC, not at midnight", at.dt.strftime("%Y-%m-%d %H:%M"))
    placed = rows.with_columns(
        symbol=pl.lit(symbol),
        date=at.dt.date(),
        session=pl.when(odd).then(at.dt.offset_by("1d")).otherwise(at).dt.date(),
        defects=pl.when(odd).then(told),
    )
    return placed.filter(pl.col("session").is_in(list(sessions))).match_to_schema(RAW_BARS_SCHEMA, extra_columns="ignore")


def milliseconds(day: date) -> int:
    """Midnight in UTC, since 1970."""
    return int(datetime.combine(day, time(), UTC).timestamp()) * 1000

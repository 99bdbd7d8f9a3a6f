"""What is known of delivered rows day by day: enough to place them, to describe them and to refuse intraday bars, without the rows themselves."""

from typing import Final

import polars as pl

from ats_assets.errors import SourceError

INTRADAY_SHARE = 0.01
"""Days of a symbol with two different stamps, beyond which a file is taken for intraday bars rather than for daily bars with a few repeats."""

DAY_FACTS_SCHEMA: Final = pl.Schema(
    {
        "date": pl.Date,
        "rows": pl.Int64,
        "defects": pl.Int64,
        "complaint": pl.String,
        "has_vwap": pl.Boolean,
        "is_whole": pl.Boolean,
        "symbols": pl.Int64,
        "several": pl.Int64,
        "stamps": pl.Int64,
        "stamps_of": pl.String,
    }
)
"""Of each date as delivered, null included: rows, those with defects and one of these, in whatever order they come, whether any has a vwap and all volumes are whole; symbols, those with several different stamps,
the most stamps that one has, and which one that is."""


def day_facts(rows: pl.DataFrame) -> pl.DataFrame:
    """The facts of each day that has a row; columns of `DAY_FACTS_SCHEMA`, sorted by date.

    Parameters
    ----------
    rows
        date, symbol, clock, volume, vwap, defects, in any order.

    Examples
    --------
    >>> from datetime import date
    >>> rows = pl.DataFrame({"date": [date(2024, 3, 1)] * 2, "symbol": ["A", "B"], "volume": [1.0, 0.5]})
    >>> rows = rows.with_columns(clock=pl.lit(None, pl.Datetime("us")), vwap=pl.lit(None, pl.Float64), defects=pl.lit(None, pl.String))
    >>> day_facts(rows).select("rows", "is_whole", "symbols", "several").row(0)
    (2, False, 2, 0)
    """
    volume = pl.col("volume").filter(pl.col("volume").is_finite())
    of_rows = rows.group_by("date").agg(
        rows=pl.len(),
        defects=pl.col("defects").count(),
        complaint=pl.col("defects").min(),
        has_vwap=pl.col("vwap").count() > 0,
        is_whole=(volume == volume.round(0)).all(),
    )
    by_symbol = rows.group_by("date", "symbol").agg(stamps=pl.col("clock").drop_nulls().n_unique())
    of_symbols = (
        by_symbol.sort("stamps", "symbol", descending=[True, False])
        .group_by("date", maintain_order=True)
        .agg(
            symbols=pl.len(),
            several=(pl.col("stamps") > 1).sum(),
            stamps=pl.col("stamps").first(),
            stamps_of=pl.col("symbol").first(),
        )
    )
    found = of_rows.join(of_symbols, on="date", nulls_equal=True).select(DAY_FACTS_SCHEMA.names())
    return found.cast(DAY_FACTS_SCHEMA).sort("date")  # pyright: ignore[reportArgumentType]


def refuse_intraday(facts: pl.DataFrame, where: str) -> None:
    """Refuse intraday bars: several different stamps for a symbol and day.

    Raises
    ------
    SourceError
        If a symbol has three stamps on one day, or two on more than `INTRADAY_SHARE` of its days.
    """
    dated = facts.filter(pl.col("date").is_not_null())
    several = dated.filter(pl.col("several") > 0).sort("stamps", "stamps_of", "date", descending=[True, False, False])
    if several.is_empty() or (several["stamps"][0] < 3 and int(several["several"].sum()) <= INTRADAY_SHARE * int(dated["symbols"].sum())):
        return
    day, symbol, stamps = several.select("date", "stamps_of", "stamps").row(0)
    raise SourceError(
        f"{where} has intraday bars ({symbol!r} has {stamps} different times on {day}), but only daily bars are read: "
        "name a file of daily bars, or select them with source.files.where"
    )

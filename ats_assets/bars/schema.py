"""The columns of rejected bars and of the universe. The contracts, which need pandera, are in `contracts`."""

import polars as pl

from ats_assets.sources.schema import RAW_BARS_SCHEMA

REJECTED_BARS_SCHEMA = pl.Schema({**RAW_BARS_SCHEMA, "reasons": pl.List(pl.String)})
UNIVERSE_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "rank": pl.UInt32,
        "median_dollar_volume": pl.Float64,
        "close": pl.Float64,
        "history_sessions": pl.UInt32,
        "focus": pl.Boolean,
    }
)

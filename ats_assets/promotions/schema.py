"""The columns of `raw_promotions`. The contract, which needs pandera, is in `contracts`."""

import polars as pl

RAW_PROMOTIONS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "action": pl.String,
        "model": pl.String,
        "effective": pl.Date,
        "known_at": pl.Datetime("us", "UTC"),
        "who": pl.String,
        "reason": pl.String,
        "tries": pl.UInt32,
    }
)

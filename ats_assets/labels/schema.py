"""The columns of `forward_returns` and `sample_weights`. The contracts, which need pandera, are in `contracts`."""

import polars as pl

FORWARD_RETURNS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "forward_return": pl.Float64,
        "rank": pl.Float64,
        "exit": pl.String,
    }
)
SAMPLE_WEIGHTS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "session": pl.Date, "decision_session": pl.Date, "uniqueness": pl.Float64, "weight": pl.Float64}
)

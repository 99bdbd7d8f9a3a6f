"""The columns of `predictions` and `champion`. The contracts, which need pandera, are in `contracts`."""

import polars as pl

PREDICTIONS_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "score": pl.Float64, "model_session": pl.Date})
CHAMPION_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "model": pl.String,
        "judged_sessions": pl.UInt32,
        "rank_ic": pl.Float64,
        "is_champion": pl.Boolean,
        "reason": pl.String,
    }
)

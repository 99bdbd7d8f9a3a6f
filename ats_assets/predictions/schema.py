"""The columns of `predictions`, `model_skill`, `champion` and `ensemble_weights`. The contracts, which need pandera, are in `contracts`."""

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
ENSEMBLE_WEIGHTS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "model": pl.String,
        "weight": pl.Float64,
        "judged_sessions": pl.UInt32,
        "rank_ic": pl.Float64,
        "standard_error": pl.Float64,
        "reason": pl.String,
    }
)
MODEL_SKILL_SCHEMA = pl.Schema(
    {"session": pl.Date, "decision_session": pl.Date, "model": pl.String, "n_symbols": pl.UInt32, "rank_ic": pl.Float64}
)

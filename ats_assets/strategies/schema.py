"""The columns of `signals`. The contract, which needs pandera, is in `contracts`."""

import polars as pl

SIGNALS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "rank": pl.UInt32,
        "score": pl.Float64,
        "direction": pl.String,
        "probability": pl.Float64,
        "target_weight": pl.Float64,
        "model_session": pl.Date,
    }
)
REASONED_SCHEMA = pl.Schema({**SIGNALS_SCHEMA, "reason": pl.String})
"""Those of the contract `ReasonedSignals`."""

"""The columns of `prediction_intervals`. The contract, which needs pandera, is in `contracts`."""

import polars as pl

INTERVALS = "prediction_intervals"
"""The asset."""
INTERVALS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "session": pl.Date}
    | dict.fromkeys(("expected_return", "lower", "upper", "level", "adapted_level", "width", "confidence"), pl.Float64)
)

"""The columns of `holding_period`. The contract, which needs pandera, is in `contracts`."""

from typing import Final

import polars as pl

HOLDING: Final = "holding_period"
HOLDING_SCHEMA = pl.Schema(
    {"session": pl.Date, "strategy": pl.String, "holding_sessions": pl.Int32, "judged_sessions": pl.UInt32}
    | dict.fromkeys(("rank_ic", "standard_error", "shrunk_ic", "gross_bps", "turnover", "cost_bps", "net_bps", "lower_bps"), pl.Float64)
    | {"recommended": pl.Boolean, "recommendation": pl.Int32}
)
SCORED_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "score": pl.Float64, "target_weight": pl.Float64})
"""What is read of each strategy's signals."""

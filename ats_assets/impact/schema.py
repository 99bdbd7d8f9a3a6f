"""The names and columns of the stage's frames."""

import polars as pl

MARKET, FIT = "impact_inputs", "impact_fit"
"""The assets: what is known of each symbol before a trade, and what one's own fills say of the model."""
COST_ESTIMATE, TRADED_COSTS = "cost_estimate", "transaction_costs"
"""Assets of the stage orders: what the plan's orders are expected to cost, and what each order has cost."""
MARKET_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, **dict.fromkeys(("dollar_volume", "volatility", "spread"), pl.Float64)})
FIT_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "model": pl.String,
        **dict.fromkeys(("fills", "sessions"), pl.Int64),
        **dict.fromkeys(("scale", "fitted", "standard_error", "beside_bps", "beside_error_bps"), pl.Float64),
        "reason": pl.String,
    }
)

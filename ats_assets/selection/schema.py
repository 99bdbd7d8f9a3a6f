"""The columns of `ticker_selection` and `timeframe_selection`. The contracts, which need pandera, are in `contracts`."""

from typing import Final

import polars as pl

TICKERS: Final = "ticker_selection"
TIMEFRAMES: Final = "timeframe_selection"
STATES: Final = ("focus", "active", "out")
TICKERS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "session": pl.Date, "rank": pl.UInt32, "score": pl.Float64, "state": pl.String}
    | dict.fromkeys(("dollar_volume", "spread_bps", "volatility", "skill"), pl.Float64)
    | dict.fromkeys(("liquidity_score", "spread_score", "volatility_score", "skill_score"), pl.Float64)
    | {"since_sessions": pl.UInt32, "reason": pl.String}
)
TIMEFRAMES_SCHEMA = pl.Schema(
    {"symbol": pl.String, "session": pl.Date, "horizon_sessions": pl.Int32, "judged_sessions": pl.UInt32}
    | dict.fromkeys(("rank_ic", "standard_error", "pooled", "kept", "skill", "error", "lower"), pl.Float64)
    | {"chosen": pl.Boolean, "timeframe": pl.Int32}
)

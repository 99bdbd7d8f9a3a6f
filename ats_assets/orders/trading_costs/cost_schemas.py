"""The columns of the stage's frames; the contracts, which need pandera, are in `contracts`."""

import polars as pl

_TIME = pl.Datetime("us", "UTC")
_F, _S = pl.Float64(), pl.String()
ESTIMATE_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("client_order_id", "symbol", "side"), _S),
        **dict.fromkeys(("quantity", "notional", "participation", "volatility", "commission_bps", "spread_bps", "fixed_bps"), _F),
        **dict.fromkeys(("permanent_bps", "temporary_bps", "expected_bps", "expected"), _F),
        "reason": _S,
    }
)
COSTS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        **dict.fromkeys(("client_order_id", "symbol", "side"), _S),
        "fills": pl.Int64,
        **dict.fromkeys(("filled", "average_price", "fees"), _F),
        **dict.fromkeys(("first_at", "last_at", "recorded_at"), _TIME),
        **dict.fromkeys(("latency_seconds", "decision_price", "arrival_price", "interval_vwap", "close_price"), _F),
        **{f"slippage_{name}_bps": _F for name in ("decision", "arrival", "interval", "close")},
        **dict.fromkeys(("participation", "volatility", "spread", "expected_bps", "difference_bps", "difference_z"), _F),
        "reason": _S,
    }
)

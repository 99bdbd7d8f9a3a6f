"""The columns of what lies inside a session. The contracts, which need pandera, are in `contracts`.

Partitions are exchange sessions; the time inside a session is a column, in nanoseconds and UTC.
"""

import polars as pl

NANOSECONDS = pl.Datetime("ns", "UTC")
_ROW = {"symbol": pl.String, "session": pl.Date, "at": NANOSECONDS}
_DELIVERED = {"sequence": pl.Int64, "suspicious": pl.Boolean, "part": pl.Int32, "defects": pl.String}

RAW_TRADES_SCHEMA = pl.Schema(
    {
        **_ROW,
        "price": pl.Float64,
        "size": pl.Float64,
        "exchange": pl.String,
        "conditions": pl.List(pl.String),
        "trade_id": pl.String,
        "tape": pl.String,
        "cancelled": pl.Boolean,
        **_DELIVERED,
    }
)
"""Trades as delivered. `sequence` is the order of delivery within symbol and session, `part` which of the files of a session a row came with."""

TRADES_SCHEMA = pl.Schema(
    {
        **_ROW,
        "sequence": pl.Int64,
        "price": pl.Float64,
        "size": pl.Float64,
        "exchange": pl.String,
        "conditions": pl.List(pl.String),
        "for_price": pl.Boolean,
        "for_high_low": pl.Boolean,
        "for_volume": pl.Boolean,
    }
)
"""Trades that satisfy the contract, sorted by symbol, at, sequence."""

RAW_QUOTES_SCHEMA = pl.Schema(
    {
        **_ROW,
        "bid": pl.Float64,
        "ask": pl.Float64,
        "bid_size": pl.Float64,
        "ask_size": pl.Float64,
        "exchange": pl.String,
        "conditions": pl.List(pl.String),
        **_DELIVERED,
    }
)
"""Quotes as delivered."""

QUOTES_SCHEMA = pl.Schema(
    {
        **_ROW,
        "sequence": pl.Int64,
        "bid": pl.Float64,
        "ask": pl.Float64,
        "bid_size": pl.Float64,
        "ask_size": pl.Float64,
        "exchange": pl.String,
    }
)
"""Quotes that satisfy the contract, sorted by symbol, at, sequence: both sides, as they stand from `at` on."""

_REASONS = {"reasons": pl.List(pl.String)}
REJECTED_TRADES_SCHEMA = pl.Schema({**RAW_TRADES_SCHEMA, **_REASONS})
REJECTED_QUOTES_SCHEMA = pl.Schema({**RAW_QUOTES_SCHEMA, **_REASONS})

INFORMATION_BARS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "bar": pl.Int32,
        "opened_at": NANOSECONDS,
        "known_at": NANOSECONDS,
        **dict.fromkeys(("open", "high", "low", "close", "vwap", "volume", "buy_volume", "sell_volume"), pl.Float64),
        "ticks": pl.Int64,
        **dict.fromkeys(("dollar_volume", "spread", "effective_spread", "realised_spread", "order_flow"), pl.Float64),
        **dict.fromkeys(("duration_seconds", "threshold"), pl.Float64),
        "closed_by": pl.String,
    }
)
"""Bars that a sampler makes of ticks, sorted by symbol, session, bar."""

TICK_GAPS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "symbol": pl.String,
        "what": pl.String,
        "starts_at": NANOSECONDS,
        "ends_at": NANOSECONDS,
        "reason": pl.String,
        "vendor": pl.String,
        "ticks": pl.Int64,
        "details": pl.String,
    }
)
"""Silences, named."""

SCHEMAS = {
    "raw_trades": RAW_TRADES_SCHEMA,
    "trades": TRADES_SCHEMA,
    "rejected_trades": REJECTED_TRADES_SCHEMA,
    "raw_quotes": RAW_QUOTES_SCHEMA,
    "quotes": QUOTES_SCHEMA,
    "rejected_quotes": REJECTED_QUOTES_SCHEMA,
    "tick_gaps": TICK_GAPS_SCHEMA,
}
"""By the name of their asset; those of the samplers are named by the settings."""

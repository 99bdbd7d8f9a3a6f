"""The columns of what decisions inside a session are made into, in row form: `known_at` is the instant from which on a row is known. The contracts are in `contracts`."""

import polars as pl

_AT = pl.Datetime("ns", "UTC")

EVENTS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "session": pl.Date, "known_at": _AT, "bar": pl.Int32, "direction": pl.Int8, "side": pl.Int8}
)
"""Sorted by symbol, session, bar."""
EVENT_PREDICTIONS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "known_at": _AT,
        "bar": pl.Int32,
        "side": pl.Int8,
        "score": pl.Float64,
        "probability": pl.Float64,
        "model_session": pl.Date,
    }
)
"""Sorted by symbol, session, bar."""
EVENT_OUTCOMES_SCHEMA = pl.Schema({**EVENT_PREDICTIONS_SCHEMA, "outcome": pl.Float64})
"""Predictions beside what became of them: the return of the position on their side, before costs."""
EVENT_TRADES_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "side": pl.Int8,
        "decided_at": _AT,
        "entered_at": _AT,
        "left_at": _AT,
        "entry_price": pl.Float64,
        "exit_price": pl.Float64,
        "return_gross": pl.Float64,
        "cost": pl.Float64,
        "spread_known": pl.Boolean,
        "return_net": pl.Float64,
        "probability": pl.Float64,
        "barrier": pl.String,
        "holding_bars": pl.Int32,
    }
)
"""Sorted by decided_at, symbol; returns and costs in shares of the entry's price."""
EVENT_EQUITY_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "trades": pl.UInt32,
        "return_gross": pl.Float64,
        "cost": pl.Float64,
        "return_net": pl.Float64,
        "equity": pl.Float64,
    }
)
"""One row a session, ascending; each symbol has an equal part of the capital."""

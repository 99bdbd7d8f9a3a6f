"""The columns of option chains. The contracts, which need pandera, are in `contracts`."""

import polars as pl

QUOTE_TIME = pl.Datetime("us", "UTC")
TRADED_COLUMNS = ("bid", "ask", "bid_size", "ask_size", "last", "open", "high", "low", "close", "volume", "open_interest")
"""What was quoted and traded; null where it was not delivered."""
VENDOR_COLUMNS = tuple(f"vendor_{name}" for name in ("volatility", "delta", "gamma", "theta", "vega", "rho"))
"""What a vendor computed, in its own units: to compare with, never to trade on."""
KEY = ("underlying", "expiry", "strike", "right")
"""What a contract is, and the order of a chain."""

RAW_OPTION_CHAINS_SCHEMA = pl.Schema(
    {
        "underlying": pl.String,
        "session": pl.Date,
        "contract": pl.String,
        "expiry": pl.Date,
        "strike": pl.Float64,
        "right": pl.String,
        "style": pl.String,
        "multiplier": pl.Float64,
        "deliverable": pl.String,
        **dict.fromkeys(TRADED_COLUMNS, pl.Float64),
        "quoted_at": QUOTE_TIME,
        "underlying_price": pl.Float64,
        **dict.fromkeys(VENDOR_COLUMNS, pl.Float64),
        "date": pl.Date,
        "defects": pl.String,
    }
)
"""Chains as delivered, one row a contract and session."""

OPTION_CHAINS_SCHEMA = pl.Schema(
    {
        **{name: dtype for name, dtype in RAW_OPTION_CHAINS_SCHEMA.items() if name not in {"date", "defects"}},
        "mark": pl.Float64,
        "half_spread": pl.Float64,
        "last_session": pl.Date,
        "sessions_left": pl.Int32,
        "days_left": pl.Int32,
        "spot": pl.Float64,
    }
)
"""Chains that satisfy the contract, sorted by session, underlying, expiry, strike and right."""

REJECTED_OPTION_CHAINS_SCHEMA = pl.Schema({**RAW_OPTION_CHAINS_SCHEMA, "reasons": pl.List(pl.String)})
"""Delivered rows that do not, as they came."""

ANNOUNCED_DIVIDENDS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "ex_session": pl.Date,
        "held_session": pl.Date,
        "cash": pl.Float64,
        "announced": pl.Date,
        "payable": pl.Date,
    }
)
"""Cash dividends known at the close of a session, of later ex-sessions."""

GREEKS = ("delta", "gamma", "theta", "vega", "rho")
GREEKS_SCHEMA = pl.Schema(
    {
        "underlying": pl.String,
        "session": pl.Date,
        "contract": pl.String,
        "style": pl.String,
        **dict.fromkeys(("years", "rate", "dividend_yield", "dividends", "implied_volatility"), pl.Float64),
        "why": pl.String,
        "price_of": pl.String,
        "time_value": pl.Float64,
        **dict.fromkeys(GREEKS, pl.Float64),
    }
)
"""Implied volatility and greeks, one row for each of `option_chains`, in its order; units are in the contract."""

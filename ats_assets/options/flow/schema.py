"""The columns of option flow. The contracts, which need pandera, are in `contracts`.

One table holds the kinds beside each other, since they are read together; what a kind does not have is null. `known_at` says from when on a row was known.
"""

from typing import Final

import polars as pl

KNOWN_TIME: Final = pl.Datetime("us", "UTC")
FLOW_ALERT, DARK_POOL, GREEK_EXPOSURE = "flow_alert", "dark_pool", "greek_exposure"
FLOW_KINDS: Final = {
    FLOW_ALERT: "trades of one contract that a rule of the vendor's found unusual, together",
    DARK_POOL: "a trade of the underlying that no exchange has shown",
    GREEK_EXPOSURE: "the greeks of all open contracts of an underlying, of a strike or of an expiry, as market makers are assumed to hold them",
}
"""What a row can be."""
OF_TRADES: Final = (
    "price",
    "underlying_price",
    "bid",
    "ask",
    "size",
    "trades",
    "premium",
    "ask_premium",
    "bid_premium",
    "volume",
    "open_interest",
)
"""Numbers of alerts and of trades in dark pools."""
FLAGS: Final = ("sweep", "floor", "multileg", "opening")
EXPOSURES: Final = tuple(f"{side}_{greek}" for greek in ("delta", "gamma", "vanna", "charm") for side in ("call", "put"))
"""Numbers of greek exposure."""

RAW_OPTION_FLOW_SCHEMA = pl.Schema(
    {
        "kind": pl.String,
        "symbol": pl.String,
        "session": pl.Date,
        "known_at": KNOWN_TIME,
        "event": pl.String,
        "contract": pl.String,
        "expiry": pl.Date,
        "strike": pl.Float64,
        "right": pl.String,
        "rule": pl.String,
        **dict.fromkeys(OF_TRADES, pl.Float64),
        **dict.fromkeys(FLAGS, pl.Boolean),
        "exchange": pl.String,
        "conditions": pl.List(pl.String),
        "cancelled": pl.Boolean,
        **dict.fromkeys(EXPOSURES, pl.Float64),
        "date": pl.Date,
        "defects": pl.String,
    }
)
"""Flow as delivered."""

OPTION_FLOW_SCHEMA = pl.Schema(
    {name: dtype for name, dtype in RAW_OPTION_FLOW_SCHEMA.items() if name not in {"cancelled", "date", "defects"}}
)
"""Flow that satisfies the contract, sorted as `flow_order` does."""

REJECTED_OPTION_FLOW_SCHEMA = pl.Schema({**RAW_OPTION_FLOW_SCHEMA, "reasons": pl.List(pl.String)})
"""Delivered rows that do not, as they came."""

ORDER: Final = ("session", "symbol", "kind", "known_at", "event", "contract", "expiry", "strike")
"""By what rows are sorted, then in the order of delivery."""

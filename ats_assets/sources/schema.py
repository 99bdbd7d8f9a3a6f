"""The columns of `raw_bars`, `raw_corporate_actions` and validated bars. The contracts, which need pandera, are in `contracts`."""

import polars as pl

PRICES: tuple[str, ...] = ("open", "high", "low", "close")
MEASURES: tuple[str, ...] = (*PRICES, "volume", "vwap")

RAW_BARS_SCHEMA = pl.Schema(
    {"symbol": pl.String, "date": pl.Date, "session": pl.Date, **dict.fromkeys(MEASURES, pl.Float64), "defects": pl.String}
)
"""The columns of bars as a source delivers them; `date` is the vendor's, `session` the exchange's, and `defects` what the source itself found wrong."""

BARS_SCHEMA = pl.Schema({name: dtype for name, dtype in RAW_BARS_SCHEMA.items() if name not in {"date", "defects"}})
"""The columns of bars once they are validated."""

VENDOR_SCHEMA = pl.Schema({"vendor": pl.String, "vendor_reason": pl.String})
"""The columns that a source of several vendors adds to bars and corporate actions as delivered: whose row it is, and why it is not that of the first."""

ACTION_KINDS: dict[str, str] = {
    "split": "each old share becomes `ratio` new ones (2.0: two for one; 0.1: one for ten)",
    "stock_dividend": "as a split: with five percent of new shares `ratio` is 1.05",
    "cash_dividend": "each old share is paid `cash`, returns of capital and special dividends included",
    "spin_off": "each old share brings `new_ratio` shares of `new_symbol`; `cash`, where it is known, is what these are worth for each old share",
    "merger": "each old share ends, and becomes `new_ratio` shares of `new_symbol`, or `cash`, or both",
    "name_change": "the symbol goes on as `new_symbol`",
    "other": "anything else, as described",
}
"""What a corporate action can be, and which numbers say how much."""

RAW_ACTIONS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "date": pl.Date,
        "session": pl.Date,
        "kind": pl.String,
        "ratio": pl.Float64,
        "cash": pl.Float64,
        "new_symbol": pl.String,
        "new_ratio": pl.Float64,
        "announced": pl.Date,
        "payable": pl.Date,
        "known_at": pl.Datetime("us", "UTC"),
        "description": pl.String,
        "defects": pl.String,
    }
)
"""The columns of corporate actions as a source delivers them; `session` is the first whose prices know of it."""

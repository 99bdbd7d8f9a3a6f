"""The columns of the tables of `strategy_books`; what they say is in `contracts`, which needs pandera."""

import polars as pl

_NAMED = {"session": pl.Date(), "strategy": pl.String(), "symbol": pl.String(), "instrument": pl.String()}
_COSTS = ("commission", "spread_cost", "slippage_cost", "borrow_cost", "interest")
BOOK_EQUITY_SCHEMA = pl.Schema(
    {"session": pl.Date, "strategy": pl.String}
    | dict.fromkeys(("capital", "allocated", "cash", "positions_value", "equity", "pnl", "income", *_COSTS), pl.Float64)
    | dict.fromkeys(("other", "crossed"), pl.Float64)
    | {"n_positions": pl.UInt32}
)
BOOK_POSITIONS_SCHEMA = pl.Schema(_NAMED | dict.fromkeys(("shares", "price", "value"), pl.Float64()))
BOOK_FILLS_SCHEMA = pl.Schema(
    _NAMED | {"how": pl.String()} | dict.fromkeys(("shares", "crossed_shares", "price", "traded", *_COSTS[:3], "cash_flow"), pl.Float64())
)
BOOK_PROFIT_SCHEMA = pl.Schema(_NAMED | dict.fromkeys(("pnl", "income", *_COSTS, "other"), pl.Float64()))
ATTRIBUTION_SCHEMA = pl.Schema({"dimension": pl.String, "part": pl.String} | dict.fromkeys(("pnl", "costs", "profit", "share"), pl.Float64))
SCHEMAS = {
    "equity": BOOK_EQUITY_SCHEMA,
    "positions": BOOK_POSITIONS_SCHEMA,
    "fills": BOOK_FILLS_SCHEMA,
    "profit": BOOK_PROFIT_SCHEMA,
    "attribution": ATTRIBUTION_SCHEMA,
}

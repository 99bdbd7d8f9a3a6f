"""What is known of trading, in a database: intents, orders, fills, positions, accounts and the audit trail."""

from ats_assets.trade_state.columns import ExactDecimal, FreeText, UtcTime
from ats_assets.trade_state.database import (
    CONNECTION_VARIABLE,
    TradeState,
    TradeStateBusyError,
    insert_missing,
    open_trade_state,
    record,
    trade_state_url,
)
from ats_assets.trade_state.schema import SCHEMA_VERSION, make_or_move_schema
from ats_assets.trade_state.trade_reader import TradeReader

__all__ = [
    "CONNECTION_VARIABLE",
    "SCHEMA_VERSION",
    "ExactDecimal",
    "FreeText",
    "TradeReader",
    "TradeState",
    "TradeStateBusyError",
    "UtcTime",
    "insert_missing",
    "make_or_move_schema",
    "open_trade_state",
    "record",
    "trade_state_url",
]

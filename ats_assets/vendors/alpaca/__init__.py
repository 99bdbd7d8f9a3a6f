"""Alpaca's API, reliably: keys, clients, and how a request fails."""

from ats_assets.vendors.alpaca.alpaca_keys import Credentials, read_credentials, which_are_set
from ats_assets.vendors.alpaca.clients import (
    corporate_actions_client,
    crypto_client,
    is_live,
    option_client,
    server_time,
    stock_client,
    trading_client,
)
from ats_assets.vendors.alpaca.errors import (
    AlpacaAnswerLostError,
    AlpacaError,
    AlpacaKeysError,
    AlpacaRateLimitError,
    AlpacaRefusedError,
    AlpacaUnreachableError,
)
from ats_assets.vendors.alpaca.trade_updates import TradeUpdates
from ats_assets.vendors.credentials import Secret

__all__ = [
    "AlpacaAnswerLostError",
    "AlpacaError",
    "AlpacaKeysError",
    "AlpacaRateLimitError",
    "AlpacaRefusedError",
    "AlpacaUnreachableError",
    "Credentials",
    "Secret",
    "TradeUpdates",
    "corporate_actions_client",
    "crypto_client",
    "is_live",
    "option_client",
    "read_credentials",
    "server_time",
    "stock_client",
    "trading_client",
    "which_are_set",
]

"""Alpaca's clients, each made when it is first needed: what needs no keys works without them."""

from functools import cached_property
from typing import TYPE_CHECKING

from ats_assets.settings import Settings
from ats_assets.vendors.alpaca import (
    Credentials,
    corporate_actions_client,
    crypto_client,
    option_client,
    read_credentials,
    stock_client,
    trading_client,
)
from ats_assets.vendors.backoff import Backoff

if TYPE_CHECKING:
    from alpaca.data.historical.corporate_actions import CorporateActionsClient
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient
    from alpaca.data.historical.option import OptionHistoricalDataClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.trading.client import TradingClient


class Connection:
    """The clients under one set of settings; the keys are read from the environment."""

    def __init__(self, settings: Settings, backoff: Backoff | None) -> None:
        self._settings = settings
        self._backoff = backoff

    @cached_property
    def trading(self) -> "TradingClient":
        """Clock, calendar, assets."""
        return trading_client(self._settings, self._credentials, backoff=self._backoff)

    @cached_property
    def stocks(self) -> "StockHistoricalDataClient":
        """Stocks' bars, trades, quotes, snapshots."""
        return stock_client(self._settings, self._credentials, backoff=self._backoff)

    @cached_property
    def crypto(self) -> "CryptoHistoricalDataClient":
        """The same of crypto; keyless."""
        return crypto_client(self._settings, backoff=self._backoff)

    @cached_property
    def options(self) -> "OptionHistoricalDataClient":
        """Option chains."""
        return option_client(self._settings, self._credentials, backoff=self._backoff)

    @cached_property
    def corporate_actions(self) -> "CorporateActionsClient":
        """Corporate actions."""
        return corporate_actions_client(self._settings, self._credentials, backoff=self._backoff)

    @cached_property
    def _credentials(self) -> Credentials:
        return read_credentials()

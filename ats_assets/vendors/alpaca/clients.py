"""alpaca-py's own clients, made from the settings, each over the reliable transport. They are imported when one is made: it takes a second."""

from typing import TYPE_CHECKING

from ats_assets.errors import SettingsError
from ats_assets.settings import Settings
from ats_assets.vendors.alpaca.alpaca_keys import VENDOR, Credentials
from ats_assets.vendors.alpaca.transport import PLACEHOLDER, ReliableAdapter, make_reliable
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.circuit import NEVER, Breaker
from ats_assets.vendors.open_vendor import breaker_of, limits_of, open_state
from ats_assets.vendors.vendor_limits import NO_LIMITS, VendorLimits
from ats_assets.vendors.vendor_state import Terms

if TYPE_CHECKING:
    from datetime import datetime

    from alpaca.common.rest import RESTClient
    from alpaca.data.historical.corporate_actions import CorporateActionsClient
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient
    from alpaca.data.historical.option import OptionHistoricalDataClient
    from alpaca.data.historical.stock import StockHistoricalDataClient
    from alpaca.trading.client import TradingClient

FREE_PLAN = VendorLimits.per_minute(200)
"""Requests of one key, of each of Alpaca's two servers. A server on this machine has none, unless settings say so."""


def stock_client(settings: Settings, credentials: Credentials, *, backoff: Backoff | None = None) -> "StockHistoricalDataClient":
    """Stock bars, trades, quotes and snapshots; its methods return the wire's own objects (raw_data)."""
    from alpaca.data.historical.stock import StockHistoricalDataClient  # noqa: PLC0415

    client = StockHistoricalDataClient(PLACEHOLDER, PLACEHOLDER, raw_data=True, url_override=settings.alpaca.data_url)
    _make_reliable(client, settings, credentials, backoff, url=settings.alpaca.data_url, breaker=breaker_of(settings, VENDOR))
    return client


def crypto_client(settings: Settings, *, backoff: Backoff | None = None) -> "CryptoHistoricalDataClient":
    """Crypto bars, trades, quotes and snapshots, without keys; raw."""
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient  # noqa: PLC0415

    client = CryptoHistoricalDataClient(raw_data=True, url_override=settings.alpaca.data_url)
    _make_reliable(client, settings, None, backoff, url=settings.alpaca.data_url, breaker=breaker_of(settings, VENDOR))
    return client


def option_client(settings: Settings, credentials: Credentials, *, backoff: Backoff | None = None) -> "OptionHistoricalDataClient":
    """Option chains; raw."""
    from alpaca.data.historical.option import OptionHistoricalDataClient  # noqa: PLC0415

    client = OptionHistoricalDataClient(PLACEHOLDER, PLACEHOLDER, raw_data=True, url_override=settings.alpaca.data_url)
    _make_reliable(client, settings, credentials, backoff, url=settings.alpaca.data_url, breaker=breaker_of(settings, VENDOR))
    return client


def corporate_actions_client(settings: Settings, credentials: Credentials, *, backoff: Backoff | None = None) -> "CorporateActionsClient":
    """Corporate actions; raw."""
    from alpaca.data.historical.corporate_actions import CorporateActionsClient  # noqa: PLC0415

    client = CorporateActionsClient(PLACEHOLDER, PLACEHOLDER, raw_data=True, url_override=settings.alpaca.data_url)
    _make_reliable(client, settings, credentials, backoff, url=settings.alpaca.data_url, breaker=breaker_of(settings, VENDOR))
    return client


def trading_client(settings: Settings, credentials: Credentials, *, backoff: Backoff | None = None) -> "TradingClient":
    """Account, orders, positions, clock, calendar and assets, as alpaca-py's models. It is the paper account's, unless two settings say otherwise.

    Raises
    ------
    SettingsError
        If alpaca.account is live, but orders.live is not true.
    """
    from alpaca.trading.client import TradingClient  # noqa: PLC0415

    live = is_live(settings)
    client = TradingClient(PLACEHOLDER, PLACEHOLDER, paper=not live, url_override=settings.alpaca.trading_url)
    _make_reliable(client, settings, credentials, backoff, url=settings.alpaca.trading_url, breaker=NEVER)
    return client


def is_live(settings: Settings) -> bool:
    """Whether real money is traded: alpaca.account is live, and orders.live is true.

    Raises
    ------
    SettingsError
        If only the first says so, for then the keys are probably those of the live account.
    """
    if settings.alpaca.account == "live" and not settings.orders.live:
        raise SettingsError(
            "alpaca.account is live, but orders.live is not true, so the live account is not touched: set orders.live = true too where real money is meant, "
            "or alpaca.account = paper (with the paper account's keys)"
        )
    return settings.alpaca.account == "live" and settings.orders.live


def server_time(client: "RESTClient") -> "datetime | None":
    """Alpaca's clock at the last answer that this client got, to the second; None before the first."""
    adapter = client._session.get_adapter("https://")
    return adapter.server_time if isinstance(adapter, ReliableAdapter) else None


def _make_reliable(
    client: "RESTClient", settings: Settings, credentials: Credentials | None, backoff: Backoff | None, *, url: str | None, breaker: Breaker
) -> None:
    """The broker has no breaker: it is asked whenever there is something to ask, however often it failed."""
    client._retry = 0  # its own repetition would send an order again
    alpaca = settings.alpaca
    adapter = ReliableAdapter(
        credentials,
        whose=f"the {alpaca.account} account",
        state=open_state(settings),
        terms=Terms(
            limits=limits_of(settings, VENDOR, NO_LIMITS if url else FREE_PLAN), breaker=breaker, pause_seconds_max=alpaca.max_wait_seconds
        ),
        timeout_seconds=alpaca.timeout_seconds,
        max_attempts=alpaca.max_attempts,
        backoff=backoff or Backoff(max_seconds=alpaca.max_wait_seconds),
    )
    make_reliable(client._session, adapter, local=url is not None)

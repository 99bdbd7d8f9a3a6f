"""Exchanges that ask a double, without waiting."""

from typing import Any

from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.ccxt import Exchange, ExchangeSettings
from ats_assets.vendors.ccxt.exchange import EXCHANGE_LIMITS
from ats_assets.vendors.http import VendorHttp
from ats_assets.vendors.vendor_state import VendorState
from ats_assets_tests.vendors.doubles import VendorDouble


class Clock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.at = 0.0
        self.waits: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.at += seconds
        self.waits.append(seconds)

    def state(self) -> VendorState:
        return VendorState(clock=lambda: self.at, sleep=self.sleep)


def no_waits(waits: list[float] | None = None) -> Backoff:
    return Backoff(max_seconds=60, sleep=(waits if waits is not None else []).append, draw=lambda: 0.5)


def opened(
    double: VendorDouble,
    exchange: str = "binance",
    *,
    page: int | None = None,
    waits: list[float] | None = None,
    state: VendorState | None = None,
    max_attempts: int = 6,
    **own: Any,
) -> Exchange:
    """An exchange at the double.

    Parameters
    ----------
    page
        Of how many candles a page has at most; default: as ccxt knows it.
    """
    shared = state or Clock().state()

    def server(base: str) -> VendorHttp:
        return VendorHttp(
            exchange, base, None, EXCHANGE_LIMITS, state=shared, backoff=no_waits(waits), timeout_seconds=5, max_attempts=max_attempts
        )

    found = Exchange(ExchangeSettings(exchange=exchange, base_url=double.url, **own), server)
    if page is not None:
        found.library.features["spot"]["fetchOHLCV"]["limit"] = page
    return found

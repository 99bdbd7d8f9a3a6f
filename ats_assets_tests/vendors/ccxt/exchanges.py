"""Exchanges that ask a double, without waiting."""

from typing import Any

from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.ccxt import Exchange, ExchangeSettings
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
    double: VendorDouble, exchange: str = "binance", *, page: int | None = None, waits: list[float] | None = None, **own: Any
) -> Exchange:
    """An exchange at the double.

    Parameters
    ----------
    page
        Of how many candles a page has at most; default: as ccxt knows it.
    """
    settings = ExchangeSettings(exchange=exchange, base_url=double.url, timeout_seconds=5, **own)
    found = Exchange(settings, state=Clock().state(), backoff=no_waits(waits))
    if page is not None:
        found.library.features["spot"]["fetchOHLCV"]["limit"] = page
    return found

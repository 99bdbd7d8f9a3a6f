"""Sources of coins that ask a double."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ats_assets.calendar import session_calendar
from ats_assets.sources.adapters.coingecko import CoinGeckoSource
from ats_assets.sources.adapters.coingecko.coingecko_settings import CoinGeckoSettings
from ats_assets.sources.adapters.coingecko.gecko_client import Gecko
from ats_assets.vendors.credentials import VendorKeys
from ats_assets.vendors.http import VendorHttp, key_header
from ats_assets.vendors.vendor_limits import VendorLimits
from ats_assets_tests.sources.adapters.coingecko.gecko_double import HEADERS, KEY
from ats_assets_tests.vendors.ccxt.exchanges import Clock, no_waits
from ats_assets_tests.vendors.doubles import VendorDouble

ALWAYS = session_calendar("24/7", date(2023, 1, 1))
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
LAST = date(2024, 3, 9)
FIRST = LAST - timedelta(days=28)
DAYS = [FIRST + timedelta(days=i) for i in range(29)]
COINS = ("BTC/USD", "ETH/USD", "SOL/USD")


def source(double: VendorDouble, *, plan: str = "demo", max_attempts: int = 6, now: datetime = NOW, **own: Any) -> CoinGeckoSource:
    given = {"symbols": COINS, "ids": {"BTC": "bitcoin"}, "plan": plan, "base_url": double.url} | own
    keys = None if plan == "keyless" else VendorKeys("COINGECKO_KEY", environment={"COINGECKO_KEY": KEY})
    http = VendorHttp(
        "coingecko",
        double.url,
        keys,
        VendorLimits(),
        state=Clock().state(),
        backoff=no_waits(),
        put_key=key_header(HEADERS.get(plan, "none")),
        timeout_seconds=5,
        max_attempts=max_attempts,
    )
    return CoinGeckoSource(CoinGeckoSettings(**given), ALWAYS, Gecko(http), now=lambda: now)

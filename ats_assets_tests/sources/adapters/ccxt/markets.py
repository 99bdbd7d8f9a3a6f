"""Sources of an exchange that ask a double."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from ats_assets.calendar import session_calendar
from ats_assets.sources.adapters.ccxt import CcxtSource
from ats_assets.vendors.ccxt import ExchangeSettings
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, kline
from ats_assets_tests.vendors.ccxt.exchanges import opened
from ats_assets_tests.vendors.doubles import VendorDouble

ALWAYS = session_calendar("24/7", date(2023, 1, 1))
FIRST, LAST = date(2024, 2, 1), date(2024, 3, 9)
DAYS = [FIRST + timedelta(days=i) for i in range((LAST - FIRST).days + 2)]
"""The last one is running."""
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
PAIRS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def market(missing: dict[str, set[date]] | None = None, now: datetime = NOW) -> BinanceMarket:
    found = BinanceMarket(now=now)
    for n, pair in enumerate(PAIRS):
        base, quote = pair.split("/")
        absent = (missing or {}).get(pair, set())
        found.add(base, quote, [kline(day, 100.0 * (n + 1) + i, 10.0 + i) for i, day in enumerate(DAYS) if day not in absent])
    return found


def source(double: VendorDouble, *, now: datetime = NOW, exchange: str = "binance", max_attempts: int = 6, **own: Any) -> CcxtSource:
    chosen = ExchangeSettings(exchange=exchange, base_url=double.url, **({"symbols": PAIRS, "first_session": FIRST} | own))
    return CcxtSource(chosen, ALWAYS, opened(double, exchange, max_attempts=max_attempts), now=lambda: now)

"""A local stand-in for CoinGecko's API: coins/list, ohlc, ohlc/range and market_chart/range, with its rules of granularity, plans and headers.

As docs.coingecko.com and the OpenAPI files of github.com/coingecko/coingecko-api-oas (commit 83d7556 of 2026-06-22) describe them: candles are stamped by their close; how fine an answer
is follows from how much is asked for; prices come some seconds after the hour.
"""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
KEY: Final = "CG-dEmOkEyOfTheDouble01"
OHLC_DAYS: Final = ("1", "7", "14", "30", "90", "180", "365")
HEADERS: Final = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}


def price(n: int, at: int) -> float:
    """Of the n-th coin at a time in milliseconds."""
    return 100.0 * (n + 1) + 8.0 * math.sin(at / (5.3 * HOUR)) + (at // MINUTE % 97) / 64


def candle(n: int, close: int, step: int) -> list[float]:
    """The candle of a length that closes then, of a price a minute."""
    inside = [price(n, at) for at in range(close - step, close, MINUTE)]
    return [close, inside[0], max(inside), min(inside), inside[-1]]


@dataclass
class GeckoMarket:
    """What the double knows: by id the place of a coin, and what is left out of it."""

    now: datetime
    plan: str = "demo"
    coins: list[dict[str, str]] = field(
        default_factory=lambda: [
            {"id": "bitcoin", "symbol": "btc", "name": "Bitcoin"},
            {"id": "batcat", "symbol": "btc", "name": "batcat"},
            {"id": "ethereum", "symbol": "eth", "name": "Ethereum"},
            {"id": "solana", "symbol": "sol", "name": "Solana"},
        ]
    )
    absent: dict[str, set[int]] = field(default_factory=dict)
    """Of an id the closes of candles, and hours of prices, that are missing."""
    coarse: bool = False
    """Whether candles are of four days whatever is asked for."""

    def double(self) -> VendorDouble:
        header = HEADERS.get(self.plan)
        return VendorDouble(self.answer, keys={KEY} if header else None, shown=lambda headers, _query: headers.get(header or ""))

    def answer(self, asked: Asked) -> Told:
        parts = asked.path.strip("/").split("/")
        if parts == ["coins", "list"]:
            return Told(self.coins)
        ids = {coin["id"]: n for n, coin in enumerate(self.coins)}
        if len(parts) < 3 or parts[0] != "coins" or parts[1] not in ids:
            return Told({"error": "coin not found"}, 404)
        if asked.query.get("vs_currency") not in {"usd", "eur"}:
            return Told({"error": "invalid vs_currency"}, 400)
        n, absent = ids[parts[1]], self.absent.get(parts[1], set())
        match "/".join(parts[2:]):
            case "ohlc":
                return self._ohlc(n, absent, asked.query)
            case "ohlc/range" if self.plan == "pro":
                return self._ohlc_range(n, absent, asked.query)
            case "market_chart/range":
                return self._chart(n, absent, asked.query)
            case _:
                return Told({"status": {"error_code": 10005, "error_message": "This request is limited to PRO API subscribers."}}, 401)

    @property
    def _now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    def _ohlc(self, n: int, absent: set[int], query: dict[str, str]) -> Told:
        if query.get("days") not in OHLC_DAYS:
            return Told({"error": "Invalid days parameter"}, 400)
        days = int(query["days"])
        step = 4 * DAY if self.coarse or days > 30 else 30 * MINUTE if days <= 2 else 4 * HOUR
        first = self._now_ms - days * DAY
        return Told([candle(n, at, step) for at in _multiples(first + step, self._now_ms, step) if at not in absent])

    def _ohlc_range(self, n: int, absent: set[int], query: dict[str, str]) -> Told:
        first, last = (_instant(query[name]) for name in ("from", "to"))
        step = {"daily": DAY, "hourly": HOUR}[query["interval"]]
        if (last - first) // DAY > {DAY: 182, HOUR: 31}[step]:
            return Told({"error": "too many intervals"}, 400)
        return Told([candle(n, at, step) for at in _multiples(first, min(last, self._now_ms), step) if at not in absent])

    def _chart(self, n: int, absent: set[int], query: dict[str, str]) -> Told:
        first, last = (int(query[name]) * 1000 for name in ("from", "to"))
        if self.plan != "pro" and first < self._now_ms - 366 * DAY:
            return Told({"status": {"error_code": 10012, "error_message": "Your request exceeds the allowed time range."}}, 401)
        days = (last - first) / DAY
        step = 5 * MINUTE if days <= 1 else HOUR if days <= 90 else DAY
        stamps = [at + 37_041 for at in _multiples(first, min(last, self._now_ms), step) if at not in absent]
        stamps = [at for at in stamps if at <= min(last, self._now_ms)]
        return Told(
            {
                "prices": [[at, price(n, at)] for at in stamps],
                "market_caps": [[at, 2e7 * price(n, at)] for at in stamps],
                "total_volumes": [[at, 1e6 * (n + 1) + at // HOUR % 24] for at in stamps],
            }
        )


def _multiples(first: int, last: int, step: int) -> range:
    return range(-(-first // step) * step, last + 1, step)


def _instant(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

"""A local stand-in for Binance's spot API: time, exchangeInfo, klines and aggTrades, as binance-spot-api-docs describes them (rest-api.md and errors.md of 2026-07-21, commit a5e0bc3).

Klines begin at or after `startTime`, oldest first, the running one included; without times the newest are given. Aggregate trades are numbered one by one for a symbol.
"""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

DAY_MS: Final = 86_400_000
Kline = list[Any]


def milliseconds(day: date, seconds: float = 0.0) -> int:
    return int((datetime.combine(day, time(), UTC) + timedelta(seconds=seconds)).timestamp() * 1000)


def kline(day: date, price: float, volume: float = 1000.0) -> Kline:
    """A day whose prices are all told by one: open, +2, -1, +1; the average price is half above the open."""
    opens = milliseconds(day)
    prices = [f"{price + add:.8f}" for add in (0.0, 2.0, -1.0, 1.0)]
    quote = f"{(price + 0.5) * volume:.8f}"
    return [opens, *prices, f"{volume:.8f}", opens + DAY_MS - 1, quote, 3500, f"{volume / 2:.8f}", quote, "0"]


def aggregate(number: int, at: int, price: float, size: float) -> dict[str, Any]:
    return {
        "a": number,
        "p": f"{price:.8f}",
        "q": f"{size:.8f}",
        "f": number * 2,
        "l": number * 2 + 1,
        "T": at,
        "m": number % 2 == 0,
        "M": True,
    }


def market(name: str, base: str, quote: str) -> dict[str, Any]:
    """An entry of exchangeInfo, with the filters that every symbol has."""
    return {
        "symbol": name,
        "status": "TRADING",
        "baseAsset": base,
        "baseAssetPrecision": 8,
        "quoteAsset": quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": True,
        "ocoAllowed": True,
        "otoAllowed": True,
        "opoAllowed": True,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": True,
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": "0.01000000", "maxPrice": "1000000.00000000", "tickSize": "0.01000000"},
            {"filterType": "LOT_SIZE", "minQty": "0.00001000", "maxQty": "9000.00000000", "stepSize": "0.00001000"},
        ],
        "permissions": [],
        "permissionSets": [["SPOT", "MARGIN"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


@dataclass
class BinanceMarket:
    """What the double knows: by Binance's name of a symbol its klines and aggregate trades, ascending."""

    now: datetime
    klines: dict[str, list[Kline]] = field(default_factory=dict)
    trades: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    markets: list[dict[str, Any]] = field(default_factory=list)

    def add(self, base: str, quote: str, klines: Sequence[Kline] = (), trades: Sequence[Mapping[str, Any]] = ()) -> None:
        name = base + quote
        self.markets.append(market(name, base, quote))
        self.klines[name] = list(klines)
        self.trades[name] = [dict(trade) for trade in trades]

    def double(self) -> VendorDouble:
        return VendorDouble(self.answer)

    def answer(self, asked: Asked) -> Told:
        match asked.path:
            case "/api/v3/time":
                return Told({"serverTime": self._now_ms()})
            case "/api/v3/exchangeInfo":
                return Told(
                    {
                        "timezone": "UTC",
                        "serverTime": self._now_ms(),
                        "rateLimits": [],
                        "exchangeFilters": [],
                        "symbols": self.markets,
                        "sors": [],
                    }
                )
            case "/api/v3/klines":
                return self._klines(asked.query)
            case "/api/v3/aggTrades":
                return self._trades(asked.query)
            case _:
                return Told({"code": -1000, "msg": f"no such path {asked.path}"}, 404)

    def _now_ms(self) -> int:
        return int(self.now.timestamp() * 1000)

    def _klines(self, query: Mapping[str, str]) -> Told:
        wrong = self._wrong(query, self.klines, ("symbol", "interval"), {"symbol", "interval", "startTime", "endTime", "timeZone", "limit"})
        if wrong:
            return wrong
        if query["interval"] != "1d":
            return Told({"code": -1120, "msg": "Invalid interval."}, 400)
        begun = [row for row in self.klines[query["symbol"]] if row[0] <= self._now_ms()]
        limit = min(int(query.get("limit", "500")), 1000)
        if "startTime" not in query and "endTime" not in query:
            return Told(begun[-limit:])
        first, last = int(query.get("startTime", "0")), int(query.get("endTime", str(2**62)))
        inside = [row for row in begun if first <= row[0] <= last]
        return Told(inside[:limit] if "startTime" in query else inside[-limit:])

    def _trades(self, query: Mapping[str, str]) -> Told:
        wrong = self._wrong(query, self.trades, ("symbol",), {"symbol", "fromId", "startTime", "endTime", "limit"})
        if wrong:
            return wrong
        found = self.trades[query["symbol"]]
        limit = min(int(query.get("limit", "500")), 1000)
        if "fromId" in query:
            begin = bisect_left(found, int(query["fromId"]), key=lambda trade: trade["a"])
            return Told(found[begin : begin + limit])
        if "startTime" not in query and "endTime" not in query:
            return Told(found[-limit:])
        first, last = int(query.get("startTime", "0")), int(query.get("endTime", str(2**62)))
        return Told([trade for trade in found if first <= trade["T"] <= last][:limit])

    def _wrong(self, query: Mapping[str, str], known: Mapping[str, Any], needed: Sequence[str], allowed: set[str]) -> Told | None:
        """As errors.md says it."""
        if missing := [name for name in needed if not query.get(name)]:
            return Told({"code": -1102, "msg": f"Mandatory parameter '{missing[0]}' was not sent, was empty/null, or malformed."}, 400)
        if set(query) - allowed:
            return Told({"code": -1104, "msg": "Not all sent parameters were read; read '1' parameter(s) but was sent '2'."}, 400)
        if query["symbol"] not in known:
            return Told({"code": -1121, "msg": "Invalid symbol."}, 400)
        if int(query.get("limit", "500")) < 1:
            return Told({"code": -1130, "msg": "Data sent for parameter 'limit' is not valid."}, 400)
        return None

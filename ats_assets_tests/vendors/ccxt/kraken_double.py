"""A local stand-in for Kraken's public spot API: Time, AssetPairs, Assets, OHLC and Trades, as docs.kraken.com/api describes them (read in November 2026 through ccxt 4.5.63's own notes).

Every answer has `error` and, without one, `result`, with status 200 in either case. OHLC gives the newest 720 days whatever `since` is, the running one last; Trades give at most
1,000 later than `since` (in seconds, or nanoseconds).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

NEWEST: Final = 720
DAY: Final = 86_400


@dataclass
class KrakenMarket:
    """What the double knows of XBT/USD: candles (seconds, open, high, low, close, average, volume, count) and trades (price, volume, seconds, side, kind, misc, number)."""

    now: datetime
    candles: list[list[Any]] = field(default_factory=list)
    trades: list[list[Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Said once each, in place of a result."""

    def double(self) -> VendorDouble:
        return VendorDouble(self.answer)

    def answer(self, asked: Asked) -> Told:
        if self.errors and not asked.path.endswith("/Time"):
            return Told({"error": [self.errors.pop(0)]})
        return Told({"error": [], "result": self._result(asked.path.rsplit("/", 1)[-1], asked.query)})

    def _result(self, name: str, query: Mapping[str, str]) -> dict[str, Any]:
        seconds = int(self.now.timestamp())
        if name == "Time":
            return {"unixtime": seconds, "rfc1123": self.now.strftime("%a, %d %b %y %H:%M:%S +0000")}
        if name == "Assets":
            return {
                key: {"aclass": "currency", "altname": alt, "decimals": 10, "display_decimals": 5, "status": "enabled"}
                for key, alt in (("XXBT", "XBT"), ("ZUSD", "USD"))
            }
        if name == "AssetPairs":
            return {"XXBTZUSD": PAIR}
        if name == "OHLC":
            begun = [row for row in self.candles if row[0] <= seconds]
            since = int(query.get("since", "0"))
            return {"XXBTZUSD": [row for row in begun[-NEWEST:] if row[0] > since], "last": begun[-2][0] if len(begun) > 1 else 0}
        since = float(query.get("since", "0"))
        since = since / 1e9 if since > 1e12 else since
        found = [row for row in self.trades if row[2] > since][: min(int(query.get("count", "1000")), 1000)]
        return {"XXBTZUSD": [list(row) for row in found], "last": str(int(found[-1][2] * 1e9)) if found else str(int(since * 1e9))}


PAIR: Final[dict[str, Any]] = {
    "altname": "XBTUSD",
    "wsname": "XBT/USD",
    "aclass_base": "currency",
    "base": "XXBT",
    "aclass_quote": "currency",
    "quote": "ZUSD",
    "lot": "unit",
    "cost_decimals": 5,
    "pair_decimals": 1,
    "lot_decimals": 8,
    "lot_multiplier": 1,
    "leverage_buy": [2, 3],
    "leverage_sell": [2, 3],
    "fees": [[0, 0.4]],
    "fees_maker": [[0, 0.25]],
    "fee_volume_currency": "ZUSD",
    "margin_call": 80,
    "margin_stop": 40,
    "ordermin": "0.00005",
    "costmin": "0.5",
    "tick_size": "0.1",
    "status": "online",
}

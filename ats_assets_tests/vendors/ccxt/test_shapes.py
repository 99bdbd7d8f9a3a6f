"""What Binance publishes of its answers, and that the double has the same shape: a double can't be friendlier to the client than the exchange.

The examples are those of rest-api.md in github.com/binance/binance-spot-api-docs at commit a5e0bc3 of 2026-07-21, as they stand there.
"""

import json
from datetime import UTC, date, datetime
from typing import Any

from ats_assets.vendors.ccxt import Exchange, ExchangeSettings
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, aggregate, kline, market, milliseconds
from ats_assets_tests.vendors.ccxt.exchanges import opened
from ats_assets_tests.vendors.doubles import Asked, Told, VendorDouble

KLINE = [
    1499040000000,
    "0.01634790",
    "0.80000000",
    "0.01575800",
    "0.01577100",
    "148976.11427815",
    1499644799999,
    "2434.19055334",
    308,
    "1756.87402397",
    "28.46694368",
    "0",
]
AGGREGATE = {"a": 26129, "p": "0.01633102", "q": "4.70443515", "f": 27781, "l": 27781, "T": 1498793709153, "m": True, "M": True}
SYMBOL = {
    "symbol": "ETHBTC",
    "status": "TRADING",
    "baseAsset": "ETH",
    "baseAssetPrecision": 8,
    "quoteAsset": "BTC",
    "quotePrecision": 8,
    "quoteAssetPrecision": 8,
    "baseCommissionPrecision": 8,
    "quoteCommissionPrecision": 8,
    "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"],
    "icebergAllowed": True,
    "ocoAllowed": True,
    "otoAllowed": True,
    "opoAllowed": True,
    "quoteOrderQtyMarketAllowed": True,
    "allowTrailingStop": False,
    "cancelReplaceAllowed": False,
    "amendAllowed": False,
    "pegInstructionsAllowed": True,
    "isSpotTradingAllowed": True,
    "isMarginTradingAllowed": True,
    "filters": [],
    "permissions": [],
    "permissionSets": [["SPOT", "MARGIN"]],
    "defaultSelfTradePreventionMode": "NONE",
    "allowedSelfTradePreventionModes": ["NONE"],
}
ERROR = {"code": -1121, "msg": "Invalid symbol."}
DAY = date(2024, 3, 4)


def shape(value: Any) -> Any:
    """Kinds of values, and of texts whether they are numbers with eight decimals."""
    if isinstance(value, dict):
        return {key: shape(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value] if len(value) > 2 else type(value).__name__
    if isinstance(value, str) and value.replace(".", "").isdigit():
        return f"number with {len(value.partition('.')[2])} decimals"
    return type(value).__name__


def test_the_doubles_answers_have_the_shape_that_binance_documents() -> None:
    assert shape(kline(DAY, 100.0)) == shape(KLINE)
    assert shape(aggregate(7, 5, 100.0, 0.5)) == shape(AGGREGATE)
    ours, theirs = (shape({**entry, "orderTypes": [], "filters": []}) for entry in (market("ETHBTC", "ETH", "BTC"), SYMBOL))
    assert ours == theirs
    assert list(market("ETHBTC", "ETH", "BTC")) == list(SYMBOL)


def test_the_doubles_refusals_have_the_shape_that_binance_documents() -> None:
    told = BinanceMarket(now=datetime(2024, 3, 10, tzinfo=UTC)).answer(
        Asked(n=0, method="GET", path="/api/v3/klines", query={"symbol": "NO", "interval": "1d"}, headers={}, at=0.0, key=None)
    )
    assert (told.status, told.body) == (400, ERROR)


def test_the_documented_answers_are_read_as_they_are_meant() -> None:
    answers = {
        "/api/v3/exchangeInfo": {
            "timezone": "UTC",
            "serverTime": 1565246363776,
            "rateLimits": [],
            "exchangeFilters": [],
            "symbols": [SYMBOL],
            "sors": [],
        },
        "/api/v3/klines": [KLINE],
        "/api/v3/aggTrades": [AGGREGATE],
        "/api/v3/time": {"serverTime": 1499827319559},
    }
    with VendorDouble(lambda asked: Told(json.loads(json.dumps(answers[asked.path])))) as double:
        exchange: Exchange = opened(double)
        exchange.require(["ETH/BTC"])
        candles = exchange.asked(exchange.library.fetch_ohlcv, "ETH/BTC", "1d", KLINE[0], 10)
        (trade,) = exchange.asked(exchange.library.fetch_trades, "ETH/BTC", None, 10)
        assert exchange.now() == datetime.fromtimestamp(1499827319.559, UTC)
    assert candles == [[1499040000000, 0.0163479, 0.8, 0.015758, 0.015771, 148976.11427815, 2434.19055334 / 148976.11427815]]
    assert (trade["id"], trade["price"], trade["amount"], trade["timestamp"], trade["side"]) == (
        "26129",
        0.01633102,
        4.70443515,
        1498793709153,
        "sell",
    )


def test_what_is_asked_is_what_the_documentation_lists() -> None:
    """Only parameters that rest-api.md knows: Binance refuses others (-1104)."""
    known = {
        "/api/v3/klines": {"symbol", "interval", "startTime", "endTime", "timeZone", "limit"},
        "/api/v3/aggTrades": {"symbol", "fromId", "startTime", "endTime", "limit"},
        "/api/v3/exchangeInfo": {"symbol", "symbols", "permissions", "showPermissionSets", "symbolStatus"},
        "/api/v3/time": set(),
    }
    found = BinanceMarket(now=datetime(2024, 3, 10, tzinfo=UTC))
    found.add("BTC", "USDT", [kline(DAY, 100.0)], [aggregate(7, milliseconds(DAY), 100.0, 0.5)])
    with found.double() as double:
        exchange = opened(double)
        exchange.now()
        exchange.asked(exchange.library.fetch_ohlcv, "BTC/USDT", "1d", milliseconds(DAY), 3)
        exchange.asked(exchange.library.fetch_trades, "BTC/USDT", milliseconds(DAY), 3)
        exchange.asked(exchange.library.fetch_trades, "BTC/USDT", None, 3, {"fromId": 7})
        assert {asked.path for asked in double.journal} == set(known)
        assert all(set(asked.query) <= known[asked.path] for asked in double.journal)
    assert ExchangeSettings().base_url is None

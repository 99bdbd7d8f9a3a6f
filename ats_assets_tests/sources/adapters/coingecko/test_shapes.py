"""What CoinGecko publishes of its API, and that what is asked, and what the double answers, are of that shape.

From demo-api.json and pro-api.json of github.com/coingecko/coingecko-api-oas at commit 83d7556f3ed967a60fadcd07345b9bdcf06c0485 of 2026-06-22: the parameters of the paths that are
asked for (name -> whether it is required, and its values where they are listed), the headers of keys, and the examples of answers.
"""

from datetime import timedelta
from typing import Any

import pytest

from ats_assets.sources.adapters.coingecko import gecko_client
from ats_assets_tests.sources.adapters.coingecko.coins import DAYS, LAST, NOW, source
from ats_assets_tests.sources.adapters.coingecko.gecko_double import HEADERS, OHLC_DAYS, GeckoMarket

SERVERS = {"demo": "https://api.coingecko.com/api/v3", "pro": "https://pro-api.coingecko.com/api/v3"}
KEY_HEADERS = {"demo": "x-cg-demo-api-key", "pro": "x-cg-pro-api-key"}
DAYS_OF_OHLC = ("1", "7", "14", "30", "90", "180", "365")
PARAMETERS: dict[str, dict[str, Any]] = {
    "/coins/list": {"include_platform": False, "status": False},
    "/coins/{id}/ohlc": {"vs_currency": True, "days": True, "precision": False, "interval": False},
    "/coins/{id}/ohlc/range": {"vs_currency": True, "from": True, "to": True, "interval": True},
    "/coins/{id}/market_chart/range": {"vs_currency": True, "from": True, "to": True, "interval": False, "precision": False},
}
COIN = {"id": "ondo-finance", "symbol": "ondo", "name": "Ondo"}
CANDLES = [[1779199200000, 76769.0, 76889.0, 76744.0, 76818.0], [1779201000000, 76712.0, 76712.0, 76321.0, 76422.0]]
CHART = {
    "prices": [[1779027899041, 77953.82550382407], [1779028199661, 78052.87543398788]],
    "market_caps": [[1779027899041, 1560631481361.8042], [1779028199661, 1562027330524.267]],
    "total_volumes": [[1779027899041, 18688431751.857048], [1779028199661, 18974828816.446976]],
}


@pytest.mark.parametrize("plan", ["demo", "pro"])
def test_what_is_asked_is_what_is_published(plan: str) -> None:
    with GeckoMarket(now=NOW, plan=plan).double() as double:
        source(double, plan=plan).bars(DAYS[-3:])
        source(double, plan=plan, bars_from="prices").bars(DAYS[-3:])
        source(double, plan=plan).market_caps([LAST - timedelta(days=1)])
        journal = list(double.journal)
    paths = set()
    for asked in journal:
        parts = asked.path.split("/")
        path = "/".join("{id}" if i == 2 and parts[2] != "list" else part for i, part in enumerate(parts))
        paths.add(path)
        assert set(asked.query) <= set(PARAMETERS[path])
        assert {name for name, required in PARAMETERS[path].items() if required} <= set(asked.query)
        assert asked.query.get("days", "30") in DAYS_OF_OHLC
        assert asked.query.get("interval", "daily") in {"daily", "hourly"}
    assert paths == {"/coins/list", "/coins/{id}/market_chart/range", "/coins/{id}/ohlc/range" if plan == "pro" else "/coins/{id}/ohlc"}


def test_servers_headers_and_days_are_those_that_are_published() -> None:
    assert {plan: gecko_client._SERVERS.get(plan, gecko_client._SERVER) for plan in SERVERS} == SERVERS
    assert {plan: header for plan, (_, header) in gecko_client._KEYS.items()} == KEY_HEADERS == HEADERS
    assert OHLC_DAYS == DAYS_OF_OHLC


def test_the_doubles_answers_have_the_published_shape() -> None:
    with GeckoMarket(now=NOW).double() as double:
        gecko = source(double)._gecko
        assert {frozenset(coin) for coin in gecko.coins()} == {frozenset(COIN)}
        (candle, *_) = gecko.recent_candles("bitcoin", "usd")
        assert [type(value) for value in candle] == [type(value) for value in CANDLES[0]]
        chart = gecko.hourly("bitcoin", "usd", [LAST])
        assert chart.keys() == CHART.keys()
        assert {len(row) for rows in chart.values() for row in rows} == {len(row) for rows in CHART.values() for row in rows}


def test_the_published_examples_are_whole_answers() -> None:
    assert gecko_client._candles(CANDLES) is None
    assert gecko_client._chart(CHART) is None
    assert gecko_client._coins([COIN]) is None
    assert gecko_client._chart({**CHART, "prices": CHART["prices"][:1]}) == "has 1 and 2 points of what it should have as many of"

"""Candles come once each, ascending, whatever the size of pages and whatever goes wrong with one; and as ccxt alone would read them."""

import importlib
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.vendors.ccxt import daily_candles
from ats_assets.vendors.errors import VendorPagesError
from ats_assets_tests.rounds import rounds
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, kline, milliseconds
from ats_assets_tests.vendors.ccxt.exchanges import opened
from ats_assets_tests.vendors.doubles import Asked, Mishap, Told, VendorDouble, Wrong

START = date(2023, 1, 1)
DAYS = [START + timedelta(days=i) for i in range(40)]
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)


def market(missing: set[int] | frozenset[int] = frozenset()) -> BinanceMarket:
    found = BinanceMarket(now=NOW)
    found.add("BTC", "USDT", [kline(day, 100.0 + i, 10.0 + i) for i, day in enumerate(DAYS) if i not in missing])
    return found


def got(double: VendorDouble, page: int | None = None, days: list[date] = DAYS) -> list[int]:
    candles = daily_candles(opened(double, page=page), "BTC/USDT", milliseconds(days[0]), milliseconds(days[-1]))
    assert all(
        (candle.high, candle.low, candle.vwap) == (candle.open + 2, candle.open - 1, candle.open + 0.5) for candle in candles if candle.open
    )
    return [round((candle.open or 0) - 100) for candle in candles]


PAGES_SPOILT = st.lists(
    st.builds(
        Mishap,
        st.sampled_from([Wrong.HALF_PAGE, Wrong.RATE_LIMIT, Wrong.CUT, Wrong.NO_ANSWER]),
        path=st.just("/api/v3/klines"),
        skip=st.integers(0, 3),
    ),
    max_size=3,
)


@settings(max_examples=rounds(15, 150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    missing=st.sets(st.integers(0, len(DAYS) - 1), max_size=30),
    page=st.integers(1, 45),
    first=st.integers(0, len(DAYS) - 1),
    length=st.integers(1, len(DAYS)),
    mishaps=PAGES_SPOILT,
)
def test_what_the_exchange_has_comes_once_and_nothing_else(
    missing: set[int], page: int, first: int, length: int, mishaps: list[Mishap]
) -> None:
    """A page that came in half, in the middle of a range, is no hole."""
    asked = DAYS[first : first + length]
    with market(missing).double() as double:
        double.script.extend(mishaps)
        there = [i for i in range(first, first + len(asked)) if i not in missing]
        found = got(double, page, asked)
        assert set(found) <= set(there)
        if sum(mishap.wrong is Wrong.HALF_PAGE for mishap in mishaps) < 2:  # two after each other are what a day without candles looks like
            assert found == there


def test_a_page_that_came_in_half_is_completed() -> None:
    with market().double() as double:
        double.script.append(Mishap(Wrong.HALF_PAGE, path="/api/v3/klines"))
        assert got(double) == list(range(40))
        assert [asked.query["startTime"] for asked in double.asked("/api/v3/klines")] == [
            str(milliseconds(DAYS[0])),
            str(milliseconds(DAYS[20])),
        ]


def test_a_hole_is_asked_for_once_more_and_left_open() -> None:
    with market({5, 6, 20}).double() as double:
        assert got(double) == [i for i in range(40) if i not in {5, 6, 20}]
        again = [(asked.query["startTime"], asked.query["limit"]) for asked in double.asked("/api/v3/klines")[1:]]
    assert again == [(str(milliseconds(DAYS[5])), "2"), (str(milliseconds(DAYS[20])), "1")]


def test_a_page_that_comes_twice_is_an_error() -> None:
    """ccxt drops what is older than asked for, so that it looked like a stretch without candles."""
    with market().double() as double:
        double.script.append(Mishap(Wrong.REPEATED_PAGE, path="/api/v3/klines", skip=1))
        with pytest.raises(VendorPagesError, match=r"binance: asked for candles from \d+ on, it answers 10 older ones: a page came twice"):
            got(double, 10)


def test_two_candles_of_one_day_that_differ_are_an_error() -> None:
    found = market()
    found.klines["BTCUSDT"].insert(7, kline(DAYS[7], 333.0))
    with found.double() as double, pytest.raises(VendorPagesError, match=r"two candles of BTC/USDT begin at \d+ and differ"):
        got(double)


def test_exchanges_whose_pages_are_stretches_of_time_are_walked_through() -> None:
    """An empty page of these says nothing of what comes after."""
    found = market(set(range(3, 31)))

    def answer(asked: Asked) -> Told:
        told = found.answer(asked)
        if asked.path != "/api/v3/klines":
            return told
        last = int(asked.query["startTime"]) + (int(asked.query["limit"]) - 1) * 86_400_000
        return Told([row for row in told.body if row[0] <= last])

    with VendorDouble(answer) as double:
        assert got(double, 5) == [0, 1, 2, *range(31, 40)]


def test_ccxt_alone_reads_the_same_from_the_double() -> None:
    """ccxt's own requests and parser, pointed at the double, are the oracle: of the double's format, and of what is done with it here."""
    plain: Any = importlib.import_module("ccxt").binance({"options": {"fetchMarkets": {"types": ["spot"]}}, "enableRateLimit": False})
    with market({5}).double() as double:
        plain.urls["api"]["public"] = f"{double.url}/api/v3"
        plain.session.trust_env = False
        expected = plain.fetch_ohlcv("BTC/USDT", "1d", milliseconds(DAYS[0]), 1000)
        plain.close()
        found = daily_candles(opened(double), "BTC/USDT", milliseconds(DAYS[0]), milliseconds(DAYS[-1]))
    assert [list(candle[:6]) for candle in found] == expected
    assert len(expected) == 39

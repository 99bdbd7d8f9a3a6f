"""Trades come once each, by their numbers, whatever goes wrong with a page; numbers that an exchange skipped are told."""

import importlib
from datetime import UTC, date, datetime
from itertools import accumulate, pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.errors import SourceError
from ats_assets.vendors.ccxt import TradeHoles, exchange_trades, paged_trades
from ats_assets.vendors.errors import VendorPagesError
from ats_assets_tests.rounds import rounds
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, aggregate, milliseconds
from ats_assets_tests.vendors.ccxt.exchanges import opened
from ats_assets_tests.vendors.ccxt.kraken_double import KrakenMarket
from ats_assets_tests.vendors.doubles import Mishap, VendorDouble, Wrong

DAY = date(2024, 3, 4)
FIRST, END = milliseconds(DAY), milliseconds(date(2024, 3, 5))
NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)


def binance(found: list[dict[str, Any]]) -> VendorDouble:
    market = BinanceMarket(now=NOW)
    market.add("BTC", "USDT", trades=found)
    return market.double()


def got(double: VendorDouble, exchange: str = "binance", symbol: str = "BTC/USDT") -> tuple[list[int], str]:
    holes = TradeHoles()
    pages = list(paged_trades(opened(double, exchange), symbol, FIRST, END, holes))
    return [int(trade["id"]) for page in pages for trade in page], str(holes)


@st.composite
def days_of_trades(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[tuple[int, int]]]:
    """Aggregate trades of about a day, many in one millisecond, hours without any, and numbers that were skipped."""
    steps = draw(st.lists(st.sampled_from([0, 0, 0, 1, 900, 60_000, 5 * 3_600_000]), min_size=1, max_size=60))
    skips = draw(st.lists(st.sampled_from([1, 1, 1, 1, 1, 3]), min_size=len(steps), max_size=len(steps)))
    start = draw(st.integers(0, 3)) * 4_000_000 - 2_000_000
    numbers = list(accumulate(skips, initial=draw(st.sampled_from([0, 7, 95, 997]))))[1:]
    times = [FIRST + start + at for at in accumulate(steps)]
    return [aggregate(number, at, 100.0 + number / 64, 0.5) for number, at in zip(numbers, times, strict=True)], []


@settings(max_examples=rounds(15, 200), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    made=days_of_trades(),
    page=st.integers(1, 25),
    mishaps=st.lists(
        st.builds(
            Mishap,
            st.sampled_from([Wrong.HALF_PAGE, Wrong.RATE_LIMIT, Wrong.CUT]),
            path=st.just("/api/v3/aggTrades"),
            skip=st.integers(1, 4),
        ),
        max_size=2,
    ),
)
def test_every_trade_of_the_stretch_comes_once_in_order(
    made: tuple[list[dict[str, Any]], object], page: int, mishaps: list[Mishap]
) -> None:
    found = made[0]
    inside = [trade["a"] for trade in found if FIRST <= trade["T"] < END]
    with pytest.MonkeyPatch.context() as patch, binance(found) as double:
        patch.setattr(exchange_trades, "PAGE", page)
        double.script.extend(mishaps)
        try:
            numbers, said = got(double)
        except VendorPagesError:  # told, not lost: of a page that came in half twice
            assert sum(mishap.wrong is Wrong.HALF_PAGE for mishap in mishaps) == 2
            return
    assert numbers == inside
    skipped = [str(one + 1) if other == one + 2 else f"{one + 1} to {other - 1}" for one, other in pairwise(inside) if other > one + 1]
    assert all(text in said for text in skipped[:10])


def test_numbers_of_one_millisecond_are_in_order() -> None:
    """ccxt sorts them as texts: 10 came before 9, and 9 looked as if it came twice."""
    with binance([aggregate(number, FIRST + 5, 100.0, 0.5) for number in range(8, 12)]) as double:
        assert got(double) == ([8, 9, 10, 11], "")


def test_a_number_that_was_skipped_is_told_after_it_was_asked_for_twice() -> None:
    with binance([aggregate(number, FIRST + number, 100.0, 0.5) for number in (1, 2, 5, 6, 9)]) as double:
        assert got(double) == ([1, 2, 5, 6, 9], "3 to 4, 7 to 8")
        assert [asked.query.get("fromId") for asked in double.asked("/api/v3/aggTrades")].count("3") == 2


@pytest.mark.parametrize("skip", range(6))
def test_half_a_page_is_not_the_end_where_a_number_is_missing(skip: int) -> None:
    """Trades after a number that was skipped were once lost: asked for it again, half a page of one trade is an empty one."""
    with binance([aggregate(number, FIRST + number, 100.0, 0.5) for number in (1, 4)]) as double:
        double.script.append(Mishap(Wrong.HALF_PAGE, path="/api/v3/aggTrades", skip=skip))
        assert got(double) == ([1, 4], "2 to 3")


def test_a_page_that_comes_twice_is_an_error() -> None:
    found = [aggregate(number, FIRST + number, 100.0, 0.5) for number in range(2500)]
    with binance(found) as double:
        double.script.append(Mishap(Wrong.REPEATED_PAGE, path="/api/v3/aggTrades", skip=2))
        with pytest.raises(VendorPagesError, match=r"asked for trades of BTC/USDT from number 2000 on, it answers 1000: a page came twice"):
            got(double)


def test_a_first_page_whose_beginning_was_left_out_is_an_error() -> None:
    """Nothing but the number before it says that the first trade is not the first."""
    market = BinanceMarket(now=NOW)
    found = [aggregate(number, FIRST + number, 100.0, 0.5) for number in range(10)]
    market.add("BTC", "USDT", trades=found)

    def answer(asked: Any) -> Any:
        told = market.answer(asked)
        if "startTime" in asked.query:
            told.body[:] = told.body[4:]
        return told

    with (
        VendorDouble(answer) as double,
        pytest.raises(VendorPagesError, match="it begins with number 4, but number 3 is no older: a part was left out"),
    ):
        got(double)


def kraken(n: int, *, every: float = 0.3, skip: tuple[int, ...] = ()) -> VendorDouble:
    rows = [[f"{100 + i / 64:.5f}", "0.50000000", FIRST / 1000 + i * every, "b", "l", "", 5000 + i] for i in range(-10, n) if i not in skip]
    return KrakenMarket(now=NOW, trades=rows).double()


def test_kraken_is_paged_by_time_and_joined_by_number() -> None:
    with kraken(2500, skip=(1200,)) as double:
        numbers, said = got(double, "kraken", "BTC/USD")
    assert numbers == [5000 + i for i in range(2500) if i != 1200]
    assert said == "6200"


def test_more_trades_in_a_second_than_a_page_has_are_an_error() -> None:
    with kraken(2500, every=0.0001) as double, pytest.raises(VendorPagesError, match="more than 1000 trades of BTC/USD share the second"):
        got(double, "kraken", "BTC/USD")


def test_an_exchange_that_gives_its_newest_trades_alone_is_refused() -> None:
    with (
        binance([]) as double,
        pytest.raises(SourceError, match=r"coinbase: its trades can't be paged through .*: use binance, binanceus, kraken, or files"),
    ):
        got(double, "coinbase", "BTC/USD")


def test_ccxt_alone_reads_the_same_from_the_double() -> None:
    plain: Any = importlib.import_module("ccxt").binance({"options": {"fetchMarkets": {"types": ["spot"]}}, "enableRateLimit": False})
    with binance([aggregate(number, FIRST + number, 100.0 + number / 64, 0.25) for number in range(20)]) as double:
        plain.urls["api"]["public"] = f"{double.url}/api/v3"
        plain.session.trust_env = False
        expected = plain.fetch_trades("BTC/USDT", None, 1000, {"fromId": 0})
        plain.close()
        (page,) = paged_trades(opened(double), "BTC/USDT", FIRST, END, TradeHoles())
    keys = ("id", "timestamp", "price", "amount", "side", "symbol")
    order = sorted(expected, key=lambda trade: int(trade["id"]))
    assert [[trade[key] for key in keys] for trade in page] == [[trade[key] for key in keys] for trade in order]

"""What an exchange answers, and what it does instead of answering."""

from datetime import UTC, date, datetime

import pytest

from ats_assets.errors import SourceError
from ats_assets.vendors.ccxt import Exchange, ExchangeSettings, daily_candles
from ats_assets.vendors.errors import VendorAnswerLostError, VendorError, VendorRefusedError
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, kline, milliseconds
from ats_assets_tests.vendors.ccxt.exchanges import Clock, opened
from ats_assets_tests.vendors.ccxt.kraken_double import DAY, KrakenMarket
from ats_assets_tests.vendors.doubles import Asked, Mishap, Told, VendorDouble, Wrong

NOW = datetime(2024, 3, 10, 12, tzinfo=UTC)
FIRST, LAST = date(2024, 3, 1), date(2024, 3, 9)


def binance() -> BinanceMarket:
    market = BinanceMarket(now=NOW)
    market.add("BTC", "USDT", [kline(date(2024, 3, day), 100.0 + day) for day in range(1, 11)])
    market.add("BTC", "EUR")
    return market


def closes(exchange: Exchange, symbol: str = "BTC/USDT") -> list[float | None]:
    return [candle.close for candle in daily_candles(exchange, symbol, milliseconds(FIRST), milliseconds(LAST))]


EXPECTED = [101.0 + day for day in range(1, 10)]


@pytest.mark.parametrize(
    "mishap",
    [
        Mishap(Wrong.RATE_LIMIT, path="/api/v3/klines", retry_after="7"),
        Mishap(Wrong.ERROR, status=503, times=2),
        Mishap(Wrong.ERROR, status=418, path="/api/v3/klines"),
        Mishap(Wrong.NO_ANSWER),
        Mishap(Wrong.CUT, path="/api/v3/klines"),
        Mishap(Wrong.NOT_JSON, path="/api/v3/klines"),
        Mishap(Wrong.TRUNCATED, path="/api/v3/klines"),
        Mishap(Wrong.EMPTY, path="/api/v3/klines"),
    ],
    ids=lambda mishap: mishap.wrong.name,
)
def test_what_is_no_answer_is_asked_for_again(mishap: Mishap) -> None:
    waits: list[float] = []
    with binance().double() as double:
        double.script.append(mishap)
        assert closes(opened(double, waits=waits)) == EXPECTED
    assert waits
    assert (7.0 in waits) == (mishap.retry_after == "7")


def test_what_is_never_answered_is_an_error_that_says_so() -> None:
    with binance().double() as double:
        double.script.append(Mishap(Wrong.NOT_JSON, times=None))
        with pytest.raises(
            VendorAnswerLostError, match=r"binance: GET /api/v3/exchangeInfo: the answer \(200, 89 bytes\) is not JSON, 2 times"
        ):
            closes(opened(double, max_attempts=2))


def test_the_budget_is_taken_where_all_processes_see_it() -> None:
    """Ten seconds of Kraken's budget are ten requests: the eleventh waits, and ccxt itself never does."""
    clock = Clock()
    market = KrakenMarket(now=NOW)
    with market.double() as double:
        shared = clock.state()
        one, other = (opened(double, "kraken", state=shared) for _ in range(2))
        for exchange in (one, other) * 5:
            exchange.now()
        assert clock.waits == []
        other.now()
    assert len(clock.waits) == 1
    assert 10.0 <= clock.waits[0] <= 11.0


def test_an_error_in_an_answer_with_status_200_is_asked_again_or_told() -> None:
    market = KrakenMarket(
        now=NOW, candles=[[int(milliseconds(date(2024, 3, day)) / 1000), "1", "2", "0.5", "1.5", "1.2", "10", 3] for day in range(1, 11)]
    )
    with market.double() as double:
        market.errors = ["EAPI:Rate limit exceeded", "EService:Unavailable"]
        assert closes(opened(double, "kraken"), "BTC/USD") == [1.5] * 9
        market.errors = ["EQuery:Unknown asset pair"]
        with pytest.raises(VendorRefusedError, match=r'kraken: \w+: kraken \{"error": \["EQuery:Unknown asset pair"\]\}'):
            opened(double, "kraken").require(["BTC/USD"])
    assert DAY == 86_400


def test_a_place_that_binance_does_not_serve_is_told_what_to_set() -> None:
    def refuse(_asked: Asked) -> Told:
        return Told({"code": 0, "msg": "Service unavailable from a restricted location according to 'b. Eligibility' in the terms."}, 451)

    with (
        VendorDouble(refuse) as double,
        pytest.raises(VendorRefusedError, match=r'refused \(451, .*base_url = "https://data-api\.binance\.vision"'),
    ):
        opened(double).now()


def test_a_pair_that_is_not_listed_is_an_error_with_those_that_are() -> None:
    with binance().double() as double:
        opened(double).require(["BTC/USDT", "BTC/EUR"])
        with pytest.raises(
            SourceError, match=r"binance lists no spot pair BTC/USD: correct symbols \(it has BTC/EUR, BTC/USDT\); what was delisted"
        ):
            opened(double).require(["BTC/USD", "BTC/EUR"])


def test_another_format_is_an_error_of_the_vendor() -> None:
    with (
        VendorDouble(lambda _: Told({"symbols": [{"name": "BTCUSDT"}]})) as double,
        pytest.raises(VendorError, match=r"binance: ccxt can't read the answer"),
    ):
        opened(double).require(["BTC/USDT"])


def test_an_exchange_that_is_asked_by_post_is_refused() -> None:
    with VendorDouble(lambda _: Told([])) as double:
        with pytest.raises(
            VendorError, match=r"hyperliquid: /info is asked by POST, but only public GETs are sent: choose another exchange"
        ):
            opened(double, "hyperliquid").require(["HYPE/USDC"])
        assert double.journal == []


def test_the_clock_is_the_exchanges() -> None:
    with binance().double() as double:
        assert opened(double).now() == NOW


@pytest.mark.parametrize("url", ["http://api.binance.com", "ftp://127.0.0.1", "api.binance.com"])
def test_another_server_is_encrypted_or_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="use https://, or http:// for a server on this machine"):
        ExchangeSettings(base_url=url)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "BTC/USDT:USDT", " BTC/USDT"])
def test_pairs_are_spelt_as_ccxt_spells_them(symbol: str) -> None:
    with pytest.raises(ValueError, match="write spot pairs as BTC/USDT"):
        ExchangeSettings(symbols=(symbol,))

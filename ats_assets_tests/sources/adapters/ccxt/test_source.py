"""Daily bars of an exchange: days in UTC, whole or not at all, with gaps that are named."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ats_assets.bars.screening import screen
from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.sources import Capabilities
from ats_assets.sources.adapters.ccxt import CcxtSource
from ats_assets.sources.adapters.ccxt.candle_rows import candle_rows
from ats_assets.vendors.ccxt import Candle, ExchangeSettings
from ats_assets_tests.sources.adapters.ccxt.markets import ALWAYS, DAYS, FIRST, LAST, NOW, PAIRS, market, source
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, milliseconds
from ats_assets_tests.vendors.ccxt.exchanges import opened
from ats_assets_tests.vendors.ccxt.kraken_double import KrakenMarket
from ats_assets_tests.vendors.doubles import Mishap, Wrong


def test_bars_are_those_of_the_exchange_with_the_average_price() -> None:
    with market().double() as double:
        found = source(double)
        bars = found.bars(DAYS)
    assert bars.filter(bars["symbol"] == "ETH/USDT").row(3) == ("ETH/USDT", DAYS[3], DAYS[3], 203.0, 205.0, 202.0, 204.0, 13.0, 203.5, None)
    assert bars.height == 3 * (len(DAYS) - 1)
    assert found.capabilities == Capabilities(has_vwap=True, adjustment="raw", fractional_volume=True, remote=True)
    accepted, rejected = screen(bars.filter(bars["session"] == LAST), ALWAYS)
    assert (accepted.height, rejected.height) == (3, 0)


@pytest.mark.parametrize(
    ("now", "latest"),
    [(datetime(2024, 3, 9, 0, 0, 59, tzinfo=UTC), date(2024, 3, 7)), (datetime(2024, 3, 9, 0, 1, tzinfo=UTC), date(2024, 3, 8))],
)
def test_the_running_candle_is_never_delivered(now: datetime, latest: date) -> None:
    """It is in every answer, with the prices of half a day. The exchange's clock counts, a minute after midnight, whatever this machine's says."""
    with market(now=now).double() as double:
        found = source(double, now=now + timedelta(days=2))
        assert found.latest_session() == latest
        assert found.bars(DAYS)["session"].max() == latest
        assert (
            found.clock_remark
            == f"binance's clock says {now:%Y-%m-%d %H:%M} UTC, this machine's {now + timedelta(days=2):%Y-%m-%d %H:%M}: the exchange's counts"
        )


def test_where_the_clock_can_not_be_asked_this_machines_counts() -> None:
    with market().double() as double:
        double.script.append(Mishap(Wrong.ERROR, times=None, path="/api/v3/time"))
        found = source(double, max_attempts=1)
        assert found.latest_session() == LAST
        assert "binance's clock could not be asked" in (found.clock_remark or "")
        assert found.bars([LAST]).height == 3


def test_days_without_a_candle_are_named_and_nothing_is_put_in() -> None:
    """ccxt's issue 8068: candles of outages are missing, and everything that reads them has to know."""
    late = set(DAYS[:9])
    with market({"BTC/USDT": {DAYS[5], DAYS[6]}, "ETH/USDT": late, "SOL/USDT": set(DAYS)}).double() as double:
        found = source(double)
        bars = found.bars(DAYS[:30])
        said = found.describe()
    assert bars["symbol"].value_counts(sort=True).rows() == [("BTC/USDT", 28), ("ETH/USDT", 21)]
    assert f"days without a candle, for which nothing is put in: BTC/USDT: {DAYS[5]} to {DAYS[6]} (2 days)" in said
    assert f"no candle from {DAYS[0]} to {DAYS[29]}: SOL/USDT" in said
    assert f"first candle after {DAYS[0]}: ETH/USDT {DAYS[9]}" in said


def test_a_candle_that_begins_elsewhere_is_delivered_where_it_was_known_and_rejected() -> None:
    day = date(2024, 3, 4)
    hong_kong = Candle(milliseconds(day, seconds=16 * 3600), 1.0, 2.0, 0.5, 1.5, 10.0, None)
    rows = candle_rows("BTC/USDT", [Candle(milliseconds(day), 1.0, 2.0, 0.5, 1.5, 10.0, None), hong_kong], [day + timedelta(days=1)])
    assert rows.select("date", "session", "defects").rows() == [
        (day, day + timedelta(days=1), "date: the candle begins at 2024-03-04 16:00 UTC, not at midnight")
    ]
    assert screen(rows, ALWAYS)[0].is_empty()


def test_kraken_gives_its_newest_days_alone_and_older_ones_are_refused() -> None:
    """Whatever is asked for, it answers the newest 720 candles: older sessions looked as if nothing had been traded."""
    begins, now = date(2023, 1, 1), NOW + timedelta(days=365)
    rows = [
        [milliseconds(begins + timedelta(days=i)) // 1000, "1", "2", "0.5", "1.5", "1.2", "10", 3]
        for i in range((now.date() - begins).days + 1)
    ]
    with KrakenMarket(now=now, candles=rows).double() as double:
        found = source(double, now=now, exchange="kraken", symbols=("BTC/USD",), first_session=begins)
        first, last = found.first_session(), found.latest_session()
        assert (first, last) == (now.date() - timedelta(days=719), now.date() - timedelta(days=1))
        assert found.bars([first, last]).select("session", "vwap").rows() == [(first, 1.2), (last, 1.2)]
        with pytest.raises(
            SourceError,
            match=rf"kraken gives its newest 720 days alone, from {first} on, and {begins} was asked for: take older sessions from another",
        ):
            found.bars([begins])


def test_what_is_not_set_is_said_at_once() -> None:
    with market().double() as double:
        with pytest.raises(SourceError, match=r"source\.ccxt\.symbols is empty: name pairs"):
            source(double, symbols=())
        with pytest.raises(SourceError, match=r"lists no spot pair DOGE/USDT"):
            source(double, symbols=("BTC/USDT", "DOGE/USDT")).bars([FIRST])
        assert [len(source(double).bars([FIRST], [pair])) for pair in (*PAIRS, "DOGE/USDT")] == [1, 1, 1, 0]


def test_a_range_is_asked_for_in_pages_and_a_session_with_one_request_a_pair() -> None:
    with market().double() as double:
        found = source(double)
        found.bars([DAYS[7]])
        found.bars(DAYS[::2])
        asked = [one.query["symbol"] for one in double.asked("/api/v3/klines")]
    assert asked == ["BTCUSDT", "ETHUSDT", "SOLUSDT"] * 2
    assert len(double.asked("/api/v3/exchangeInfo")) == 1


REAL = Path("../shared/data/crypto/bars.parquet")


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/crypto, which a clone does not have")
def test_real_bars_with_real_holes_come_out_as_they_are() -> None:
    """Coinbase's days of BTC/USD from 2014 to 2018, of which 34 are missing: to the last bit, over two pages, with every hole named and none filled."""
    bars = (
        pl.read_parquet(REAL)
        .filter(pl.col("exchange") == "coinbase", pl.col("res") == "daily")
        .sort("ts")
        .with_columns(date=pl.col("ts").dt.date())
    )
    names = ("open", "high", "low", "close", "volume")
    rows = bars.select("date", *names).rows()
    klines = [[milliseconds(day), *map(repr, values), milliseconds(day) + 86_399_999, "0", 1, "0", "0", "0"] for day, *values in rows]
    found = BinanceMarket(now=NOW)
    found.add("BTC", "USD", klines)
    first, last = rows[0][0], rows[-1][0]
    days = [first + timedelta(days=i) for i in range((last - first).days + 1)]
    calendar = session_calendar("24/7", first)
    with found.double() as double:
        own = ExchangeSettings(base_url=double.url, symbols=("BTC/USD",), first_session=first)
        source_ = CcxtSource(own, calendar, opened(double), now=lambda: NOW)
        got = source_.bars(days)
        said = source_.describe()
        assert len([one for one in double.asked("/api/v3/klines") if one.query["limit"] == "1000"]) == 1
    assert got.select("date", *names).rows() == rows
    missing = sorted(set(days) - {row[0] for row in rows})
    assert len(missing) == 34
    assert f"({len(missing)} days)" in said
    assert str(missing[0]) in said

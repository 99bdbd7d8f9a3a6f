"""Bars of a day are made of all of it, in candles or prices that are fine enough, or not at all."""

from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from ats_assets.bars.screening import screen
from ats_assets.errors import SettingsError, SourceError
from ats_assets.settings import Settings
from ats_assets.sources.adapters.coingecko import PLUGIN, open_coingecko
from ats_assets.sources.adapters.coingecko.coingecko_settings import CoinGeckoSettings
from ats_assets.sources.adapters.coingecko.gecko_client import midnight
from ats_assets.vendors.errors import VendorAnswerLostError, VendorKeysError, VendorRefusedError
from ats_assets_tests.sources.adapters.coingecko.coins import ALWAYS, COINS, DAYS, FIRST, LAST, NOW, source
from ats_assets_tests.sources.adapters.coingecko.gecko_double import DAY, HEADERS, HOUR, KEY, MINUTE, GeckoMarket, price
from ats_assets_tests.vendors.doubles import Mishap, Told, VendorDouble, Wrong


def expected(n: int, day: date, step: int = MINUTE) -> tuple[float, float, float, float]:
    """Of a price each minute, the oracle of candles; of one each hour, that of prices."""
    begin = midnight(day) + (0 if step == MINUTE else 37_041)
    inside = [price(n, at) for at in range(begin, midnight(day) + DAY, step)]
    return inside[0], max(inside), min(inside), inside[-1]


@pytest.mark.parametrize("plan", ["demo", "keyless", "pro"])
def test_candles_of_a_day_make_its_bar(plan: str) -> None:
    """Stamps are closes: a candle of midnight is the last of the day before."""
    with GeckoMarket(now=NOW, plan=plan).double() as double:
        bars = source(double, plan=plan).bars(DAYS)
    assert bars.height == 3 * 29
    for n, coin in ((0, "BTC/USD"), (2, "ETH/USD"), (3, "SOL/USD")):
        own = bars.filter(pl.col("symbol") == coin)
        assert own.select("open", "high", "low", "close").rows() == [expected(n, day) for day in DAYS]
        volumes = [(1e6 * (n + 1) + (midnight(day) + 23 * HOUR) // HOUR % 24) / expected(n, day)[3] for day in DAYS]
        assert own["volume"].to_list() == pytest.approx(volumes, rel=1e-12)
    assert screen(bars.filter(pl.col("session") == LAST), ALWAYS)[1].is_empty()


def test_prices_of_each_hour_make_a_bar_where_they_are_asked_for() -> None:
    begins = LAST - timedelta(days=300)
    days = [begins + timedelta(days=i) for i in range(301)]
    with GeckoMarket(now=NOW).double() as double:
        found = source(double, bars_from="prices")
        bars = found.bars(days, ["BTC/USD"])
        assert bars.select("open", "high", "low", "close").rows() == [expected(0, day, HOUR) for day in days]
        asked = [(int(one.query["to"]) - int(one.query["from"])) / 86_400 for one in double.asked("/coins/bitcoin/market_chart/range")]
    assert len(asked) == 4
    assert all(2 <= days <= 90 for days in asked)  # more is answered in days, less in five minutes
    assert "24 hourly prices: highs and lows are of these alone" in found.describe()


def test_a_day_with_a_hole_is_rejected_with_the_reason_and_an_empty_one_is_named() -> None:
    """A bar of five candles, or of 22 hours, would look like any other."""
    day, empty = DAYS[10], DAYS[20]
    gone = {midnight(day) + 8 * HOUR, *(midnight(empty) + 4 * HOUR * i for i in range(1, 7))}
    with GeckoMarket(now=NOW, absent={"solana": gone}).double() as double:
        found = source(double)
        bars = found.bars(DAYS)
        said = found.describe()
    sol = bars.filter(pl.col("symbol") == "SOL/USD")
    assert sol.height == 28
    assert sol.filter(pl.col("session") == day).select("open", "close", "defects").rows() == [
        (None, None, "date: 5 of 6 candles of 4 hours, too little to make a bar of the day")
    ]
    assert "unreadable" in screen(sol.filter(pl.col("session") == day), ALWAYS)[1]["reasons"].item()
    assert f"days without anything, for which nothing is put in: SOL/USD: {empty} (1 day)" in said
    hours = {midnight(day) + HOUR * i for i in (3, 17)}
    with GeckoMarket(now=NOW, absent={"solana": hours}).double() as double:
        defects = source(double, bars_from="prices").bars([day], ["SOL/USD"])["defects"].to_list()
    assert defects == ["date: prices in 22 of 24 hours, too little to make a bar of the day"]


def test_candles_that_are_longer_than_was_asked_for_make_no_bar() -> None:
    with (
        GeckoMarket(now=NOW, coarse=True).double() as double,
        pytest.raises(
            SourceError, match=r"candles of bitcoin are 96 hours long, where 4 were asked for: no bar of a day can be made of them"
        ),
    ):
        source(double).bars(DAYS[-3:])


def test_sessions_that_the_plan_gives_too_coarsely_are_refused_before_anything_is_asked() -> None:
    """More than 30 days are answered in candles of four days."""
    with GeckoMarket(now=NOW).double() as double:
        early = FIRST - timedelta(days=1)
        with pytest.raises(
            SourceError,
            match=rf"plan demo gives nothing before {FIRST} .* and {early} was asked for: candles are longer than a day there\. Set bars_from = \"prices\"",
        ):
            source(double).bars([early, LAST])
        long_ago = LAST - timedelta(days=364)
        with pytest.raises(SourceError, match=r"history is a year without a paid plan\. Set plan = \"pro\" with its key"):
            source(double, bars_from="prices").bars([long_ago])
        assert double.journal == []
        assert (source(double).first_session(), source(double, bars_from="prices").first_session()) == (FIRST, long_ago + timedelta(days=1))
        assert source(double, plan="pro", first_session=date(2023, 5, 1)).first_session() == date(2023, 5, 1)


def test_a_session_is_complete_35_minutes_after_its_day() -> None:
    with GeckoMarket(now=NOW).double() as double:
        at = datetime(2024, 3, 10, 0, 34, tzinfo=NOW.tzinfo)
        assert source(double, now=at).latest_session() == LAST - timedelta(days=1)
        found = source(double, now=at + timedelta(minutes=1))
        assert (found.latest_session(), found.known_at(LAST)) == (LAST, at + timedelta(minutes=1))


def test_a_ticker_of_several_coins_is_an_error_that_lists_them() -> None:
    with GeckoMarket(now=NOW).double() as double:
        with pytest.raises(
            SourceError,
            match=r"BTC is the ticker of 2 coins: bitcoin \(Bitcoin\), batcat \(batcat\)\. Say which is meant: source\.coingecko\.ids = \{ BTC",
        ):
            source(double, ids={}).bars([LAST])
        with pytest.raises(SourceError, match=r"BTC is set to bitcoin-cash-2, which is no id; DOGE is the ticker of no coin"):
            source(double, ids={"BTC": "bitcoin-cash-2"}, symbols=("BTC/USD", "DOGE/USD")).bars([LAST])
        source(double, ids={"BTC": "batcat"}).bars([LAST], ["BTC/USD"])
        assert double.asked("/coins/batcat/ohlc")


@pytest.mark.parametrize("plan", ["demo", "pro"])
def test_the_key_is_shown_in_the_header_of_its_plan_and_nowhere_else(plan: str) -> None:
    with GeckoMarket(now=NOW, plan=plan).double() as double:
        source(double, plan=plan).bars([LAST], ["ETH/USD"])
        assert {asked.headers.get(HEADERS[plan]) for asked in double.journal} == {KEY}
        assert not any(KEY in str(asked.query) + asked.path for asked in double.journal)
        assert all((asked.headers.get(HEADERS["pro" if plan == "demo" else "demo"])) is None for asked in double.journal)


def test_a_key_of_another_plan_is_told_what_to_set() -> None:
    said = {
        "status": {"error_code": 10011, "error_message": "If you are using Demo API key, please change your root URL to api.coingecko.com"}
    }
    with (
        VendorDouble(lambda _: Told(said, 400)) as double,
        pytest.raises(VendorRefusedError, match=r"another plan, which has another server: set source\.coingecko\.plan to demo or pro"),
    ):
        source(double, plan="pro").bars([LAST])


def test_a_missing_and_a_wrong_key_are_errors_that_name_the_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("COINGECKO_DEMO_API_KEY", raising=False)
    with GeckoMarket(now=NOW).double() as double:
        own = CoinGeckoSettings(symbols=COINS, base_url=double.url)
        settings = Settings.model_validate({"vendors": {"state": str(tmp_path / "v.sqlite")}})
        assert "key: COINGECKO_DEMO_API_KEY is NOT SET" in open_coingecko(own, ALWAYS, settings).describe()
        with pytest.raises(SettingsError, match=r"COINGECKO_DEMO_API_KEY is not set: .* A demo key is free"):
            open_coingecko(own, ALWAYS, settings).bars([datetime.now(NOW.tzinfo).date() - timedelta(days=3)])
        monkeypatch.setenv("COINGECKO_DEMO_API_KEY", "CG-aWrongKey0000000000000")
        assert "key: COINGECKO_DEMO_API_KEY is set" in open_coingecko(own, ALWAYS, settings).describe()
        with pytest.raises(VendorKeysError, match=r"COINGECKO_DEMO_API_KEY"):
            open_coingecko(own, ALWAYS, settings).bars([datetime.now(NOW.tzinfo).date() - timedelta(days=3)])


@pytest.mark.parametrize("wrong", [Wrong.RATE_LIMIT, Wrong.HALF_PAGE, Wrong.CUT, Wrong.TRUNCATED, Wrong.ERROR])
def test_what_is_no_whole_answer_is_asked_for_again_or_makes_no_bar(wrong: Wrong) -> None:
    with GeckoMarket(now=NOW).double() as double:
        whole = source(double).bars([LAST])
        double.script.append(Mishap(wrong, path="/coins/solana"))
        bars = source(double).bars([LAST])
    assert bars.filter(pl.col("defects").is_null()).equals(
        whole.filter(pl.col("symbol").is_in(bars.filter(pl.col("defects").is_null())["symbol"].to_list()))
    )
    assert bars["volume"].null_count() == bars["defects"].count()
    with GeckoMarket(now=NOW).double() as double:
        double.script.append(Mishap(Wrong.TRUNCATED, times=None))
        with pytest.raises(VendorAnswerLostError, match="coingecko"):
            source(double, max_attempts=2).bars([LAST])


def test_a_chart_with_more_prices_than_volumes_is_asked_for_again() -> None:
    market = GeckoMarket(now=NOW)
    spoilt: list[str] = []

    def answer(asked: Any) -> Any:
        found = market.answer(asked)
        if asked.path.endswith("market_chart/range") and not spoilt:
            spoilt.append(asked.path)
            found.body["total_volumes"] = found.body["total_volumes"][:-1]
        return found

    with VendorDouble(answer) as double:
        assert source(double, plan="keyless").bars([LAST])["volume"].null_count() == 0
        assert len(double.asked(spoilt[0])) == 2


def test_market_caps_are_those_of_the_end_of_the_day() -> None:
    with GeckoMarket(now=NOW).double() as double:
        caps = source(double, collect=("market_caps",)).market_caps(DAYS[-2:])
    at = [midnight(day) + 23 * HOUR + 37_041 for day in DAYS[-2:]]
    assert caps.filter(pl.col("symbol") == "ETH/USD").rows() == [
        ("ETH/USD", day, 2e7 * price(2, stamp), price(2, stamp), 3e6 + stamp // HOUR % 24) for day, stamp in zip(DAYS[-2:], at, strict=True)
    ]
    assert PLUGIN.collects(CoinGeckoSettings()) == ()
    assert PLUGIN.collects(CoinGeckoSettings(collect=("market_caps",))) == ("coingecko_market_caps",)


def test_only_a_server_on_this_machine_may_stand_in() -> None:
    with pytest.raises(ValueError, match="only a server on this machine may stand in for CoinGecko's"):
        CoinGeckoSettings(base_url="https://example.com")

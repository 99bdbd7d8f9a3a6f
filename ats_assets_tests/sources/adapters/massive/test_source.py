"""Massive as a source: what a delivery can be (empty, holiday, halted, unknown, delisted, a plan without the data, half a page), and what becomes of it."""

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.errors import SettingsError, SourceError
from ats_assets.settings import MassiveSettings, Settings
from ats_assets.sources.adapters.massive import MassiveSource, MassiveSourceSettings, massive_actions
from ats_assets.vendors.errors import VendorAnswerLostError, VendorKeysError
from ats_assets.vendors.massive import massive_connection
from ats_assets.vendors.massive.massive_connection import massive_rest
from ats_assets.vendors.massive.massive_rest import MassivePlanError
from ats_assets_tests.rounds import rounds
from ats_assets_tests.sources.adapters.massive.markets import XNYS, massive, write_bars, write_flat_file
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import Asked, Mishap, Told, Wrong
from ats_assets_tests.vendors.massive_double import KEY, MassiveData
from ats_assets_tests.vendors.massive_market import DAYS, HALTED, SPLIT, bar
from ats_assets_tests.vendors.quick_vendors import quick_vendors

GOOD_FRIDAY = date(2024, 3, 29)
NOON = datetime(2024, 4, 3, 16, tzinfo=UTC)


def symbols_of(frame: pl.DataFrame, day: date) -> list[str]:
    return frame.filter(session=day)["symbol"].to_list()


def test_all_stocks_of_a_session_come_with_one_request(tmp_path: Path) -> None:
    with massive() as market:
        bars = market.source(tmp_path).bars(DAYS)
        assert [asked.path for asked in market.double.journal] == [f"/v2/aggs/grouped/locale/us/market/stocks/{day}" for day in DAYS]
        assert symbols_of(bars, DAYS[0]) == ["AAPL", "BRK.B", "OLD"], "share classes as BRK.B, the delisted one too, none over the counter"
        assert symbols_of(bars, HALTED) == ["AAPL", "OLD"], "a halted stock has no bar"
        assert symbols_of(bars, DAYS[-1]) == ["AAPL", "BRK.B"], "OLD is delisted by then"
        assert market.source(tmp_path, include_otc=True).bars(DAYS[:1])["symbol"].to_list() == ["AAPL", "BRK.B", "OLD", "OTCX"]
        first = bars.row(0, named=True)
        told = market.data.bars["AAPL"][DAYS[0]]
        assert [first[name] for name in ("open", "high", "low", "close", "volume", "vwap")] == [
            told[key] for key in ("o", "h", "l", "c", "v", "vw")
        ]
        assert bars["defects"].null_count() == bars.height


def test_few_symbols_over_many_sessions_come_with_a_request_each_and_are_the_same_bars(tmp_path: Path) -> None:
    with massive() as market:
        some = market.source(tmp_path, symbols=("BRK.B", "AAPL"))
        bars = some.bars(DAYS)
        assert [asked.path.split("/")[4] for asked in market.double.journal] == ["AAPL", "BRK.B"]
        every = market.source(tmp_path).bars(DAYS)
        assert bars.equals(every.filter(pl.col("symbol") != "OLD"))
        assert pl.concat(some.bars([day]) for day in DAYS).equals(bars), "alone, from the bars of all stocks"


def test_flat_files_hold_the_same_bars_without_an_average_price(tmp_path: Path) -> None:
    with massive() as market:
        write_bars(tmp_path / "flat", market.data)
        write_flat_file(
            tmp_path / "flat", "us_stocks_sip/day_aggs_v1", GOOD_FRIDAY, ["ticker,volume,open,close,high,low,window_start,transactions"]
        )
        early = market.source(tmp_path, through="flat_files")
        assert early.latest_session() == DAYS[-2], "a day's file is counted from 11:00 of the next day on, by which it is up"
        files = market.source(tmp_path, now=NOON, through="flat_files").bars(DAYS)
        api = market.source(tmp_path).bars(DAYS)
        assert files.equals(api.with_columns(vwap=pl.lit(None, pl.Float64)))
        assert not market.source(tmp_path, through="flat_files").capabilities.has_vwap


def test_a_day_that_has_no_file_is_named_and_the_others_are_there(tmp_path: Path) -> None:
    with massive() as market:
        write_bars(tmp_path / "flat", market.data)
        next((tmp_path / "flat").rglob(f"{DAYS[2]}.csv.gz")).unlink()
        source = market.source(tmp_path, now=NOON, through="flat_files")
        assert source.bars(DAYS)["session"].unique().to_list() == [day for day in DAYS if day != DAYS[2]]
        assert f"no flat file of 1 session ({DAYS[2]})" in source.describe()


def test_cells_of_a_flat_file_that_can_not_be_read_are_defects(tmp_path: Path) -> None:
    with massive() as market:
        lines = [
            "ticker,volume,open,close,high,low,window_start,transactions",
            "AAA,1,ten,1,1,1,1711339200000000000,1",
            "BBB,1,1,1,1,1,soon,1",
        ]
        write_flat_file(tmp_path / "flat", "us_stocks_sip/day_aggs_v1", DAYS[0], [*lines, "CCC,1,1,1,1,1,1711425600000000000,1", "DDD,1,1"])
        bars = market.source(tmp_path, through="flat_files").bars(DAYS[:1])
        assert dict(bars.select("symbol", "defects").rows()) == {
            "AAA": "open: 'ten'",
            "BBB": "date: no time that can be read",
            "CCC": f"date: the bar is of {DAYS[1]}, asked for with {DAYS[0]}",
            None: "line: 'DDD,1,1' has another number of cells than the header; date: no time that can be read",
        }


def test_an_empty_session_is_empty_and_a_holiday_is_not_asked_for(tmp_path: Path) -> None:
    with massive(MassiveData()) as market:
        source = market.source(tmp_path)
        assert source.bars(DAYS[:1]).is_empty(), "no `results` at all"
        assert source.actions(DAYS[:1]).is_empty()
        assert GOOD_FRIDAY not in XNYS.sessions(DAYS[0], DAYS[-1])


def test_a_symbol_that_massive_does_not_know_is_an_error_and_a_delisted_one_is_not(tmp_path: Path) -> None:
    with massive() as market:
        assert market.source(tmp_path, symbols=("AAPL", "OLDER")).bars(DAYS)["symbol"].unique().to_list() == ["AAPL"]
        with pytest.raises(
            SourceError, match=r"Massive does not know BRK-B: correct source.massive.symbols .*share classes are spelled BRK\.B"
        ):
            market.source(tmp_path, symbols=("AAPL", "BRK-B")).bars(DAYS)
        market.double.script.append(Mishap(Wrong.ERROR, times=None, path="/v3/reference/tickers"))
        source = market.source(tmp_path, symbols=("AAPL", "BRK-B"))
        assert source.bars(DAYS).height == len(DAYS), "what can't be looked up does not hold up the others"
        assert "without bars, and not looked up" in source.describe()


@pytest.mark.parametrize(
    ("path", "ask"),
    [
        ("/v2/aggs/grouped", lambda market, folder: market.source(folder).bars(DAYS)),
        ("/v2/aggs/ticker", lambda market, folder: market.source(folder, symbols=("AAPL",)).bars(DAYS)),
        ("/stocks/v1/splits", lambda market, folder: market.source(folder).actions(DAYS)),
        ("/vX/reference/tickers", lambda market, folder: market.source(folder, symbols=("META",)).actions(DAYS)),
    ],
)
def test_a_plan_without_the_data_is_told_with_the_endpoint(tmp_path: Path, path: str, ask) -> None:  # type: ignore[no-untyped-def]
    with massive() as market:
        market.data.without = (path,)
        with pytest.raises(
            MassivePlanError,
            match=rf"the plan of this key does not include GET {path}.*You are not entitled to this data.*massive\.com/pricing",
        ):
            ask(market, tmp_path)
        assert len(market.double.asked(path)) == 1, "another attempt changes nothing"


def test_a_plan_with_end_of_day_data_is_asked_for_a_session_after_its_day(tmp_path: Path) -> None:
    """On the free plan the vendor refuses bars of today, with 403; so today is not asked for until midnight."""
    evening = datetime(2024, 4, 2, 22, tzinfo=UTC)
    with massive() as market:
        market.data.now = evening
        source = market.source(tmp_path, now=evening)
        assert source.latest_session() == DAYS[-2]
        assert source.bars(DAYS).height == market.source(tmp_path).bars(DAYS[:-1]).height
        assert source.known_at(DAYS[-1]) == datetime(2024, 4, 3, 4, tzinfo=UTC)
        paid = market.source(tmp_path, now=evening, massive={"delivery": "delayed"})
        assert (paid.latest_session(), paid.known_at(DAYS[-1])) == (DAYS[-1], XNYS.closes_at(DAYS[-1]) + timedelta(minutes=30))
        with pytest.raises(MassivePlanError, match=r"Attempted to request today's data before end of day.*massive.delivery"):
            paid.bars(DAYS[-1:])
        market.data.status = "DELAYED"
        assert source.bars(DAYS[:1]).height == 3, "an answer of a delayed plan says so, and is one"


@pytest.mark.parametrize(
    "wrong", [Wrong.RATE_LIMIT, Wrong.ERROR, Wrong.NO_ANSWER, Wrong.CUT, Wrong.NOT_JSON, Wrong.TRUNCATED, Wrong.EMPTY, Wrong.HALF_PAGE]
)
def test_a_server_that_misbehaves_now_and_then_loses_and_doubles_nothing(tmp_path: Path, wrong: Wrong) -> None:
    with massive() as market:
        market.data.page_rows = 2
        whole = [market.source(tmp_path, symbols=symbols).bars(DAYS) for symbols in ((), ("AAPL", "BRK.B"))]
        for symbols, right in zip(((), ("AAPL", "BRK.B")), whole, strict=True):
            market.double.script += [Mishap(wrong, path="/v2/aggs", skip=skip) for skip in (0, 3)]
            assert market.source(tmp_path, symbols=symbols).bars(DAYS).equals(right)
            market.double.script.clear()


@pytest.mark.parametrize("wrong", [Wrong.REPEATED_PAGE, Wrong.LOOP, Wrong.HALF_PAGE])
def test_pages_that_contradict_each_other_are_an_error(tmp_path: Path, wrong: Wrong) -> None:
    with massive() as market:
        market.data.page_rows = 2
        market.double.script.append(Mishap(wrong, times=None, path="/v2/aggs/ticker", skip=1))
        with pytest.raises(SourceError, match=r"came on an earlier page|was there already|the page says that it has"):
            market.source(tmp_path, symbols=("AAPL",)).bars(DAYS)


def test_a_next_page_at_another_server_is_not_asked(tmp_path: Path) -> None:
    with massive() as market:
        market.data.page_rows = 2
        real = market.double.answer

        def elsewhere(asked):  # type: ignore[no-untyped-def]
            told = real(asked)
            told.body["next_url"] = "https://evil.example/v2/aggs?cursor=1"
            return told

        market.double.answer = elsewhere
        with pytest.raises(SourceError, match=r"evil.example, which is not http://127.0.0.1"):
            market.source(tmp_path, symbols=("AAPL",)).bars(DAYS)


def test_keys_are_read_under_old_and_new_names_with_one_notice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    massive_connection._say_once.cache_clear()
    with massive() as market, caplog.at_level(logging.INFO):
        monkeypatch.delenv("MASSIVE_API_KEY")
        settings = Settings(massive=MassiveSettings(url=market.double.url), vendors=quick_vendors(tmp_path))
        with pytest.raises(SettingsError, match="MASSIVE_API_KEY is not set: put it in the environment"):
            massive_rest(settings).tickers(active=True)
        monkeypatch.setenv("POLYGON_API_KEY", KEY)
        for _ in range(3):
            assert len(massive_rest(settings).tickers(active=True)) == 4
        notices = [record.message for record in caplog.records if "Polygon.io is Massive now" in record.message]
        assert notices == ["Polygon.io is Massive now: POLYGON_API_KEY still works; the new names are MASSIVE_… and …massive.com"]
        monkeypatch.setenv("MASSIVE_API_KEY", "another0key0123456789")
        with pytest.raises(VendorKeysError, match="MASSIVE_API_KEY is missing, wrong or expired"):
            massive_rest(settings, backoff=Waits().backoff()).tickers(active=True)
    assert KEY not in caplog.text
    for url in ("https://api.polygon.io", "https://api.massive.com", "http://127.0.0.1:8080"):
        assert MassiveSettings(url=url).url == url
    for url in ("https://api.massive.com.evil.example", "http://api.massive.com", "https://example.org"):
        with pytest.raises(ValueError, match="the key is shown to"):
            MassiveSettings(url=url)


def test_actions_are_placed_by_their_ex_date_and_screened(tmp_path: Path) -> None:
    with massive() as market:
        source = market.source(tmp_path)
        actions = source.actions(DAYS)
        told = actions.select("session", "symbol", "kind", "ratio", "cash", "announced", "payable").rows()
        announced, payable = date(2024, 3, 1), date(2024, 4, 10)
        assert told == [
            (DAYS[1], "AAPL", "cash_dividend", None, 0.24, announced, payable),
            (DAYS[1], "BRK.B", "stock_dividend", 1.05, None, None, None),
            (DAYS[2], "BRK.B", "cash_dividend", None, 1.5, announced, payable),
            (DAYS[2], "OLD", "cash_dividend", None, 0.3, announced, payable),
            (SPLIT, "AAPL", "split", 4.0, None, None, None),
            (SPLIT, "OLD", "split", 0.1, None, None, None),
        ], "what takes effect on Good Friday does so at the next session"
        accepted, rejected = screen_actions(actions, source.bars(DAYS).select("symbol", "session", "close"), XNYS)
        assert accepted.height == 5
        assert rejected.select("symbol", "reasons", "defects").rows() == [
            ("OLD", ["unreadable"], "currency: 'CAD' is not that of the prices, so that the amount can't be applied to them")
        ]
        assert len(market.double.asked("/stocks/v1")) == 2, "one request for the splits and one for the dividends of a range"
        assert source.actions(DAYS, ["AAPL"]).equals(actions.filter(symbol="AAPL"))
        assert source.upcoming_actions(XNYS.sessions(DAYS[-1], date(2024, 4, 30))).is_empty()


def test_factors_that_later_events_rewrite_make_no_other_delivery(tmp_path: Path) -> None:
    with massive() as market:
        before = market.source(tmp_path).actions(DAYS)
        for row in (*market.data.splits, *market.data.dividends):
            row["historical_adjustment_factor"] = 0.5 * row["historical_adjustment_factor"]
        assert market.source(tmp_path).actions(DAYS).equals(before)
        market.data.dividends.append({**market.data.dividends[0], "id": "another"})
        assert market.source(tmp_path).actions(DAYS).equals(before), "told again under another id: it is paid once"


def test_changes_of_ticker_are_told_for_named_symbols(tmp_path: Path) -> None:
    with massive() as market:
        market.data.events["NEW"] = {"name": "N", "composite_figi": "B", "cik": "1", "events": []}
        changes = [("2024-03-27", "NEW"), ("2020-01-02", "BACK"), ("2024-03-25", "MID"), ("2020-05-05", "FIRST"), ("2020-06-05", "FIRST")]
        market.data.events["NEW"]["events"] = [
            {"date": day, "type": "ticker_change", "ticker_change": {"ticker": name}} for day, name in changes
        ]
        market.data.tickers.append({**market.data.tickers[0], "ticker": "NEW"})
        actions = market.source(tmp_path, symbols=("FIRST", "MID", "NEW")).actions(DAYS)
        assert actions.select("session", "symbol", "new_symbol", "kind").rows() == [
            (DAYS[0], "FIRST", "MID", "name_change"),
            (DAYS[2], "MID", "NEW", "name_change"),
        ]
        assert market.source(tmp_path, symbols=("NEW",), ticker_changes=False).actions(DAYS).is_empty()
        assert market.source(tmp_path).actions(DAYS).filter(kind="name_change").is_empty(), (
            "it would take a request for each of ten thousand"
        )
        assert market.source(tmp_path, corporate_actions=False).actions(DAYS).is_empty()


def test_a_ticker_that_goes_to_another_company_has_the_bars_of_both_under_their_own_days(tmp_path: Path) -> None:
    with massive() as market:
        market.data.bars["FB"] = {DAYS[0]: bar(1), DAYS[-1]: bar(2)}
        source = market.source(tmp_path, symbols=("FB", "META"))
        assert source.bars(DAYS).select("session", "symbol").rows() == [(DAYS[0], "FB"), (DAYS[-1], "FB")]
        rows = massive_actions.change_rows(market.data.events["META"]["events"], XNYS)
        assert [(row["symbol"], row["new_symbol"], row["session"]) for row in rows] == [("FB", "META", date(2022, 6, 9))]


def test_what_a_long_backfill_was_told_is_not_asked_for_again_within_a_day(tmp_path: Path) -> None:
    with massive() as market:
        source = market.source(tmp_path, now=datetime(2024, 4, 12, 5, tzinfo=UTC))
        first = source.bars(DAYS)
        assert source.bars(DAYS).equals(first)
        assert len(market.double.asked("/v2/aggs/grouped")) == len(DAYS)
        source.bars(DAYS[:1])
        assert len(market.double.asked("/v2/aggs/grouped")) == len(DAYS) + 1, "a single session is: it may have been corrected"


def test_odd_rows_are_kept_with_what_is_wrong_with_them(tmp_path: Path) -> None:
    data = MassiveData()
    data.bars = {"AAA": {DAYS[0]: bar(1, c="ten")}, "BBB": {DAYS[0]: bar(2, t="noon")}, "CCC": {DAYS[0]: bar(3, v=0, vw=0)}}
    with massive(data) as market:
        bars = market.source(tmp_path).bars(DAYS[:1])
        assert bars["defects"].to_list() == [
            "close: 'ten' is not a number",
            "stamp: 'noon' is not a whole number; date: no time that can be read",
            None,
        ]
        assert bars["vwap"].to_list() == [10.265625, 10.28125, None], "no average price without a trade"
    with massive(data) as market:
        market.double.answer = lambda _asked: Told({"status": "ERROR", "error": "maintenance"})
        with pytest.raises(VendorAnswerLostError, match="not the documented form"):
            market.source(tmp_path).bars(DAYS[:1])


def test_an_answer_of_another_ticker_is_none(tmp_path: Path) -> None:
    with massive() as market:
        answer = {"ticker": "BRK.B", "status": "OK", "resultsCount": 1, "results": [bar(1)]}
        market.double.answer = lambda _asked: Told(answer)
        with pytest.raises(VendorAnswerLostError, match="not the documented form"):
            market.source(tmp_path, symbols=("AAPL",)).bars(DAYS)


def test_the_calendar_must_be_new_yorks(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"calendar.exchange is 24/7: set it to XNYS"):
        MassiveSource(MassiveSourceSettings(), session_calendar("24/7", date(2020, 1, 1)), Settings())


HARMLESS = (
    Wrong.RATE_LIMIT,
    Wrong.ERROR,
    Wrong.NO_ANSWER,
    Wrong.CUT,
    Wrong.NOT_JSON,
    Wrong.TRUNCATED,
    Wrong.EMPTY,
    Wrong.HALF_PAGE,
    Wrong.ECHO,
)
"""What can go wrong with one request so that asking again mends it, or a page so that it is noticed."""


@settings(max_examples=rounds(15, 300))
@given(st.data())
def test_whatever_goes_wrong_the_bars_are_right_or_there_is_an_error(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Bars of aggregates say how many they are and of whom, so that no half of a page can pass for a whole. A page of an earlier listing of the same could: none was asked for."""
    symbols = data.draw(st.sampled_from([(), ("AAPL",), ("AAPL", "BRK.B", "OLD")]))
    with massive() as market:
        right = market.source(tmp_path_factory.mktemp("right"), symbols=symbols).bars(DAYS)
    with massive() as market:
        market.data.page_rows = data.draw(st.integers(1, 4))
        wrongs = st.sampled_from([*HARMLESS, Wrong.REPEATED_PAGE, Wrong.LOOP, Wrong.REDIRECT, Wrong.REFUSED_ECHO])
        mishaps = st.builds(Mishap, wrongs, times=st.integers(1, 5), path=st.just("/v2/aggs"), skip=st.integers(0, 5))
        market.double.script += data.draw(st.lists(mishaps, max_size=4))
        try:
            found = market.source(tmp_path_factory.mktemp("spoilt"), symbols=symbols).bars(DAYS)
        except SourceError:
            return
        assert found.equals(right)


def test_the_newest_sessions_of_a_range_are_asked_for_again_and_an_empty_answer_is_not_kept(tmp_path: Path) -> None:
    """The cache once served the newest session of a range as it was a day ago, restated or empty as it may have been."""
    later = datetime(2024, 4, 12, 5, tzinfo=UTC)
    with massive() as at:
        real = at.double.answer
        at.double.answer = lambda asked: Told({"status": "OK", "resultsCount": 0}) if str(DAYS[1]) in asked.path else real(asked)
        first = at.source(tmp_path, now=later).bars(DAYS[:4])
        assert DAYS[1] not in set(first["session"])

        def restated(asked: Asked) -> Told:
            told = real(asked)
            return Told({**told.body, "results": [{**row, "c": row["c"] + 0.01} for row in told.body["results"]]})

        at.double.answer = restated
        known = len(at.double.journal)
        second = at.source(tmp_path, now=later).bars(DAYS[:4])
        asked = [next(day for day in DAYS if str(day) in one.path) for one in at.double.journal[known:]]
        settled = [day for day in DAYS[:4] if day not in XNYS.sessions(XNYS.first, date(2024, 4, 11))[-5:]]
        assert settled == DAYS[:4]
        assert asked == [DAYS[1]], "the empty one alone"
        assert set(second["session"]) == set(DAYS[:4])
        third = at.source(tmp_path).bars(DAYS[:4])
        plain = {(row["session"], row["symbol"]): row["close"] for row in first.iter_rows(named=True)}
        again = {(row["session"], row["symbol"]): row["close"] for row in third.iter_rows(named=True)}
        recent = XNYS.sessions(XNYS.first, DAYS[-1])[-5:]
        assert all(again[which] == pytest.approx(close + (0.01 if which[0] in recent else 0)) for which, close in plain.items())
        assert any(day in recent for day, _ in plain)


@pytest.mark.parametrize(
    "body", [{"message": "try later"}, {}, {"error": "try later", "results": None}, {"status": "ERROR", "error": "try later"}]
)
def test_an_error_with_status_200_is_no_session_without_bars(tmp_path: Path, body: dict[str, object]) -> None:
    """Without `status` such an answer was once a day without bars, or without corporate actions, in silence."""
    with massive() as at:
        at.double.answer = lambda _: Told(body)
        for ask in (lambda source: source.bars([DAYS[1]]), lambda source: source.actions([DAYS[1]])):
            with pytest.raises(VendorAnswerLostError, match=r"documented form \(try later\)" if body else "documented form"):
                ask(at.source(tmp_path))


def test_a_newest_session_that_is_late_is_an_error_and_not_an_empty_one(tmp_path: Path) -> None:
    """Massive may be late, though the plan has the session by now: it was once stored as one without bars, and not asked for again in a range."""
    with massive() as at:
        real = at.double.answer
        at.double.answer = lambda asked: Told({"status": "OK", "resultsCount": 0}) if str(DAYS[-1]) in asked.path else real(asked)
        with pytest.raises(SourceError, match=rf"no bar of any stock in {DAYS[-1]} yet.*ask again later"):
            at.source(tmp_path).bars(DAYS[-2:])
        assert set(at.source(tmp_path).bars(DAYS[-3:-1])["session"]) == set(DAYS[-3:-1])


def test_what_doctor_shows_of_the_source_says_that_its_key_is_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of doctor's lines were good, and the run then had no key."""
    with massive() as market:
        source = market.source(tmp_path)
        assert "NOT SET" not in source.describe()
        for name in ("MASSIVE_API_KEY", "POLYGON_API_KEY"):
            monkeypatch.delenv(name, raising=False)
        assert "key: MASSIVE_API_KEY is NOT SET" in source.describe()

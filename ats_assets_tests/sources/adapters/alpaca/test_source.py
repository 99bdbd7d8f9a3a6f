import contextlib
import json
import logging
import os
import signal
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ats_assets.errors import SettingsError, SourceError
from ats_assets.settings import CalendarSettings
from ats_assets.sources import RAW_BARS_SCHEMA, upcoming_actions
from ats_assets.sources.adapters.alpaca import spool
from ats_assets.sources.adapters.alpaca.source import AlpacaSource
from ats_assets.sources.contracts import RAW_ACTIONS, RAW_BARS
from ats_assets.storage.stored_calendar import CalendarStore
from ats_assets.storage.warehouse import Warehouse
from ats_assets.vendors.alpaca import AlpacaAnswerLostError, AlpacaError, AlpacaKeysError
from ats_assets_tests.alpaca_double import Fault, Plan, Step
from ats_assets_tests.forking import fork_server
from ats_assets_tests.sources.adapters.alpaca.markets import ALWAYS, NEW_YORK, SYMBOLS, XNYS, bar, crypto, midnight, stocks
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, Waits, mentions_of_keys

SESSIONS = XNYS.sessions(date(2024, 2, 26), date(2024, 3, 22))  # New York's clocks change on 10 March


def shown(bars: pl.DataFrame, expected: pl.DataFrame) -> None:
    """The bars are those expected, each of them once, without a defect, on the day of its session."""
    RAW_BARS.validate(bars)
    assert bars.filter(pl.col("defects").is_not_null() | (pl.col("date") != pl.col("session"))).is_empty()
    assert_frame_equal(bars.drop("date", "defects"), expected.select(bars.drop("date", "defects").columns))


@pytest.mark.parametrize("seed", range(48))
def test_each_row_comes_once_whatever_goes_wrong_on_the_way(tmp_path: Path, seed: int) -> None:
    with stocks(SESSIONS, page_limit=7) as market:
        market.double.plan = Plan(seed=seed, share=0.2 + seed % 5 / 5, most=5)
        source = market.source(tmp_path)
        shown(source.bars(SESSIONS), market.served)
        singly = pl.concat(source.bars([day]) for day in reversed(SESSIONS[-3:])).sort("session", "symbol")
        shown(singly, market.served.filter(pl.col("session") >= SESSIONS[-3]))


@pytest.mark.parametrize("year", range(2020, 2026))
def test_stamps_over_a_year_with_its_holidays_half_days_and_changes_of_the_clock(tmp_path: Path, year: int) -> None:
    sessions = XNYS.sessions(date(year, 1, 1), date(year, 12, 31))
    with stocks(sessions, symbols=("AAPL",)) as market:
        source = market.source(tmp_path, symbols=("AAPL",))
        shown(source.bars(sessions), market.served)
        half_days = [day for day in sessions if XNYS.closes_at(day).astimezone(NEW_YORK).hour < 16]
        assert half_days
        for day in (sessions[0], *half_days, *sessions[49::50], sessions[-1]):
            shown(source.bars([day]), market.served.filter(pl.col("session") == day))


def test_crypto_days_are_those_of_utc_and_need_no_keys(tmp_path: Path) -> None:
    days = [date(2024, 3, 8) + timedelta(days=i) for i in range(8)]
    with crypto(days) as market:
        source = market.source(tmp_path, asset_class="crypto", symbols=("ETH/USD", "BTC/USD"))
        assert source.latest_session() == days[-1]
        shown(source.bars(days), market.served)
        shown(source.bars([days[3]]), market.served.filter(pl.col("session") == days[3]))
        assert {entry.key_id for entry in market.double.journal} == {None}
        assert source.actions(days).is_empty()
        assert source.capabilities.fractional_volume


def test_a_crypto_day_of_chicago_is_known_a_session_later_and_says_so(tmp_path: Path) -> None:
    days = [date(2024, 3, 8) + timedelta(days=i) for i in range(4)]
    with crypto(days, symbols=()) as market:
        market.data.add("crypto", "bars/1Day", "BTC/USD", [bar(midnight(day, UTC) + timedelta(hours=6), i) for i, day in enumerate(days)])
        source = market.source(tmp_path, asset_class="crypto", symbols=("BTC/USD",))
        bars = source.bars(days)
        assert bars["session"].to_list() == days[1:]
        assert bars["date"].to_list() == days[:-1]
        assert all("not at midnight (UTC)" in text for text in bars["defects"])
        assert_frame_equal(pl.concat(source.bars([day]) for day in days), bars)


def test_crypto_wants_a_calendar_that_never_closes(tmp_path: Path) -> None:
    with crypto([date(2024, 3, 8)]) as market:
        settings = market.source(tmp_path, asset_class="crypto")._settings
        with pytest.raises(SourceError, match=r"calendar.exchange is XNYS: set it to 24/7"):
            AlpacaSource(settings, XNYS)
        with pytest.raises(SourceError, match=r"source.alpaca.symbols is empty"):
            market.source(tmp_path, asset_class="crypto", symbols=()).bars([date(2024, 3, 8)])
    with stocks(SESSIONS) as market, pytest.raises(SourceError, match="set it to XNYS"):
        AlpacaSource(market.source(tmp_path)._settings, ALWAYS)


def test_a_running_session_is_not_delivered(tmp_path: Path) -> None:
    last = SESSIONS[-1]
    with stocks(SESSIONS) as market:
        source = market.source(tmp_path)
        for now, latest in (
            (XNYS.opens_at(last) + timedelta(hours=1), SESSIONS[-2]),
            (XNYS.closes_at(last) + timedelta(minutes=14), SESSIONS[-2]),
            (XNYS.closes_at(last) + timedelta(minutes=15), last),
            (XNYS.opens_at(last), last),  # what has closed once stays so
        ):
            market.double.now = now
            assert source.bars(SESSIONS)["session"].max() == latest
        market.double.now = XNYS.closes_at(SESSIONS[4]) + timedelta(hours=20)
        assert source.latest_session() == SESSIONS[4]


def test_half_days_close_early_and_alpaca_knows_more_holidays_than_the_library(tmp_path: Path) -> None:
    sessions = XNYS.sessions(date(2024, 11, 25), date(2024, 12, 2))
    with stocks(sessions) as market:
        source = market.source(tmp_path)
        market.double.now = datetime(2024, 11, 29, 18, 15, tzinfo=UTC)  # 13:15 in New York, on the half day after Thanksgiving
        assert source.latest_session() == date(2024, 11, 29)
        market.reference.closed.add(date(2024, 11, 29))
        assert source.latest_session() == date(2024, 11, 27)
        assert "differ on 2024-11-29" in source.describe()
        store = CalendarStore(Warehouse(tmp_path / "warehouse"), CalendarSettings(first_session=date(2020, 1, 2)))
        assert store.open().sessions(date(2024, 11, 27), date(2024, 12, 2)) == [date(2024, 11, 27), date(2024, 12, 2)]
        market.reference.closed.clear()
        source.latest_session()
        assert store.open().is_session(date(2024, 11, 29))


def test_without_alpacas_clock_the_stored_calendar_counts_and_it_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with stocks(SESSIONS) as market:
        market.double.plan = Plan(steps=(Step(fault=Fault.ERROR_BEFORE, path="clock", times=None),))
        source = market.source(tmp_path, alpaca={"max_attempts": 2})
        assert source.latest_session() == SESSIONS[-1]
        assert "as stored, by this machine's clock" in source.describe()
        assert "as stored, by this machine's clock" in caplog.text
        shown(source.bars(SESSIONS[-2:]), market.served.filter(pl.col("session") >= SESSIONS[-2]))


def test_clocks_that_differ_are_said_and_alpacas_counts(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market:
        source = market.source(tmp_path)
        source._now = lambda: market.double.now + timedelta(days=2)
        assert source.latest_session() == SESSIONS[-1]
        assert "Alpaca's counts" in source.describe()
    with crypto([date(2024, 3, 8), date(2024, 3, 9)]) as market:
        source = market.source(tmp_path, asset_class="crypto", symbols=("BTC/USD",))
        source._now = lambda: market.double.now + timedelta(days=2)
        assert source.latest_session() == date(2024, 3, 9)
        assert "Alpaca's counts" in source.describe()


def test_a_bar_that_fits_no_session_is_quarantined_with_the_next_one(tmp_path: Path) -> None:
    sunday, monday = date(2024, 3, 10), date(2024, 3, 11)
    odd = [
        bar(midnight(sunday), 1, c=77.0),
        bar(midnight(monday) + timedelta(hours=9, minutes=30), 2, c=78.0),
        bar(midnight(monday), 3, c="much", v=None),
    ]
    with stocks(SESSIONS, symbols=("AAPL",)) as market:
        market.data.add("stocks", "bars/1Day", "AAPL", odd)
        source = market.source(tmp_path, symbols=("AAPL",))
        bars = source.bars([monday])
        assert bars.filter(pl.col("defects").is_null())["date"].sort().to_list() == [sunday, monday]
        assert dict(bars.filter(pl.col("defects").is_not_null()).select("close", "defects").iter_rows()).keys() == {78.0, None}
        assert bars.filter(pl.col("date") == sunday)["close"].to_list() == [77.0]
        assert "close: 'much' is not a number" in bars["defects"].drop_nulls().to_list()
        everything = source.bars(SESSIONS)
        assert everything.height == len(SESSIONS) + 3
        assert_frame_equal(everything.filter(pl.col("session") == monday), bars)
        assert_frame_equal(pl.concat(source.bars([day]) for day in SESSIONS), everything)


def test_a_page_that_comes_twice_is_one_and_rows_that_differ_stay(tmp_path: Path) -> None:
    with stocks(SESSIONS, symbols=("AAPL",)) as market:
        day = SESSIONS[3]
        market.data.add("stocks", "bars/1Day", "AAPL", [bar(midnight(day), 3), bar(midnight(day), 3, c=1.0)])
        bars = market.source(tmp_path, symbols=("AAPL",)).bars([day])
        assert sorted(bars["close"]) == [1.0, bar("", 3)["c"]]


def test_symbols_alpaca_does_not_know_are_named_and_delisted_ones_are_fine(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market:
        market.reference.add_asset("GONE", status="inactive", tradable=False)
        bars = market.source(tmp_path, symbols=(*SYMBOLS, "GONE")).bars(SESSIONS[-2:])
        shown(bars, market.served.filter(pl.col("session") >= SESSIONS[-2]))
        with pytest.raises(SourceError, match=r"Alpaca does not know APPL, TSLAA: correct source.alpaca.symbols"):
            market.source(tmp_path, symbols=("TSLAA", "AAPL", "APPL")).bars(SESSIONS[-2:])
        many = tuple(f"N{a}{b}" for a in "ABCDE" for b in "ABCDE")
        with pytest.raises(SourceError, match=r"Alpaca does not know NAA, NAB"):
            market.source(tmp_path, symbols=("AAPL", *many)).bars(SESSIONS[-1:])
        for spelled in ("aapl", "AAPL ", "A$", ""):
            with pytest.raises(SourceError, match="not spelled like AAPL"):
                market.source(tmp_path, symbols=(spelled,)).bars(SESSIONS[-1:])
    with crypto([date(2024, 3, 8)]) as market, pytest.raises(SourceError, match="does not know BTC/XYZ"):
        market.source(tmp_path, asset_class="crypto", symbols=("BTC/USD", "BTC/XYZ")).bars([date(2024, 3, 8)])


def test_without_symbols_all_that_was_listed_is_asked_for(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market:
        market.reference.add_asset("GONE", status="inactive", tradable=False)
        market.reference.add_asset("PINKY", exchange="OTC")
        market.reference.add_asset("BTC/USD")
        source = market.source(tmp_path, symbols=())
        assert source.symbols() == sorted([*SYMBOLS, "GONE"])
        shown(source.bars(SESSIONS), market.served)


def test_sip_is_asked_for_only_where_it_is_free(tmp_path: Path) -> None:
    for feed in ("sip", "delayed_sip"):
        with stocks(SESSIONS, feed="sip", now=XNYS.closes_at(SESSIONS[-1]) + timedelta(minutes=15)) as market:
            shown(market.source(tmp_path / feed, feed=feed).bars(SESSIONS), market.served)
            assert {entry.query["feed"] for entry in market.double.requests("GET", "/v2/stocks/bars")} == {"sip"}


def test_sparse_bars_can_be_seen(tmp_path: Path) -> None:
    with stocks(SESSIONS, symbols=("AAPL", "MSFT")) as market:
        market.data.clear("stocks", "bars/1Day", "MSFT", feed="iex")
        market.data.add("stocks", "bars/1Day", "MSFT", [bar(midnight(SESSIONS[0]), 1), bar(midnight(SESSIONS[1]), 0, v=0, vw=0)])
        source = market.source(tmp_path, symbols=("AAPL", "MSFT"))
        bars = source.bars(SESSIONS)
        assert bars.filter((pl.col("symbol") == "MSFT") & pl.col("vwap").is_null())["session"].to_list() == [SESSIONS[1]]
        assert f"{len(SESSIONS) - 2} times a symbol has no bar" in source.describe()
        assert "feed iex" in source.describe()


def test_a_backfill_goes_on_where_it_broke_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr("ats_assets.sources.adapters.alpaca.source.SYMBOLS_AT_ONCE", 1)
    monkeypatch.setattr("ats_assets.sources.adapters.alpaca.source.SESSIONS_AT_ONCE", 5)
    caplog.set_level(logging.INFO)
    with stocks(SESSIONS) as market:
        market.double.plan = Plan(steps=(Step(fault=Fault.CUT_BODY, path="stocks/bars", first=7, times=None),))
        with pytest.raises(AlpacaAnswerLostError):
            market.source(tmp_path, alpaca={"max_attempts": 3}).bars(SESSIONS)
        done = {
            json.dumps(entry.query, sort_keys=True) for entry in market.double.requests("GET", "/v2/stocks/bars") if entry.fault is None
        }
        assert len(done) == 6
        market.double.plan = Plan()
        market.double.journal.clear()
        shown(market.source(tmp_path).bars(SESSIONS), market.served)
        again = [json.dumps(entry.query, sort_keys=True) for entry in market.double.requests("GET", "/v2/stocks/bars")]
        assert len(again) == 4 * 4 - 6
        assert not done & set(again)
        assert "part 16 of 16 (TSLA to TSLA" in caplog.text


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")
def test_a_backfill_that_is_killed_again_and_again(tmp_path: Path) -> None:
    """Each process gets some parts further, none is asked for after it was kept, and each row comes once."""
    with stocks(SESSIONS) as market:
        market.double.plan = Plan(steps=(Step(fault=Fault.DELAY, path="stocks/bars", first=1, times=None, seconds=0.15),))
        asked = [market.double.url, market.double.now.isoformat(), str(tmp_path), SESSIONS[0].isoformat(), SESSIONS[-1].isoformat()]
        statuses: list[int] = []
        with fork_server("ats_assets_tests.sources.adapters.alpaca.backfilling", *asked) as server:
            while 0 not in statuses:
                assert len(statuses) < 40, statuses
                child = server.start("")
                time.sleep(0.8 + len(statuses) % 7 / 10)
                with contextlib.suppress(ProcessLookupError):  # it was done already
                    os.kill(child, signal.SIGKILL)
                statuses.append(server.status())
        assert set(statuses) == {-signal.SIGKILL, 0}
        assert len(statuses) > 3
        shown(pl.read_parquet(tmp_path / "bars.parquet"), market.served)
        times = Counter(json.dumps(entry.query, sort_keys=True) for entry in market.double.requests("GET", "/v2/stocks/bars"))
        assert len(times) == 4 * 4
        assert sum(times.values()) < len(times) + len(statuses)  # at most the part that a kill interrupted comes again


def test_what_is_kept_is_used_only_while_it_is_whole_and_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stocks(SESSIONS) as market:
        shown(market.source(tmp_path).bars(SESSIONS), market.served)
        file = next((tmp_path / "alpaca_spool").iterdir())
        asked = len(market.double.requests("GET", "/v2/stocks/bars"))
        shown(market.source(tmp_path).bars(SESSIONS), market.served)
        assert len(market.double.requests("GET", "/v2/stocks/bars")) == asked
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
        shown(market.source(tmp_path).bars(SESSIONS), market.served)
        assert len(market.double.requests("GET", "/v2/stocks/bars")) == asked + 1
        source = market.source(tmp_path)
        source._spool._now = lambda: file.stat().st_mtime + spool.KEPT_SECONDS
        shown(source.bars(SESSIONS), market.served)
        assert len(market.double.requests("GET", "/v2/stocks/bars")) == asked + 2
        shown(market.source(tmp_path, feed="sip").bars(SESSIONS), market.served.clear())  # another question


def test_wrong_expired_and_missing_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stocks(SESSIONS) as market:
        market.double.keys = {"other": "keys"}
        with pytest.raises(AlpacaKeysError, match="APCA_API_KEY_ID and APCA_API_SECRET_KEY"):
            market.source(tmp_path).latest_session()
        for name in ENVIRONMENT:
            monkeypatch.delenv(name, raising=False)
        with pytest.raises(SettingsError, match="APCA_API_KEY_ID and APCA_API_SECRET_KEY are not set"):
            market.source(tmp_path).latest_session()


@pytest.mark.parametrize("fault", [Fault.NOT_JSON, Fault.TRUNCATED_JSON, Fault.EMPTY])
def test_an_answer_that_makes_no_sense_is_an_error_and_leaves_nothing(tmp_path: Path, fault: Fault) -> None:
    with stocks(SESSIONS) as market:
        market.double.plan = Plan(steps=(Step(fault=fault, path="stocks/bars", times=None),))
        waits = Waits()
        with pytest.raises(AlpacaAnswerLostError, match=r"GET /v2/stocks/bars: .* is not JSON, 6 times"):
            market.source(tmp_path, waits=waits).bars(SESSIONS)
        assert len(waits.seconds) == 5
        assert not (tmp_path / "alpaca_spool").exists()


def test_pages_that_lead_back_end_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ats_assets_tests.alpaca_double.market_data._token", lambda position: "ZG91Ymxl" if position < 21 else "ZG91Ymxf")
    monkeypatch.setattr("ats_assets_tests.alpaca_double.market_data._position", lambda token: {"": 0, "ZG91Ymxl": 7}.get(token, 14))
    with stocks(SESSIONS, page_limit=7) as market, pytest.raises(AlpacaError, match="pages would never end"):
        market.source(tmp_path).bars(SESSIONS)


def test_actions_are_those_announced_each_once(tmp_path: Path) -> None:
    def action(n: int, **fields: object) -> dict[str, object]:
        return {
            "id": f"00000000-0000-0000-0000-{n:012d}",
            "cusip": "037833100",
            "process_date": "2024-03-12",
            "ex_date": "2024-03-12",
        } | fields

    with stocks(SESSIONS, page_limit=2) as market:
        add = market.data.add_action
        add("forward_splits", action(1, symbol="AAPL", new_rate=4, old_rate=1))
        add("reverse_splits", action(2, symbol="TSLA", new_rate=1, old_rate=10, ex_date="2024-03-09"))  # a Saturday
        add("cash_dividends", action(3, symbol="MSFT", rate=0.75, special=False, foreign=False))
        add("cash_dividends", action(12, symbol="MSFT", rate=0.75, special=False, foreign=False))  # the same once more: it was paid twice
        add("cash_dividends", action(13, symbol="MSFT", rate=0.75, special=True, foreign=False))  # and another one
        add("stock_dividends", action(4, symbol="MSFT", rate=0.05))
        add("spin_offs", action(5, source_symbol="BRK.B", source_rate=4, new_symbol="NEW", new_rate=1))
        merger = {"acquirer_symbol": "MSFT", "acquirer_rate": 0.5, "acquiree_symbol": "TSLA", "acquiree_rate": 1, "cash_rate": 2.5}
        add("stock_and_cash_mergers", action(6, ex_date=None, effective_date="2024-03-13", **merger))
        add("name_changes", action(7, ex_date=None, old_symbol="AAPL", new_symbol="APLE"))
        add("worthless_removals", action(8, ex_date=None, symbol="TSLA"))
        add("forward_splits", action(9, symbol="AAPL", new_rate="four", old_rate=0))
        add("forward_splits", action(10, symbol="OTHER", new_rate=2, old_rate=1))
        add("forward_splits", action(11, symbol="AAPL", new_rate=2, old_rate=1, ex_date="2023-03-12"))
        market.double.plan = Plan(seed=5, share=0.5)
        source = market.source(tmp_path)
        found = source.actions(SESSIONS)
        RAW_ACTIONS.validate(found)
        kinds = (
            found.select("symbol", "kind", "ratio", "cash", "new_symbol", "new_ratio", "session").sort("session", "symbol", "kind").rows()
        )
        split, late = date(2024, 3, 12), date(2024, 3, 13)
        assert kinds == [
            ("TSLA", "split", 0.1, None, None, None, date(2024, 3, 11)),
            ("AAPL", "name_change", None, None, "APLE", None, split),
            ("AAPL", "split", 4.0, None, None, None, split),
            ("AAPL", "split", None, None, None, None, split),
            ("BRK.B", "spin_off", None, None, "NEW", 0.25, split),
            *[("MSFT", "cash_dividend", None, 0.75, None, None, split)] * 2,
            ("MSFT", "stock_dividend", 1.05, None, None, None, split),
            ("TSLA", "other", None, None, None, None, split),
            ("TSLA", "merger", None, 2.5, "MSFT", 0.5, late),
        ]
        assert found["defects"].drop_nulls().to_list() == ["new_rate: 'four' is not a number"]
        assert_frame_equal(pl.concat(source.actions([day]) for day in SESSIONS), found)


def test_what_is_announced_for_the_next_session_can_be_asked_for_before_it_opens(tmp_path: Path) -> None:
    """Orders for its open must not cross a split; `actions` tells of sessions that have closed."""
    today, following = SESSIONS[-2], SESSIONS[-1]
    fields = {"id": "00000000-0000-0000-0000-000000000001", "cusip": "037833100", "process_date": str(following), "ex_date": str(following)}
    with stocks(SESSIONS) as market:
        market.double.now = XNYS.closes_at(today) + timedelta(hours=12)
        market.data.add_action("forward_splits", fields | {"symbol": "AAPL", "new_rate": 4, "old_rate": 1})
        source = market.source(tmp_path)
        assert source.actions([following]).is_empty()
        found = upcoming_actions(source, [following], ["AAPL", "MSFT"])
        assert found.select("symbol", "kind", "ratio", "session").rows() == [("AAPL", "split", 4.0, following)]
        assert upcoming_actions(source, [following], ["MSFT"]).is_empty()


def dividend(n: int, symbol: str, ex: date, paid: date | str, rate: float = 0.5, **fields: object) -> dict[str, object]:
    """As in alpaca-py's own fixture of corporate actions: processed on the day on which it is paid."""
    identity = {"id": f"00000000-0000-0000-0000-{n:012d}", "cusip": "319829107", "symbol": symbol}
    dates = {"ex_date": str(ex), "process_date": str(paid), "record_date": str(ex), "payable_date": str(paid)}
    return identity | dates | {"rate": rate, "special": False, "foreign": False} | fields


def test_a_dividend_paid_weeks_later_is_found_on_its_ex_date_alone(tmp_path: Path) -> None:
    """Alpaca selects by process date, the payable date of a dividend: asked for night by night for that night, none was ever found."""
    days = XNYS.sessions(date(2023, 5, 1), date(2023, 5, 31))
    with stocks(days) as market:
        market.data.add_action("cash_dividends", dividend(1, "MSFT", date(2023, 5, 4), date(2023, 5, 19)))
        market.data.add_action("cash_dividends", dividend(2, "AAPL", date(2023, 5, 25), date(2023, 9, 12)))
        source = market.source(tmp_path)
        alone = source.actions([date(2023, 5, 4)])
        batch = source.actions(days)
        assert_frame_equal(pl.concat(source.actions([day]) for day in days), batch)
        assert [(entry.query["start"], entry.query["end"]) for entry in market.double.requests("GET", "/v1/corporate-actions")][1] == (
            "2023-03-30",  # 30 days before the day after the session before
            "2023-09-28",
        )
        assert source.actions([date(2023, 5, 19)]).is_empty()  # paid then, and no ex-date
    told = ("symbol", "session", "cash", "announced", "payable", "known_at")
    assert alone.select(told).rows() == [("MSFT", date(2023, 5, 4), 0.5, None, date(2023, 5, 19), None)]
    assert batch.select("symbol", "payable").rows() == [("MSFT", date(2023, 5, 19)), ("AAPL", date(2023, 9, 12))]


@pytest.mark.parametrize(("choice", "least"), [(SYMBOLS, 2), ((), 2)])
def test_years_of_actions_are_few_requests_and_none_is_lost_beyond_a_thousand(tmp_path: Path, choice: tuple[str, ...], least: int) -> None:
    """alpaca-py ends after 1,000 rows unless it is told otherwise, and says nothing."""
    days = XNYS.sessions(date(2021, 1, 4), date(2024, 3, 22))
    with stocks(days[-2:]) as market:
        for n, day in enumerate(days):
            for k, symbol in enumerate(SYMBOLS[:2]):
                market.data.add_action("cash_dividends", dividend(2 * n + k, symbol, day, day + timedelta(days=20 + n % 90)))
        found = market.source(tmp_path, symbols=choice).actions(days)
        assert found.height == 2 * len(days) > 1000
        assert found["session"].unique(maintain_order=True).to_list() == days
        assert len(market.double.requests("GET", "/v1/corporate-actions")) == least  # pages of a thousand


def test_an_ex_date_that_says_nothing_is_placed_by_the_process_date_whatever_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paid = date(2024, 3, 15)
    with stocks(SESSIONS) as market:
        for n, ex in enumerate(("soon", "2124-03-12", None)):
            market.data.add_action("cash_dividends", dividend(n, "MSFT", paid, paid, ex_date=ex, rate=n + 1))
        market.data.add_action("cash_dividends", dividend(3, "AAPL", date(2019, 12, 30), paid))  # before history
        market.data.add_action("cash_dividends", dividend(4, "AAPL", date(2024, 3, 14), "2024-03-x", payable_date="2024-03-x"))
        market.data.add_action("cash_dividends", dividend(5, "TSLA", date(2024, 3, 14), "2024-03-x", ex_date="?", payable_date=None))
        source = market.source(tmp_path)
        found = source.actions(SESSIONS)
        assert_frame_equal(pl.concat(source.actions([day]) for day in SESSIONS), found)
    placed = found.sort("session", "cash").select("symbol", "session", "cash", "defects").rows()
    assert placed == [
        ("AAPL", date(2024, 3, 14), 0.5, "payable_date: '2024-03-x' is not a day"),
        ("MSFT", paid, 1.0, "date: 'soon' is not a day"),
        ("MSFT", paid, 2.0, f"date: 2124-03-12 is after the last known session {XNYS.last}"),
        ("MSFT", paid, 3.0, None),  # as of a change of name, the process date is all that there is
    ]
    assert "no date that places it in a session" in caplog.text


def test_no_key_in_anything_that_is_left_behind(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with stocks(SESSIONS, page_limit=7) as market:
        market.double.plan = Plan(seed=1, share=0.5)
        source = market.source(tmp_path)
        source.bars(SESSIONS)
        text = caplog.text + source.describe() + repr(vars(source)) + repr(source._alpaca.__dict__)
        assert not any(value in text for value in ENVIRONMENT.values())
        assert len(list(tmp_path.rglob("*.parquet"))) == 1
        assert not mentions_of_keys(tmp_path)


def test_what_it_says_of_itself(tmp_path: Path) -> None:
    with stocks(SESSIONS) as market:
        source = market.source(tmp_path, first_session=date(2024, 2, 24))
        assert (source.first_session(), source.latest_session()) == (SESSIONS[0], SESSIONS[-1])
        assert source.known_at(SESSIONS[0]) == datetime(2024, 2, 26, 21, 15, tzinfo=UTC)
        assert source.capabilities.adjustment == "raw"
        assert source.bars([], None).schema == RAW_BARS_SCHEMA
        assert source.bars(SESSIONS, ["MSFT", "NONE"])["symbol"].unique().to_list() == ["MSFT"]

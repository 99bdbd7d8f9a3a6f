"""Chains from files: each published form is recognised, every row is in exactly one session, and what can't be read is named in its row."""

import gzip
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from alpaca.data.models import OptionsSnapshot

from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.options.contract import contract_of
from ats_assets.options.option_sources.files import flat_files
from ats_assets.options.option_sources.files.chain_files import ChainFiles
from ats_assets.options.option_sources.files.settings import ChainFilesSettings
from ats_assets.options.schema import RAW_OPTION_CHAINS_SCHEMA

CALENDAR = session_calendar("XNYS", date(2014, 1, 2))
MONDAY, TUESDAY = date(2023, 3, 27), date(2023, 3, 28)
AGGREGATES = """ticker,volume,open,close,high,low,window_start,transactions
O:SPY230327P00390000,200,11.82,9.83,11.82,8.09,1679889600000000000,62
O:IWM230327C00137000,1,35.77,35.77,35.77,35.77,1679889600000000000,1
O:SPY7230327C00400000,2,1.17,0.26,1.17,0.26,1679889600000000000,2
"""
QUOTES = """ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,sequence_number,sip_timestamp
O:SPY230327P00390000,302,10.1,12,303,9.9,7,1,1679943600000000000
O:SPY230327P00390000,302,9.95,3,303,9.85,4,2,1679947199000000000
O:SPY230327P00390000,302,99.0,1,303,1.0,1,3,1679947201000000000
O:SPY230327C00391000,302,6.2,5,303,6.0,5,1,1679940000000000000
"""
"""The last but one quote of SPY is of a second before the close (20:00 UTC), the last one of a second after."""


def source(path: Path, underlyings: tuple[str, ...] = (), **settings: Any) -> ChainFiles:
    return ChainFiles(ChainFilesSettings(path=path, **settings), CALENDAR, underlyings)


def test_flat_files_of_massive_are_put_together_by_contract(tmp_path: Path) -> None:
    for folder, text in (("day_aggs_v1", AGGREGATES), ("quotes_v1", QUOTES)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "2023-03-27.csv.gz").write_bytes(gzip.compress(text.encode()))
    files = source(tmp_path)
    assert files.sessions() == [MONDAY]
    assert "massive_aggregates (1 file): contract = 'ticker'" in files.describe()
    assert "unused: 'transactions'" in files.describe()
    rows = files.chains(MONDAY)
    assert rows.schema == RAW_OPTION_CHAINS_SCHEMA
    shown = rows.select("contract", "expiry", "strike", "right", "close", "volume", "bid", "ask", "quoted_at", "date", "defects").rows()
    at = datetime(2023, 3, 27, 19, 59, 59, tzinfo=UTC)
    earlier = datetime(2023, 3, 27, 18, 0, tzinfo=UTC)
    assert shown == [
        ("IWM230327C00137000", MONDAY, 137.0, "C", 35.77, 1.0, None, None, None, MONDAY, None),
        ("SPY230327P00390000", MONDAY, 390.0, "P", 9.83, 200.0, 9.85, 9.95, at, MONDAY, None),
        ("SPY230327C00391000", MONDAY, 391.0, "C", None, None, 6.0, 6.2, earlier, MONDAY, None),
        ("SPY7230327C00400000", MONDAY, 400.0, "C", 0.26, 2.0, None, None, None, MONDAY, None),
    ]
    assert source(tmp_path, ("IWM",)).chains(MONDAY)["underlying"].to_list() == ["IWM"]
    for folder in ("day_aggs_v1", "quotes_v1"):  # converted by somebody
        pl.read_csv(tmp_path / folder / "2023-03-27.csv.gz").write_parquet(tmp_path / folder / "2023-03-27.parquet")
        (tmp_path / folder / "2023-03-27.csv.gz").unlink()
    assert source(tmp_path).chains(MONDAY).equals(rows)
    (tmp_path / "quotes_v1" / "2023-03-27.parquet").rename(tmp_path / "quotes.parquet")
    with pytest.raises(SourceError, match="its name does not say of which day"):
        source(tmp_path).sessions()


def test_quotes_larger_than_a_block_give_the_last_one_of_each_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flat_files, "BLOCK_BYTES", 400)
    at = 1679943600_000000000
    times = {strike: [at + (strike * 7919 * i) % 9_999 * 10**9 for i in range(60)] for strike in (390, 391, 392)}
    lines = [
        f"O:SPY230327P00{strike}000,302,{10 + i / 100},12,303,9.9,7,{i},{when}"
        for strike, when_of in times.items()
        for i, when in enumerate(when_of)
    ]
    text = "\n".join([QUOTES.splitlines()[0], *lines, "O:SPY230327P00393000,torn"])
    (tmp_path / "2023-03-27.csv").write_text(text + "\n")
    rows = source(tmp_path).chains(MONDAY).filter(pl.col("strike").is_not_null())
    closes = int(CALENDAR.closes_at(MONDAY).timestamp()) * 10**9
    for strike, when_of in times.items():
        newest = max(when for when in when_of if when <= closes)
        place = max(i for i, when in enumerate(when_of) if when == newest)
        assert rows.filter(strike=strike)["ask"].to_list() == [10 + place / 100]
    torn = source(tmp_path).chains(MONDAY).filter(pl.col("strike").is_null())
    assert torn["defects"].to_list() == ["contract: 'O:SPY230327P00393000,torn' is no symbol of an option"]


def snapshot(**changes: Any) -> dict[str, Any]:
    """As the API answers, without what options far from the money lack."""
    return {
        "dailyBar": {"c": 5.1, "h": 5.6, "l": 4.9, "n": 31, "o": 5.5, "t": "2023-03-27T04:00:00Z", "v": 210, "vw": 5.2},
        "latestQuote": {"ap": 5.2, "as": 44, "ax": "W", "bp": 5.0, "bs": 11, "bx": "C", "c": " ", "t": "2023-03-27T19:59:58.123456789Z"},
        "latestTrade": {"c": "I", "p": 5.1, "s": 2, "t": "2023-03-27T19:12:00.5Z", "x": "X"},
    } | changes


def test_snapshots_of_alpaca_say_what_alpaca_py_reads_in_them(tmp_path: Path) -> None:
    greeks = {"delta": 0.52, "gamma": 0.03, "rho": 0.08, "theta": -0.09, "vega": 0.21}
    old = snapshot(dailyBar={"c": 1.0, "t": "2023-03-24T04:00:00Z"})
    found = {
        "AAPL230421C00160000": snapshot(greeks=greeks, impliedVolatility=0.31),
        "AAPL230421P00120000": old,
        "AAPL": {"latestQuote": None},
    }
    (tmp_path / "page1.json").write_text(json.dumps({"snapshots": found, "next_page_token": None}))
    rows = source(tmp_path).chains(MONDAY)
    call, put = (rows.filter(contract=name).row(0, named=True) for name in list(found)[:2])
    read = OptionsSnapshot("AAPL230421C00160000", found["AAPL230421C00160000"])
    assert read.latest_quote is not None
    assert read.greeks is not None
    assert (call["bid"], call["ask"], call["bid_size"]) == (
        read.latest_quote.bid_price,
        read.latest_quote.ask_price,
        read.latest_quote.bid_size,
    )
    assert call["quoted_at"].replace(microsecond=123456) == read.latest_quote.timestamp.replace(microsecond=123456)
    assert {name: call[f"vendor_{name}"] for name in greeks} == read.greeks.model_dump()
    assert (call["vendor_volatility"], call["last"], call["close"], call["volume"]) == (0.31, 5.1, 5.1, 210.0)
    assert (put["vendor_delta"], put["close"], put["bid"]) == (None, None, 5.0), "the bar is of another day"
    assert contract_of(call["contract"]).strike == 160
    assert rows.filter(pl.col("expiry").is_null())["defects"].to_list() == ["contract: 'AAPL' is no symbol of an option"]


def test_tables_by_names_with_the_underlying_among_them_and_each_row_in_one_session(tmp_path: Path) -> None:
    lines = [
        "Underlying Symbol,quote_date,Expiration,Strike,Option Type,Bid,Ask,Open Interest,IV,comment",
        'ABC,2023-03-27,2023-04-21,50,call,1.0,1.2,"1,200",0.31,x',
        "ABC,2023-03-27,04/21/2023,50,P,0.9,1.1,7,n/a,x",
        "ABC,2023-03-25,2023-04-21,55,C,0.1,0.2,7,0.3,a Saturday",
        "ABC,2023-03-28,2023-04-21,50,C,one,1.2,7,0.31,x",
        "ABC,someday,2023-04-21,50,Q,1.0,1.2,7,0.31,x",
        "ABC,2023-03-28,,,,49.9,50.1,,,the underlying",
    ]
    (tmp_path / "chains.csv").write_text("\n".join(lines) + "\n")
    files = source(tmp_path / "chains.csv")
    assert files.sessions() == [MONDAY, TUESDAY]
    assert "unused: 'comment'" in files.describe()
    one, other = files.chains(MONDAY), files.chains(TUESDAY)
    assert one.height + other.height == len(lines) - 2
    assert one["date"].to_list() == [MONDAY, MONDAY, date(2023, 3, 25)]
    assert one.row(0, named=True)["open_interest"] == 1200
    assert other["defects"].drop_nulls().sort().to_list() == ["bid: 'one'", "date: 'someday'; right: 'Q'"]
    assert other["underlying_price"].to_list() == [50.0, 50.0]


def test_the_price_of_the_underlying_is_that_of_its_own_row(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "underlying": ["ABC", "ABC", "XYZ", "XYZ", "XYZ"],
            "date": [MONDAY] * 5,
            "expiry": [None, date(2023, 4, 21), None, None, date(2023, 4, 21)],
            "strike": [None, 50.0, None, None, 10.0],
            "right": ["", "C", "", "", "P"],
            "close": [51.5, 2.0, 9.0, 9.5, 0.7],
        }
    )
    table.write_parquet(tmp_path / "a.parquet")
    rows = source(tmp_path).chains(MONDAY)
    assert rows.select("underlying", "underlying_price").rows() == [("ABC", 51.5), ("XYZ", None)], (
        "of two that contradict each other none is one"
    )


def test_files_that_say_too_little_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "chains.csv"
    path.write_text("underlying,expiry,strike,right,bid\nABC,2023-04-21,50,C,1\n")
    with pytest.raises(SourceError, match=r"lacks 'date'.*options\.chains\.columns"):
        source(path).sessions()
    path.write_text("day,root,exp,k,cp,bid\n2023-03-27,ABC,2023-04-21,50000,C,1\n")
    with pytest.raises(SourceError, match="lacks 'expiry', 'strike', 'date'"):
        source(path).sessions()
    rows = source(path, columns={"date": 1, "expiry": "exp", "strike": "k"}, strike_divisor=1000.0).chains(MONDAY)
    assert rows["contract"].to_list() == ["ABC230421C00050000"]
    (tmp_path / "broken.json").write_text('{"snapshots": ')
    with pytest.raises(SourceError, match="no JSON, or truncated"):
        source(tmp_path / "broken.json").sessions()
    with pytest.raises(SourceError, match="there is no file or folder"):
        source(tmp_path / "absent").sessions()


def test_a_file_with_a_day_in_its_name_needs_no_column_of_days_and_a_vintage_is_known_later(tmp_path: Path) -> None:
    (tmp_path / "chain_2023-03-27.csv").write_text("contractSymbol,bid,ask\nABC230421C00050000,1,1.1\n")
    files = source(tmp_path, vintage=date(2023, 5, 1))
    assert files.chains(MONDAY).select("underlying", "strike", "date").rows() == [("ABC", 50.0, MONDAY)]
    assert files.known_at(MONDAY) == datetime(2023, 5, 2, tzinfo=UTC)
    assert source(tmp_path).known_at(MONDAY) == CALENDAR.closes_at(MONDAY)

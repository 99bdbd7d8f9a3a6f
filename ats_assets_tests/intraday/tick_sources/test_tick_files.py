"""Files of ticks as vendors write them: each is recognised without a setting but its path, and a session of it is read without the others."""

import gzip
import lzma
import os
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.intraday.schema import RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import What
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.intraday.tick_sources.files.tick_files import TickFiles
from ats_assets.intraday.tick_sources.files.tick_groups import ParquetTicks
from ats_assets.intraday.tick_sources.files.tick_times import tick_instants
from ats_assets_tests.intraday.ticks import DATA, FX, MONDAY, nyse, of_lean, real
from ats_assets_tests.sources.dumps import write_dump

FX_HOURS = SessionHours(SessionCalendar("24/5", date(2012, 1, 1)), {"default": FX})
"""Of the formats of currencies; MONDAY is 2024-03-04."""


def source(path: Path, what: What = "trades", hours: SessionHours | None = None, **settings: Any) -> TickFiles:
    return TickFiles(TickFilesSettings(path=path, **settings), what, hours or nyse(), path.parent / "kept")


def written(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "\n".join(lines) + "\n"
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(content.encode()))
    else:
        path.write_text(content, encoding="utf-8")
    return path


def rows(found: pl.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    times = found.with_columns(at=pl.col("at").dt.strftime("%d %H:%M:%S%.9f"))
    return times.select(columns).rows()


def test_massive_trades_are_read_as_polygon_writes_them(tmp_path: Path) -> None:
    """`participant_timestamp` may be seconds before the trade was published: what counts is when it was known."""
    path = written(
        tmp_path / "us_stocks_sip" / "trades_v1" / "2024" / "03" / "2024-03-04.csv.gz",
        "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp",
        'A,"12,37",0,4,52983525159748,1709561400000000000,114.79,3478,1709566200799308985,4.000000,1,201,1709566200799271495',
        "A,,8,12,52983525159749,1709566200000000001,114.80,3470,1709566200799308985,100,1,0,0",
        "NA,14,0,11,7,1709566200000000002,5.5,10,1709566200799308987,0.5,3,0,0",
    )
    found = source(path.parents[2]).ticks(MONDAY)
    assert found.schema == RAW_TRADES_SCHEMA
    assert rows(found, "symbol", "sequence", "at", "price", "size", "exchange", "tape") == [
        ("A", 0, "04 15:30:00.799308985", 114.80, 100.0, "12", "A"),  # its number is the lower one
        ("A", 1, "04 15:30:00.799308985", 114.79, 4.0, "4", "A"),
        ("NA", 0, "04 15:30:00.799308987", 5.5, 0.5, "11", "C"),
    ]
    assert found["conditions"].to_list() == [None, ["12", "37"], ["14"]]
    assert found["cancelled"].to_list() == [True, False, False]
    happened = source(path, time="participant").ticks(MONDAY)
    assert rows(happened, "at")[1] == ("04 14:10:00.000000000",)


def test_massive_quotes(tmp_path: Path) -> None:
    path = written(
        tmp_path / "2024-03-04.csv.gz",
        "ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp",
        'A,12,11.0,2,11,10.5,1,"1,81",,1709566200000000000,174,1709566200000100000,1,0',
        "A,12,0.0,0,11,10.5,1,,,1709566200000000000,175,1709566200000200000,1,0",
    )
    found = source(path, "quotes").ticks(MONDAY)
    assert found.schema == RAW_QUOTES_SCHEMA
    assert rows(found, "bid", "ask", "bid_size", "ask_size", "exchange") == [(10.5, 11.0, 1.0, 2.0, "11"), (10.5, 0.0, 1.0, 0.0, "11")]


@pytest.mark.parametrize(
    ("name", "lines", "symbol"),
    [
        (
            "EURUSD_Ticks_04.03.2024-04.03.2024.csv",
            ["Gmt time,Ask,Bid,AskVolume,BidVolume", "04.03.2024 10:30:00.123,1.10002,1.1,0.75,1.5"],
            "EURUSD",
        ),
        ("EURUSD_ticks.csv", ["Local time,Ask,Bid,AskVolume,BidVolume", "04.03.2024 11:30:00.123 GMT+0100,1.10002,1.1,0.75,1.5"], "EURUSD"),
        (
            "eurusd-tick-2024-03-04-2024-03-05.csv",
            ["timestamp,askPrice,bidPrice,askVolume,bidVolume", "1709548200123,1.10002,1.1,0.75,1.5"],
            "EURUSD",
        ),
        ("truefx.csv", ["EUR/USD,20240304 05:30:00.123,1.1,1.10002"], "EUR/USD"),
        ("DAT_ASCII_EURUSD_T_202403.csv", ["20240304 053000123,1.100000,1.100020,0"], "EURUSD"),
        (
            "EURUSD.csv",
            ["<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>", "2024.03.04\t05:30:00.123\t1.1\t1.10002\t\t\t6"],
            "EURUSD",
        ),
        ("EURUSD.txt", ["time;bid;ask", "2024-03-04T10:30:00.123Z;1.1;1.10002"], "EURUSD"),
        ("EURUSD.csv.gz", ["at,bid,ask", "2024-03-04 05:30:00.123000000,1.1,1.10002"], "EURUSD"),
    ],
    ids=["dukascopy", "dukascopy_local", "dukascopy_node", "truefx", "histdata", "metatrader5", "semicolons", "gzip"],
)
def test_quotes_of_currencies_as_they_are_downloaded(tmp_path: Path, name: str, lines: Sequence[str], symbol: str) -> None:
    found = source(
        written(tmp_path / name, *lines), "quotes", FX_HOURS, timezone="America/New_York" if "gmt" not in lines[0].lower() else None
    )
    assert rows(found.ticks(MONDAY), "symbol", "at", "bid", "ask") == [(symbol, "04 10:30:00.123000000", 1.1, 1.10002)]


def test_dukascopy_hours_are_found_by_their_path_and_read_one_by_one(tmp_path: Path) -> None:
    def hour(day: int, at: int, *records: tuple[int, int, int, float, float]) -> None:
        path = tmp_path / "USDJPY" / "2024" / "02" / f"{day:02}" / f"{at:02}h_ticks.bi5"  # March: months count from 00
        path.parent.mkdir(parents=True, exist_ok=True)
        plain = b"".join(struct.pack(">IIIff", *record) for record in records)
        path.write_bytes(lzma.compress(plain, format=lzma.FORMAT_ALONE) if records else b"")

    hour(4, 10, (1_800_123, 150_123, 150_120, 0.75, 1.12), (1_900_000, 150_124, 150_121, 1.5, 1.5))
    hour(4, 11)
    hour(4, 22, (0, 150_200, 150_199, 1.0, 1.0))
    files = source(tmp_path / "USDJPY", "quotes", FX_HOURS)
    assert files.sessions() == [MONDAY, date(2024, 3, 5)], "22:00 in UTC is five in New York: the next session begins"
    found = files.ticks(MONDAY)
    assert rows(found, "symbol", "at", "bid", "ask", "bid_size") == [
        ("USDJPY", "04 10:30:00.123000000", 150.120, 150.123, 1.12),
        ("USDJPY", "04 10:31:40.000000000", 150.121, 150.124, 1.5),
    ]
    assert files.ticks(date(2024, 3, 5)).height == 1
    with pytest.raises(SourceError, match="Dukascopy has no trades"):
        source(tmp_path / "USDJPY").sessions()


def test_a_damaged_hour_and_an_unknown_point_are_errors_that_name_them(tmp_path: Path) -> None:
    path = tmp_path / "BTCUSD" / "2024" / "02" / "04" / "10h_ticks.bi5"
    path.parent.mkdir(parents=True)
    path.write_bytes(lzma.compress(struct.pack(">IIIff", 0, 650_000, 649_990, 1.0, 1.0)))
    with pytest.raises(SourceError, match="one unit of a price of BTCUSD"):
        source(tmp_path, "quotes", FX_HOURS).ticks(MONDAY)
    assert source(tmp_path, "quotes", FX_HOURS, points={"BTCUSD": 0.1}).ticks(MONDAY)["ask"].to_list() == [65_000.0]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SourceError, match="is no LZMA, or truncated"):
        source(tmp_path, "quotes", FX_HOURS, points={"BTCUSD": 0.1}).ticks(MONDAY)
    moved = path.rename(tmp_path / "10h_ticks.bi5")
    with pytest.raises(SourceError, match="nothing says which hour it is"):
        source(moved, "quotes", FX_HOURS).sessions()


def test_real_trades_and_quotes_are_those_read_by_hand() -> None:
    hours = nyse()
    for what, schema in (("trades", RAW_TRADES_SCHEMA), ("quotes", RAW_QUOTES_SCHEMA)):
        expected = of_lean(real(f"us_ticks/{what}.parquet"), schema, hours)
        files = TickFiles(TickFilesSettings(path=DATA / "us_ticks" / f"{what}.parquet"), what, hours)
        assert files.sessions() == expected["session"].unique().sort().to_list()
        day = date(2013, 10, 9)
        assert files.ticks(day).equals(expected.filter(session=day)), what


def test_a_cell_that_can_not_be_read_is_named_and_costs_no_other_row(tmp_path: Path) -> None:
    lines = ["symbol,timestamp,price,size", "A,2024-03-04 10:00,x,1", "A,2024-03-04 10:01,5,1,9,9", "A,noon,5,1", "A,2024-03-04 10:02,5,1"]
    found = source(written(tmp_path / "t.csv", *lines)).ticks(MONDAY)
    assert found.filter(pl.col("defects").is_null()).height == 1
    assert set(found["defects"].drop_nulls()) == {"price: 'x'", "at: 'noon'", "6 fields, but there should be 4: A,2024-03-04 10:01,5,1,9,9"}


def test_two_files_of_a_session_are_two_parts_and_a_text_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "ticks"
    for name in ("a", "b"):
        written(folder / f"{name}.csv", "symbol,timestamp,price,size", f"A,2024-03-04 10:0{'ab'.index(name)},5,1")
    first = source(folder).ticks(MONDAY)
    assert first.select("sequence", "part").rows() == [(0, 0), (1, 1)]
    monkeypatch.setattr(
        "ats_assets.intraday.tick_sources.files.tick_files.text_blocks", lambda *_: iter(())
    )  # a text that is read again is empty
    assert source(folder).ticks(MONDAY).equals(first)
    kept = list((tmp_path / "kept" / "trades").glob("*/*.parquet"))
    assert len(kept) == 2
    (folder / "a.csv").unlink()
    assert source(folder).ticks(MONDAY).height == 1
    assert len(list((tmp_path / "kept" / "trades").rglob("*.parquet"))) == 1, "what is kept of a file goes with it"


def test_what_was_kept_of_a_former_path_goes_when_nobody_has_used_it_for_long(tmp_path: Path) -> None:
    row = ("symbol,timestamp,price,size", "A,2024-03-04 10:00,5,1")
    former, other, now = (written(tmp_path / f"{name}.csv", *row) for name in ("former", "other", "now"))
    for path in (former, other):
        source(path).sessions()
    kept = tmp_path / "kept" / "trades"
    first, second = kept.iterdir()
    long_ago = time.time() - 31 * 86_400
    for folder in (first, second):
        os.utime(folder, (long_ago, long_ago))
    source(other).sessions()
    used = [folder for folder in kept.iterdir() if folder.stat().st_mtime > long_ago + 86_400]
    assert len(used) == len(list(kept.iterdir())) == 1, "another vendor's that is in use stays"
    source(now).sessions()
    assert {*used} < {*kept.iterdir()}


def test_a_text_that_changes_is_read_again_and_other_settings_read_it_otherwise(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", "symbol,timestamp,price,size", "A,2024-03-04 10:00,5,1")
    assert rows(source(path).ticks(MONDAY), "at") == [("04 15:00:00.000000000",)]
    assert rows(source(path, timezone="UTC").ticks(MONDAY), "at") == [("04 10:00:00.000000000",)]
    written(path, "symbol,timestamp,price,size", "A,2024-03-04 10:00,5,1", "A,2024-03-04 10:00,6,1")
    assert source(path).ticks(MONDAY)["price"].to_list() == [5.0, 6.0]


def test_only_what_is_chosen_is_read(tmp_path: Path) -> None:
    lines = ["src,ticker,time,price,size", "x,A,2024-03-04 10:00,5,1", "y,A,2024-03-04 10:00,6,1", "x,B,2024-03-04 10:00,7,1"]
    path = written(tmp_path / "t.csv", *lines)
    assert source(path, where={"src": "x"}).ticks(MONDAY)["price"].to_list() == [5.0, 7.0]
    assert source(path, symbols=("B",)).ticks(MONDAY)["price"].to_list() == [7.0]
    with pytest.raises(SourceError, match="names 'venue', which"):
        source(path, where={"venue": "x"}).sessions()
    two = [source(path, where={"src": name}) for name in "xy"]
    assert [one.sessions() for one in two] == [[MONDAY], [MONDAY]]
    assert [one.ticks(MONDAY)["price"].to_list() for one in two] == [[5.0, 7.0], [6.0]], "what one keeps the other leaves there"


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["symbol,timestamp,price", "A,2024-03-04 10:00,5"], r"lacks 'size'.*intraday.trades.columns"),
        (["A,2024-03-04 10:00,5,1"], r"has no header, and its first line is 'A,2024-03-04 10:00,5,1': say which column is which"),
        ([""], "is empty"),
        (["price,price,size,time", "1,2,3,4"], "names .*price.* twice"),
    ],
)
def test_a_file_that_can_not_be_taken_for_ticks_is_an_error_that_says_what_to_do(tmp_path: Path, lines: list[str], complaint: str) -> None:
    with pytest.raises(SourceError, match=complaint):
        source(written(tmp_path / "t.csv", *lines)).sessions()


def test_positions_say_which_column_is_which_without_a_header(tmp_path: Path) -> None:
    path = written(tmp_path / "BTCUSDT-trades-2024-03-04.csv", "17,65000.5,0.25,16250.1,1709566200123,True,True")
    found = source(path, columns={"trade_id": 1, "price": 2, "size": 3, "at": 5}).ticks(MONDAY)
    assert rows(found, "symbol", "at", "price", "size", "trade_id") == [("BTCUSDT", "04 15:30:00.123000000", 65000.5, 0.25, "17")]


def test_nothing_and_what_has_not_ended(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no file or folder"):
        source(tmp_path / "absent").sessions()
    with pytest.raises(SourceError, match="has no file of ticks"):
        source(tmp_path).sessions()
    with pytest.raises(SourceError, match="no path is set"):
        TickFiles(TickFilesSettings(), "trades", nyse()).sessions()
    path = written(tmp_path / "t.csv", "symbol,timestamp,price,size", "A,2024-03-04 10:00,5,1", "A,2024-03-05 10:00,5,1")
    at_noon = TickFiles(TickFilesSettings(path=path), "trades", nyse(), now=lambda: datetime(2024, 3, 5, 17, tzinfo=UTC))
    assert at_noon.sessions() == [MONDAY], "the session that runs waits until it has ended"
    assert at_noon.ticks(date(2024, 3, 6)).is_empty()


def test_a_truncated_parquet_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=r"t.parquet can't be read"):
        source(path).sessions()


def test_parquet_with_times_as_numbers_naive_times_and_texts(tmp_path: Path) -> None:
    at = pl.Series([datetime(2024, 3, 4, 10), datetime(2024, 3, 4, 11)])  # noqa: DTZ001
    columns = {
        "naive": at,
        "numbers": at.dt.replace_time_zone("America/New_York").dt.epoch("ns"),
        "zoned": at.dt.replace_time_zone("America/New_York"),
        "texts": at.dt.strftime("%Y-%m-%d %H:%M:%S"),
    }
    for name, times in columns.items():
        path = tmp_path / name / "A.parquet"
        path.parent.mkdir()
        pl.DataFrame({"ts": times, "price": [1, 2], "size": [1.0, 2.0], "cond": [["1"], None]}).write_parquet(path)
        assert rows(source(path).ticks(MONDAY), "symbol", "at") == [("A", "04 15:00:00.000000000"), ("A", "04 16:00:00.000000000")], name


def test_a_session_reads_the_row_groups_that_can_hold_it_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "A.parquet"
    begins = datetime(2024, 3, 4, 15, tzinfo=UTC)
    at = [begins + timedelta(days=day, seconds=second) for day in range(5) for second in range(100)]
    pl.DataFrame({"ts": at, "price": [1.0] * 500, "size": [1.0] * 500}).write_parquet(path, row_group_size=100)
    read: list[int] = []
    real_rows = ParquetTicks.rows

    def counted(self: ParquetTicks, first: int, last: int, *, untimed: bool) -> Any:
        for rows_ in real_rows(self, first, last, untimed=untimed):
            read.append(rows_.height)
            yield rows_

    monkeypatch.setattr(ParquetTicks, "rows", counted)
    files = source(path)
    assert len(files.sessions()) == 5
    assert read == [], "sessions are found by the footer"
    assert files.ticks(date(2024, 3, 6)).height == 100
    assert read == [100]


MEASURED = """
import resource, sys
from pathlib import Path
from ats_assets_tests.intraday.ticks import nyse
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.intraday.tick_sources.files.tick_files import TickFiles
for path in sys.argv[2:]:
    files = TickFiles(TickFilesSettings(path=Path(path)), "trades", nyse(), Path(sys.argv[1]))
    rows = sum(files.ticks(day).height for day in files.sessions())
    print(rows, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_a_text_of_many_sessions_takes_the_memory_of_few(tmp_path: Path) -> None:
    """In a process of its own: after two sessions, a text of twenty raises the peak by less than 50 MiB; its 400,000 rows as a whole take several times that."""
    days = nyse().calendar.sessions(date(2024, 3, 4), date(2024, 4, 30))[:20]
    clock = pl.datetime_range(datetime(2024, 1, 1, 10), datetime(2024, 1, 1, 15, 33, 19), "1s", eager=True).dt.strftime("%H:%M:%S")  # noqa: DTZ001
    one = pl.DataFrame({"symbol": "A", "clock": clock, "price": 10.0, "size": 100.0})
    paths = {n: tmp_path / f"{n}.csv" for n in (2, 20)}
    for n, path in paths.items():
        frames = [one.select("symbol", at=pl.lit(f"{day} ") + pl.col("clock"), price="price", size="size") for day in days[:n]]
        pl.concat(frames).write_csv(path)
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "kept"), *map(str, paths.values())]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    (few, peak_of_few), (many, peak_of_many) = (map(int, line.split()) for line in run.stdout.splitlines())
    assert (few, many) == (2 * one.height, 20 * one.height)
    assert peak_of_many - peak_of_few < 50, (peak_of_few, peak_of_many)


def test_times_of_every_kind_are_one_instant() -> None:
    instant = datetime(2024, 7, 1, 14, 30, 0, 123_000, tzinfo=UTC)
    ms = round(instant.timestamp() * 1000)
    texts = [
        "2024-07-01T14:30:00.123Z",
        "2024-07-01 10:30:00.123",
        "01.07.2024 10:30:00,123",
        "2024/07/01 16:30:00.123+02:00",
        "20240701 103000123",
        str(ms),
    ]
    assert tick_instants(pl.Series(texts), "America/New_York").dt.epoch("ms").to_list() == [ms] * len(texts)
    for numbers in ([ms], [ms * 1_000], [ms * 1_000_000], [ms / 1000]):
        assert tick_instants(pl.Series(numbers), "UTC").dt.epoch("ms").to_list() == [ms]
    assert tick_instants(pl.Series(["07/01/2024 10:30:00"]), "America/New_York", "%m/%d/%Y %H:%M:%S").dt.epoch("ms").to_list() == [ms - 123]
    twice = tick_instants(pl.Series(["2024-11-03 01:30:00", "2024-03-10 02:30:00"]), "America/New_York")
    assert twice.to_list() == [datetime(2024, 11, 3, 6, 30, tzinfo=UTC), None], "the later of two, and none that no clock showed"


def test_times_with_a_fraction_are_read_whatever_their_unit() -> None:
    """Seconds with a fraction in a text were no times, and nanoseconds in a column of doubles stopped the reader."""
    at = datetime(2024, 1, 15, 10, 30, 0, 123_456, tzinfo=UTC)
    micros = 1_705_314_600_123_456
    texts = pl.Series(["1705314600.123456", "1705314600123.456", "1705314600123456.", "2024-01-15 10:30:00.123456+00", "1.5"])
    assert tick_instants(texts, "America/New_York").to_list() == [at, at, at, at, None]
    doubles = pl.Series([micros / 1e6, micros / 1e3, float(micros), micros * 1e3, float("nan"), float("inf"), 1e300])
    assert tick_instants(doubles, "UTC").to_list() == [at, at, at, at, None, None, None]
    single = pl.Series([1_705_314_600.5], dtype=pl.Float32)
    assert tick_instants(single, "UTC").to_list() == [None], "single precision tells the time to two minutes: that is no time of a tick"


AGGREGATE = "26129,65000.5,0.25,27781,27782,1709566200123,True,True"


@pytest.mark.parametrize(
    ("name", "lines", "at", "trade_id"),
    [
        ("BTCUSDT-trades-2024-03-04", ["17,65000.5,0.25,16250.1,1709566200123,True,True"], "15:30:00.123000000", "17"),
        ("BTCUSDT-trades-2024-03-04", ["17,65000.5,0.25,16250.1,1709566200123456,False,True"], "15:30:00.123456000", "17"),
        ("BTCUSDT-trades-2024-03-04", ["17,65000.5,0.25,16250.1,1709566200123,true"], "15:30:00.123000000", "17"),
        ("BTCUSDT-aggTrades-2024-03", [AGGREGATE], "15:30:00.123000000", "26129"),
        ("BTCUSDT-aggTrades-2024-03-04", [AGGREGATE.removesuffix(",True")], "15:30:00.123000000", "26129"),
        (
            "BTCUSDT-aggTrades-2024-03-04",
            [
                "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker",
                "26129,65000.5,0.25,27781,27782,1709566200123,true",
            ],
            "15:30:00.123000000",
            "26129",
        ),
    ],
    ids=["trades", "microseconds", "futures", "aggregates", "futures_aggregates", "futures_header"],
)
@pytest.mark.parametrize("zipped", [False, True], ids=["csv", "zip"])
def test_dumps_of_binance_are_recognised_as_they_are_published(
    tmp_path: Path, name: str, lines: list[str], at: str, trade_id: str, *, zipped: bool
) -> None:
    """Columns had to be given by position, zips to be unpacked, and `transact_time` was no time."""
    path = write_dump(tmp_path / f"{name}.zip", lines) if zipped else written(tmp_path / f"{name}.csv", *lines)
    found = source(path).ticks(MONDAY)
    assert rows(found, "symbol", "at", "price", "size", "trade_id") == [("BTCUSDT", f"04 {at}", 65000.5, 0.25, trade_id)]


def test_days_of_which_there_is_no_dump_are_named(tmp_path: Path) -> None:
    for day, at in (("04", 1709566200123), ("07", 1709825400123)):
        write_dump(tmp_path / f"BTCUSDT-trades-2024-03-{day}.zip", [f"17,65000.5,0.25,16250.1,{at},True,True"])
    assert (
        "warning: days of which there is no dump, so that nothing is known of them: BTCUSDT trades: 2024-03-05 to 2024-03-06 (2 days)"
        in source(tmp_path).describe()
    )

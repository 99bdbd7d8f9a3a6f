"""The files source: any usual shape of file gives the same bars, nothing is lost, and bad input has a clear message or a named defect."""

import gzip
import os
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.bars import screen
from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.errors import SourceError
from ats_assets.features import compute
from ats_assets.features.built_in import ALPHA158
from ats_assets.settings import FilesSettings, SourceSettings
from ats_assets.sources import MEASURES, RAW_BARS_SCHEMA
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets.sources.contracts import RAW_BARS
from ats_assets.sources.respelling import RespelledSource
from ats_assets.sources.told_reading import tell_reading
from ats_assets.vendors.spelling import as_delivered
from ats_assets_tests.market_data import CRYPTO, SP500_2017, SP500_2018, US_DAILY_RAW, needs_market_data
from ats_assets_tests.rounds import rounds

XNYS = session_calendar("XNYS", date(2010, 1, 1))
THURSDAY, FRIDAY, SATURDAY, MONDAY = date(2018, 1, 25), date(2018, 1, 26), date(2018, 1, 27), date(2018, 1, 29)
PLAIN = pl.DataFrame(
    {
        "symbol": ["B", "A", "A", "B", "A"],
        "date": [THURSDAY, THURSDAY, FRIDAY, FRIDAY, MONDAY],
        "open": [10.0, 20.0, 21.0, 10.5, 22.0],
        "high": [11.0, 21.0, 22.0, 11.0, 23.0],
        "low": [9.0, 19.0, 20.5, 10.0, 21.5],
        "close": [10.5, 20.5, 21.5, 10.25, 22.5],
        "volume": [100.0, 200.0, 300.0, 400.0, 500.0],
    }
)


def source(path: Path, calendar: SessionCalendar = XNYS, **settings_: object) -> FileSource:
    return FileSource(FilesSettings(path=path, **settings_), calendar)  # pyright: ignore[reportArgumentType]


def everything(of: FileSource) -> pl.DataFrame:
    return of.bars(of._calendar.sessions(of.first_session(), of.latest_session()))


def csv_file(folder: Path, text: str) -> Path:
    path = folder / "bars.csv"
    path.write_text("symbol,date,open,high,low,close,volume\n" + text, encoding="utf-8")
    return path


def parquet(path: Path, frame: pl.DataFrame = PLAIN) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.write_parquet(path)
    return path


def test_a_parquet_file(tmp_path: Path) -> None:
    read = source(parquet(tmp_path / "bars.parquet"))
    bars = everything(read)
    assert bars.schema == RAW_BARS_SCHEMA
    RAW_BARS.validate(bars)
    assert bars.select("session", "symbol").rows() == [(THURSDAY, "A"), (THURSDAY, "B"), (FRIDAY, "A"), (FRIDAY, "B"), (MONDAY, "A")]
    assert bars.select(PLAIN.columns).equals(PLAIN.sort("date", "symbol"))
    assert (read.symbols(), read.first_session(), read.latest_session()) == (["A", "B"], THURSDAY, MONDAY)
    assert (read.name, read.capabilities.has_vwap, read.capabilities.fractional_volume) == ("files", False, False)
    assert read.bars([MONDAY, THURSDAY, MONDAY], ["A"]).rows() == bars.filter((pl.col("symbol") == "A") & (pl.col("date") != FRIDAY)).rows()
    assert read.bars([SATURDAY]).equals(pl.DataFrame(schema=RAW_BARS_SCHEMA))
    assert read.bars([]).schema == RAW_BARS_SCHEMA


def test_every_layout_gives_the_same_bars(tmp_path: Path) -> None:
    expected = everything(source(parquet(tmp_path / "one" / "bars.parquet")))
    for name, part in PLAIN.partition_by("symbol", as_dict=True).items():
        parquet(tmp_path / "by symbol" / "deep" / f"{name[0]}.parquet", part.drop("symbol"))
        parquet(tmp_path / "hive" / f"symbol={name[0]}" / "part-0.parquet", part.drop("symbol"))
        (tmp_path / "csv").mkdir(exist_ok=True)
        part.drop("symbol").rename({"date": "Date", "volume": "Vol."}).write_csv(tmp_path / "csv" / f"{name[0]}.csv", separator=";")
    for name, part in PLAIN.partition_by("date", as_dict=True).items():
        parquet(tmp_path / "days" / f"date={name[0]}" / "part-0.parquet", part.drop("date"))
    (tmp_path / "hive" / "_SUCCESS").touch()
    (tmp_path / "hive" / ".hidden.parquet").touch()
    (tmp_path / "hive" / "notes.txt").write_text("not data")
    (tmp_path / "zipped.csv.gz").write_bytes(gzip.compress(PLAIN.write_csv().encode()))
    for layout in ("by symbol", "hive", "csv", "days", "zipped.csv.gz"):
        assert everything(source(tmp_path / layout)).equals(expected), layout


def test_hive_values_are_unquoted_and_a_vintage_folder_does_not_hide_the_symbol(tmp_path: Path) -> None:
    one = PLAIN.filter(pl.col("symbol") == "A").drop("symbol")
    parquet(tmp_path / "hive" / "symbol=BTC%2FUSD" / "data.parquet", one)
    assert source(tmp_path / "hive").symbols() == ["BTC/USD"]
    parquet(tmp_path / "vintage=2018-02-09" / "A.parquet", one)
    read = source(tmp_path / "vintage=2018-02-09")
    assert read.symbols() == ["A"]
    assert read.known_at(MONDAY) == datetime(2018, 2, 10, tzinfo=UTC)
    parquet(tmp_path / "days" / "date=2018-01-25" / "part-0.parquet", one.drop("date").head(1))
    with pytest.raises(SourceError, match=r"lacks 'symbol'.*source.files.symbol"):
        source(tmp_path / "days").symbols()
    assert source(tmp_path / "days", symbol="A").symbols() == ["A"]


cells = st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 10**12).map(float)
rows = st.lists(
    st.tuples(
        st.none() | st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1).filter(lambda s: "\0" not in s),
        st.none() | st.dates(date(2018, 1, 20), date(2018, 2, 10)),
        *[cells] * len(MEASURES),
    ),
    min_size=1,
    max_size=12,
).filter(lambda rows: any(row[1] is not None for row in rows))


@settings(max_examples=rounds(10, 60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows, order=st.permutations(["symbol", "date", *MEASURES]))
def test_csv_and_parquet_agree_and_each_row_comes_exactly_once(tmp_path: Path, rows: list[tuple], order: list[str]) -> None:
    schema = {"symbol": pl.String, "date": pl.Date, **dict.fromkeys(MEASURES, pl.Float64)}
    frame = pl.DataFrame(rows, schema=schema, orient="row").select(order)
    frame.write_parquet(tmp_path / "f.parquet")
    frame.write_csv(tmp_path / "f.csv")
    bars, other = (everything(source(tmp_path / name)) for name in ("f.parquet", "f.csv"))
    assert bars.equals(other, null_equal=True)
    assert bars["defects"].null_count() == bars.height

    def as_text(of: pl.DataFrame) -> list[str]:
        return sorted(map(repr, of.select(list(schema)).rows()))

    assert as_text(bars) == as_text(frame)
    single = pl.concat([source(tmp_path / "f.csv").bars([day]) for day in XNYS.sessions(date(2018, 1, 20), date(2018, 2, 13))])
    assert single.equals(bars, null_equal=True)


def test_rows_that_no_session_has_go_to_the_next_or_the_latest(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path, "".join(f"{s},{d},1,1,1,1,1\n" for s, d in [("A", SATURDAY), ("A", MONDAY), ("B", ""), ("C", "x"), ("D", "2018-02-03")])
    )
    read = source(path)
    assert read.latest_session() == MONDAY
    found = {row["symbol"] + str(row["date"]): (row["session"], row["defects"]) for row in everything(read).rows(named=True)}
    assert found == {
        "A2018-01-27": (MONDAY, None),
        "A2018-01-29": (MONDAY, None),
        "BNone": (MONDAY, None),
        "CNone": (MONDAY, "date: 'x' is not a date or time that can be read (write it as 2018-01-31)"),
        "D2018-02-03": (MONDAY, None),  # the Saturday after the last session: there is no later one yet
    }
    assert "2 rows dated on days without a session" in read.describe()
    assert "2 rows without a readable date" in read.describe()


def test_rows_from_the_future_of_the_vintage_and_of_the_calendar_are_named(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "A,2018-01-29,1,1,1,1,1\nA,2018-03-01,1,1,1,1,1\nB,2918-01-29,1,1,1,1,1\n")
    late = everything(source(path, vintage=date(2018, 2, 9)))
    assert late["session"].to_list() == [MONDAY] * 3
    assert late["defects"].to_list() == [
        None,
        "date: 2018-03-01 is after the vintage 2018-02-09",
        "date: 2918-01-29 is after the vintage 2018-02-09",
    ]
    read = source(path)
    assert read.latest_session() == date(2018, 3, 1)
    assert everything(read)["defects"].to_list()[:2] == [None, None]
    closed = XNYS.last_closed(datetime.now(UTC))
    assert f"2918-01-29 is after the latest session that has closed, {closed}" in everything(read)["defects"][-1]


def at(day: date, hour: int) -> Callable[[], datetime]:
    """A clock that stands."""
    return lambda: datetime.combine(day, time(hour), UTC)


def test_a_bar_of_the_session_that_runs_waits_and_the_rows_beside_it_go_through(tmp_path: Path) -> None:
    """A download made while the market is open ended in today's row, and nothing could be made of the whole file."""
    rows = "A,2018-01-26,1,1,1,1,1\nB,2018-01-26,1,1,1,1,1\nA,2018-01-29,1,1,1,1,9\nC,2018-01-27,1,1,1,1,1\nD,2018-02-06,1,1,1,1,1\n"
    path = csv_file(tmp_path, rows)
    running = FileSource(FilesSettings(path=path), XNYS, now=at(MONDAY, 16))
    assert running.latest_session() == date(2018, 1, 26)
    found = {row["symbol"]: (row["session"], row["defects"]) for row in everything(running).rows(named=True)}
    assert found == {
        "A": (date(2018, 1, 26), None),
        "B": (date(2018, 1, 26), None),
        "C": (date(2018, 1, 26), None),  # a Saturday, which the contract of bars rejects
        "D": (date(2018, 1, 26), "date: 2018-02-06 is after the latest session that has closed, 2018-01-26"),
    }
    assert running.clock_remark == "1 rows wait: of 2018-01-29, which has not closed yet"
    assert running.clock_remark in running.describe()
    closed = FileSource(FilesSettings(path=path), XNYS, now=at(MONDAY, 22))
    assert closed.latest_session() == MONDAY
    assert closed.bars([MONDAY]).select("symbol", "volume").rows() == [("A", 9.0), ("C", 1.0), ("D", 1.0)]
    assert closed.clock_remark is None


def test_a_bar_that_was_written_before_its_session_closed_never_becomes_the_sessions_bar(tmp_path: Path) -> None:
    """Half a day's bar, left in a file that nobody delivered again, would have passed for the day's."""
    path = csv_file(tmp_path, "A,2018-01-26,1,1,1,1,1\nA,2018-01-29,1,1,1,1,9\n")
    for written, latest in ((at(MONDAY, 16), date(2018, 1, 26)), (at(MONDAY, 21), MONDAY), (at(date(1980, 1, 1), 0), MONDAY)):
        os.utime(path, (written().timestamp(),) * 2)
        read = FileSource(FilesSettings(path=path), XNYS, now=at(date(2018, 1, 31), 12))
        assert read.latest_session() == latest
        assert ("was last written before it closed: deliver it again" in (read.clock_remark or "")) == (latest != MONDAY)


def test_a_file_of_nothing_but_a_running_sessions_bars_is_named(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "A,2018-01-29,1,1,1,1,1\n")
    with pytest.raises(SourceError, match="has no bar that is complete: 1 rows wait: of 2018-01-29, which has not closed yet"):
        FileSource(FilesSettings(path=path), XNYS, now=at(MONDAY, 16)).latest_session()


def test_rows_before_the_calendar_are_left_out_and_named(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "A,1999-01-04,1,1,1,1,1\nA,2018-01-29,1,1,1,1,1\n")
    assert everything(source(path)).height == 1
    assert "1 rows dated before 2010-01-04, not delivered: set calendar.first_session to 1999-01-04" in source(path).describe()
    old = csv_file(tmp_path, "A,1999-01-04,1,1,1,1,1\n")
    with pytest.raises(SourceError, match=r"all 1 rows .* set calendar.first_session .* to 1999-01-04 or earlier"):
        source(old).symbols()


def test_known_at_is_the_close_without_a_vintage_and_its_end_with_one(tmp_path: Path) -> None:
    path = parquet(tmp_path / "bars.parquet")
    assert source(path).known_at(MONDAY) == XNYS.closes_at(MONDAY)
    assert source(path, vintage=date(2018, 1, 26)).known_at(FRIDAY) == datetime(2018, 1, 27, tzinfo=UTC)
    assert source(path, vintage=date(2018, 1, 26)).known_at(MONDAY) == XNYS.closes_at(MONDAY)
    with pytest.raises(SourceError, match=r"vintage=soon is not a day"):
        source(parquet(tmp_path / "vintage=soon" / "bars.parquet")).symbols()


def test_a_column_may_say_the_vintage(tmp_path: Path) -> None:
    days = pl.Series("vintage", [date(2018, 2, 9)] * PLAIN.height)
    assert source(parquet(tmp_path / "day.parquet", PLAIN.with_columns(days))).vintage == date(2018, 2, 9)
    stamps = PLAIN.with_columns(Vintage=pl.lit("2018-02-09 17:30:00"))
    read = source(parquet(tmp_path / "stamp.parquet", stamps))
    assert read.known_at(FRIDAY) == datetime(2018, 2, 10, tzinfo=UTC)
    assert everything(read).equals(everything(source(parquet(tmp_path / "none.parquet"))))
    two = pl.concat([PLAIN.with_columns(days), PLAIN.with_columns(vintage=pl.lit(date(2018, 3, 9)))])
    both = parquet(tmp_path / "two.parquet", two)
    with pytest.raises(SourceError, match=r"holds 2 vintages \(2018-02-09 to 2018-03-09\).*source.files.where"):
        source(both).known_at(FRIDAY)
    assert source(both, where={"vintage": "2018-03-09"}).vintage == date(2018, 3, 9)
    assert source(both, vintage=date(2018, 4, 1)).vintage == date(2018, 4, 1)
    with pytest.raises(SourceError, match=r"vintage=soon is not a day"):
        _ = source(parquet(tmp_path / "soon.parquet", PLAIN.with_columns(vintage=pl.lit("soon")))).vintage


def test_several_vintages_need_a_choice(tmp_path: Path) -> None:
    for vintage in ("2018-01-30", "2018-02-09"):
        parquet(tmp_path / f"vintage={vintage}.parquet")
    with pytest.raises(SourceError, match=r"holds 2 vintages .*source.files.where"):
        source(tmp_path).symbols()
    chosen = source(tmp_path, where={"vintage": "2018-01-30"})
    assert everything(chosen).height == 5
    assert chosen.vintage == date(2018, 1, 30)
    with pytest.raises(SourceError, match=r"no file .*2018-02-09"):
        source(tmp_path, where={"vintage": "2019-01-01"}).symbols()


def test_where_selects_rows(tmp_path: Path) -> None:
    path = parquet(tmp_path / "bars.parquet", PLAIN.with_columns(Res=pl.Series(["daily", "hour", "daily", "daily", "hour"])))
    assert everything(source(path, where={"res": "daily"})).height == 3
    with pytest.raises(SourceError, match=r"no rows with .*week"):
        source(path, where={"res": "week"}).symbols()
    with pytest.raises(SourceError, match=r"selects by 'rse', but .* 'Res'|only the columns"):
        source(path, where={"rse": "daily"}).symbols()


def test_adjusted_scales_prices_and_keeps_their_order(tmp_path: Path) -> None:
    frame = PLAIN.with_columns(pl.Series("Adj Close", [5.25, 20.5, None, 1.0, 0.1]), vwap=pl.col("open"))
    path = parquet(tmp_path / "bars.parquet", frame)
    bars = everything(source(path, adjusted=True))
    b = bars.filter(pl.col("symbol") == "B").row(0, named=True)
    assert (b["open"], b["high"], b["low"], b["close"], b["vwap"], b["volume"]) == (5.0, 5.5, 4.5, 5.25, 5.0, 200.0)
    lost = bars.filter(pl.col("defects").is_not_null()).row(0, named=True)
    assert (lost["symbol"], lost["session"], lost["close"], lost["defects"]) == (
        "A",
        FRIDAY,
        None,
        "adj_close: no factor adj_close / close",
    )
    ordered = bars.drop_nulls("close").select(
        (pl.col("low") <= pl.col("open")) & (pl.col("open") <= pl.col("high")) & (pl.col("close") <= pl.col("high"))
    )
    assert ordered.to_series().all()
    assert source(path, adjusted=True).capabilities.adjustment == "split_and_dividend"
    assert everything(source(path))["close"].to_list() == PLAIN.sort("date", "symbol")["close"].to_list()
    with pytest.raises(SourceError, match=r"lacks 'adj_close'"):
        source(parquet(tmp_path / "plain.parquet"), adjusted=True).symbols()


def test_volumes_beside_adjusted_prices_do_not_break_at_a_split(tmp_path: Path) -> None:
    """500 x 40 million before a 4:1 split, given as 125: 20 billion a day and VMA5 1.0; volumes as traded made it 5 billion and 0.40."""
    calendar = session_calendar("XNYS", date(2010, 1, 1))
    days, split = calendar.sessions(date(2020, 8, 17), date(2020, 9, 11)), date(2020, 8, 31)
    traded = [(500.0, 40e6) if day < split else (125.0, 160e6) for day in days]
    rows = [
        ("AAPL", day, price, price * 1.01, price * 0.99, price, 125.0, volume) for day, (price, volume) in zip(days, traded, strict=True)
    ]
    names = ["symbol", "date", "open", "high", "low", "close", "adj_close", "volume"]
    path = parquet(tmp_path / "bars.parquet", pl.DataFrame(rows, schema=names, orient="row"))
    bars, rejected = screen(source(path, calendar, adjusted=True).bars(days), calendar)
    assert rejected.is_empty()
    assert bars.select("close", "volume").unique().rows() == [(125.0, 160e6)]
    assert bars.select(pl.col("close") * pl.col("volume")).to_series().unique().to_list() == [20e9]
    factors = compute(bars, {"VMA5": ALPHA158["VMA5"]}).filter(pl.col("session") == split)
    assert factors["VMA5"].to_list() == pytest.approx([1.0], abs=1e-6)
    assert "volumes by its inverse" in source(path, calendar, adjusted=True).describe()
    told = source(path, calendar).describe()
    assert "break at each split; source.files.adjusted = true scales both" in told
    assert "deliver a column adj_close" not in told, "it was asked for where it lay in the file"
    path = parquet(tmp_path / "without.parquet", pl.DataFrame(rows, schema=names, orient="row").drop("adj_close"))
    assert "deliver a column adj_close" in source(path, calendar).describe()  # no factor can be derived: it is said


@given(st.floats(0.01, 1e5), st.floats(1e-4, 1e4), st.floats(0, 1e12))
def test_the_money_that_changed_hands_is_what_it_was_whatever_is_adjusted(close: float, adjusted: float, volume: float) -> None:
    with TemporaryDirectory() as folder:
        row = {
            "symbol": "A",
            "date": FRIDAY,
            "open": close,
            "high": close,
            "low": close,
            "close": close,
            "adj_close": adjusted,
            "volume": volume,
        }
        made = everything(source(parquet(Path(folder) / "bars.parquet", pl.DataFrame([row])), adjusted=True)).row(0, named=True)
    assert made["close"] == pytest.approx(adjusted, rel=1e-12)
    assert made["close"] * made["volume"] == pytest.approx(close * volume, rel=1e-12)


@pytest.mark.parametrize("adjusted", [0.0, -5.0, float("inf"), float("nan"), None])
def test_a_factor_that_is_none_leaves_no_prices(tmp_path: Path, adjusted: float | None) -> None:
    frame = PLAIN.with_columns(pl.lit(adjusted, pl.Float64).alias("Adj Close"))
    bars = everything(source(parquet(tmp_path / "bars.parquet", frame), adjusted=True))
    assert bars["close"].null_count() == bars.height
    assert set(bars["defects"]) == {"adj_close: no factor adj_close / close"}
    assert bars["volume"].to_list() == PLAIN.sort("date", "symbol")["volume"].to_list()


def test_cells_that_are_no_numbers_become_null_with_their_text(tmp_path: Path) -> None:
    path = csv_file(
        tmp_path, "A,2018-01-29,abc,1,-1,0,\nB,2018-01-29,NaN,inf,n/a,null,1e3\nC,2018-01-29,'1',1 ,\"1,5\",1,-7\n,2018-01-29,1,1,1,1,1\n"
    )
    bars = {row["symbol"]: row for row in everything(source(path)).rows(named=True)}
    assert (bars["A"]["open"], bars["A"]["close"], bars["A"]["volume"], bars["A"]["defects"]) == (
        None,
        0.0,
        None,
        "open: 'abc' is not a number",
    )
    assert repr(bars["B"]["open"]) == "nan"
    assert (bars["B"]["high"], bars["B"]["low"], bars["B"]["close"], bars["B"]["volume"], bars["B"]["defects"]) == (
        float("inf"),
        None,
        None,
        1000.0,
        None,
    )
    assert bars["C"]["defects"] == "open: ''1'' is not a number; low: '1,5' is not a number"
    assert (bars["C"]["high"], bars["C"]["volume"]) == (1.0, -7.0)
    assert bars[None]["close"] == 1.0
    assert "rows with defects: 2" in source(path).describe()


def test_lines_that_are_too_long_or_too_short_are_kept(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "A,2018-01-29,1,1,1,1,1\nB,2018-01-29,1,1,1,1,1,9,9\nC,2018-01-29,1\n\nD,2018-01-29,x,1,1,1,1\n")
    bars = everything(source(path))
    assert bars["symbol"].to_list() == ["A", "B", "C", "D"]
    assert bars["defects"].to_list() == [None, "9 fields, but the header has 7", None, "open: 'x' is not a number"]
    assert bars["close"].to_list() == [1.0, 1.0, None, 1.0]


@pytest.mark.parametrize("symbol", ["BTC/USD", "../etc/passwd", "ÆØÅ", "株式会社", "BRK.B", "a b", "=1+1", "🚀"])
def test_a_symbol_passes_unchanged(tmp_path: Path, symbol: str) -> None:
    frame = PLAIN.with_columns(pl.when(pl.col("symbol") == "A").then(pl.lit(symbol)).otherwise("symbol").alias("symbol"))
    frame.write_csv(tmp_path / "f.csv")
    for path in (parquet(tmp_path / "f.parquet", frame), tmp_path / "f.csv"):
        assert set(source(path).symbols()) == {"B", symbol}
        assert source(path).bars([MONDAY], [symbol]).height == 1


def test_duplicates_are_delivered_in_their_order(tmp_path: Path) -> None:
    path = csv_file(tmp_path, "A,2018-01-29,1,1,1,3,1\nA,2018-01-29,1,1,1,2,1\nA,2018-01-29,1,1,1,3,1\n")
    assert everything(source(path))["close"].to_list() == [3.0, 2.0, 3.0]


def test_mixed_zones_meet_in_one_session(tmp_path: Path) -> None:
    stamps = ["2018-01-29T16:00:00-05:00", "2018-01-29T21:00:00Z", "2018-01-30T06:00:00+09:00", "2018-01-29", "2018-01-29 16:00"]
    path = csv_file(tmp_path, "".join(f"S{i},{stamp},1,1,1,1,1\n" for i, stamp in enumerate(stamps)))
    assert everything(source(path, stamp="close"))["date"].to_list() == [MONDAY] * 5


def test_intraday_bars_are_refused_but_a_few_repeats_are_not(tmp_path: Path) -> None:
    hours = "".join(f"A,2018-01-29T{hour}:30:00-05:00,1,1,1,1,1\n" for hour in (10, 11, 12))
    with pytest.raises(SourceError, match=r"intraday bars .'A' has 3 different times on 2018-01-29.*only daily"):
        source(csv_file(tmp_path, hours)).symbols()
    days = XNYS.sessions(date(2017, 1, 1), date(2018, 1, 29))
    daily = "".join(f"A,{day}T16:00:00-05:00,1,1,1,1,1\n" for day in days)
    again = f"A,{days[5]}T17:00:00-05:00,1,1,1,1,1\n"
    assert everything(source(csv_file(tmp_path, daily + again), stamp="close")).height == len(days) + 1


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.csv", b"", r"empty.csv is empty \(0 bytes\)"),
        ("empty.parquet", b"", r"empty.parquet is empty \(0 bytes\)"),
        ("blank.csv", b"\n\n", "blank.csv (can't be read|lacks)"),
        ("header.csv", b"symbol,date,open,high,low,close,volume\n", "header.csv has columns but no rows"),
        ("text.parquet", b"this is no Parquet at all", "text.parquet can't be read"),
        ("binary.csv", bytes(range(128, 256)) * 20, "binary.csv can't be read"),
        ("broken.csv.gz", b"\x1f\x8b\x08 not really", "broken.csv.gz can't be read"),
        (
            "headless.csv",
            b"A,2018-01-29,1,1,1,1,1,7\n",
            r"headless.csv has no header.*first line is 'A,2018-01-29,1,1,1,1,1,7'.*date = 1, open = 2",
        ),
        (
            "nodate.csv",
            b"symbol,date,open,high,low,close,volume\nA,29th of January,1,1,1,1,1\n",
            r"none of 1 row has a usable date .*29th of January",
        ),
        (
            "later.csv",
            b"symbol,date,open,high,low,close,volume\nA,2999-01-04,1,1,1,1,1\n",
            r"none of 1 row has a usable date .*they are dated 2999-01-04 to 2999-01-04",
        ),
        ("bars.xlsx", b"PK", "bars.xlsx is none of .parquet"),
    ],
)
def test_unreadable_files_say_which_and_why(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        source(tmp_path / name, symbol=None).symbols()


def test_missing_paths_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file or folder .*nowhere.*source.files.path"):
        source(tmp_path / "nowhere").symbols()
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "readme.md").touch()
    with pytest.raises(SourceError, match=r"the folder .*folder has no data file"):
        source(tmp_path / "folder").symbols()
    with pytest.raises(SourceError, match=r"no path is set.*ATS_SOURCE__PATH"):
        FileSource(SourceSettings(kind="files").files, XNYS).symbols()


def test_a_parquet_file_cut_anywhere_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "bars.parquet", pl.concat([PLAIN] * 200))
    content = path.read_bytes()
    for length in range(1, len(content), max(1, len(content) // 25)):
        path.write_bytes(content[:length])
        with pytest.raises(SourceError, match=r"bars.parquet can't be read"):
            source(path).symbols()


def test_a_damaged_parquet_file_is_refused_or_read_but_never_ends_the_process(tmp_path: Path) -> None:
    path = parquet(tmp_path / "bars.parquet", pl.concat([PLAIN] * 200))
    content, draw = path.read_bytes(), random.Random(1)
    refused = 0
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(draw.choice([1, 5, 50])):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        path.write_bytes(damaged)
        try:
            source(path).symbols()
        except SourceError:
            refused += 1
    assert refused > 50


def test_wrong_types(tmp_path: Path) -> None:
    path = parquet(tmp_path / "f.parquet", PLAIN.with_columns(close=pl.lit(value=True)))
    with pytest.raises(SourceError, match=r"column 'close', read as close, has type Boolean"):
        source(path).symbols()
    exact = PLAIN.with_columns(
        pl.col("close").cast(pl.Decimal(12, 4)), pl.col("volume").cast(pl.UInt64), pl.col("symbol").cast(pl.Categorical)
    )
    texts = PLAIN.with_columns(pl.all().cast(pl.String))
    expected = everything(source(parquet(tmp_path / "plain.parquet")))
    for frame in (exact, texts, PLAIN.with_columns(pl.col("date").cast(pl.Datetime("ns")))):
        assert everything(source(parquet(path, frame))).equals(expected)


def test_a_missing_column_names_the_file_in_a_folder(tmp_path: Path) -> None:
    parquet(tmp_path / "A.parquet", PLAIN.drop("symbol"))
    parquet(tmp_path / "B.parquet", PLAIN.drop("symbol", "volume"))
    with pytest.raises(SourceError, match=r"B.parquet lacks 'volume': its columns are 'date'.*source.files.columns"):
        source(tmp_path).symbols()


def test_the_description_says_what_was_recognised(tmp_path: Path) -> None:
    frame = PLAIN.rename({"symbol": "Ticker", "volume": "Vol"}).with_columns(note=pl.lit("x"), vwap=pl.col("close"))
    text = source(parquet(tmp_path / "bars.parquet", frame)).describe()
    for part in (
        "bars.parquet (1 file, 5 rows)",
        "2 symbols in 3 sessions of XNYS, 2018-01-25 to 2018-01-29",
        "symbol = 'Ticker'",
        "volume = 'Vol'",
    ):
        assert part in text
    assert "unused: 'note'" in text
    assert "the bar's open; naive ones in America/New_York (the exchange)" in text
    assert "rows with defects: 0" in text
    assert source(tmp_path / "bars.parquet").capabilities.has_vwap


@needs_market_data
@pytest.mark.parametrize(
    ("path", "vintage", "shape", "first", "last"),
    [
        (SP500_2018, date(2018, 2, 9), (619_040, 505, 1259), date(2013, 2, 8), date(2018, 2, 7)),
        (SP500_2017, date(2017, 8, 15), (606_801, 503, 1258), date(2012, 8, 13), date(2017, 8, 11)),
    ],
)
def test_the_sp500(path: Path, vintage: date, shape: tuple[int, int, int], first: date, last: date) -> None:
    read = FileSource(SourceSettings(kind="files", path=path).files, XNYS)
    sessions = XNYS.sessions(first, last)
    bars = read.bars(sessions)
    assert (bars.height, len(read.symbols()), bars["session"].n_unique()) == shape
    assert (read.first_session(), read.latest_session()) == (first, last)
    assert read.known_at(last) == datetime(vintage.year, vintage.month, vintage.day, tzinfo=UTC) + timedelta(days=1)
    raw = pl.read_parquet(path, hive_partitioning=False)
    assert bars.select(raw.columns).sort("symbol", "date").equals(raw.sort("symbol", "date"), null_equal=True)
    some = sessions[100:700:37]
    assert read.bars(some).equals(bars.filter(pl.col("session").is_in(some)), null_equal=True)


@needs_market_data
def test_unadjusted_us_bars_from_1998() -> None:
    read = source(US_DAILY_RAW, session_calendar("XNYS", date(1998, 1, 1)))
    assert everything(read).height == 47_589
    assert (len(read.symbols()), read.first_session(), read.latest_session()) == (16, date(1998, 1, 2), date(2021, 3, 31))


@needs_market_data
def test_daily_crypto_selected_from_bars_of_many_lengths() -> None:
    calendar = session_calendar("24/7", date(2010, 1, 1))
    read = source(CRYPTO, calendar, where={"res": "daily", "exchange": "coinbase"})
    bars = everything(read)
    assert bars.height == 1318
    assert (read.symbols(), read.first_session(), read.latest_session()) == (["BTCUSD"], date(2014, 12, 1), date(2018, 8, 13))
    assert (bars["date"] == bars["session"]).all()
    assert read.capabilities.fractional_volume
    assert read.known_at(date(2018, 8, 13)) == datetime(2018, 8, 14, tzinfo=UTC)
    ended = source(CRYPTO, calendar, where={"res": "daily"}, stamp="close")
    assert (ended.first_session(), ended.latest_session()) == (date(2014, 11, 30), date(2018, 8, 12))
    with pytest.raises(SourceError, match=r"intraday bars .*source.files.where"):
        source(CRYPTO, calendar).symbols()


def test_how_many_files_are_read_is_told(tmp_path: Path) -> None:
    for name in ("one", "two"):
        parquet(tmp_path / f"{name}.parquet", PLAIN.with_columns(symbol=pl.lit(name)))
    read, seen = source(tmp_path), list[tuple[int, int]]()
    tell_reading(RespelledSource(read, as_delivered(FilesSettings())), lambda done, total: seen.append((done, total)))
    assert read.symbols() == ["one", "two"]
    assert seen == [(0, 2), (1, 2), (2, 2)]
    tell_reading(object(), print)  # what reads no files says nothing

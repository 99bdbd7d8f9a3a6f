"""Files as vendors, terminals and web sites write them: a small sample of each, made up by us, with the settings that docs/file_formats.md names and no others."""

import contextlib
import random
import re
import shutil
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets_tests.rounds import rounds

HERE = Path(__file__).parent
PAGE = Path(__file__).parents[4] / "docs" / "file_formats.md"
THURSDAY, FRIDAY, TUESDAY = date(2023, 1, 12), date(2023, 1, 13), date(2023, 1, 17)
Row = tuple[str, date, float, float, float, float, float]


def apple(symbol: str = "AAPL", scale: float = 1.0, days: tuple[date, ...] = (THURSDAY, FRIDAY, TUESDAY), add: float = 0.0) -> list[Row]:
    prices = [(131.25, 133.5, 130.75, 132.5), (132.0, 134.25, 131.5, 134.0), (134.5, 137.0, 134.0, 135.75)]
    volumes = [71_250_000.0, 57_750_000.0, 63_500_000.0]
    return [
        (symbol, day, *(price + add for price in row), volume * scale)  # pyright: ignore[reportReturnType]
        for day, row, volume in zip(days, prices, volumes, strict=True)
    ]


def euro(*volumes: float) -> list[Row]:
    prices = [(1.0755, 1.0865, 1.073, 1.085), (1.085, 1.0875, 1.078, 1.083), (1.082, 1.087, 1.0775, 1.079)]
    return [("EURUSD", day, *row, volume) for day, row, volume in zip((THURSDAY, FRIDAY, TUESDAY), prices, volumes, strict=True)]


AIRBNB: list[Row] = [("ABNB", FRIDAY, 92.5, 94.0, 91.75, 93.25, 5_250_000.0), ("ABNB", TUESDAY, 93.0, 97.5, 92.25, 96.5, 6_750_000.0)]
NEW_YEAR = [
    (date(2025, 1, 1), 93_500.0, 95_000.0, 92_750.25, 94_500.5),
    (date(2025, 1, 2), 94_500.5, 97_750.25, 94_250.0, 96_750.5),
]
BITCOIN: list[Row] = [
    ("BTCUSDT", date(2024, 12, 30), 93_500.25, 95_000.5, 91_500.0, 92_750.75, 27_000.5),
    ("BTCUSDT", date(2024, 12, 31), 92_750.75, 96_250.0, 92_000.5, 93_500.0, 19_500.25),
    *(("BTCUSDT", *prices, volume) for prices, volume in zip(NEW_YEAR, (10_250.75, 21_500.5), strict=True)),
]
EXPECTED: dict[str, tuple[list[Row], str]] = {
    "yahoo": (
        apple(),
        "prices are as in 'Close'; 'Adj Close', adjusted for splits and dividends, is not used; to change it: source.files.adjusted = true",
    ),
    "yfinance_one_ticker": (apple(), "two rows of names"),
    "yfinance_two_tickers": (apple() + AIRBNB, "symbols: AAPL, ABNB"),
    "yfinance_two_rows": (apple() + AIRBNB, "two rows of names"),
    "stooq_site": (apple(), "symbols by the names of the files: AAPL"),
    "stooq_bulk": (apple(), "unused: '<PER>', '<TIME>', '<OPENINT>'"),
    "kaggle_stocks": (apple(), "symbols by the names of the files: AAPL"),
    "kaggle_sp500": (apple(), "symbol = 'Name'"),
    "investing": (apple(), "numbers: decimal point, letters for thousands, millions and billions"),
    "investing_german": (apple(), "numbers: decimal comma"),
    "nasdaq": (apple(), "close = 'Close/Last'"),
    "alpha_vantage": (apple(), "'adjusted_close', adjusted for splits and dividends, is not used"),
    "binance": (BITCOIN, "no header: columns by what they hold, date = 1, open = 2, high = 3, low = 4, close = 5, volume = 6"),
    "metatrader4": (euro(125_500.0, 118_250.0, 121_750.0), "no header: columns by what they hold, date = 1, open = 3"),
    "metatrader5": (euro(125_500.0, 118_250.0, 121_750.0), "volume is '<TICKVOL>', since '<VOL>' is zero or empty in most rows"),
    "polygon": (
        [*apple()[:2], ("ABNB", THURSDAY, 91.5, 93.0, 90.75, 92.25, 5_000_000.0), AIRBNB[0]],
        "date = 'window_start'",
    ),
    "eodhd": (apple(), "'Adjusted_close', adjusted for splits and dividends, is not used"),
    "tiingo": (apple(), "'adjClose', adjusted for splits and dividends, is not used"),
    "quandl": (apple(), "'Adj. Close', adjusted for splits and dividends, is not used"),
    "ariva": (apple("APC", scale=0.001), "volume = 'Stuecke'; unused: 'Volumen'"),
    "german_broker": (apple("SAP", scale=0.001, add=1000.0), "dates: the day first"),
    "dukascopy": (euro(125_500.5, 118_250.25, 121_750.75), "dates: the day first"),
    "google_finance": (apple(), "dates: the month first"),
    "tradingview": (apple(), "date = 'time'"),
    "crypto_data_download": (
        [("BTC/USD", *prices, volume) for prices, volume in zip(NEW_YEAR, (750.25, 1250.5), strict=True)],
        "the header is line 2",
    ),
    "nse": (
        [(*row[:6], volume) for row, volume in zip(apple("RELIANCE", add=1000.0), (171_250.0, 57_750.0, 63_500.0), strict=True)],
        "vwap = 'vwap '",
    ),
    "akshare": (apple("000001", scale=0.01), "symbol = '股票代码'"),
    "us_spreadsheet": (
        apple(days=(date(2023, 1, 3), date(2023, 1, 4), date(2023, 1, 5)), add=1000.0),
        "numbers: decimal point, currency signs",
    ),
}
"""Sample -> the bars in it, and what must be said of it."""


def table() -> dict[str, dict[str, Any]]:
    """Of each sample that the page names, the settings beside it."""
    found: dict[str, dict[str, Any]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) == 4 and cells[1].startswith("`"):
            settings: dict[str, Any] = {}
            for written in re.findall(r"`([^`]+)`", cells[3]):
                settings |= tomllib.loads(written)
            found[cells[1].strip("`")] = settings
    return found


SETTINGS = table()


def opened(sample: str, settings: dict[str, Any], keep: Path | None = None) -> tuple[FileSource, SessionCalendar]:
    own = {name: value for name, value in settings.items() if name != "calendar"}
    calendar = session_calendar(settings.get("calendar", {}).get("exchange", "XNYS"), date(2010, 1, 1))
    return FileSource(FilesSettings(path=HERE / "samples" / sample, **own), calendar, keep=keep), calendar


def bars(source: FileSource, calendar: SessionCalendar) -> list[Row]:
    """Those without a defect, by symbol."""
    found = source.bars(calendar.sessions(source.first_session(), source.latest_session()))
    assert found["defects"].null_count() == found.height
    assert found["date"].equals(found["session"])
    return found.sort("symbol", "session").select("symbol", "session", "open", "high", "low", "close", "volume").rows()


def test_each_sample_has_a_row_in_the_page_and_each_row_a_sample() -> None:
    named = {Path(sample).parts[0] for sample in SETTINGS}
    assert named == {path.name for path in (HERE / "samples").iterdir()} == set(EXPECTED)
    assert all((HERE / "samples" / sample).exists() for sample in SETTINGS)


@pytest.mark.parametrize("sample", SETTINGS, ids=lambda sample: Path(sample).parts[0])
def test_a_format_gives_its_bars_with_the_settings_of_the_page(sample: str) -> None:
    expected, said = EXPECTED[Path(sample).parts[0]]
    source, calendar = opened(sample, SETTINGS[sample])
    assert bars(source, calendar) == sorted(expected)
    assert source.symbols() == sorted({row[0] for row in expected})
    assert said in "\n".join(source.recognised())
    assert "warning" not in source.describe()


@pytest.mark.parametrize("sample", ["investing_german/AAPL Historical Data.csv", "binance", "metatrader5", "yfinance_two_tickers"])
def test_what_was_recognised_is_kept_with_the_rows(sample: str, tmp_path: Path) -> None:
    settings = SETTINGS.get(sample, {})
    anew, calendar = opened(sample, settings)
    for _ in range(2):  # read, then kept
        kept, _ = opened(sample, settings, keep=tmp_path)
        assert kept.describe() == anew.describe()
        assert bars(kept, calendar) == bars(anew, calendar)


def test_without_its_setting_a_sample_warns_or_is_refused_with_the_way_out() -> None:
    """A symbol that is none, and dates that can be two, were taken without a word."""
    assert (
        "warning: names of files that look like more than a symbol: HistoricalData; to change it: source.files.symbol"
        in opened("nasdaq", {})[0].describe()
    )
    assert "warning: names of files that look like more than a symbol: EURUSD_Candlestick" in opened("dukascopy", {})[0].describe()
    with pytest.raises(
        SourceError,
        match=r"'1/3/2023' can be 2023-01-03 \(month first\) or 2023-03-01 \(day first\).*date_format to \"%m/%d/%Y\" or \"%d/%m/%Y\"",
    ):
        opened("us_spreadsheet", {})[0].symbols()
    assert opened("stooq_bulk", {})[0].symbols() == ["AAPL.US"]


def test_a_setting_that_changes_reading_has_what_is_kept_read_again(tmp_path: Path) -> None:
    for form, first in (("%m/%d/%Y", date(2023, 1, 3)), ("%d/%m/%Y", date(2023, 3, 1)), ("%m/%d/%Y", date(2023, 1, 3))):
        source, _ = opened("us_spreadsheet", {"date_format": form}, keep=tmp_path)
        assert source.first_session() == first
    for pattern, symbol in ((None, "AAPL"), ("^(.)", "A"), (None, "AAPL")):
        source, _ = opened("yahoo", {"symbol_pattern": pattern}, keep=tmp_path)
        assert source.symbols() == [symbol]


@pytest.mark.parametrize("field_first", [True, False])
def test_parquet_with_two_levels_of_columns(tmp_path: Path, *, field_first: bool) -> None:
    text = HERE / "samples" / "yfinance_two_tickers" / "prices.csv"
    frame = pd.read_csv(text, header=[0, 1], index_col=0, parse_dates=True)
    frame.index.name = "Date"
    frame = frame.swaplevel(axis=1) if field_first else frame
    frame.to_parquet(tmp_path / "prices.parquet")
    calendar = session_calendar("XNYS", date(2010, 1, 1))
    source = FileSource(FilesSettings(path=tmp_path), calendar)
    assert bars(source, calendar) == sorted(apple() + AIRBNB)


def written(folder: Path, name: str, text: str, **settings_: Any) -> FileSource:
    (folder / name).write_text(text, encoding="utf-8")
    return FileSource(FilesSettings(path=folder / name, **settings_), session_calendar("XNYS", date(2010, 1, 1)))


def test_bad_cells_of_an_unusual_file_reject_their_rows_alone(tmp_path: Path) -> None:
    rows = [f"{day}.01.2023;12,5;13;12;12,75;1.000\n" for day in (12, 13, 17, 18, 19)]
    bad = "20.01.2023;12.5;13;12;1,2,3;x\nmorgen;12,5;13;12;12,75;1.000\n"
    source = written(tmp_path, "SAP.csv", "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n" + "".join(rows) + bad)
    found = source.bars([source.latest_session(), THURSDAY]).select("date", "open", "volume", "defects").rows()
    assert found == [
        (THURSDAY, 12.5, 1000.0, None),
        (None, 12.5, 1000.0, "date: 'morgen' is not a date or time that can be read (write it as 2018-01-31)"),
        (date(2023, 1, 20), None, None, "open: '12.5' is not a number; close: '1,2,3' is not a number; volume: 'x' is not a number"),
    ]
    assert "rows with defects: 2, such as open: '12.5' is not a number; close" in source.describe()


def test_columns_by_position_of_files_with_and_without_a_header(tmp_path: Path) -> None:
    text = "2023-01-12,12.5,12,13,12.25,12.3,100\n"  # close, low, high, open: nobody could tell
    with pytest.raises(
        SourceError,
        match=r"A.csv has no header.*first line is '2023-01-12,12.5,12,13,12.25,12.3,100'.*source.files.columns = \{ date = 1, open = 2",
    ):
        written(tmp_path, "A.csv", text).symbols()
    columns = {"date": 1, "close": 2, "low": 3, "high": 4, "open": 5, "volume": 7}
    for name, head in (("A.csv", ""), ("B.csv", "a,b,c,d,e,f,g\n")):
        source = written(tmp_path, name, head + text, columns=columns)
        assert source.bars([THURSDAY]).select("open", "high", "low", "close", "volume").rows() == [(12.25, 13.0, 12.0, 12.5, 100.0)]
    with pytest.raises(SourceError, match=r"says volume = 9, but .*A.csv has only 7 columns"):
        written(tmp_path, "A.csv", text, columns=columns | {"volume": 9}).symbols()
    # one position beside a guess
    source = written(tmp_path, "C.csv", "2023-01-12,12.25,13,12,12.5,100\n", columns={"volume": 6})
    assert source.bars([THURSDAY])["volume"].to_list() == [100.0]


def test_the_header_and_the_separator_may_be_set(tmp_path: Path) -> None:
    source = written(tmp_path, "A.csv", "2023-01-12,12.25,13,12,12.5,100\n2023-01-13,12.25,13,12,12.5,100\n", header=True, columns=dict(zip(("date", "open", "high", "low", "close", "volume"), range(1, 7), strict=True)))  # fmt: skip
    assert source.first_session() == FRIDAY
    source = written(tmp_path, "B.csv", "date|open|high|low|close|volume|note\n2023-01-12|1|1|1|1|1|a,b,c,d,e,f,g,h\n", separator="|")
    assert source.bars([THURSDAY]).height == 1


def test_intraday_bars_with_the_time_in_a_column_of_its_own_are_refused(tmp_path: Path) -> None:
    """They passed for daily bars that contradict each other."""
    hours = "".join(f"2023.01.12,{hour}:00,1,1,1,1,1\n" for hour in (10, 11, 12))
    with pytest.raises(SourceError, match=r"intraday bars .*3 different times on 2023-01-12"):
        written(tmp_path, "EURUSD.csv", hours).symbols()
    with pytest.raises(SourceError, match=r"intraday bars .*3 different times on 2023-01-12"):
        written(tmp_path, "EURUSD.txt", "<TICKER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>\n" + "".join(f"A,20230112,{hour}0000,1,1,1,1,1\n" for hour in (10, 11, 12))).symbols()  # fmt: skip


def test_volumes_of_an_exchange_win_over_ticks_and_a_few_do_not_turn_the_file(tmp_path: Path) -> None:
    head = "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>\n"

    def volumes(*traded: int, **settings_: Any) -> list[float]:
        rows = "".join(f"2023.01.{12 + i}\t1\t1\t1\t1\t{50 + i}\t{vol}\t0\n" for i, vol in enumerate(traded))
        source = written(tmp_path, "X.csv", head + rows, **settings_)
        return source.bars([THURSDAY, FRIDAY]).sort("date")["volume"].to_list()[:2]

    assert volumes(900, 800) == [900.0, 800.0]
    assert volumes(0, 0) == [50.0, 51.0]
    assert volumes(0, 800, 0, 0, 0) == [50.0, 51.0]
    assert volumes(0, 0, columns={"volume": "<VOL>"}) == [0.0, 0.0]


def test_texts_in_a_folder_that_are_no_tables_are_left_out_and_listed(tmp_path: Path) -> None:
    written(tmp_path, "README.txt", "Prices of AAPL, as downloaded; see the licence, please\n")
    source = written(tmp_path, "aapl.us.txt", "Date,Open,High,Low,Close,Volume,OpenInt\n2023-01-12,1,1,1,1,1,0\n")
    source = FileSource(FilesSettings(path=tmp_path), source._calendar)
    assert source.symbols() == ["AAPL"]
    assert "left out, since they are no tables: README.txt" in source.describe()


def test_an_encoding_with_two_bytes_a_character_is_read(tmp_path: Path) -> None:
    text = (HERE / "samples" / "metatrader5" / "EURUSD_Daily_202301120000_202301170000.csv").read_text(encoding="utf-8")
    (tmp_path / "EURUSD.csv").write_bytes(text.encode("utf-16"))
    calendar = session_calendar("XNYS", date(2010, 1, 1))
    assert bars(FileSource(FilesSettings(path=tmp_path), calendar), calendar) == sorted(EXPECTED["metatrader5"][0])


def test_an_accent_far_down_a_file_of_windows_is_read(tmp_path: Path) -> None:
    rows = "".join(f"2023-01-12,S{i},1,1,1,1,1,plain\n" for i in range(2000))
    text = "date,symbol,open,high,low,close,volume,note\n" + rows + "2023-01-12,NESN,1,1,1,1,1,Nestlé\n"
    (tmp_path / "all.csv").write_bytes(text.encode("cp1252"))
    source = FileSource(FilesSettings(path=tmp_path), session_calendar("XNYS", date(2010, 1, 1)))
    assert source.bars([THURSDAY], ["NESN"])["defects"].to_list() == [None]
    assert len(source.symbols()) == 2001


def test_a_symbol_pattern_is_checked_and_a_cell_that_does_not_fit_rejects_its_row(tmp_path: Path) -> None:
    for pattern, message in (("(", "is no regular expression"), ("AAPL", "has no group")):
        with pytest.raises(ValueError, match=message):
            FilesSettings(symbol_pattern=pattern)
    source = written(
        tmp_path,
        "all.csv",
        "ticker,date,open,high,low,close,volume\nA.US,2023-01-12,1,1,1,1,1\nB.UK,2023-01-12,1,1,1,1,1\n",
        symbol_pattern=r"^(.+)\.US$",
    )
    assert source.bars([THURSDAY]).sort("symbol").select("symbol", "defects").rows() == [
        (None, "symbol: 'B.UK' does not fit source.files.symbol_pattern"),
        ("A", None),
    ]
    with pytest.raises(
        SourceError, match=r"A.csv has no column of symbols, and source.files.symbol_pattern '\^\(\[0-9\]\+\)\$' finds none in its name"
    ):
        written(tmp_path, "A.csv", "date,open,high,low,close,volume\n2023-01-12,1,1,1,1,1\n", symbol_pattern="^([0-9]+)$").symbols()


def test_actions_in_other_spellings_of_days_are_read(tmp_path: Path) -> None:
    """The kind of fault was the same in files of corporate actions."""
    (tmp_path / "actions.csv").write_text("symbol,ex_date,split,dividend\nA,01/13/2023,4:1,\nA,01/12/2023,,0.25\n", encoding="utf-8")
    source = written(
        tmp_path, "A.csv", "date,open,high,low,close,volume\n2023-01-12,1,1,1,1,1\n2023-01-13,1,1,1,1,1\n", actions=tmp_path / "actions.csv"
    )
    assert source.actions([THURSDAY, FRIDAY]).select("session", "kind", "ratio", "cash").rows() == [
        (THURSDAY, "cash_dividend", None, 0.25),
        (FRIDAY, "split", 4.0, None),
    ]


def test_a_market_that_trades_on_other_days_is_warned_of() -> None:
    """Weekends of crypto were rejected, a third of the rows, and the check that failed said nothing of the calendar."""
    said = opened("binance", {})[0].describe()
    assert "warning: 1 of 4 rows are of days on which XNYS has no session, and will be rejected; to change it: calendar.exchange" in said


def test_the_line_that_excel_wants_first_says_the_separator(tmp_path: Path) -> None:
    source = written(tmp_path, "A.csv", "sep=;\nDate;Open;High;Low;Close;Volume\n2023-01-12;1,5;2;1;1,5;1\n")
    assert source.bars([THURSDAY]).select("open", "volume").rows() == [(1.5, 1.0)]
    assert "the header is line" not in source.describe()


def test_symbols_that_look_like_numbers_are_symbols_above_their_columns(tmp_path: Path) -> None:
    """7203.T is Toyota, and with a T for trillions a number, too."""
    text = "Price,Close,High,Low,Open,Volume\nTicker,7203.T,7203.T,7203.T,7203.T,7203.T\n2023-01-11,,,,,\n2023-01-12,1.5,2,1,1.25,100\n"
    source = written(tmp_path, "toyota.csv", text)
    assert (source.symbols(), source.first_session()) == (["7203.T"], THURSDAY)
    assert source.bars([THURSDAY]).select("open", "high", "low", "close", "volume").rows() == [(1.25, 2.0, 1.0, 1.5, 100.0)]


def test_volumes_that_may_have_points_between_thousands_are_warned_of(tmp_path: Path) -> None:
    head = "Datum;Eröffnung;Hoch;Tief;Schluss;Volumen\n"
    doubtful = written(tmp_path, "A.csv", head + "12.01.2023;12;13;12;12;71.250\n")
    assert (
        'warning: volumes such as 71.250 are read with a decimal point, although prices are whole; to change it: source.files.decimal = ","'
        in doubtful.recognised()
    )
    assert doubtful.bars([THURSDAY])["volume"].to_list() == [71.25]
    sure = written(tmp_path, "A.csv", head + "12.01.2023;12;13;12;12;71.250\n", decimal=",")
    assert sure.bars([THURSDAY])["volume"].to_list() == [71_250.0]
    for other in ("12.01.2023;12.5;13;12;12;71.250\n", "12.01.2023;12;13;12;12;71.25\n"):
        assert "warning" not in written(tmp_path, "A.csv", head + other).describe()


def test_a_damaged_file_is_read_or_refused_and_never_ends_in_another_error(tmp_path: Path) -> None:
    """Bytes change, go and come in any place of any format, under any setting."""
    draw = random.Random(7)
    samples = sorted(path for path in (HERE / "samples").rglob("*") if path.is_file())
    others: list[dict[str, Any]] = [
        {},
        {"date_format": "%d/%m/%Y"},
        {"decimal": ","},
        {"header": False},
        {"header": True},
        {"adjusted": True},
    ]
    read = 0
    for sample in [draw.choice(samples) for _ in range(rounds(60, 1500, "ATS_TEST_DAMAGED_FILES"))]:
        content = bytearray(sample.read_bytes())
        for _ in range(draw.choice([1, 3, 10])):
            at = draw.randrange(len(content) + 1)
            content[at : at + draw.choice([0, 1, 9])] = draw.choice(
                [b"", b",", b";", b"\n", b'"', b"\r", b"\x00", b"\xff\xfe", b"/", b".", b"9" * 30, content[:40]]
            )
        (tmp_path / sample.name).write_bytes(content)
        source = FileSource(FilesSettings(path=tmp_path / sample.name, **draw.choice(others)), session_calendar("24/7", date(2010, 1, 1)))
        with contextlib.suppress(SourceError):
            source.describe()
            read += source.bars([source.latest_session()]).height > 0
        (tmp_path / sample.name).unlink()
    assert read > 10


def test_files_of_two_vendors_lie_in_one_folder(tmp_path: Path) -> None:
    """One file of a kind was "1 files"."""
    for name in ("yahoo/AAPL.csv", "metatrader5/EURUSD_Daily_202301120000_202301170000.csv"):
        shutil.copy(HERE / "samples" / name, tmp_path)
    told = FileSource(FilesSettings(path=tmp_path), session_calendar("XNYS", date(2010, 1, 1))).describe()
    assert "symbols by the names of the files: AAPL, EURUSD" in told
    assert told.count("columns of 1 file: date = ") == 2


def test_a_last_line_that_is_a_number_alone_is_no_bar(tmp_path: Path) -> None:
    """EODHD ends its CSVs with a count: it was rejected in the newest session, and half of the two rows there stopped the run."""
    text = (HERE / "samples" / "eodhd" / "AAPL.US.csv").read_text(encoding="utf-8").rstrip("\n")
    source = written(tmp_path, "AAPL.US.csv", f"{text}\n3\n")
    assert bars(source, session_calendar("XNYS", date(2010, 1, 1))) == apple()
    assert "the last line is a number alone, 3, and left out" in "\n".join(source.recognised())
    other = written(tmp_path, "B.csv", "date,open,high,low,close,volume\n2023-01-12,1,1,1,1,1\n20230113,,,,,\n")
    assert other.latest_session() == FRIDAY

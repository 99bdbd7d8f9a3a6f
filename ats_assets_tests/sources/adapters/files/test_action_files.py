"""Corporate actions from files: tables of several forms, and factor files."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.screening import screen_actions
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources import RAW_ACTIONS_SCHEMA
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets.sources.contracts import RAW_ACTIONS

XNYS = session_calendar("XNYS", date(2010, 1, 1))
DAYS = XNYS.sessions(date(2020, 1, 2), date(2020, 3, 31))


def source(folder: Path, text: str | None, **settings: object) -> FileSource:
    rows = [(symbol, day, 10.0, 10.0, 10.0, 10.0, 100.0, 10.0) for symbol in ("A", "B") for day in DAYS]
    bars = pl.DataFrame(rows, schema=["symbol", "date", "open", "high", "low", "close", "volume", "adj_close"], orient="row")
    bars.write_parquet(folder / "bars.parquet")
    if text is not None:
        (folder / "actions.csv").write_text(text, encoding="utf-8")
        settings["actions"] = folder / "actions.csv"
    return FileSource(FilesSettings(path=folder / "bars.parquet", **settings), XNYS)  # pyright: ignore[reportArgumentType]


def delivered(folder: Path, text: str | None) -> pl.DataFrame:
    found = source(folder, text).actions(DAYS)
    assert found.schema == RAW_ACTIONS_SCHEMA
    RAW_ACTIONS.validate(found)
    return found


def rows(found: pl.DataFrame) -> list[tuple[object, ...]]:
    return found.select("symbol", "session", "kind", "ratio", "cash").rows()


def test_no_file_no_actions(tmp_path: Path) -> None:
    assert delivered(tmp_path, None).is_empty()


def test_a_table_with_kinds(tmp_path: Path) -> None:
    text = "Ticker,Ex-Date,Type,Split Ratio,Amount,Note\nA,2020-01-06,Forward Split,4:1,,four\nB,2020-01-06,Cash Dividend,1,0.25,\nA,2020-02-01,Reverse Split,1 for 10,0,\n"
    found = delivered(tmp_path, text)
    assert rows(found) == [
        ("A", date(2020, 1, 6), "split", 4.0, None),
        ("B", date(2020, 1, 6), "cash_dividend", None, 0.25),
        ("A", date(2020, 2, 3), "split", 0.1, None),  # the 1st is a Saturday
    ]
    assert found["date"].to_list()[2] == date(2020, 2, 1)
    assert found["description"].to_list() == ["four", None, None]
    assert screen_actions(found, source(tmp_path, text).bars(DAYS), XNYS)[1].is_empty()


def test_a_record_has_the_days_of_announcement_and_payment_and_the_time_it_was_known(tmp_path: Path) -> None:
    text = (
        "symbol,ex_date,dividend,declaration_date,Pay Date,known_at\n"
        "A,2020-01-06,0.5,2019-12-20,2020-02-14,2019-12-20T21:30:00Z\n"
        "A,2020-01-07,0.5,,2020-02-14,2019-12-31\n"
        "B,2020-01-06,0.5,NA,soon,2019-12-20 16:30\n"
    )
    found = delivered(tmp_path, text).sort("symbol", "session")
    assert found.select("announced", "payable", "known_at").rows() == [
        (date(2019, 12, 20), date(2020, 2, 14), datetime(2019, 12, 20, 21, 30, tzinfo=UTC)),
        (None, date(2020, 2, 14), datetime(2020, 1, 1, tzinfo=UTC)),  # the end of that day, as of a vintage
        (None, None, datetime(2019, 12, 20, 21, 30, tzinfo=UTC)),  # 16:30 in New York
    ]
    accepted, rejected = screen_actions(found, source(tmp_path, text).bars(DAYS), XNYS)
    assert accepted["payable"].to_list() == [date(2020, 2, 14)] * 2
    assert accepted["known_at"].to_list() == found["known_at"].to_list()[:2]
    assert rejected["defects"].to_list() == ["payable: 'soon' is not a day that can be read"]


def test_columns_of_splits_and_dividends(tmp_path: Path) -> None:
    found = delivered(tmp_path, "symbol,date,dividends,stock splits\nA,2020-01-06,0.5,2\nA,2020-01-07,0.0,0.0\nB,2020-01-07,0.1,0\n")
    assert rows(found) == [
        ("A", date(2020, 1, 6), "split", 2.0, None),
        ("A", date(2020, 1, 6), "cash_dividend", None, 0.5),
        ("B", date(2020, 1, 7), "cash_dividend", None, 0.1),
    ]


def test_what_cannot_be_read_is_named_and_quarantined(tmp_path: Path) -> None:
    text = "symbol,date,kind,ratio\nA,2020-01-06,split,two\nA,soon,split,2\nB,2020-01-07,fusion,2\n"
    found = delivered(tmp_path, text).sort("symbol", "defects")
    assert found["defects"].to_list() == [
        "date: 'soon' is not a day that can be read",
        "ratio: 'two' is not a number",
        "kind: 'fusion' is not one of split, stock_dividend, cash_dividend, spin_off, merger, name_change, other",
    ]
    assert screen_actions(found, source(tmp_path, text).bars(DAYS), XNYS)[0].is_empty()


def test_a_factor_file(tmp_path: Path) -> None:
    """A dividend of 0.2 at a close of 10 on the 3rd, a split of three for one on the 10th; the factors are cumulative and rounded."""
    text = (
        "symbol,date,price_factor,split_factor,ref_price\nA,2020-01-02,0.98,0.333333,10\nA,2020-01-09,1,0.333333,10\nA,2050-12-31,1,1,0\n"
    )
    found = delivered(tmp_path, text)
    assert rows(found) == [
        ("A", date(2020, 1, 3), "cash_dividend", None, pytest.approx(0.2)),
        ("A", date(2020, 1, 10), "split", 3.0, None),
    ]


def test_adjusted_prices_and_a_table_without_actions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="applied twice"):
        source(tmp_path, "symbol,date,ratio\nA,2020-01-06,2\n", adjusted=True).actions(DAYS)
    with pytest.raises(SourceError, match="lacks ratio or cash"):
        source(tmp_path, "symbol,date,close\nA,2020-01-06,2\n").actions(DAYS)
    with pytest.raises(SourceError, match=r"correct source\.files\.actions"):
        FileSource(FilesSettings(path=tmp_path / "bars.parquet", actions=tmp_path / "none"), XNYS).actions(DAYS)

"""Scheduled events from files: when a row was known, CSV and Parquet alike, and what can't be read named in its row."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.scheduled_events.event_sources.files.schedule_files import ScheduleFiles
from ats_assets.scheduled_events.schema import TOLD_EVENTS_SCHEMA

XNYS = session_calendar("XNYS", date(2020, 1, 2))
DAYS = date(2024, 1, 1), date(2024, 12, 31)


def told(path: Path) -> pl.DataFrame:
    return ScheduleFiles(path, XNYS).told(*DAYS)


def test_a_day_counts_at_its_close_an_instant_from_then_on_and_nothing_always(tmp_path: Path) -> None:
    """2024-03-09 is a Saturday, the clocks change before the Monday."""
    written = ["2024-03-07", "2024-03-09", "2024-03-07T12:00:00Z", "2024-03-07 12:00:00+01:00", "", "2030-01-01"]
    (tmp_path / "a.csv").write_text("symbol,date,kind,known_from\n" + "".join(f"A,2024-05-02,earnings,{one}\n" for one in written))
    known = [
        datetime(2024, 3, 7, 21, tzinfo=UTC),
        datetime(2024, 3, 11, 20, tzinfo=UTC),
        datetime(2024, 3, 7, 12, tzinfo=UTC),
        datetime(2024, 3, 7, 11, tzinfo=UTC),
        None,
    ]
    found = told(tmp_path / "a.csv")
    assert found.schema == TOLD_EVENTS_SCHEMA
    assert found["known_at"].to_list()[:5] == known
    assert found["known_at"].to_list()[5] >= datetime(2030, 1, 1, tzinfo=UTC)
    assert found["defects"].null_count() == 6


def test_parquet_says_the_same_as_csv_and_a_folder_has_the_rows_of_all(tmp_path: Path) -> None:
    text = "symbol,date,kind,known_from,timing,event,status\nA,2024-05-02,earnings,2024-04-02,AMC,q1,Projected\n*,2024-05-01,rates,,,,\n"
    (tmp_path / "a.csv").write_text(text)
    pl.read_csv(tmp_path / "a.csv", try_parse_dates=True).write_parquet(tmp_path / "b.parquet")
    csv, parquet = told(tmp_path / "a.csv"), told(tmp_path / "b.parquet")
    assert csv.equals(parquet)
    assert csv.select("timing", "event", "status").rows() == [("amc", "q1", "projected"), (None, None, None)]
    assert told(tmp_path).equals(pl.concat([csv, parquet]))
    stamped = pl.DataFrame(
        {"symbol": ["A"], "date": [date(2024, 5, 2)], "kind": ["x"], "known_from": [datetime(2024, 4, 2, 12, tzinfo=UTC)]}
    )
    stamped.write_parquet(tmp_path / "c.parquet")
    assert told(tmp_path / "c.parquet")["known_at"].to_list() == [datetime(2024, 4, 2, 12, tzinfo=UTC)]
    assert "b.parquet: 2 rows, 2024-05-01 to 2024-05-02" in ScheduleFiles(tmp_path, XNYS).describe()


def test_what_can_not_be_read_is_named_in_its_row_and_files_that_are_none_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("symbol,date,kind,known_from\nA,next week,earnings,2024-04-02 10:00\n")
    row = told(tmp_path / "a.csv").row(0, named=True)
    assert (row["date"], row["known_at"]) == (None, None)
    assert row["defects"] == "date: 'next week'; known_from: '2024-04-02 10:00'"
    (tmp_path / "b.csv").write_text("symbol,day\nA,2024-05-02\n")
    with pytest.raises(SourceError, match=r"b\.csv has no column date: it needs symbol, date, kind, and may have known_from"):
        told(tmp_path / "b.csv")
    with pytest.raises(SourceError, match=r"is no CSV or Parquet file and no folder that has one: correct it"):
        told(tmp_path / "none")
    (tmp_path / "c.parquet").write_text("no parquet")
    with pytest.raises(SourceError, match=r"c\.parquet can't be read as a table of scheduled events"):
        told(tmp_path / "c.parquet")

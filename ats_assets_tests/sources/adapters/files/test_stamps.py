# ruff: noqa: DTZ001 - naive times are what is tested
"""From stamps to days: each type of column, zones, midnights, daylight saving time."""

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.sources.adapters.files.stamps import StampReader

XNYS = session_calendar("XNYS", date(2010, 1, 1))
ALWAYS = session_calendar("24/7", date(2010, 1, 1))
NEW_YORK = ZoneInfo("America/New_York")


def days(
    values: object, stamp: Literal["open", "close"] = "open", timezone: str | None = None, calendar: object = XNYS
) -> list[date | None]:
    column = values if isinstance(values, pl.Series) else pl.Series(values)
    return StampReader(calendar=calendar, timezone=timezone, stamp=stamp).days(column)["date"].to_list()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2018-01-31", date(2018, 1, 31)),
        (" 2018/1/31 ", date(2018, 1, 31)),
        ("20180131", date(2018, 1, 31)),
        ("2018-01-31 00:00:00", date(2018, 1, 31)),
        ("2018-01-31T16:00", date(2018, 1, 31)),
        ("2018-01-31T00:00:00Z", date(2018, 1, 31)),  # a vendor's way to write the day, not the evening of the 30th in New York
        ("2018-01-31T05:00:00+00:00", date(2018, 1, 31)),  # midnight in New York
        ("2018-02-01T02:00:00Z", date(2018, 1, 31)),
        ("2018-02-01T01:30:00.123456789+0530", date(2018, 1, 31)),
        ("2018-01-31 23:00:00-05", date(2018, 1, 31)),
        ("2018-01-31 14:30:00 UTC", date(2018, 1, 31)),
        ("1517409000", date(2018, 1, 31)),  # 14:30 UTC
        ("1517409000000", date(2018, 1, 31)),
        ("1517409000000000000", date(2018, 1, 31)),
        ("2018-02-30", None),
        ("2018-01-31 25:00", None),
        ("01/31/2018", None),
        ("yesterday", None),
        ("", None),
        ("12", None),
    ],
)
def test_texts(text: str, day: date | None) -> None:
    assert days([text]) == [day]
    assert days([text, "2018-01-30", None]) == [day, date(2018, 1, 30), None]


def test_numbers() -> None:
    assert days([20180131, 20180230, 1517409000, -5, None]) == [date(2018, 1, 31), None, date(2018, 1, 31), None, None]
    assert days([20180131.0, 1517409000.5, float("nan")]) == [date(2018, 1, 31), None, None]
    assert days(pl.Series([None, None])) == [None, None]
    assert days(pl.Series([20_000_000, 17_000], dtype=pl.Int32).cast(pl.Date)) == [None, date(2016, 7, 18)]  # the year 56728


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_columns_of_times(unit: Literal["ms", "us", "ns"]) -> None:
    naive = pl.Series([datetime(2018, 1, 31), datetime(2018, 1, 31, 16), None], dtype=pl.Datetime(unit))
    assert days(naive) == [date(2018, 1, 31), date(2018, 1, 31), None]
    assert days(naive.dt.replace_time_zone("UTC")) == [date(2018, 1, 31), date(2018, 1, 31), None]
    assert days(naive.dt.replace_time_zone("Asia/Tokyo")) == [date(2018, 1, 31), date(2018, 1, 31), None]


def test_naive_times_are_in_the_zone_of_the_settings() -> None:
    evening = [datetime(2018, 2, 1, 2, 30)]
    assert days(evening) == [date(2018, 2, 1)]
    assert days(evening, timezone="UTC") == [date(2018, 1, 31)]
    with pytest.raises(SourceError, match=r"source.files.timezone is 'Mars/Olympus'"):
        days(evening, timezone="Mars/Olympus")


def test_a_midnight_close_ends_the_day_before() -> None:
    aware = pl.Series([datetime(2018, 1, 31)]).dt.replace_time_zone("UTC")
    for calendar in (XNYS, ALWAYS):
        assert days(aware, "open", calendar=calendar) == [date(2018, 1, 31)]
        assert days(aware, "close", calendar=calendar) == [date(2018, 1, 30)]
        assert days(["2018-01-31T00:00:00Z"], "close", calendar=calendar) == [date(2018, 1, 30)]
        assert days([datetime(2018, 1, 31)], "close", calendar=calendar) == [date(2018, 1, 31)]  # naive: a date
        assert days([datetime(2018, 1, 31)], "close", "UTC", calendar=calendar) == [date(2018, 1, 30)]  # unless it is said whose midnight
        assert days([date(2018, 1, 31)], "close", calendar=calendar) == [date(2018, 1, 31)]
    assert days(["2018-01-31T05:00:00Z"], "close") == [date(2018, 1, 30)]  # midnight in New York, written in UTC


def test_zones_may_be_mixed_row_by_row() -> None:
    mixed = ["2018-01-31T16:00:00-05:00", "2018-01-31T21:00:00Z", "2018-02-01T06:00:00+09:00", "2018-01-31 16:00:00", "2018-01-31"]
    assert days(mixed, "close") == [date(2018, 1, 31)] * 5


@given(st.datetimes(datetime(2010, 1, 5), datetime(2025, 12, 31)), st.integers(-12 * 60, 14 * 60))
def test_an_instant_is_the_same_day_in_any_zone(naive: datetime, offset: int) -> None:
    """Python's datetime is the oracle; a time at midnight somewhere, or in a session, is left to the cases above."""
    instant = naive.replace(tzinfo=UTC, microsecond=1)
    shifted = (instant + timedelta(minutes=offset)).replace(tzinfo=None)
    sign, size = ("-" if offset < 0 else "+"), abs(offset)
    written = f"{shifted.isoformat()}{sign}{size // 60:02}:{size % 60:02}"
    expected = [instant.astimezone(NEW_YORK).date()]
    assert days([written]) == expected
    assert days(pl.Series([instant.replace(tzinfo=None)]).dt.replace_time_zone("UTC")) == expected
    assert days([instant.replace(tzinfo=None)], timezone="UTC") == expected
    local = instant.astimezone(NEW_YORK)
    if local.fold == 0:
        assert days([local.replace(tzinfo=None)]) == expected


def test_every_open_and_close_is_in_its_session_across_daylight_saving_time() -> None:
    sessions = XNYS.sessions(date(2017, 1, 1), date(2018, 12, 31))
    opens, closes = ([at(s) for s in sessions] for at in (XNYS.opens_at, XNYS.closes_at))
    assert days(pl.Series(opens), "open") == sessions
    assert days(pl.Series(closes), "close") == sessions
    assert days([f"{at.astimezone(NEW_YORK).isoformat()}" for at in closes], "close") == sessions


def test_a_local_time_that_does_not_exist_has_no_day_but_its_midnight_has() -> None:
    assert days([datetime(2018, 3, 11, 2, 30)]) == [None]
    brazil = session_calendar("BVMF", date(2010, 1, 1))
    assert days([datetime(2017, 10, 15)], calendar=brazil) == [date(2017, 10, 15)]

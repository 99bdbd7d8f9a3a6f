"""What earlier sessions tell an algorithm: around half days, as the calendar has them."""

import math
from datetime import date, timedelta

import polars as pl
import pytest

from ats_assets.algorithms import MINUTE_SCHEMA
from ats_assets.algorithms.stored_days import DayPrices, StoredDays
from ats_assets.calendar import SessionCalendar

CALENDAR = SessionCalendar()
PRICES = {"A": DayPrices(open=10.0, close=10.0)}


def minutes(session: date) -> pl.DataFrame:
    """As much in each minute, from the open to the close."""
    opens, closes = CALENDAR.opens_at(session), CALENDAR.closes_at(session)
    starts = [opens + timedelta(minutes=i) for i in range(int((closes - opens) / timedelta(minutes=1)))]
    rows = [("A", at, 10.0, 10.0, 10.0, 10.0, 100.0, at + timedelta(minutes=1)) for at in starts]
    return pl.DataFrame(rows, schema={"symbol": pl.String, **MINUTE_SCHEMA}, orient="row")


@pytest.mark.parametrize(
    ("session", "length"),
    [
        (date(2023, 11, 22), 390),
        (date(2023, 11, 24), None),  # a half day, and none in the 21 sessions before it
        (date(2023, 11, 27), 390),  # the day after it had the half day's profile: all was to be traded by one o'clock
        (date(2023, 12, 20), 390),
    ],
)
def test_a_profile_is_of_sessions_that_last_as_long_as_the_one_it_is_for(session: date, length: int | None) -> None:
    profile = StoredDays(minutes, CALENDAR).days(session, PRICES)["A"].volume_profile
    assert (None if profile is None else len(profile)) == length
    if profile is not None:
        assert profile[194] == pytest.approx(0.5)


def moving(session: date) -> pl.DataFrame:
    """A session that rises by one percent; from 2023-11-15 on there are four shares for one."""
    factor = 4.0 if session >= date(2023, 11, 15) else 1.0
    rows = minutes(session).with_columns(pl.lit(100.0 / factor).alias(name) for name in ("open", "high", "low", "close"))
    last = pl.int_range(pl.len()) == pl.len() - 1
    rows = rows.with_columns(close=pl.when(last).then(pl.col("close") * 1.01).otherwise("close"), volume=pl.col("volume") * factor)
    return rows.with_columns(high=pl.max_horizontal("high", "close"))


def test_a_split_changes_nothing_of_what_earlier_sessions_tell() -> None:
    """The volatility was 30 % a day for a month, and the volume a mixture of both counts of shares."""
    told = StoredDays(moving, CALENDAR).earlier_of(date(2023, 11, 22), "A")
    assert told.volatility == pytest.approx(math.log(1.01))
    assert told.day_volume == pytest.approx(390 * 400.0, rel=0.01)

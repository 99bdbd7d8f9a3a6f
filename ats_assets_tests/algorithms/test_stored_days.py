"""What earlier sessions tell an algorithm: around half days, as the calendar has them."""

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

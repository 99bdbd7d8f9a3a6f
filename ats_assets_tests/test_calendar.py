"""Sessions, compared with exchange_calendars itself and with known days."""
# ruff: noqa: DTZ001  (naive instants are what some tests are about)

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import exchange_calendars
import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ats_assets.calendar
from ats_assets.calendar import HORIZON, SessionCalendar, Sessions, library_sessions, session_calendar
from ats_assets.errors import CalendarError
from ats_assets.orchestration.partitions import session_partitions

FIRST = date(2021, 1, 1)  # exchange_calendars knows Riyadh from here on
EXCHANGES = ("XNYS", "XLON", "XTKS", "XSAU", "24/7")
NEW_YORK = ZoneInfo("America/New_York")


def calendar(exchange: str) -> SessionCalendar:
    return session_calendar(exchange, FIRST)


@lru_cache
def ends_of(exchange: str) -> dict[date, tuple[datetime, datetime]]:
    """When each session opens and closes."""
    ours = calendar(exchange)
    return {day: (ours.opens_at(day), ours.closes_at(day)) for day in ours.sessions(FIRST, date(2025, 1, 31))}


@lru_cache
def oracle(exchange: str) -> exchange_calendars.ExchangeCalendar:
    return exchange_calendars.get_calendar(exchange, start="2021-01-01", end="2024-12-31")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_sessions_and_their_times_are_those_of_exchange_calendars(exchange: str) -> None:
    ours, theirs = calendar(exchange), oracle(exchange)
    days = [day.date() for day in theirs.sessions]
    assert ours.sessions(FIRST, date(2024, 12, 31)) == days
    assert [ours.opens_at(day) for day in days] == [theirs.session_open(pd.Timestamp(day)).to_pydatetime() for day in days]
    assert [ours.closes_at(day) for day in days] == [theirs.session_close(pd.Timestamp(day)).to_pydatetime() for day in days]
    assert str(ours.timezone) == str(theirs.tz)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_sessions_that_begin_later_are_the_same_whether_they_are_cut_from_longer_ones_or_asked_for_alone(exchange: str) -> None:
    later = date(2023, 7, 4)  # no session everywhere, and one in London
    longer = library_sessions(exchange, FIRST)
    cut = library_sessions(exchange, later)
    alone = ats_assets.calendar._asked(exchange, later, datetime.now(UTC).date() + HORIZON, from_where_known=False)
    assert (cut.days, cut.timezone, cut.ends_because) == (alone.days, alone.timezone, alone.ends_because)
    assert cut.days == longer.days[-len(cut.days) :]
    np.testing.assert_array_equal(cut.opens, alone.opens)
    np.testing.assert_array_equal(cut.closes, alone.closes)
    assert SessionCalendar(exchange, later).digest == SessionCalendar(sessions=alone).digest


def test_daylight_saving_time_moves_the_opening_in_utc() -> None:
    nyse = calendar("XNYS")
    assert nyse.opens_at(date(2023, 3, 10)) == datetime(2023, 3, 10, 14, 30, tzinfo=UTC)
    assert nyse.opens_at(date(2023, 3, 13)) == datetime(2023, 3, 13, 13, 30, tzinfo=UTC)
    assert nyse.closes_at(date(2023, 11, 3)) == datetime(2023, 11, 3, 20, 0, tzinfo=UTC)
    assert nyse.closes_at(date(2023, 11, 6)) == datetime(2023, 11, 6, 21, 0, tzinfo=UTC)


@pytest.mark.parametrize("day", [date(2023, 11, 24), date(2023, 7, 3), date(2024, 12, 24)])
def test_early_closes_are_at_one_o_clock_in_new_york(day: date) -> None:
    assert calendar("XNYS").closes_at(day).astimezone(NEW_YORK).hour == 13


@pytest.mark.parametrize(
    "day", [date(2023, 11, 23), date(2023, 7, 4), date(2024, 3, 29), date(2025, 1, 9), date(2023, 11, 25), date(2023, 11, 26)]
)
def test_holidays_days_of_mourning_and_weekends_are_no_sessions(day: date) -> None:
    nyse = calendar("XNYS")
    assert not nyse.is_session(day)
    assert day in nyse.excluded_days()
    with pytest.raises(CalendarError, match=re.escape(f"{day} ({day:%A}) is not a session of XNYS: choose {nyse.on_or_after(day)}")):
        nyse.position(day)


def test_markets_that_never_close_have_a_session_every_day() -> None:
    always = calendar("24/7")
    assert always.excluded_days() == []
    assert always.sessions(date(2023, 12, 30), date(2024, 1, 2)) == [
        date(2023, 12, 30),
        date(2023, 12, 31),
        date(2024, 1, 1),
        date(2024, 1, 2),
    ]
    assert always.closes_at(date(2023, 12, 31)) == always.opens_at(date(2024, 1, 1)) == datetime(2024, 1, 1, tzinfo=UTC)


def test_riyadh_trades_from_sunday_to_thursday() -> None:
    assert {day.weekday() for day in calendar("XSAU").sessions(date(2023, 1, 1), date(2023, 12, 31))} == {6, 0, 1, 2, 3}


def test_a_next_session_is_always_known() -> None:
    assert calendar("XNYS").last > datetime.now(UTC).date() + timedelta(days=300)


@pytest.mark.parametrize("exchange", EXCHANGES)
@given(data=st.data())
def test_windows_offsets_and_positions_agree(exchange: str, data: st.DataObject) -> None:
    ours = calendar(exchange)
    days = ours.sessions(ours.first, ours.last)
    i = data.draw(st.integers(0, len(days) - 1))
    length = data.draw(st.integers(1, 300))
    assert ours.position(days[i]) == i
    assert ours.window(days[i], length) == days[max(0, i - length + 1) : i + 1]
    j = data.draw(st.integers(0, len(days) - 1))
    assert ours.offset(days[i], j - i) == days[j]
    first, last = sorted((days[i] - timedelta(days=2), days[j] + timedelta(days=1)))
    assert ours.sessions(first, last) == [day for day in days if first <= day <= last]


@pytest.mark.parametrize("exchange", EXCHANGES)
@given(day=st.dates(date(2021, 1, 10), date(2024, 12, 20)))
def test_the_session_on_or_around_a_day(exchange: str, day: date) -> None:
    ours = calendar(exchange)
    after, before = ours.on_or_after(day), ours.on_or_before(day)
    assert before <= day <= after
    assert ours.is_session(after)
    assert ours.is_session(before)
    assert ours.sessions(before, after) == sorted({before, after})


@pytest.mark.parametrize("exchange", EXCHANGES)
@given(now=st.datetimes(datetime(2021, 1, 10), datetime(2024, 12, 20)))
def test_the_last_closed_session(exchange: str, now: datetime) -> None:
    ours = calendar(exchange)
    instant = now.replace(tzinfo=UTC)
    nearby = ours.sessions(now.date() - timedelta(days=15), now.date() + timedelta(days=2))
    assert ours.last_closed(instant) == max(day for day in nearby if ours.closes_at(day) <= instant)
    assert ours.last_closed(instant.astimezone(NEW_YORK)) == ours.last_closed(instant)


def belongs(ours: SessionCalendar, instant: datetime, stamp: str) -> date | None:
    """The session of an instant, looked for in every session nearby."""
    for day in ours.sessions(instant.date() - timedelta(days=2), instant.date() + timedelta(days=2)):
        opens, closes = ends_of(ours.exchange)[day]
        if (opens <= instant < closes) if stamp == "open" else (opens < instant <= closes):
            return day
    return None


def instants_of(ours: SessionCalendar) -> st.SearchStrategy[datetime]:
    """Instants anywhere, and within a microsecond of an open or close."""
    days = ours.sessions(date(2021, 1, 10), date(2024, 12, 20))
    near = st.builds(
        lambda day, edge, shift: ends_of(ours.exchange)[day][edge] + timedelta(microseconds=shift),
        st.sampled_from(days),
        st.sampled_from([0, 1]),
        st.sampled_from([-1, 0, 1]),
    )
    return near | st.datetimes(datetime(2021, 1, 10), datetime(2024, 12, 20)).map(lambda at: at.replace(tzinfo=UTC))


@pytest.mark.parametrize("stamp", ["open", "close"])
@pytest.mark.parametrize("exchange", EXCHANGES)
@settings(max_examples=40)
@given(data=st.data())
def test_the_session_of_an_instant(exchange: str, stamp: str, data: st.DataObject) -> None:
    ours = calendar(exchange)
    instants = data.draw(st.lists(st.none() | instants_of(ours), max_size=20))
    expected = [None if at is None else belongs(ours, at, stamp) for at in instants]
    aware = pl.Series("at", instants, dtype=pl.Datetime("us", "UTC"))
    naive = aware.dt.replace_time_zone(None)
    for series in (aware, naive, aware.dt.convert_time_zone("Asia/Tokyo")):
        found = ours.session_of(series, stamp=stamp)
        assert found.to_list() == expected
        assert (found.dtype, found.name) == (pl.Date, "at")


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_instants_of_any_precision(unit: str) -> None:
    series = pl.Series([datetime(2023, 11, 24, 17, 59), datetime(2023, 11, 24, 18, 0), None], dtype=pl.Datetime(unit))  # pyright: ignore[reportArgumentType]
    assert calendar("XNYS").session_of(series).to_list() == [date(2023, 11, 24), None, None]
    assert calendar("XNYS").session_of(series, stamp="close").to_list() == [date(2023, 11, 24), date(2023, 11, 24), None]


def test_instants_before_the_calendar_have_no_session() -> None:
    assert calendar("XNYS").session_of(pl.Series([datetime(1999, 1, 5, 15)])).to_list() == [None]


def test_an_unknown_exchange_is_named() -> None:
    with pytest.raises(CalendarError, match=r"calendar\.exchange is 'NYSEX'.*XNYS"):
        SessionCalendar("NYSEX", FIRST)


def test_a_first_session_too_early_is_named() -> None:
    with pytest.raises(CalendarError, match=r"calendar\.first_session is 2015-01-01: .*2021-01-01.*choose a later day"):
        SessionCalendar("XSAU", date(2015, 1, 1))


def test_days_outside_the_calendar_say_its_bounds() -> None:
    nyse = calendar("XNYS")
    with pytest.raises(CalendarError, match=r"2020-12-31 lies outside .*2021-01-04.*calendar\.first_session"):
        nyse.position(date(2020, 12, 31))
    with pytest.raises(CalendarError, match=r"no session -1 from 2021-01-04"):
        nyse.offset(date(2021, 1, 4), -1)
    with pytest.raises(CalendarError, match="lies outside"):
        nyse.on_or_before(date(2018, 1, 1))
    with pytest.raises(CalendarError, match="lies outside"):
        nyse.on_or_after(date(2100, 1, 1))
    with pytest.raises(CalendarError, match="no session of XNYS has closed"):
        nyse.last_closed(datetime(2021, 1, 4, 15, tzinfo=UTC))


@pytest.mark.parametrize("exchange", exchange_calendars.get_calendar_names(include_aliases=False))
def test_every_calendar_that_the_library_offers_can_be_used(exchange: str) -> None:
    """XSHG, XBOM and XSES end with the current year, and were refused with the advice to choose a later calendar.first_session."""
    found = library_sessions(exchange, datetime.now(UTC).date() - timedelta(days=60))
    ours = SessionCalendar(sessions=found)
    bound = exchange_calendars.calendar_utils._default_calendar_factories[exchange].bound_max()
    year_ahead = datetime.now(UTC).date() + HORIZON
    end = min(year_ahead, bound.date()) if bound is not None else year_ahead
    assert end - timedelta(days=15) < ours.last <= end
    assert bool(ours.ends_because) == (end < year_ahead)
    assert len(found.days) == len(found.opens) == len(found.closes)
    assert (found.opens < found.closes).all()
    assert (found.closes[:-1] <= found.opens[1:]).all()
    made = session_partitions(ours)
    keys = [date.fromisoformat(key) for key in made.get_partition_keys(current_time=datetime.now() + timedelta(days=900))]  # noqa: DTZ005
    assert keys[: len(found.days)] == list(found.days)
    assert keys == list(found.days) or not ours.ends_because


def test_what_needs_a_session_beyond_what_is_known_says_what_to_do() -> None:
    known = library_sessions("XNYS", date(2024, 1, 1))
    ends = "exchange_calendars 0.0 knows XNYS to 2024-12-31 only: update it"
    n = sum(day.year == 2024 for day in known.days)
    short = SessionCalendar(
        sessions=Sessions(
            exchange="XNYS", timezone=known.timezone, days=known.days[:n], opens=known.opens[:n], closes=known.closes[:n], ends_because=ends
        )
    )
    for beyond in (
        lambda: short.offset(date(2024, 12, 31), 1),
        lambda: short.after(date(2024, 12, 31)),
        lambda: short.on_or_after(date(2025, 1, 1)),
        lambda: short.position(date(2025, 1, 2)),
    ):
        with pytest.raises(CalendarError, match=re.escape(ends)) as caught:
            beyond()
        assert "calendar.first_session" not in str(caught.value)
    assert session_partitions(short).get_partition_keys(current_time=datetime(2030, 1, 1))[-1] == "2024-12-31"


def test_a_calendar_can_start_where_the_library_begins_to_know_it() -> None:
    assert library_sessions("XSAU", date(2010, 1, 1), from_where_known=True).days[0] == date(2021, 1, 3)

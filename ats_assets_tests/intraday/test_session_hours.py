"""Each tick has one session, known at its end; hours, weekends and changes of the clock."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SettingsError
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.settings import HoursSettings
from ats_assets_tests.intraday.ticks import FX, nyse
from ats_assets_tests.rounds import rounds

WEEK = SessionCalendar("24/5", date(2024, 1, 1))


def placed(hours: SessionHours, symbol: str, *times: str) -> list[tuple[date | None, bool | None]]:
    """Session, and whether it is inside, of times in New York."""
    at = pl.Series(times).str.to_datetime(time_unit="ns", time_zone="America/New_York").dt.convert_time_zone("UTC")
    rows = hours.placed(pl.DataFrame({"symbol": [symbol] * len(times), "at": at}))
    return list(rows.select("session", "inside").iter_rows())


def test_without_settings_hours_are_the_exchanges_early_closes_included() -> None:
    found = placed(nyse(), "A", "2024-07-03 09:29:59", "2024-07-03 09:30", "2024-07-03 12:59:59", "2024-07-03 13:00", "2024-07-04 11:00")
    day, next_day = date(2024, 7, 3), date(2024, 7, 5)
    assert found == [(day, False), (day, True), (day, True), (next_day, False), (next_day, False)]


def test_an_fx_session_is_from_five_to_five_and_the_weekend_is_outside() -> None:
    hours = SessionHours(WEEK, {"NZDUSD": FX})
    friday, monday = date(2024, 3, 8), date(2024, 3, 11)
    times = [
        "2024-03-08 16:59:59.999",
        "2024-03-08 17:00",
        "2024-03-09 12:00",
        "2024-03-10 16:59:59",
        "2024-03-10 17:00",
        "2024-03-11 17:00",
    ]
    assert placed(hours, "NZDUSD", *times) == [
        (friday, True),
        (monday, False),
        (monday, False),
        (monday, False),
        (monday, True),
        (date(2024, 3, 12), True),
    ]
    # the clock of New York moved in between: an hour less in UTC
    assert hours.of("NZDUSD", friday)[1] == datetime(2024, 3, 8, 22, tzinfo=UTC)
    assert hours.of("NZDUSD", monday) == (datetime(2024, 3, 10, 21, tzinfo=UTC), datetime(2024, 3, 11, 21, tzinfo=UTC))


def test_friday_ends_earlier_where_it_is_set_and_weekend_trading_belongs_to_the_session_after_it() -> None:
    early = FX.model_copy(update={"friday_end": datetime(2024, 1, 1, 16, 30).time()})  # noqa: DTZ001
    friday, monday = date(2024, 3, 8), date(2024, 3, 11)
    times = ["2024-03-08 16:29", "2024-03-08 16:30", "2024-03-09 12:00", "2024-03-10 17:00"]
    assert [inside for _, inside in placed(SessionHours(WEEK, {"X": early}), "X", *times)] == [True, False, False, True]
    traded = SessionHours(WEEK, {"X": early.model_copy(update={"weekend": True})})
    assert placed(traded, "X", *times) == [(friday, True), *([(monday, True)] * 3)]
    assert traded.of("X", date(2024, 3, 12))[0] == traded.of("X", monday)[1], "within the week nothing changes"


def test_each_instrument_has_its_own_hours_and_default_those_of_all_others() -> None:
    late = HoursSettings(start="04:00", end="20:00")  # pyright: ignore[reportArgumentType]
    hours = nyse({"default": late, "B": HoursSettings()})
    assert placed(hours, "A", "2024-03-04 18:00") == [(date(2024, 3, 4), True)]
    assert placed(hours, "B", "2024-03-04 18:00") == [(date(2024, 3, 5), False)]
    assert hours.known_at(date(2024, 3, 4)) == datetime(2024, 3, 5, 1, tzinfo=UTC), "the latest end, after the exchange's close"


def test_what_happened_before_the_calendar_begins_is_in_no_session() -> None:
    hours = nyse(first=date(2024, 3, 4))
    opens = int(datetime(2024, 3, 4, 14, 30, tzinfo=UTC).timestamp()) * 10**9
    assert hours.span(date(2024, 3, 4))[0] == opens
    assert hours.sessions_between(0, opens - 1) == []
    assert hours.sessions_between(0, opens) == [date(2024, 3, 4)]


def test_what_has_no_time_has_no_session() -> None:
    rows = nyse().placed(pl.DataFrame({"symbol": ["A"], "at": [None]}, schema_overrides={"at": pl.Datetime("ns", "UTC")}))
    assert rows.row(0)[2:] == (None, None)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"start": "09:00"}, "set together"),
        ({"friday_end": "12:00"}, "friday_end needs"),
        ({"timezone": "Mars/Olympus"}, "no time zone"),
    ],
)
def test_hours_that_say_nothing_are_refused(said: dict[str, str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        HoursSettings.model_validate(said)


def test_a_friday_that_ends_before_it_starts_is_refused() -> None:
    wrong = HoursSettings.model_validate({"start": "09:00", "end": "17:00", "friday_end": "08:00"})
    with pytest.raises(SettingsError, match="end before they start"):
        nyse({"A": wrong}).of("A", date(2024, 3, 8))


@settings(max_examples=rounds(20, 300), deadline=None)
@given(
    minutes=st.lists(st.integers(0, 20 * 24 * 60), min_size=1, max_size=20),
    start=st.integers(0, 23),
    end=st.integers(0, 23),
    weekend=st.booleans(),
)
def test_every_tick_is_in_one_session_that_ends_after_it_and_inside_only_between_its_ends(
    minutes: list[int], start: int, end: int, *, weekend: bool
) -> None:
    kind = HoursSettings.model_validate({"start": f"{start:02}:00", "end": f"{end:02}:30", "timezone": "UTC", "weekend": weekend})
    hours = SessionHours(WEEK, {"X": kind})
    times = [datetime(2024, 3, 1, tzinfo=UTC) + timedelta(minutes=one) for one in minutes]
    rows = hours.placed(pl.DataFrame({"symbol": ["X"] * len(times), "at": pl.Series(times).cast(pl.Datetime("ns", "UTC"))}))
    for at, (day, inside) in zip(times, rows.select("session", "inside").iter_rows(), strict=True):
        opens, ends = hours.of("X", day)
        before = hours.of("X", WEEK.offset(day, -1))[1]
        assert before <= at < ends
        assert inside == (opens <= at)
        assert day in hours.sessions_between(int(at.timestamp()) * 10**9, int(at.timestamp()) * 10**9)
        first, last = hours.span(day)
        assert first <= int(at.timestamp()) * 10**9 < last

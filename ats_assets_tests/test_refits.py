"""Models are fitted by a rule of dates."""

import itertools
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import SessionCalendar, Sessions, library_sessions, session_calendar
from ats_assets.models import is_refit_session, last_refit
from ats_assets.refits import refits_by_drift
from ats_assets.settings import LONGEST_PERIOD, Period

EXCHANGES = ("XNYS", "XSAU", "24/7")
FIRST, LAST = date(2021, 1, 4), date(2024, 12, 31)


def period(day: date, refit: Period) -> tuple[int, ...]:
    """What the days of one period have in common."""
    of = {"session": (day.toordinal(),), "weekly": day.isocalendar()[:2], "monthly": (day.year, day.month), "yearly": (day.year,)}
    return of.get(refit, (day.year, (day.month + 2) // 3))


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("refit", LONGEST_PERIOD)
def test_the_first_session_of_each_period_is_fitted_and_carried_to_the_next(exchange: str, refit: Period) -> None:
    calendar = session_calendar(exchange, FIRST)
    sessions = calendar.sessions(FIRST, LAST)
    fitted = [day for k, day in enumerate(sessions) if k == 0 or period(day, refit) != period(sessions[k - 1], refit)]
    assert [day for day in sessions if is_refit_session(calendar, day, refit)] == fitted
    assert [last_refit(calendar, day, refit) for day in sessions] == [max(one for one in fitted if one <= day) for day in sessions]
    longest = max(calendar.position(b) - calendar.position(a) for a, b in itertools.pairwise(fitted))
    assert longest <= LONGEST_PERIOD[refit][exchange == "24/7"]


@given(gone=st.sampled_from(session_calendar("XNYS", FIRST).sessions(FIRST, LAST)), refit=st.sampled_from(list(LONGEST_PERIOD)))
def test_a_session_that_vanishes_moves_no_other_refit_than_its_own(gone: date, refit: Period) -> None:
    """Counted from the calendar's first session, every later refit moved."""
    known = library_sessions("XNYS", FIRST)
    kept = np.array([day != gone for day in known.days])
    days = tuple(day for day in known.days if day != gone)
    without = SessionCalendar(
        sessions=Sessions(exchange="XNYS", timezone=known.timezone, days=days, opens=known.opens[kept], closes=known.closes[kept])
    )
    full = session_calendar("XNYS", FIRST)
    before, after = ({day for day in one.sessions(FIRST, LAST) if is_refit_session(one, day, refit)} for one in (full, without))
    assert before - after <= {gone}
    moved = after - before
    assert not moved or (gone in before and moved == {without.after(gone)} and period(gone, refit) == period(*moved, refit))


@settings(max_examples=40, deadline=None)
@given(
    alarms=st.sets(st.sampled_from(session_calendar("XNYS", FIRST).sessions(date(2022, 12, 1), date(2023, 12, 29))), max_size=60),
    most=st.integers(0, 5),
    apart=st.integers(1, 40),
    until=st.sampled_from(session_calendar("XNYS", FIRST).sessions(date(2023, 1, 3), date(2023, 12, 29))),
)
def test_refits_by_drift_keep_budget_and_distance_and_know_nothing_later(alarms: set[date], most: int, apart: int, until: date) -> None:
    calendar = session_calendar("XNYS", FIRST)
    how = {"refit": "monthly", "most": most, "apart": apart}
    made = refits_by_drift(calendar, alarms, until, **how)
    assert refits_by_drift(calendar, {day for day in alarms if day <= until and day.year == until.year}, until, **how) == made
    whole = refits_by_drift(calendar, alarms, date(2023, 12, 29), **how)
    assert {day: why for day, why in whole.items() if day <= until} == made, "what comes later changes nothing"
    assert len(made) <= most
    due = [day for day in calendar.sessions(date(2023, 1, 1), until) if is_refit_session(calendar, day, "monthly")]
    for day, alarm in made.items():
        assert is_refit_session(calendar, day, "weekly")
        assert day not in due
        assert alarm in alarms
        assert calendar.count(max(one for one in [*due, *made] if one < day), day) >= apart

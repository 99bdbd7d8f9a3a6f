from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bars import completeness, freshness
from ats_assets_tests.bars.real_bars import calendar

FRIDAY, MONDAY, TUESDAY = date(2024, 1, 5), date(2024, 1, 8), date(2024, 1, 9)


def test_against_the_symbols_of_the_session_before() -> None:
    found = completeness(["A", "B", "C", "D"], ["D", "B", "E", "A"])
    assert (found.present_share, found.missing, found.new) == (0.75, ("C",), ("E",))


def test_without_symbols() -> None:
    assert completeness([], ["A"]).present_share == 1.0
    assert completeness(["A"], []).present_share == 0.0


@given(st.sets(st.text(max_size=2)), st.sets(st.text(max_size=2)))
def test_share_and_names_agree(previous: set[str], current: set[str]) -> None:
    found = completeness(previous, current)
    assert 0 <= found.present_share <= 1
    assert (found.present_share == 1) == (not found.missing)
    assert set(found.new) == current - previous


@pytest.mark.parametrize(
    ("now", "allowed", "late"),
    [
        (datetime(2024, 1, 5, 20, 59, tzinfo=UTC), 0, ()),  # a minute before Friday's close
        (datetime(2024, 1, 5, 21, 0, tzinfo=UTC), 0, (FRIDAY,)),
        (datetime(2024, 1, 7, 12, 0, tzinfo=UTC), 0, (FRIDAY,)),  # Sunday
        (datetime(2024, 1, 7, 12, 0, tzinfo=UTC), 1, ()),
        (datetime(2024, 1, 8, 21, 0, tzinfo=UTC), 1, (FRIDAY,)),  # Monday's close
        (datetime(2024, 1, 9, 21, 0, tzinfo=UTC), 1, (FRIDAY, MONDAY)),
        (datetime(2024, 1, 9, 21, 0, tzinfo=UTC), 0, (FRIDAY, MONDAY, TUESDAY)),
    ],
)
def test_late_by_the_closes_of_the_calendar(now: datetime, allowed: int, late: tuple[date, ...]) -> None:
    stored = calendar().sessions(date(2024, 1, 2), date(2024, 1, 4))
    found = freshness(stored, now, calendar=calendar(), max_late_sessions=allowed)
    assert found.late == late
    assert found.is_fresh == (not late)


def test_an_early_close_is_a_close() -> None:
    stored = [date(2023, 11, 22)]  # the Friday after Thanksgiving closes at 13:00 in New York
    assert freshness(stored, datetime(2023, 11, 24, 18, 0, tzinfo=UTC), calendar=calendar(), max_late_sessions=0).late == (
        date(2023, 11, 24),
    )


def test_gaps_are_found() -> None:
    stored = [date(2024, 1, 2), date(2024, 1, 4)]
    found = freshness(stored, datetime(2024, 1, 4, 22, 0, tzinfo=UTC), calendar=calendar(), max_late_sessions=0)
    assert found.gaps == (date(2024, 1, 3),)
    assert not found.late
    assert not found.is_fresh


def test_nothing_stored() -> None:
    now = datetime(2024, 1, 3, 22, 0, tzinfo=UTC)
    found = freshness([], now, calendar=calendar(), max_late_sessions=0, first=date(2024, 1, 2))
    assert found.late == (date(2024, 1, 2), date(2024, 1, 3))
    assert freshness([], datetime(1990, 1, 1, tzinfo=UTC), calendar=calendar(), max_late_sessions=0).due is None


def test_a_stored_day_that_is_no_session_counts_for_nothing() -> None:
    """As after an unscheduled closing that was learnt later: it raised."""
    asked = {"calendar": calendar(), "max_late_sessions": 0}
    now = datetime(2024, 1, 9, tzinfo=UTC)
    stored = [date(2024, 1, 5), date(2024, 1, 8)]
    assert freshness([*stored, date(2024, 1, 6)], now, **asked) == freshness(stored, now, **asked)
    assert freshness([date(2024, 1, 6)], now, **asked) == freshness([], now, **asked)

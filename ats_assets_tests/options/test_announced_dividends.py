"""Which dividends a session knows of before they are paid."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import session_calendar
from ats_assets.options.announced_dividends import SESSIONS_AHEAD, announced_dividends, sessions_ahead
from ats_assets.options.contracts import AnnouncedDividends
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA
from ats_assets.sources import RAW_ACTIONS_SCHEMA
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.rounds import rounds

XNYS = session_calendar("XNYS", date(2014, 1, 2))
EX = date(2014, 8, 7)
DIVIDEND: dict[str, Any] = {
    "symbol": "AAPL",
    "date": EX,
    "session": EX,
    "kind": "cash_dividend",
    "cash": 0.47,
    "announced": date(2014, 7, 22),
}
SESSIONS = XNYS.sessions(date(2014, 5, 1), date(2014, 8, 8))


def known(*rows: dict[str, Any], sessions: list[date] = SESSIONS, newest: date = date(2014, 12, 1)) -> pl.DataFrame:
    raw = pl.DataFrame([dict.fromkeys(RAW_ACTIONS_SCHEMA) | row for row in rows], schema=RAW_ACTIONS_SCHEMA)
    found = announced_dividends(raw, XNYS, sessions, newest)
    assert found.schema == ANNOUNCED_DIVIDENDS_SCHEMA
    assert not schema_violations(AnnouncedDividends, found)
    return found


def test_a_dividend_is_known_from_its_announcement_to_the_session_before_its_ex_date() -> None:
    found = known(DIVIDEND)
    assert found["session"].to_list() == XNYS.sessions(date(2014, 7, 22), date(2014, 8, 6))
    assert set(found["held_session"]) == {date(2014, 8, 6)}
    assert set(found["cash"]) == {0.47}


def test_the_time_at_which_it_was_known_counts_more_than_the_day_of_its_announcement() -> None:
    closes = XNYS.closes_at(date(2014, 7, 25))
    assert known(DIVIDEND | {"known_at": closes})["session"].min() == date(2014, 7, 25)
    late = datetime(2014, 7, 25, 23, tzinfo=UTC)
    assert known(DIVIDEND | {"known_at": late})["session"].min() == date(2014, 7, 28)


def test_a_source_that_says_neither_tells_at_its_newest_session_alone() -> None:
    silent = DIVIDEND | {"announced": None}
    assert known(silent).is_empty()
    assert known(silent, newest=date(2014, 8, 1))["session"].to_list() == XNYS.sessions(date(2014, 8, 1), date(2014, 8, 6))


def test_a_split_that_was_announced_and_comes_first_multiplies_what_a_share_of_today_is_paid() -> None:
    """Apple's seven for one of 2014-06-09: a share of before becomes seven, each of which is paid 0.47."""
    split = {
        "symbol": "AAPL",
        "date": date(2014, 6, 9),
        "session": date(2014, 6, 9),
        "kind": "split",
        "ratio": 7.0,
        "announced": date(2014, 4, 23),
    }
    early = DIVIDEND | {"announced": date(2014, 5, 1)}
    paid = {day: round(cash, 6) for day, cash in known(split, early).select("session", "cash").iter_rows()}
    assert paid[date(2014, 6, 6)] == 3.29
    assert paid[date(2014, 6, 9)] == 0.47
    same_day = known(split | {"date": EX, "session": EX}, early)  # a payment is for a share as it was at the close before
    assert set(same_day["cash"]) == {0.47}
    another = known(split | {"symbol": "TWX"}, early)
    assert set(another["cash"]) == {0.47}


def test_what_is_no_payment_is_passed_over_and_told_again_counts_once() -> None:
    faulty = [
        {"cash": None},
        {"cash": float("nan")},
        {"cash": -1.0},
        {"cash": float("inf")},
        {"symbol": None},
        {"kind": "merger"},
        {"kind": None},
    ]
    assert known(*(DIVIDEND | fault for fault in faulty)).is_empty()
    assert known(DIVIDEND, DIVIDEND)["session"].is_unique().all()
    again = known(DIVIDEND | {"announced": date(2014, 7, 30)}, DIVIDEND)  # delivered first, announced later
    assert again["session"].min() == date(2014, 7, 22)
    special = known(DIVIDEND, DIVIDEND | {"description": "special"})
    assert special.group_by("session").len()["len"].to_list() == [2] * 12


SOME = SESSIONS[-20:]


@given(st.lists(st.tuples(st.sampled_from(SOME), st.sampled_from(SOME), st.floats(0.01, 3)), max_size=8), st.data())
@settings(max_examples=rounds(30, 500), deadline=None)
def test_nothing_that_is_announced_later_is_known(rows: list[tuple[date, date, float]], data: st.DataObject) -> None:
    """A session's rows are the same whatever is announced after it, alone and in a range."""
    told = [DIVIDEND | {"date": ex, "session": ex, "announced": announced, "cash": cash} for announced, ex, cash in rows]
    day = data.draw(st.sampled_from(SOME))
    all_known = known(*told, sessions=SOME).filter(pl.col("session") == day)
    then = known(*(row for row in told if row["announced"] <= day), sessions=[day])
    assert all_known.equals(then)


def test_half_a_year_ahead_or_as_far_as_the_calendar_goes() -> None:
    ahead = sessions_ahead(XNYS, SESSIONS[:3])
    assert (ahead[0], len(ahead)) == (SESSIONS[1], SESSIONS_AHEAD + 2)
    assert sessions_ahead(XNYS, [XNYS.last]) == []

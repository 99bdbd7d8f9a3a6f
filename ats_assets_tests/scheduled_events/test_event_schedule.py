"""The schedule as it stood at a close: of each event what was known last, whatever becomes known afterwards; and what is quarantined."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import ContractError
from ats_assets.scheduled_events.contracts import RawScheduledEvents, RejectedScheduledEvents, ScheduledEvents
from ats_assets.scheduled_events.event_schedule import AHEAD_DAYS, BEHIND_DAYS, schedule_at, schedule_known, told_frame
from ats_assets.scheduled_events.schema import REJECTED_SCHEDULED_EVENTS_SCHEMA, SCHEDULED_EVENTS_SCHEMA
from ats_assets.scheduled_events.screening import EVENT_REASONS, screen_events
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.rounds import rounds

START = date(2024, 3, 1)
Told = dict[str, Any]


def close(n: int) -> datetime:
    return datetime(2024, 3, 1, 21, tzinfo=UTC) + timedelta(days=n)


told_rows = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["A", "B", "*"]),
        "kind": st.sampled_from(["earnings", "rates"]),
        "date": st.none() | st.integers(-60, 400).map(lambda n: START + timedelta(days=n)),
        "event": st.none() | st.sampled_from(["q1", "q2"]),
        "known_at": st.none() | st.integers(0, 6).map(close),
        "defects": st.sampled_from([None, None, None, "date: 'soon'"]),
    }
)


def by_hand(rows: list[Told], session: date, until: datetime) -> list[Told]:
    """Row by row, as the module says it."""
    known = [row for row in rows if row["known_at"] is None or row["known_at"] <= until]
    kept = []
    for row in known:
        readable = row["date"] is not None and row["defects"] is None
        rivals = [
            other["known_at"] or datetime.min.replace(tzinfo=UTC)
            for other in known
            if other["date"] is not None
            and other["defects"] is None
            and [other[name] for name in ("symbol", "kind", "event")] == [row[name] for name in ("symbol", "kind", "event")]
        ]
        newest = not readable or row["event"] is None or (row["known_at"] or datetime.min.replace(tzinfo=UTC)) == max(rivals)
        near = row["date"] is None or session - timedelta(days=BEHIND_DAYS) <= row["date"] <= session + timedelta(days=AHEAD_DAYS)
        if newest and near:
            kept.append(row)
    return kept


def as_set(rows: list[Told]) -> list[tuple[Any, ...]]:
    return sorted(tuple(map(str, (row.get(name) for name in told_frame([]).columns))) for row in rows)


@settings(max_examples=rounds(60, 1_000), deadline=None)
@given(rows=st.lists(told_rows, max_size=8), n=st.integers(0, 5), random=st.randoms(use_true_random=False))
def test_it_is_what_was_known_in_any_order_whatever_is_told_later(rows: list[Told], n: int, random: Any) -> None:
    session, until = START + timedelta(days=n), close(n)
    found = schedule_at(told_frame(rows), session, until)
    assert as_set(found.drop("session").to_dicts()) == as_set(by_hand(rows, session, until))
    assert schema_violations(RawScheduledEvents, found) == []
    random.shuffle(rows)
    later = [{**row, "known_at": close(n + 1), "date": START} for row in rows]
    assert schedule_at(told_frame([*later, *rows]), session, until).equals(found)
    assert schedule_known(found, until) == until
    kept, rejected = screen_events(found)
    assert kept.height + rejected.height == found.height
    assert schema_violations(ScheduledEvents, kept) == schema_violations(RejectedScheduledEvents, rejected) == []
    assert kept.schema == SCHEDULED_EVENTS_SCHEMA
    assert rejected.schema == REJECTED_SCHEDULED_EVENTS_SCHEMA


def test_each_reason_is_given_to_the_row_that_has_it() -> None:
    good = {"symbol": "A", "kind": "earnings", "date": START, "timing": "bmo", "event": "q1"}
    wrong = {
        "cancelled": {"status": "cancelled"},
        "date_missing": {"date": None},
        "kind_missing": {"kind": " "},
        "symbol_malformed": {"symbol": "A "},
        "symbol_missing": {"symbol": None},
        "timing_unknown": {"timing": "noon"},
        "unreadable": {"defects": "date: 'soon'"},
    }
    rows = [good, good, *({**good, **change} for change in wrong.values())]
    raw = told_frame(rows).with_columns(session=pl.lit(START)).select("session", *told_frame([]).columns)
    kept, rejected = screen_events(raw)
    assert kept.height == 1
    assert rejected["reasons"].to_list() == [["duplicate"], *([reason] for reason in wrong)]
    assert {"duplicate", *wrong} == EVENT_REASONS.keys()
    with pytest.raises(ContractError, match="these are no scheduled events"):
        screen_events(raw.drop("event"))

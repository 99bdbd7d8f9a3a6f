"""Dagster's partitions are the calendar's sessions, and its mappings the windows that an asset says it reads."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.orchestration.partitions import Reads, session_partitions, sessions_of

FIRST = date(2021, 1, 1)
NOW = datetime(2024, 6, 3, 12, tzinfo=UTC)
EXCHANGES = ("XNYS", "XLON", "XTKS", "XSAU", "24/7")


@lru_cache
def partitions(exchange: str) -> tuple[SessionCalendar, dg.DailyPartitionsDefinition]:
    calendar = session_calendar(exchange, FIRST)
    return calendar, session_partitions(calendar)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_the_keys_are_the_sessions(exchange: str) -> None:
    calendar, made = partitions(exchange)
    assert sessions_of(made.get_partition_keys(current_time=NOW)) == calendar.sessions(FIRST, NOW.date() - timedelta(days=1))
    day = calendar.first
    while day < date(2022, 1, 10):
        assert made.has_partition_key(day.isoformat()) == calendar.is_session(day)
        day += timedelta(days=1)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_partition_exists_from_midnight_utc_after_its_session(exchange: str) -> None:
    calendar, made = partitions(exchange)
    for session in calendar.sessions(date(2023, 12, 18), date(2024, 1, 5)):
        midnight = datetime(session.year, session.month, session.day, tzinfo=UTC) + timedelta(days=1)
        with dg.partition_loading_context(effective_dt=midnight):
            assert made.get_last_partition_key() == session.isoformat()
        with dg.partition_loading_context(effective_dt=midnight - timedelta(seconds=1)):
            assert made.get_last_partition_key() == calendar.offset(session, -1).isoformat()
        assert calendar.closes_at(session) <= midnight


@pytest.mark.parametrize("exchange", ["XNYS", "XSAU", "24/7"])
@settings(max_examples=40)
@given(data=st.data())
def test_reads_are_what_dagster_maps(exchange: str, data: st.DataObject) -> None:
    calendar, made = partitions(exchange)
    days = calendar.sessions(FIRST, date(2023, 12, 29))
    lag = data.draw(st.integers(0, 30))
    reads = Reads(asset="bars", back=data.draw(st.integers(lag, lag + 70)), lag=lag)
    i = data.draw(st.integers(0, 40) | st.integers(0, len(days) - 1))
    ours = reads.sessions_read(calendar, days[i])
    assert sessions_of(mapped(reads, made, days[i], days[i])) == ours
    assert ours == [day for k, day in enumerate(days) if i - reads.back <= k <= i - lag]
    last = min(len(days) - 1, i + data.draw(st.integers(0, 20)))
    of_range = sorted({day for session in days[i : last + 1] for day in reads.sessions_read(calendar, session)})
    assert sessions_of(mapped(reads, made, days[i], days[last])) == of_range


def mapped(reads: Reads, made: dg.DailyPartitionsDefinition, first: date, last: date) -> list[str]:
    """The upstream keys of a run from `first` to `last`, as Dagster sees them."""
    wanted = made.subset_with_partition_keys(made.get_partition_keys_in_range(dg.PartitionKeyRange(str(first), str(last))))
    result = reads.mapping().get_upstream_mapped_partitions_result_for_partitions(wanted, made, made, current_time=NOW)
    return sorted(result.partitions_subset.get_partition_keys())

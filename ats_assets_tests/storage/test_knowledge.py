"""Which vintage a partition reads, against the rule told independently: session by session, from what was known at each close alone."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.bars import BARS_SCHEMA, universe
from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.lineage.index import Entry
from ats_assets.lineage.known_vintages import KnownDigests, StoredVintages
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads
from ats_assets.orchestration.reading import Known, as_known, of_each_vintage
from ats_assets.settings import KnowledgeSettings, UniverseSettings
from ats_assets.storage.digests import set_digest
from ats_assets.storage.knowledge import Knowledge, known_vintage, runs_of_one_assignment, stamp_of, time_of
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import FIRST, small_market

CALENDAR = session_calendar("XNYS", date(2020, 10, 1))
DAYS = CALENDAR.sessions(FIRST, date(2021, 1, 20))
BACK = 3
UNIVERSE = UniverseSettings(lookback_sessions=BACK + 1, min_history_sessions=1, size=2, min_price=0.0)
Deliveries = Mapping[date, Mapping[datetime, int]]
"""Session -> the time from which a vintage was known -> what tells it from the others."""


def delays() -> st.SearchStrategy[list[int]]:
    """Hours after a session's close at which its vintages were known: in time, inside the grace, late by days."""
    return st.lists(st.sampled_from([0, 3, 11, 13, 30, 80, 200]), min_size=1, max_size=3, unique=True)


HISTORIES = st.tuples(*(delays() for _ in DAYS)).map(
    lambda hours: {
        day: {CALENDAR.closes_at(day) + timedelta(hours=h): n for n, h in enumerate(sorted(of_day))}
        for day, of_day in zip(DAYS, hours, strict=True)
    }
)


def oracle(history: Deliveries, session: date, reader: date, mode: str, grace_hours: float = 12.0) -> datetime:
    """The rule in its own words: the newest that was known at the reader's close plus the grace, not after the next open; else the earliest; restated: the newest."""
    if mode == "restated":
        return max(history[session])
    known = [
        time
        for time in history[session]
        if time <= CALENDAR.closes_at(reader) + timedelta(hours=grace_hours) and time <= CALENDAR.opens_at(CALENDAR.offset(reader, 1))
    ]
    return max(known) if known else min(history[session])


def bars(session: date, vintage: int) -> pl.DataFrame:
    """Three symbols; which of them trades most changes with session and vintage."""
    rows = {
        "symbol": ["A", "B", "C"],
        "session": [session] * 3,
        **{name: [10.0, 11.0, 12.0] for name in ("open", "high", "low", "close")},
        "volume": [float((session.day * 7 + vintage * 5 + i * 3) % 11 + 1) for i in range(3)],
    }
    columns = (pl.col(name).cast(dtype) if name in rows else pl.lit(None, dtype).alias(name) for name, dtype in BARS_SCHEMA.items())
    return pl.DataFrame(rows).select(columns)


def stored(root: Path, history: Deliveries, mode: str) -> Deployment:
    deployment = small_market(root, knowledge={"mode": mode})
    for session, vintages in history.items():
        for time, vintage in sorted(vintages.items()):
            deployment.warehouse.write_vintage("raw_bars", session, pl.DataFrame({"session": [session], "vintage": [vintage]}), known=time)
            deployment.warehouse.write_made_vintage("bars", session, bars(session, vintage), stamp=stamp_of(time), upstream={})
    return deployment


def tradable(sessions: Sequence[date], bars: pl.DataFrame) -> pl.DataFrame:
    return universe(bars, sessions, UNIVERSE, calendar=CALENDAR)


NODE = Node(name="universe", group="bars", kinds=frozenset(), reads=(Reads(asset="bars", back=BACK),))


@settings(max_examples=25)
@given(HISTORIES, st.sampled_from(["point_in_time", "restated"]), st.integers(0, len(DAYS) - 2))
def test_a_range_is_what_each_session_alone_makes_of_what_was_known_to_it(history: Deliveries, mode: str, first: int) -> None:
    with TemporaryDirectory() as folder:
        deployment = stored(Path(folder), history, mode)
        sessions = DAYS[first:]
        made = as_known(deployment, NODE, sessions, KNOWN_SCHEMAS, tradable)
        known = Known(deployment, NODE.name, NODE.reads)
        for day in sessions:
            window = [one for one in CALENDAR.window(day, BACK + 1) if one in history]
            chosen = {one: bars(one, history[one][oracle(history, one, day, mode)]) for one in window}
            assert_frame_equal(made.filter(pl.col("session") == day), tradable([day], pl.concat(chosen.values())))
            paths = {one: deployment.warehouse.vintages("bars", one)[oracle(history, one, day, mode)] for one in window}
            versions = {one.isoformat(): deployment.warehouse.footer_of(path).data_version for one, path in paths.items()}
            assert known.upstream(day) == {"bars": versions}, "a footer names what was read"
            own = deployment.warehouse.vintages("bars", day)[oracle(history, day, day, mode)]
            assert deployment.warehouse.path("bars", day) == own, "what is read of a session alone is what its own partition knows"


@settings(max_examples=rounds(60, 200))
@given(HISTORIES, st.integers(0, 4), st.integers(0, 2))
def test_runs_are_as_long_as_one_assignment_serves_and_no_longer(history: Deliveries, back: int, lag: int) -> None:
    knowledge = Knowledge(KnowledgeSettings(), lambda: CALENDAR)
    several = {("bars", day): stamps for day, found in history.items() if len(stamps := sorted(map(stamp_of, found))) > 1}

    def windows(reader: date) -> Iterable[tuple[str, date]]:
        at = CALENDAR.position(reader)
        return (("bars", day) for day in DAYS if at - max(back, lag) <= CALENDAR.position(day) <= at - lag)

    def assigned(readers: Iterable[date]) -> list[set[datetime]]:
        read: dict[date, set[datetime]] = {}
        for reader in readers:
            for _, day in windows(reader):
                read.setdefault(day, set()).add(oracle(history, day, reader, "point_in_time"))
        return list(read.values())

    runs = runs_of_one_assignment(DAYS, windows, knowledge.until, several)
    assert [day for run in runs for day in run] == DAYS
    assert all(len(vintages) == 1 for run in runs for vintages in assigned(run))
    for run, after in itertools.pairwise(runs):
        assert any(len(vintages) > 1 for vintages in assigned([*run, after[0]])), "it could have gone on"


@settings(max_examples=rounds(60, 200))
@given(HISTORIES, st.sampled_from(["point_in_time", "restated"]), st.integers(-2, len(DAYS)), st.integers(-2, len(DAYS)))
def test_the_digest_of_a_window_is_that_of_what_its_reader_knows(history: Deliveries, mode: str, first: int, last: int) -> None:
    knowledge = Knowledge(KnowledgeSettings(mode=mode), lambda: CALENDAR)  # pyright: ignore[reportArgumentType]
    entries = {
        day.isoformat(): [Entry("", "bars", day.isoformat(), stamp_of(time), f"{n}", "", "", "", {}) for time, n in sorted(found.items())]
        for day, found in history.items()
    }
    digests = KnownDigests(StoredVintages(entries), [day.isoformat() for day in DAYS])
    for reader in DAYS:
        inside = {day: history[day][oracle(history, day, reader, mode)] for day in DAYS[max(0, first) : max(0, last + 1)]}
        expected = set_digest({day.isoformat(): f"{vintage}" for day, vintage in inside.items()})
        assert digests.window(first, last, knowledge.until(reader)) == expected


def test_the_grace_ends_at_the_next_open_and_early_closes_count() -> None:
    long = Knowledge(KnowledgeSettings(grace_hours=200), lambda: CALENDAR)
    assert long.deadline(date(2021, 1, 8)) == datetime(2021, 1, 11, 14, 30, tzinfo=UTC), "Monday's open"
    short = Knowledge(KnowledgeSettings(grace_hours=1.5), lambda: CALENDAR)
    assert short.deadline(date(2020, 11, 27)) == datetime(2020, 11, 27, 19, 30, tzinfo=UTC), "closed at 13:00"
    crypto = session_calendar("24/7", date(2020, 10, 1))
    assert Knowledge(KnowledgeSettings(), lambda: crypto).deadline(date(2021, 1, 8)) == crypto.closes_at(date(2021, 1, 8))


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)), st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1)))  # noqa: DTZ001
def test_stamps_sort_as_times_do(one: datetime, other: datetime) -> None:
    one, other = one.replace(tzinfo=UTC), other.replace(tzinfo=UTC)
    assert (stamp_of(one) < stamp_of(other)) == (one < other)
    assert time_of(stamp_of(one)) == one
    assert known_vintage([stamp_of(one)], stamp_of(other)) == stamp_of(one)


def test_what_is_made_of_a_vintage_reads_what_was_known_when_it_was(tmp_path: Path) -> None:
    """Actions of a session that were delivered late are held against the closes that were known then, not against those of the day itself."""
    day, before = DAYS[5], DAYS[4]
    late, restated = CALENDAR.closes_at(day) + timedelta(days=9), CALENDAR.closes_at(day) + timedelta(days=4)
    history = {one: {CALENDAR.closes_at(one): 0} for one in DAYS[:6]} | {before: {CALENDAR.closes_at(before): 0, restated: 1}}
    deployment = stored(tmp_path, history, "point_in_time")
    for time in (CALENDAR.closes_at(day), late):
        deployment.warehouse.write_vintage("raw_corporate_actions", day, pl.DataFrame({"session": [day], "n": [time.day]}), known=time)
    node = Node(
        name="corporate_actions",
        group="bars",
        kinds=frozenset(),
        reads=(Reads(asset="raw_corporate_actions"), Reads(asset="bars", back=2, lag=1)),
    )

    def volumes(raw: pl.DataFrame, bars: pl.DataFrame) -> tuple[pl.DataFrame]:
        return (raw.with_columns(volume=bars.filter(pl.col("session") == before)["volume"].sum()),)

    layers = [made.rows["volume"].item() for (made,) in of_each_vintage(deployment, node, [day], KNOWN_SCHEMAS, volumes)]
    assert layers == [bars(before, 0)["volume"].sum(), bars(before, 1)["volume"].sum()]


def test_a_window_of_what_keeps_vintages_is_never_left_to_the_io_manager() -> None:
    with pytest.raises(ValueError, match="universe reads a window of bars: take deps"):
        NODE.ins()


def test_what_was_stored_before_vintages_were_kept_is_read_until_it_is_rebuilt(tmp_path: Path) -> None:
    deployment, day = stored(tmp_path, {}, "point_in_time"), DAYS[0]
    deployment.warehouse.write("bars", day, bars(day, 3))
    assert deployment.warehouse.read("bars", [day])["volume"].to_list() == bars(day, 3)["volume"].to_list()
    time = stamp_of(CALENDAR.closes_at(day))
    deployment.warehouse.write_made_vintage("bars", day, bars(day, 4), stamp=time, upstream={})
    deployment.warehouse.keep_vintages("bars", day, [deployment.warehouse.vintage("bars", day, time)])
    assert [path.name for path in deployment.warehouse.folder("bars", day).iterdir()] == [f"known={time}.parquet"]

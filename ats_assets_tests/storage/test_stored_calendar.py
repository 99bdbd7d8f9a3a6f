"""The sessions in use are stored, and change only by vintages that say since when and by whom."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ats_assets.storage.stored_calendar as module
from ats_assets.calendar import Sessions, library_sessions, session_calendar
from ats_assets.errors import CorruptPartitionError
from ats_assets.runs.diagnosis import diagnose
from ats_assets.settings import CalendarSettings, load_settings
from ats_assets.storage.stored_calendar import CalendarStore, former_sessions
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import rounds

FIRST = date(2024, 1, 2)
MOURNING = date(2025, 1, 10)  # a Friday, a session as far as the library knows
NOW = datetime.now(UTC)
SETTINGS = CalendarSettings(first_session=FIRST)
LIBRARY = library_sessions("XNYS", FIRST)


def without(known: Sessions, *gone: date) -> Sessions:
    kept = np.array([day not in gone for day in known.days])
    days = tuple(day for day in known.days if day not in gone)
    return replace(known, days=days, opens=known.opens[kept], closes=known.closes[kept])


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    tmp_path.joinpath("warehouse").mkdir()
    return Warehouse(tmp_path / "warehouse", fsync=False)


def newer_library(monkeypatch: pytest.MonkeyPatch, known: Sessions, version: str = "exchange_calendars 99") -> None:
    """An update of the library."""
    monkeypatch.setattr(module, "library_version", lambda: version)
    monkeypatch.setattr(module, "library_sessions", lambda *_, **__: known)


def files(warehouse: Warehouse) -> list[str]:
    return sorted(path.stem for path in (warehouse.root / "calendar").glob("*.parquet"))


def test_what_is_stored_is_the_library_s_and_is_read_without_it(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    made = CalendarStore(warehouse, SETTINGS).open()
    monkeypatch.setattr(module, "library_sessions", None)
    read = CalendarStore(warehouse, SETTINGS).open()
    theirs = session_calendar("XNYS", FIRST)
    days = theirs.sessions(FIRST, theirs.last)
    for one in (made, read):
        assert one.sessions(FIRST, one.last) == days
        assert [(one.opens_at(day), one.closes_at(day)) for day in days] == [(theirs.opens_at(day), theirs.closes_at(day)) for day in days]
        assert (one.exchange, one.timezone) == (theirs.exchange, theirs.timezone)
    assert files(warehouse) == ["XNYS known=1970-01-01T00-00-00.000000Z"]
    assert CalendarStore(warehouse, SETTINGS).changes() == []
    later = SETTINGS.model_copy(update={"first_session": date(2024, 6, 1)})
    assert CalendarStore(warehouse, later).open().first == date(2024, 6, 3)


def test_nothing_is_stored_before_something_else_is(tmp_path: Path) -> None:
    store = CalendarStore(Warehouse(tmp_path / "warehouse", fsync=False), SETTINGS)
    store.open()
    assert not (tmp_path / "warehouse").exists()
    store.keep()
    assert len(files(Warehouse(tmp_path / "warehouse"))) == 1


def test_an_update_of_the_library_is_a_vintage_that_names_what_changed(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    CalendarStore(warehouse, SETTINGS).open()
    i = LIBRARY.days.index(date(2024, 12, 23))
    early = LIBRARY.closes.copy()
    early[i] -= np.timedelta64(3, "h")
    newer_library(monkeypatch, without(replace(LIBRARY, closes=early), MOURNING))
    store = CalendarStore(warehouse, SETTINGS)
    calendar = store.open(NOW)
    assert not calendar.is_session(MOURNING)
    assert calendar.closes_at(date(2024, 12, 23)).hour == 18
    told = [(change.day, change.kind, change.source, change.known) for change in store.adopted]
    assert told == [(date(2024, 12, 23), "times", "library", NOW), (MOURNING, "closed", "library", NOW)]
    again = CalendarStore(warehouse, SETTINGS)
    assert again.open().sessions(FIRST, calendar.last) == calendar.sessions(FIRST, calendar.last)
    assert again.adopted == []
    assert again.changes() == store.adopted
    assert list(former_sessions(again.changes(), calendar)) == [MOURNING]
    assert len(files(warehouse)) == 2
    newer_library(monkeypatch, LIBRARY, "exchange_calendars 100")  # and back
    CalendarStore(warehouse, SETTINGS).open()
    assert len(files(warehouse)) == 3
    assert former_sessions(CalendarStore(warehouse, SETTINGS).changes(), CalendarStore(warehouse, SETTINGS).open()) == {}


def test_a_library_that_only_knows_more_of_the_future_changes_nothing(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    newer_library(monkeypatch, without(LIBRARY, *LIBRARY.days[-40:]), "exchange_calendars 1")
    CalendarStore(warehouse, SETTINGS).open()
    newer_library(monkeypatch, LIBRARY)
    store = CalendarStore(warehouse, SETTINGS)
    assert store.open().last == LIBRARY.days[-1]
    assert store.adopted == []
    assert len(files(warehouse)) == 1
    earlier = library_sessions("XNYS", date(2023, 1, 3))
    newer_library(monkeypatch, earlier)
    assert CalendarStore(warehouse, SETTINGS.model_copy(update={"first_session": date(2023, 1, 3)})).open().first == date(2023, 1, 3)
    assert len(files(warehouse)) == 1
    monkeypatch.setattr(module, "library_sessions", None)
    assert CalendarStore(warehouse, SETTINGS).open(NOW + timedelta(days=30)).first == FIRST


def test_settings_close_days_and_open_them_again(warehouse: Warehouse) -> None:
    CalendarStore(warehouse, SETTINGS).open()
    closed = SETTINGS.model_copy(update={"closed": (MOURNING, date(2025, 1, 11))})
    store = CalendarStore(warehouse, closed)
    assert not store.open().is_session(MOURNING)
    assert [(change.day, change.kind, change.source) for change in store.adopted] == [(MOURNING, "closed", "settings")]
    assert CalendarStore(warehouse, closed).open().sessions(MOURNING, date(2025, 1, 13)) == [date(2025, 1, 13)]
    assert len(files(warehouse)) == 2
    back = CalendarStore(warehouse, SETTINGS)
    assert back.open().is_session(MOURNING)
    assert [change.kind for change in back.adopted] == ["opened"]


def hours(*days: date) -> dict[date, tuple[datetime, datetime]]:
    """The broker's calendar of those days."""
    calendar = session_calendar("XNYS", FIRST)
    return {day: (calendar.opens_at(day), calendar.closes_at(day)) for day in days}


def test_the_broker_s_closings_outlive_a_library_that_does_not_know_them(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    store = CalendarStore(warehouse, SETTINGS)
    store.open()
    learned = store.learn(hours(date(2025, 1, 8), date(2025, 1, 13)) | {}, NOW)
    assert [(change.day, change.kind, change.source) for change in learned] == [(MOURNING, "closed", "broker")]
    newer_library(monkeypatch, LIBRARY)
    assert not CalendarStore(warehouse, SETTINGS).open().is_session(MOURNING)
    assert CalendarStore(warehouse, SETTINGS).learn(hours(date(2025, 1, 8), date(2025, 1, 13))) == []
    assert len(files(warehouse)) == 2


@settings(max_examples=rounds(10, 25), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_the_broker_closes_only_what_lies_between_two_of_its_sessions(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """An answer that is cut off, or empty, closes nothing beyond it; what it has beyond ours is opened."""
    root = tmp_path_factory.mktemp("w")
    store = CalendarStore(Warehouse(root, fsync=False), SETTINGS)
    ours = store.open()
    stretch = ours.sessions(date(2025, 3, 3), date(2025, 4, 10))
    told = data.draw(st.sets(st.sampled_from(stretch), max_size=len(stretch)))
    changes = store.learn(hours(*sorted(told)), NOW)
    expected = [day for day in stretch if told and min(told) < day < max(told) and day not in told]
    assert [change.day for change in changes] == expected
    now = CalendarStore(Warehouse(root, fsync=False), SETTINGS).open()
    assert now.sessions(FIRST, now.last) == [day for day in ours.sessions(FIRST, ours.last) if day not in expected]


def test_a_damaged_calendar_says_so(warehouse: Warehouse) -> None:
    CalendarStore(warehouse, SETTINGS).open()
    path = next((warehouse.root / "calendar").glob("*.parquet"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(CorruptPartitionError, match="the calendar in use, is damaged"):
        CalendarStore(Warehouse(warehouse.root), SETTINGS).open()
    everything = load_settings(storage={"warehouse": warehouse.root}, calendar={"first_session": FIRST})
    found = {one.subject: one for one in diagnose(everything)}
    assert found["calendar"].status == "fail"
    assert "take it from a backup, or delete it" in found["calendar"].text


def test_the_stored_calendar_can_be_read_by_others(warehouse: Warehouse) -> None:
    CalendarStore(warehouse, SETTINGS.model_copy(update={"closed": (MOURNING,)})).open()
    rows = pl.read_parquet(warehouse.root / "calendar" / "*.parquet")
    assert rows.filter(pl.col("opens").is_null()).select("day", "source").rows() == [(MOURNING, "settings")]
    assert rows["exchange"].unique().to_list() == ["XNYS"]

"""Closings are asked of the broker's calendar whatever the source is."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ats_assets.automation.new_session import judge_remembering
from ats_assets.deployment import Deployment
from ats_assets.execution.closings import learn_closings
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, Fault, Plan, Reference, Step, serving
from ats_assets_tests.asked_events import asked_instance
from ats_assets_tests.small_market import small_market

MOURNING = date(2021, 2, 2)
NOW = datetime(2021, 2, 3, 1, 30, tzinfo=UTC)


def deployment(root: Path, url: str, **changes: object) -> Deployment:
    made = small_market(root, **{"orders": {"broker": "alpaca"}, "alpaca": {"trading_url": url, "max_attempts": 1}, **changes})  # pyright: ignore[reportArgumentType]
    made.warehouse.root.mkdir(parents=True, exist_ok=True)
    assert made.calendar.is_session(MOURNING)
    return made


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APCA_API_KEY_ID", KEY_ID)
    monkeypatch.setenv("APCA_API_SECRET_KEY", SECRET_KEY)


def test_a_closing_becomes_a_vintage_of_the_stored_calendar(tmp_path: Path) -> None:
    reference = Reference()
    reference.closed |= {MOURNING, date(2020, 12, 10)}
    with serving(reference, now=NOW) as double:
        one = deployment(tmp_path, double.url)
        assert [(change.day, change.kind, change.source) for change in learn_closings(one)] == [(MOURNING, "closed", "broker")]
        assert not one.calendar.is_session(MOURNING)
        assert learn_closings(one) == []
        one.warehouse.root.joinpath("orders", "session=2020-12-08").mkdir(
            parents=True
        )  # traded last long ago: a closing of that time is learned, too
        one.warehouse.root.joinpath("orders", "session=2020-12-08", "data.parquet").touch()
        assert [change.day for change in learn_closings(one)] == [date(2020, 12, 10)]
    assert [change.day for change in small_market(tmp_path).calendar_store.changes()] == [MOURNING, date(2020, 12, 10)]


@pytest.mark.parametrize("fault", [Fault.ERROR_BEFORE, Fault.NOT_JSON, Fault.EMPTY, Fault.CUT_BEFORE])
def test_a_calendar_that_can_not_be_asked_changes_nothing_and_is_said(
    tmp_path: Path, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    reference = Reference()
    reference.closed.add(MOURNING)
    with serving(reference, now=NOW) as double:
        double.plan = Plan(steps=(Step(fault=fault, path="/v2/calendar"),))
        one = deployment(tmp_path, double.url)
        assert learn_closings(one) == []
        assert one.calendar.is_session(MOURNING)
        assert "the broker (alpaca) could not be asked for its calendar" in caplog.text
        assert [change.day for change in learn_closings(one)] == [MOURNING]


def test_where_the_broker_has_no_calendar_or_there_are_no_keys_nobody_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Reference(), now=NOW) as double:
        assert learn_closings(deployment(tmp_path, double.url, orders={"broker": "paper"})) == []
        monkeypatch.delenv("APCA_API_KEY_ID")
        assert learn_closings(deployment(tmp_path, double.url)) == []
        assert double.journal == []


def test_signals_are_made_past_a_closing_that_the_source_does_not_tell(tmp_path: Path) -> None:
    """Files without rows of the day: the sensor asked for that day's run again and again."""
    before, after = date(2021, 2, 1), date(2021, 2, 3)
    reference = Reference()
    reference.closed.add(MOURNING)
    with serving(reference, now=NOW) as double, asked_instance() as instance:
        one = deployment(tmp_path, double.url)
        for asset in ("raw_bars", "targets"):
            one.warehouse.write(asset, before, pl.DataFrame({"symbol": ["A"]}))
        outcome, asked = judge_remembering(one, after_all(after), instance, None)
    assert isinstance(outcome, dg.RunRequest)
    assert not one.calendar.is_session(MOURNING)
    assert asked is not None
    assert asked.session == after


def after_all(day: date) -> datetime:
    return datetime(day.year, day.month, day.day + 1, 1, tzinfo=UTC)

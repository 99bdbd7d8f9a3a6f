"""Scheduled events as assets: a day that moves changes nothing before it was known, in the targets neither, however and whenever the files are read."""

import shutil
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.orchestration.graph import CODE, SETTINGS
from ats_assets.plugins import EVENT_SOURCES
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import FIRST, files_of, run_job, small_market

EVENTS = ("raw_scheduled_events", "scheduled_events", "rejected_scheduled_events")
ASSETS = (
    *("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "universe"),
    *EVENTS,
    *("signals", "targets"),
)
SYMBOLS = [f"SYN{n:04d}" for n in range(12)]
DAY, MOVED = date(2021, 1, 20), date(2021, 1, 27)
KNOWN = date(2021, 1, 15)
"""The day of all earnings, where they move to, and from when on that is known."""
BEFORE = "symbol,date,kind,known_from,timing,event\n" + "".join(f"{name},{DAY},earnings,2021-01-05,amc,q4\n" for name in SYMBOLS)
LATER = "".join(f"{name},{MOVED},earnings,{KNOWN},,q4\n" for name in SYMBOLS)


def market(root: Path, **changes: Mapping[str, Any]) -> Deployment:
    own = {
        "strategies": {"momentum": {"lookback_sessions": 3, "skip_sessions": 0}},
        "scheduled_events": {"source": {"path": root / "events.csv"}},
        "risk": {"earnings": {"kind": "blackout", "delivered": True, "before_days": 4, "after_days": 1}},
    }
    return small_market(root, **own | changes)


def write(root: Path, text: str) -> None:
    root.mkdir(parents=True, exist_ok=True)
    (root / "events.csv").write_text(text, encoding="utf-8")


def test_the_graph_has_events_only_where_settings_name_them(tmp_path: Path) -> None:
    write(tmp_path / "b", BEFORE)
    plain, both = small_market(tmp_path / "a"), small_market(tmp_path / "b", scheduled_events={"source": {"path": tmp_path / "b"}})
    before = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(plain).resolve_all_asset_specs()}
    after = {spec.key.path[-1]: (spec.code_version, spec.metadata[SETTINGS]) for spec in build(both).resolve_all_asset_specs()}
    assert after.keys() - before.keys() == {*EVENTS}
    del before["backtest_report"]  # which shows the settings
    assert all(after[name] == version for name, version in before.items()), "nothing else is stale"
    assert all(CODE in spec.metadata for spec in build(both).resolve_all_asset_specs())
    daily = build(both).resolve_job_def("daily_signals").asset_layer.executable_asset_keys
    assert {*EVENTS} <= {key.path[-1] for key in daily}, "a rule that comes later finds what was known"
    assert EVENT_SOURCES.names() == ["files", "massive", "preferred"]
    with pytest.raises(
        SettingsError, match=r"scheduled_events.source is 'benzinga', which is no source of events: choose one of files, massive, preferred"
    ):
        build(small_market(tmp_path / "c", scheduled_events={"source": {"kind": "benzinga"}}))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixteen sessions in one go, with all that became known of the earnings."""
    root = tmp_path_factory.mktemp("whole")
    write(root, BEFORE + LATER)
    deployment = market(root)
    assert run_job(deployment, "history", deployment.calendar.sessions(FIRST, date(2021, 1, 26)), list(ASSETS)).success
    return root


def test_the_targets_keep_clear_of_the_day_that_was_known_and_say_since_when(whole: Path) -> None:
    deployment = market(whole)
    for day in deployment.calendar.sessions(date(2021, 1, 13), date(2021, 1, 26)):
        told = [row for row in deployment.warehouse.read("targets", [day]).iter_rows(named=True) if row["proposed_weight"]]
        assert told, day
        event = DAY if day < KNOWN else MOVED
        near = event - timedelta(days=4) <= day <= event + timedelta(days=1)
        timing, since = (" (amc)", "2021-01-05") if event == DAY else ("", KNOWN)
        for row in told:
            reason = f"earnings: earnings of {row['symbol']} on {event}{timing}, known since {since}: times 0"
            assert (row["reasons"] == [reason]) == near, (day, row)
            assert not (near and row["target_weight"]), (day, row)
    assert [one.asset for one in healing_of(deployment).stale()] == []


def test_a_history_that_grew_and_partitions_alone_are_the_same_bytes(whole: Path, tmp_path: Path) -> None:
    write(tmp_path, BEFORE)
    grown = market(tmp_path)
    days = grown.calendar.sessions(FIRST, date(2021, 1, 26))
    run_job(grown, "history", [day for day in days if day < KNOWN], list(ASSETS))
    write(tmp_path, BEFORE + LATER)
    run_job(grown, "history", [day for day in days if day >= KNOWN], list(ASSETS))
    assert files_of(tmp_path) == files_of(whole)
    for day in (days[-1], days[8]):  # alone, and backwards
        run_job(grown, "history", [day], [*EVENTS, "targets"])
    assert files_of(tmp_path) == files_of(whole)


def test_a_row_that_is_told_too_late_is_a_vintage_and_changes_no_partition_that_was_made(whole: Path, tmp_path: Path) -> None:
    """A file that says afterwards what was known before: of each session what its partition knew stays, and is not stale."""
    shutil.copytree(whole, tmp_path / "late")
    write(tmp_path / "late", BEFORE + LATER + f"*,{date(2021, 1, 14)},rates,2021-01-04,,\nA,soon,earnings,,,\n")
    late, day = market(tmp_path / "late"), date(2021, 1, 13)
    days = late.calendar.sessions(date(2021, 1, 12), date(2021, 1, 14))
    before = {asset: late.warehouse.read(asset, days) for asset in ("scheduled_events", "targets")}
    result = run_job(late, "history", days, [*EVENTS, "targets"])
    assert len(late.warehouse.stamps("raw_scheduled_events", day)) == len(late.warehouse.stamps("scheduled_events", day)) == 2
    assert {asset: late.warehouse.read(asset, days).equals(rows) for asset, rows in before.items()} == dict.fromkeys(before, True)
    assert [one.asset for one in healing_of(late).stale()] == []
    found = {one.check_name: one for one in result.get_asset_check_evaluations() if one.asset_key.path[-1] == "scheduled_events"}
    assert found["contract"].passed, "of what the sessions know nothing is faulty"
    assert found["freshness"].passed
    new = late.calendar.sessions(date(2021, 1, 27), date(2021, 1, 27))
    result = run_job(late, "history", new, list(ASSETS))
    found = {one.check_name: one for one in result.get_asset_check_evaluations() if one.asset_key.path[-1] == "scheduled_events"}
    assert "A (date_missing, unreadable)" in (found["contract"].description or "")
    assert late.warehouse.read("rejected_scheduled_events", new)["defects"].to_list() == ["date: 'soon'"]


def test_a_file_that_nobody_goes_on_with_is_warned_of(tmp_path: Path) -> None:
    write(tmp_path, "symbol,date,kind\nA,2020-11-02,earnings\n")
    deployment = market(tmp_path, risk={})
    result = run_job(deployment, "history", [FIRST], list(EVENTS))
    (found,) = [one for one in result.get_asset_check_evaluations() if one.check_name == "freshness"]
    assert not found.passed
    assert "no event of the last 31 days or to come: go on with the files of events" in (found.description or "")

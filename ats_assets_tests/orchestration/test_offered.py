"""Which sessions Dagster offers. Before, all of the calendar's: "Missing 3,499", and the latest one was of a day that no source had."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from ats_assets.automation.new_session import judge_source
from ats_assets.automation.requests import asked_once
from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import reads_of
from ats_assets.orchestration.offered import FED_SESSIONS, Offered, offered
from ats_assets.orchestration.partitions import partitions_of
from ats_assets.runs.sessions import chosen_sessions
from ats_assets_tests.small_market import FIRST, LAST, make_history, run_job, small_market

PRICES = {"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0, "volume": 100.0}
RAW = ["raw_bars"]


def ends(deployment: Deployment) -> tuple[date, date]:
    """The first and the last partition that every asset and check with sessions has."""
    graph = build(deployment).resolve_asset_graph()
    nodes = [graph.get(key) for key in (*graph.materializable_asset_keys, *graph.asset_check_keys)]
    (made,) = {node.partitions_def for node in nodes if node.partitions_def is not None}
    assert isinstance(made, dg.DailyPartitionsDefinition)
    assert made == partitions_of(deployment)
    keys = made.get_partition_keys()
    return date.fromisoformat(keys[0]), date.fromisoformat(keys[-1])


def files(root: Path, first: date, last: date) -> Deployment:
    """A deployment over a file with a bar of each session from one day to another."""
    deployment = small_market(root, source={"kind": "files", "files": {"path": root / "bars.parquet"}})
    days = deployment.calendar.sessions(first, last)
    pl.DataFrame([{"symbol": "AAA", "date": day} | PRICES for day in days]).write_parquet(root / "bars.parquet")
    return deployment


def store(deployment: Deployment, first: date, last: date) -> None:
    """Store deliveries as an earlier start of the same deployment."""
    make_history(Deployment(deployment.settings), first, last, RAW)


def test_of_the_synthetic_market_its_sessions_and_the_latest_one_can_be_made(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    assert ends(deployment) == (FIRST, LAST)
    assert run_job(deployment, "history", [LAST], RAW).success


@pytest.mark.parametrize("last", [date(2021, 1, 1), date(2010, 1, 1)])
def test_a_source_without_a_session_is_loaded_and_says_itself_what_is_wrong(tmp_path: Path, last: date) -> None:
    deployment = small_market(tmp_path, last_session=last)
    assert build(deployment).resolve_asset_graph().materializable_asset_keys
    assert partitions_of(deployment).get_partition_keys() == []


def test_windows_and_versions_do_not_depend_on_it(tmp_path: Path) -> None:
    """Of two starts of history all definitions are the same but for the keys; and so is a partition's position in the calendar."""
    early = small_market(tmp_path)
    late = small_market(tmp_path)
    late.asked_sessions = (early.calendar.offset(FIRST, -20),)
    assert late.of(offered).first < early.of(offered).first
    graphs = [build(one).resolve_asset_graph() for one in (early, late)]
    for key in graphs[0].materializable_asset_keys:
        ours, theirs = (graph.get(key) for graph in graphs)
        assert ours.metadata == theirs.metadata
        assert ours.code_version == theirs.code_version
        for reads in reads_of(ours.metadata):
            assert reads.sessions_read(early.calendar, LAST) == reads.sessions_read(late.calendar, LAST)


def test_deliveries_that_lie_outside_are_offered_too(tmp_path: Path) -> None:
    """The settings have been narrowed since: what is stored can be made again."""
    deployment = small_market(tmp_path)
    store(deployment, FIRST, FIRST + timedelta(days=4))
    middle = date(2021, 3, 1)
    narrowed = {"kind": "synthetic", "synthetic": {"symbols": 12, "first_session": middle, "last_session": date(2021, 3, 31)}}
    assert ends(small_market(tmp_path, source=narrowed)) == (FIRST, date(2021, 3, 31))
    make_history(deployment, LAST, LAST, RAW)
    assert ends(small_market(tmp_path, source=narrowed)) == (FIRST, LAST)


def test_of_files_that_nobody_feeds_what_they_hold(tmp_path: Path) -> None:
    deployment = files(tmp_path, date(2021, 2, 1), date(2021, 4, 30))
    closed = deployment.calendar.last_closed(datetime.now(UTC))
    assert deployment.of(offered) == Offered(first=deployment.calendar.first, last=None)  # nothing is read before the first run
    store(deployment, date(2021, 2, 8), date(2021, 2, 12))
    assert ends(Deployment(deployment.settings)) == (date(2021, 2, 1), date(2021, 4, 30))
    fed = files(tmp_path, date(2021, 2, 1), deployment.calendar.offset(closed, -FED_SESSIONS))
    assert fed.of(offered) == Offered(first=date(2021, 2, 1), last=None)


def test_files_that_can_not_be_read_take_nothing_away(tmp_path: Path) -> None:
    deployment = files(tmp_path, date(2021, 2, 1), date(2021, 4, 30))
    store(deployment, date(2021, 2, 8), date(2021, 2, 12))
    (tmp_path / "bars.parquet").write_bytes(b"damaged")
    assert Deployment(deployment.settings).of(offered) == Offered(first=date(2021, 2, 8), last=None)


def test_a_run_of_earlier_sessions_than_are_stored_is_offered_them(tmp_path: Path) -> None:
    deployment = files(tmp_path, date(2021, 2, 1), date(2021, 4, 30))
    store(deployment, date(2021, 3, 1), date(2021, 3, 5))
    chosen = chosen_sessions(deployment, None, date(2021, 2, 5))
    assert ends(deployment)[0] == chosen[0] == date(2021, 2, 1)
    assert run_job(deployment, "history", chosen, RAW).success


def test_what_came_after_a_process_had_started_is_not_asked_for_and_it_is_said_why(tmp_path: Path) -> None:
    deployment = small_market(tmp_path)
    build(deployment)
    earlier = deployment.calendar.offset(FIRST, -3)
    with dg.DagsterInstance.ephemeral() as instance:
        for day in (earlier, deployment.calendar.offset(LAST, 1)):
            skipped = asked_once(deployment, instance, "history", [day], f"history:{day}")
            assert isinstance(skipped, dg.SkipReason)
            assert f"{day} came after this process had started" in str(skipped.skip_message)
            assert "reload" in str(skipped.skip_message)
        assert isinstance(asked_once(deployment, instance, "history", [LAST], "history"), dg.RunRequest)


@pytest.mark.parametrize("last", [date(2021, 2, 26), date(2021, 6, 30)])
def test_a_sensor_waits_where_files_grow_that_nobody_fed(tmp_path: Path, last: date) -> None:
    deployment = files(tmp_path, date(2021, 2, 1), date(2021, 2, 12))
    store(deployment, date(2021, 2, 1), date(2021, 2, 12))
    running = Deployment(deployment.settings)
    build(running)
    running.warehouse.write("targets", date(2021, 2, 12), pl.DataFrame())
    files(tmp_path, date(2021, 2, 1), last)
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = judge_source(running, datetime(2021, 8, 1, tzinfo=UTC), instance)
    assert isinstance(outcome, dg.SkipReason)
    assert "2021-02-16 came after this process had started, which offers partitions from 2021-02-01 to 2021-02-12" in str(
        outcome.skip_message
    )

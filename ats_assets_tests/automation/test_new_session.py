"""Ticks of the sensor that waits for new sessions, over a history with models and signals, and the runs that they ask for."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl
import pytest

from ats_assets.automation.new_session import is_current, judge_remembering, judge_source
from ats_assets.automation.requests import MAX_REPEATS, REQUEST
from ats_assets.deployment import Deployment
from ats_assets.sources.adapters.files import source as files
from ats_assets.sources.adapters.files.delivery import Delivery
from ats_assets.sources.adapters.files.table_files import DataFile
from ats_assets.sources.last_asked import LastAsked
from ats_assets_tests.automation.ticks import (
    FRIDAY,
    LAST,
    MONDAY,
    SMALL,
    TUESDAY,
    asked,
    execute,
    graph,
    market,
    night,
    tick,
    what,
)
from ats_assets_tests.small_market import FIRST, small_market


def test_without_a_history_nothing_is_asked_for(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    assert tick(market(tmp_path), instance) == ([], "there is no history yet: make it with ats run")


def test_without_a_new_session_nothing_is_asked_for(root: Path, instance: dg.DagsterInstance) -> None:
    assert tick(market(root), instance) == ([], "no new session: targets of 2021-03-11 are made from what the source holds")


def test_a_source_that_ends_earlier_is_named(root: Path, instance: dg.DagsterInstance) -> None:
    assert tick(market(root, date(2021, 3, 9)), instance)[1] == "the source ends at 2021-03-09; targets of 2021-03-11 are stored"


def test_a_new_session_asks_for_its_signals(root: Path, instance: dg.DagsterInstance) -> None:
    requests, _ = tick(market(root, FRIDAY), instance)
    assert what(requests) == [("daily_signals", "2021-03-12")]
    assert tick(market(root, FRIDAY), instance)[0] == requests  # until the run exists, the same key: Dagster makes one run of it


def test_a_session_is_waited_for_until_its_partition_exists(root: Path, instance: dg.DagsterInstance) -> None:
    deployment = market(root, FRIDAY)
    early = judge_source(deployment, datetime(2021, 3, 12, 23, 59, tzinfo=UTC), instance)
    assert isinstance(early, dg.SkipReason)
    midnight = judge_source(deployment, datetime(2021, 3, 13, 0, 0, tzinfo=UTC), instance)
    assert isinstance(midnight, dg.RunRequest)
    assert midnight.partition_key == "2021-03-12"


def test_several_new_sessions_are_made_one_by_one_with_training_between(root: Path, instance: dg.DagsterInstance) -> None:
    deployment = market(root, TUESDAY)
    done = []
    keys = []
    for _ in range(5):
        requests, _ = tick(deployment, instance)
        assert len(requests) == 1
        done += what(requests)
        keys.append(requests[0].run_key)
        assert execute(deployment, requests[0], instance).success
    assert done == [
        ("daily_signals", "2021-03-12"),
        ("nightly_retraining", "2021-03-12"),
        ("daily_signals", "2021-03-15"),
        ("nightly_retraining", "2021-03-15"),
        ("daily_signals", "2021-03-16"),
    ]
    assert len(set(keys)) == 5
    assert tick(deployment, instance) == ([], "no new session: targets of 2021-03-16 are made from what the source holds")
    assert deployment.warehouse.stored_sessions("targets")[-1] == TUESDAY
    assert deployment.warehouse.read("targets", [TUESDAY]).height > 0
    assert asked(night(deployment, TUESDAY)[0]) == [("2021-03-16", "2021-03-16")]
    for asset in ("raw_bars", "bars", "rejected_bars", "universe", "alpha158", "forward_returns", "predictions"):
        assert deployment.warehouse.exists(asset, TUESDAY)
    assert is_current(deployment, "targets", TUESDAY)


def test_while_a_run_is_at_work_nothing_is_asked_for(root: Path, instance: dg.DagsterInstance) -> None:
    run = instance.create_run_for_job(graph(market(root)).resolve_job_def("nightly_retraining"), status=dg.DagsterRunStatus.STARTED)
    assert tick(market(root, FRIDAY), instance) == ([], f"nightly_retraining is running: run {run.run_id}")
    instance.report_run_canceled(run)
    assert what(tick(market(root, FRIDAY), instance)[0]) == [("daily_signals", "2021-03-12")]


def test_a_lost_raw_partition_is_fetched_again(root: Path, instance: dg.DagsterInstance) -> None:
    deployment = market(root)
    shutil.rmtree(deployment.warehouse.folder("raw_bars", LAST))
    keys = []
    for _ in range(MAX_REPEATS):
        requests, _ = tick(deployment, instance)
        assert what(requests) == [("daily_signals", "2021-03-11")]
        keys.append(requests[0].run_key)
        assert execute(deployment, requests[0], instance).success
        assert tick(deployment, instance)[0] == []
        shutil.rmtree(deployment.warehouse.folder("raw_bars", LAST))
    assert len(set(keys)) == MAX_REPEATS
    requests, said = tick(deployment, instance)
    assert requests == []
    assert "succeeded 3 times with the same delivery" in said


def test_a_partition_rebuilt_upstream_makes_the_signals_due(root: Path, instance: dg.DagsterInstance) -> None:
    deployment = market(root)
    bars, (stamp,) = deployment.warehouse.read("bars", [LAST]), deployment.warehouse.stamps("bars", LAST)
    upstream = deployment.warehouse.footer("bars", LAST).upstream
    deployment.warehouse.write_made_vintage("bars", LAST, bars.with_columns(pl.col("close") * 1.0000001), stamp=stamp, upstream=upstream)
    assert not is_current(deployment, "targets", LAST)
    assert what(tick(deployment, instance)[0]) == [("daily_signals", "2021-03-11")]


def test_a_blocking_check_stops_the_signals_and_the_failed_run_is_not_asked_for_again(root: Path, instance: dg.DagsterInstance) -> None:
    defective = market(root, FRIDAY, source={"synthetic": {**SMALL["source"]["synthetic"], "last_session": FRIDAY, "defective_share": 1.0}})
    requests, _ = tick(defective, instance)
    result = execute(defective, requests[0], instance)
    assert not result.success
    assert defective.warehouse.exists("rejected_bars", FRIDAY)
    for asset in ("universe", "alpha158", "predictions", "signals", "targets"):
        assert not defective.warehouse.exists(asset, FRIDAY), asset
    (contract,) = [check for check in result.get_asset_check_evaluations() if check.check_name == "contract"]
    assert not contract.passed
    assert contract.partition == "2021-03-12"

    asked_again, said = tick(defective, instance)
    assert asked_again == []
    assert f"daily_signals of 2021-03-12 failed (run {result.run_id})" in said
    assert night(defective, FRIDAY)[0] == []  # and nothing is learned from it

    corrected = tick(market(root, FRIDAY), instance)[0]
    assert what(corrected) == [("daily_signals", "2021-03-12")]
    assert corrected[0].run_key != requests[0].run_key

    tolerant = market(
        root,
        FRIDAY,
        source={"synthetic": {**SMALL["source"]["synthetic"], "last_session": FRIDAY, "defective_share": 1.0}},
        bars={"profile": False, "max_rejected_share": 1.0},
    )
    tolerated = tick(tolerant, instance)[0]
    assert what(tolerated) == [("daily_signals", "2021-03-12")]
    assert len({request.run_key for request in (*requests, *corrected, *tolerated)}) == 3
    assert execute(market(root, FRIDAY), corrected[0], instance).success
    assert tick(market(root, FRIDAY), instance)[0] == []


def test_a_failed_run_that_a_person_executes_again_is_not_held_against_the_session(root: Path, instance: dg.DagsterInstance) -> None:
    deployment = market(root, FRIDAY)
    (request,), _ = tick(deployment, instance)
    (root / "warehouse" / "signals" / "session=2021-03-12").touch()  # a file where a folder is needed, like a full disk
    assert not execute(deployment, request, instance).success
    assert "failed" in tick(deployment, instance)[1]
    (root / "warehouse" / "signals" / "session=2021-03-12").unlink()
    assert execute(deployment, request, instance).success
    assert "no new session" in tick(deployment, instance)[1]


def test_a_missing_model_is_trained_first_and_with_it_the_fit_that_it_carries(root: Path, instance: dg.DagsterInstance) -> None:
    deployment = market(root, MONDAY)
    for _ in ("daily_signals", "nightly_retraining"):
        assert execute(deployment, tick(deployment, instance)[0][0], instance).success
    store = deployment.model_store("lightgbm_model")
    fitted = date(2021, 3, 8)  # the Monday of that week
    assert store.record(FRIDAY).carried_from == fitted
    shutil.rmtree(store.folder(FRIDAY))
    shutil.rmtree(store.folder(fitted))
    requests, _ = tick(deployment, instance)
    assert [request.job_name for request in requests] == ["nightly_retraining"]
    assert asked(requests) == [(str(fitted), str(FRIDAY))]
    assert execute(deployment, requests[0], instance).success
    assert what(tick(deployment, instance)[0]) == [("daily_signals", "2021-03-15")]


def delivery(root: Path, path: Path, last: date, factor: float = 1.0) -> None:
    """Write the synthetic bars up to `last` as a vendor's file; the newest session's volume times `factor`."""
    deployment = market(root, last)
    bars = deployment.source.bars(deployment.calendar.sessions(FIRST, last)).drop("defects", "session")
    late = pl.when(pl.col("date") == last).then(pl.col("volume") * factor).otherwise(pl.col("volume"))
    bars.with_columns(late).write_csv(path)


def from_file(root: Path, path: Path) -> Deployment:
    return small_market(root, **{**SMALL, "source": {"kind": "files", "path": path}})


def test_a_delivery_that_comes_twice_does_nothing_and_late_rows_one_run(root: Path, instance: dg.DagsterInstance) -> None:
    path = root / "vendor.csv"
    delivery(root, path, LAST)

    def made(*, run: bool = True) -> list[dg.RunRequest]:
        """What a tick asks for, run in a process of its own as the daemon does it: with a deployment that has read the file then."""
        requests, _ = tick(from_file(root, path), instance)
        for request in requests if run else []:
            assert execute(from_file(root, path), request, instance).success
        return requests

    made()  # a file holds fewer digits than the simulation
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    assert tick(from_file(root, path), instance) == ([], "no new session: targets of 2021-03-11 are made from what the source holds")

    delivery(root, path, LAST, factor=2.0)
    late = made()
    assert what(late) == [("daily_signals", "2021-03-11")]
    assert made() == []
    stored = len(from_file(root, path).warehouse.vintages("raw_bars", LAST))

    path.write_bytes(content)  # the vendor takes it back
    back = made()
    assert what(back) == [("daily_signals", "2021-03-11")]
    assert made() == []
    assert len(from_file(root, path).warehouse.vintages("raw_bars", LAST)) == stored + 1
    assert len({request.run_key for request in (*late, *back)}) == 2
    assert all(REQUEST in request.tags for request in (*late, *back))

    delivery(root, path, FRIDAY)
    assert what(made(run=False)) == [("daily_signals", "2021-03-12")]


def test_an_idle_tick_looks_at_the_file_and_does_not_read_it(
    root: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each tick read all files until then: 2.6 s a million rows."""
    monkeypatch.setattr(files, "SETTLED_SECONDS", 0.0)
    reads: list[Path] = []

    def read_delivery(file: DataFile, *rest: Any, **named: Any) -> Delivery:
        reads.append(file.path)
        return real(file, *rest, **named)

    real = files.read_delivery
    monkeypatch.setattr(files, "read_delivery", read_delivery)
    path = root / "vendor.csv"
    delivery(root, path, LAST)
    for request in tick(from_file(root, path), instance)[0]:  # where a file holds fewer digits than the simulation
        assert execute(from_file(root, path), request, instance).success

    def judged(memory: LastAsked | None) -> tuple[str, LastAsked | None, int]:
        """What a tick says, what it remembers (as the sensor does, as text), and how many files it read. In a process of its own, as after a restart."""
        before = len(reads)
        now = datetime(2021, 3, 20, tzinfo=UTC)
        outcome, memory = judge_remembering(from_file(root, path), now, instance, memory)
        said = outcome.skip_message or "" if isinstance(outcome, dg.SkipReason) else str(outcome.job_name)
        return said, memory and LastAsked.decoded(memory.encoded()), len(reads) - before

    idle = "no new session: targets of 2021-03-11 are made from what the source holds"
    said, memory, read = judged(None)
    assert (said, read) == (idle, 0), "what was read of it before is kept"
    for _ in range(3):
        said, memory, read = judged(memory)
        assert (said, read) == (idle, 0)
    from_file(root, path).warehouse.path("raw_bars", LAST).unlink()  # the answer is remembered, what became of it is not
    assert judged(memory)[0::2] == ("daily_signals", 0)
    delivery(root, path, FRIDAY)
    said, memory, read = judged(memory)
    assert (said, read) == ("daily_signals", 1)
    delivery(root, path, FIRST)
    said, memory, read = judged(memory)
    assert (said, read) == ("the source ends at 2021-01-04; targets of 2021-03-11 are stored", 1)
    assert judged(memory)[0::2] == (said, 0)


@pytest.mark.parametrize("content", [None, b"", b"symbol,price\nA,1\n", b"PAR1 but no more"])
def test_a_source_that_cannot_be_read_is_a_skip_with_the_reason(root: Path, instance: dg.DagsterInstance, content: bytes | None) -> None:
    path = root / "vendor.csv"
    if content is not None:
        path.write_bytes(content)
    requests, said = tick(from_file(root, path), instance)
    assert requests == []
    assert said.startswith("the source can't be read: ")
    assert "vendor.csv" in said

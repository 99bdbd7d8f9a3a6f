"""The invariant: partition D holds what was known at the close of D, and is the same bytes however, whenever and wherever it is made.

One small market is made as one range in this process, with all of its assets, the footers of the files included. What is made again, in part and in other
ways, must have its bytes.
"""

import json
import random
import shutil
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.orchestration import memory_blocks
from ats_assets.orchestration.memory_blocks import SessionCost
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.small_market import (
    ALL_ASSETS,
    FIRST,
    SESSION_ASSETS,
    Files,
    copy_until,
    differences,
    files_of,
    forget,
    make_history,
    run_elsewhere,
    run_job,
    sessions_under,
    small_market,
    without_the_future,
)

pytestmark = pytest.mark.slow
SEED = 20210104
LAST = date(2021, 4, 28)
"""The 80th session: models are fitted for nine weeks, probabilities are there for seven."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the whole history, made as one range."""
    root = tmp_path_factory.mktemp("reference")
    deployment = small_market(root)
    make_history(deployment, FIRST, LAST)
    run_job(deployment, "backtest_reports")
    return root


@pytest.fixture(scope="module")
def expected(reference: Path) -> Files:
    return files_of(reference)


@pytest.fixture(scope="module")
def chosen(reference: Path) -> list[date]:
    """Random sessions: one before there are models, two refit sessions, two at which a model is carried."""
    store, rng = ModelStore(reference / "models", "lightgbm_model"), random.Random(SEED)
    by_status: dict[str, list[date]] = {}
    for day in sessions_under(reference):
        by_status.setdefault(store.active(day).status + store.record(day).status, []).append(day)
    kinds = {"unavailablecarried": 1, "fittedfitted": 2, "fittedcarried": 2}
    return sorted(day for kind, n in kinds.items() for day in rng.sample(by_status[kind], n))


@pytest.fixture
def again(reference: Path, tmp_path: Path) -> Path:
    """A copy of the reference to change."""
    copy_until(reference, tmp_path, LAST)
    return tmp_path


def _with_sessions(files: Files) -> Files:
    return {path: content for path, content in files.items() if "/session=" in path}


def test_the_reference_has_something_to_lose(reference: Path, expected: Files, chosen: list[date]) -> None:
    """Bytes are compared, so there must be some: rows in each asset, models of both kinds, probabilities, rejects, trades."""
    warehouse, days = Warehouse(reference / "warehouse"), sessions_under(reference)
    assert {asset: len(warehouse.stored_sessions(asset)) for asset in SESSION_ASSETS} == dict.fromkeys(SESSION_ASSETS, len(days))
    assert all(warehouse.read(asset, days).height > 0 for asset in SESSION_ASSETS if asset != "rejected_corporate_actions")
    assert warehouse.read("signals", days)["probability"].count() > 0
    assert warehouse.read_part("backtest", "trades").height > 0
    assert len(chosen) == 5
    assert {path.split("/")[1] for path in expected} == {*ALL_ASSETS, "backtest", "backtest_report"}
    assert not [path for path in expected if path.split("/")[-1].startswith(".")]


def test_alone_and_in_reverse_order(again: Path, expected: Files, chosen: list[date]) -> None:
    deployment = small_market(again)
    for day in [*reversed(sessions_under(again)[-3:]), *reversed(chosen)]:
        forget(again, [day])
        make_history(deployment, day, day)
        assert differences(files_of(again), _with_sessions(expected)) == [], day


TOGETHER = [("bars", "rejected_bars"), ("corporate_actions", "rejected_corporate_actions")]


@pytest.mark.parametrize(
    "assets",
    [*TOGETHER, *((name,) for name in ALL_ASSETS if name != "raw_bars" and not any(name in group for group in TOGETHER))],
    ids="+".join,
)
def test_each_asset_alone(again: Path, expected: Files, chosen: list[date], assets: tuple[str, ...]) -> None:
    day = chosen[-1]
    for name in assets:
        folders = list(again.glob(f"*/{name}/session={day}"))
        assert len(folders) == 1
        shutil.rmtree(folders[0])
    make_history(small_market(again), day, day, assets)
    assert differences(files_of(again), _with_sessions(expected)) == []


def test_in_other_ranges(again: Path, expected: Files, chosen: list[date]) -> None:
    deployment, days, rng = small_market(again), sessions_under(again), random.Random(SEED)
    for day in chosen[1::2]:
        start = max(0, days.index(day) - rng.randint(1, 9))
        end = min(len(days) - 1, days.index(day) + rng.randint(1, 9))
        forget(again, days[start + rng.randint(0, 1) : end + 1])
        make_history(deployment, days[start], days[end])
        assert differences(files_of(again), _with_sessions(expected)) == [], (days[start], days[end])


def test_in_a_fresh_process_with_other_thread_counts_and_other_ranges(tmp_path: Path, expected: Files) -> None:
    run_elsewhere(
        tmp_path,
        "--backtest",
        f"--to={LAST}",
        "--sessions-a-run=37",
        ATS_TRAINING__THREADS="2",
        OMP_WAIT_POLICY="passive",
        POLARS_MAX_THREADS="5",
        NUMBA_NUM_THREADS="1",
        PYTHONHASHSEED=str(SEED),
    )
    found = files_of(tmp_path)
    report = "warehouse/backtest_report/report.html"  # names the number of threads, as one of the settings; its footer names its version
    found, expected = ({k: v for k, v in files.items() if not k.startswith(report)} for files in (found, expected))
    assert differences(found, expected) == []


def test_with_all_later_data_deleted(reference: Path, tmp_path: Path, chosen: list[date]) -> None:
    for day in chosen:
        assert without_the_future(reference, day, tmp_path / str(day)) == [], day


def test_the_backtest_again(again: Path, expected: Files) -> None:
    """All that it writes, its report too, has the same bytes."""
    run_job(small_market(again), "backtest_reports")
    assert differences(files_of(again), expected) == []


def test_the_past_of_the_backtest_does_not_change(reference: Path, tmp_path: Path, chosen: list[date]) -> None:
    """With all later data deleted, the sessions up to the last one come to what they came to before."""
    last = chosen[-2]
    copy_until(reference, tmp_path, last)
    run_job(small_market(tmp_path, last_session=last), "backtest_reports")
    short, whole = (Warehouse(root / "warehouse") for root in (tmp_path, reference))
    for table in ("equity", "positions", "trades", "unfilled"):
        until = whole.read_part("backtest", table).filter(pl.col("session") <= last)
        assert short.read_part("backtest", table).equals(until, null_equal=True), table
    figures = json.loads((tmp_path / "warehouse" / "backtest" / "metrics.json").read_text())
    assert figures


def test_blocks_that_fit_into_memory_change_no_byte(again: Path, expected: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every step is made in blocks of random sizes, as if a few sessions were all that fits: raw bars as all that is made of them."""
    rng = random.Random(SEED)
    monkeypatch.setattr(SessionCost, "at_once", lambda *_: rng.randint(1, 5))
    monkeypatch.setattr(memory_blocks, "FIRST_BLOCK", 4)
    days = sessions_under(again)[-12:]
    forget(again, days)
    make_history(small_market(again, runs={"max_memory_mb": 8_000}), days[0], days[-1])
    assert differences(_with_sessions(files_of(again)), _with_sessions(expected)) == []

"""Whatever is done to the files, healing brings back what was there, byte for byte; and what vendors take back is as if it had never been."""

import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.orchestration.listed_events import listed_instance
from ats_assets.runs.planned_runs import PlannedRun
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets.storage import write_log
from ats_assets.storage.vintages import DELIVERED
from ats_assets_tests.lineage.conftest import LAST, heal, healing_of
from ats_assets_tests.lineage.test_healing import DAY, deliver, pairs
from ats_assets_tests.rounds import FULL, rounds
from ats_assets_tests.small_market import FIRST, differences, files_of

pytestmark = pytest.mark.slow
Changed = Callable[..., Deployment]
SEEDS = rounds(2, 20, "ATS_TEST_CHAOS")


UNREAD = ("rejected_bars", "rejected_corporate_actions", "skill")
"""No partition reads these. Where the first or the last one of them is gone, nothing is left that says that it was there."""


def disturb(root: Path, choice: random.Random) -> str:
    """Do something to a file that can be rebuilt; what was done."""
    kept = {root / "warehouse" / asset for asset in DELIVERED}
    kept |= {root / "warehouse" / asset / f"session={day}" for asset in UNREAD for day in (FIRST, LAST)}
    files = [
        file
        for stage in ("warehouse", "models")
        for file in sorted((root / stage).rglob("*"))
        if file.is_file() and file.name != write_log.NAME and not kept & set(file.parents)
    ]
    file = choice.choice(files)
    content = bytearray(file.read_bytes())
    what = choice.choice(["delete", "flip", "cut", "empty", "swap", "index", "folder", "litter"])
    if what == "delete":
        file.unlink()
    elif what == "flip" and content:
        content[choice.randrange(len(content))] ^= 1 << choice.randrange(8)
        file.write_bytes(content)
    elif what == "cut":
        file.write_bytes(content[: choice.randrange(len(content) + 1)])
    elif what == "empty":
        file.write_bytes(b"")
    elif what == "swap":
        other = choice.choice([path for path in files if path.name == file.name])
        file.write_bytes(other.read_bytes())
    elif what == "index":
        for index in (root / "data").glob("lineage-*.db"):
            index.unlink()
    elif what == "folder" and file.parent.name.startswith("session="):
        shutil.rmtree(file.parent)
    elif what == "litter":
        (file.parent / ".data.parquet.1-1").write_bytes(b"left by a killed process")
    return f"{what} {file.relative_to(root)}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_done_to_files_is_healed(changed: Changed, seed: int) -> None:
    deployment = changed()
    root = deployment.warehouse.root.parent
    before = files_of(root)
    choice = random.Random(seed)
    healing_of(deployment).stale()
    done = [disturb(root, choice) for _ in range(12)]
    heal(deployment)
    left = {path: content for path, content in files_of(root).items() if not Path(path).name.startswith(".data")}
    assert differences(left, before) == [], done
    assert healing_of(deployment).stale() == []
    assert healing_of(deployment).stale(deep=True) == []


def test_a_healing_that_was_cut_off_goes_on(changed: Changed) -> None:
    deployment = changed()
    root = deployment.warehouse.root.parent
    prices = pl.col("open", "high", "low", "close", "vwap")
    deliver(deployment, lambda rows: rows.with_columns(prices * 0.5))
    before = shutil.copytree(root, root.parent / "before")
    heal(deployment)
    expected = files_of(root)
    for steps in (1, 2, 3, 5) if FULL else (3,):
        shutil.rmtree(root)
        shutil.copytree(before, root)
        with listed_instance() as instance, RunProgress(0) as progress:
            runner = Runner(deployment, build(deployment), instance)
            for done, (assets, sessions, _) in enumerate(healing_of(deployment).steps(5)):
                if done == steps:
                    break
                part = PlannedRun(job="history" if sessions else "backtest_reports", assets=assets, sessions=tuple(sessions))
                runner.run([part], Outcome.of(sessions, assets), progress)
        assert differences(files_of(root), expected) != [], steps
        heal(deployment)
        assert differences(files_of(root), expected) == [], steps


def test_what_is_delivered_twice_and_taken_back_is_as_before(changed: Changed) -> None:
    deployment = changed(knowledge={"mode": "restated"})
    heal(deployment)
    root = deployment.warehouse.root.parent
    before = files_of(root)
    original = deployment.warehouse.read("raw_bars", [DAY])
    footer = deployment.warehouse.footer("raw_bars", DAY)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}

    def restate(rows: pl.DataFrame, days_later: int) -> None:
        known = datetime(2021, 12, 1, tzinfo=UTC) + timedelta(days=days_later)
        deployment.warehouse.write_vintage("raw_bars", DAY, rows, known=known, **versions)

    halved = original.with_columns(pl.col("open", "high", "low", "close", "vwap") * 0.5)
    restate(halved, 1)
    restate(original, 2)
    mirrored = {"bars", "rejected_bars", "backtest_report"}  # the report says how many deliveries were restated
    assert {one.asset for one in healing_of(deployment).stale()} == mirrored
    assert {row["asset"] for row in heal(deployment)} == mirrored, "taken back before anything was made from it"
    restate(original.with_columns(pl.col("volume") * 2), 3)
    restate(halved, 4)
    made = heal(deployment)
    assert ("signals", LAST.isoformat()) in pairs(made)
    restate(original, 5)
    assert heal(deployment) != []
    now = {path: content for path, content in files_of(root).items() if path in before}
    assert {Path(path.split(":")[0]).parts[1] for path in differences(now, before)} == {"backtest_report"}
    assert {Path(path).parts[1] for path in files_of(root).keys() - before.keys()} == {"raw_bars", "bars", "rejected_bars"}
    assert len(deployment.warehouse.vintages("raw_bars", DAY)) == 6


@pytest.mark.parametrize(
    ("asset", "session"),
    [("raw_bars", FIRST), ("raw_bars", LAST), ("rejected_bars", FIRST), ("signals", LAST), ("skill", LAST)],
)
def test_the_first_and_the_last_partition_are_missed(changed: Changed, asset: str, session: object) -> None:
    deployment = changed()
    root = deployment.warehouse.root.parent
    before = files_of(root)
    shutil.rmtree(root / "warehouse" / asset / f"session={session}")
    found = healing_of(deployment).stale()
    assert (asset, str(session)) in {(one.asset, one.session) for one in found}
    heal(deployment)
    assert differences(files_of(root), before) == []


def test_a_report_that_was_deleted_is_missed_by_its_footer(changed: Changed) -> None:
    deployment = changed()
    root = deployment.warehouse.root
    (root / "backtest_report" / "report.html").unlink()
    (root / "backtest" / "metrics.json").unlink()
    assert {one.asset for one in healing_of(deployment).stale()} == {"backtest", "backtest_report"}

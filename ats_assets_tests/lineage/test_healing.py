"""What is stale is what a build from scratch would make otherwise, and healing makes exactly that."""

import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets_tests.lineage.conftest import LAST, heal, healing_of, market
from ats_assets_tests.small_market import ALL_ASSETS, FIRST, differences, files_of, make_history, run_job

pytestmark = pytest.mark.slow
DAY = date(2021, 2, 10)
NEXT = date(2021, 2, 11)
LATER = datetime(2021, 2, 11, 12, tzinfo=UTC)
"""After the grace of `DAY`: known to the sessions from `NEXT` on."""
Changed = Callable[..., Deployment]
Pairs = set[tuple[str, str | None]]
MADE = tuple(asset for asset in ALL_ASSETS if asset not in {"raw_bars", "alpha158"})


def deliver(deployment: Deployment, change: Callable[[pl.DataFrame], pl.DataFrame], known: datetime = LATER) -> None:
    """A second delivery of the bars of `DAY`."""
    rows = deployment.warehouse.read("raw_bars", [DAY])
    footer = deployment.warehouse.footer("raw_bars", DAY)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
    deployment.warehouse.write_vintage("raw_bars", DAY, change(rows), known=known, **versions)


def pairs(rows: Iterable[dict[str, Any]]) -> Pairs:
    return {(row["asset"], row["session"]) for row in rows}


def pairs_of(paths: Iterable[str]) -> Pairs:
    """(asset, session) of files relative to the root."""
    parts = (Path(path.split(":")[0]).parts for path in paths)
    return {(part[1], part[2].removeprefix("session=") if part[2].startswith("session=") else None) for part in parts}


def from_scratch(deployment: Deployment, target: Path, **changes: Any) -> Path:
    """All rebuilt from the raw bars of a deployment."""
    shutil.copytree(deployment.warehouse.root / "raw_bars", target / "warehouse" / "raw_bars")
    make_history(market(target, **changes), FIRST, LAST, MADE)
    run_job(market(target, **changes), "backtest_reports")
    return target


def test_nothing_is_stale_after_a_run(whole: Path) -> None:
    assert healing_of(market(whole)).stale() == []


@pytest.mark.parametrize("kind", ["a price", "a row that is rejected"])
def test_a_restated_session_reaches_what_a_build_from_scratch_makes_otherwise(changed: Changed, tmp_path: Path, kind: str) -> None:
    deployment = changed()
    root = deployment.warehouse.root.parent
    before = files_of(root)
    symbol = deployment.warehouse.read("bars", [DAY])["symbol"][0]
    prices = pl.col("open", "high", "low", "close", "vwap")
    halved = pl.when(pl.col("symbol") == symbol).then(prices * 0.5).otherwise(prices)
    negative = pl.lit(-1.0).alias("close")
    if kind == "a price":
        deliver(deployment, lambda rows: rows.with_columns(halved))
    else:
        deliver(deployment, lambda rows: pl.concat([rows, rows.head(1).with_columns(negative, symbol=pl.lit("ZZZ"))]).sort("symbol"))
    listed = healing_of(deployment).stale()
    mirrored = {("bars", DAY.isoformat()), ("rejected_bars", DAY.isoformat())}
    assert {(one.asset, one.session) for one in listed} == mirrored | {("backtest_report", "")}, (
        "which tells how many deliveries were restated"
    )
    assert listed[0].reason == "upstream raw_bars: not made yet of the vintage known since 2021-02-11T12-00-00.000000Z"
    made = heal(deployment)
    scratch = files_of(from_scratch(deployment, tmp_path / "scratch"))
    assert differences(files_of(root), scratch) == []
    expected = pairs_of(differences(scratch, before)) - {("raw_bars", DAY.isoformat())}
    assert pairs(made) == expected
    assert ("signals" in {asset for asset, _ in expected}) == (kind == "a price")
    assert healing_of(deployment).stale() == []


def test_changed_settings_make_stale_what_they_matter_to(changed: Changed) -> None:
    deployment = changed(universe={"size": 9})
    sessions = len(deployment.warehouse.stored_sessions("universe"))
    stale = healing_of(deployment).stale()
    assert {one.asset for one in stale} == {"universe", "backtest_report"}, "the report shows the settings"
    assert len(stale) == sessions + 1
    assert stale[0].reason.startswith("settings changed (")


def test_a_setting_that_changes_no_content_stops_at_once(changed: Changed, tmp_path: Path) -> None:
    setting = {"universe": {"min_price": 1.0001}}
    deployment = changed(**setting)
    made = heal(deployment)
    assert {row["asset"] for row in made} == {"universe", "backtest_report"}, "the report shows the settings"
    assert not any(row["changed"] for row in made if row["asset"] == "universe")
    assert healing_of(deployment).stale() == []
    assert (
        differences(files_of(deployment.warehouse.root.parent), files_of(from_scratch(deployment, tmp_path / "scratch", **setting))) == []
    )


ONE_EACH = ("lightgbm_model", "bars", "trend", "signals", "backtest")
"""Damaged at once, each but the last in a session of its own: what is made beside them would be told by its session. That of the model carries another one."""


def damage_one_file(root: Path, asset: str, session: date, damage: str) -> None:
    folder = next(root.glob(f"*/{asset}/session={session}"), root / "warehouse" / asset)
    path = next(path for path in folder.iterdir() if path.name in {"data.parquet", "model.json", "equity.parquet"} or "known=" in path.name)
    content = path.read_bytes()
    if damage == "deleted":
        path.unlink()
    else:
        flipped = content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 4]) + content[len(content) // 2 + 1 :]
        path.write_bytes(flipped if damage == "a flipped byte" else content[: len(content) // 2])


@pytest.mark.parametrize("damage", ["a flipped byte", "half of it", "deleted"])
def test_damaged_partitions_are_healed_from_upstream_and_nothing_else_is_made(changed: Changed, damage: str) -> None:
    deployment = changed()
    root = deployment.warehouse.root.parent
    before = files_of(root)
    sessions = {asset: deployment.calendar.offset(DAY, -number) for number, asset in enumerate(ONE_EACH)}
    for asset, session in sessions.items():
        damage_one_file(root, asset, session, damage)
    damaged = {(asset, None if asset == "backtest" else session.isoformat()) for asset, session in sessions.items()}
    beside = {("rejected_bars", sessions["bars"].isoformat()), ("backtest_report", None)}
    made = pairs(heal(deployment))
    assert damaged <= made <= damaged | beside
    assert differences(files_of(root), before) == []

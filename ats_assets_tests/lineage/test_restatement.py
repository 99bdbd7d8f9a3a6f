"""A vendor's second delivery of the S&P 500: what is rebuilt is what two builds from scratch make differently, nothing less and nothing more."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.lineage.delivered import delivered_versions
from ats_assets_tests.lineage.conftest import SETTINGS, heal, healing_of
from ats_assets_tests.lineage.test_healing import pairs, pairs_of
from ats_assets_tests.market_data import SP500_2017, SP500_2018, needs_market_data
from ats_assets_tests.small_market import Files, differences, files_of, make_history, run_job, small_market

pytestmark = [pytest.mark.slow, needs_market_data]
FIRST, LAST = date(2014, 1, 2), date(2014, 3, 21)
SYMBOLS = 8
"""Those with the fewest changed rows in these sessions, so that some sessions stay as they were."""


def deliveries(folder: Path) -> dict[str, Path]:
    """Both vintages, of some symbols and sessions that both have."""
    one, other = (
        pl.scan_parquet(file).filter(pl.col("date").is_between(FIRST, LAST)).sort("symbol", "date").collect()
        for file in (SP500_2017, SP500_2018)
    )
    measures = ["open", "high", "low", "close", "volume"]
    both = one.join(other, on=["symbol", "date"], suffix="_now")
    moved = pl.any_horizontal(*(pl.col(name).ne_missing(pl.col(f"{name}_now")) for name in measures))
    counts = both.group_by("symbol").agg(pl.len(), moved=moved.sum()).filter(pl.col("len") == pl.col("len").max())
    symbols = counts.sort("moved", "symbol")["symbol"].head(SYMBOLS).to_list()
    paths: dict[str, Path] = {}
    for file, rows in ((SP500_2017, one), (SP500_2018, other)):
        paths[file.stem] = folder / file.stem
        paths[file.stem].mkdir(parents=True)
        rows.filter(pl.col("symbol").is_in(symbols)).write_parquet(paths[file.stem] / "bars.parquet")
    return paths


def of(root: Path, delivery: Path, mode: str = "restated") -> Deployment:
    """A deployment whose source is a delivery."""
    changes: dict[str, Any] = {**SETTINGS, "calendar": {"first_session": date(2013, 10, 1)}, "source": {"kind": "files", "path": delivery}}
    return small_market(root, **changes, knowledge={"mode": mode})


def made(root: Path, delivery: Path) -> Files:
    """All made from scratch; the newest vintage of each session under one name, whatever the time from which it was known."""
    make_history(of(root, delivery), FIRST, LAST)
    run_job(of(root, delivery), "backtest_reports")
    return newest(root)


def newest(root: Path) -> Files:
    files = sorted(files_of(root).items())
    return {str(Path(path).with_name("newest")) if "/known=" in path else path: content for path, content in files}


def test_what_is_rebuilt_is_what_two_builds_from_scratch_make_differently(tmp_path: Path) -> None:
    first, second = deliveries(tmp_path / "deliveries").values()
    before = made(tmp_path / "root", first)
    deployment = of(tmp_path / "root", second)
    delivered = delivered_versions(deployment)
    healing = healing_of(deployment, delivered)
    asked = [one for one in healing.stale() if one.asset == "raw_bars"]
    again = heal(deployment, delivered)
    scratch = made(tmp_path / "scratch", second)
    unlike = {Path(path.split(":")[0]).parts[1] for path in differences(newest(tmp_path / "root"), scratch)}
    assert unlike == {"backtest_report"}, "which says how many deliveries were restated"
    expected = pairs_of(differences(scratch, before))
    assert pairs(again) == expected
    restated = {session for asset, session in expected if asset == "raw_bars"}
    assert {one.session for one in asked} == restated
    assert {one.reason for one in asked} == {"the source delivers another content"}
    sessions = deployment.warehouse.stored_sessions("raw_bars")
    assert 0 < len(restated) < len(sessions) / 2
    assert {"bars", "universe", "trend", "lightgbm_model", "signals", "backtest"} <= {asset for asset, _ in expected}
    vintages = {day.isoformat(): len(deployment.warehouse.vintages("raw_bars", day)) for day in sessions}
    assert vintages == {day: 2 if day in restated else 1 for day in vintages}
    assert healing.stale() == []

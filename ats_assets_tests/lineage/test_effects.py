"""What came of a restatement: the difference between a build from the vintages before and what is stored."""

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.lineage.effects import COMPARED, effects
from ats_assets.runs.other_worlds import before
from ats_assets_tests.lineage.conftest import heal, market
from ats_assets_tests.lineage.test_healing import DAY, deliver
from ats_assets_tests.small_market import differences, files_of

pytestmark = pytest.mark.slow
Changed = Callable[..., Deployment]
MADE = ("backtest", "bars", "forward_returns", "lightgbm_model", "predictions", "rejected_bars", "signals", "targets", "trend", "universe")
ACTIONS = ("raw_corporate_actions", "corporate_actions", "rejected_corporate_actions")


def test_before_is_what_was_stored_before_and_all_that_differs_is_told(changed: Changed, whole: Path, tmp_path: Path) -> None:
    deployment = changed()
    sessions = deployment.warehouse.stored_sessions("raw_bars")
    deliver(deployment, lambda rows: rows.with_columns(pl.col("open", "high", "low", "close", "vwap") * 0.5))
    with pytest.raises(AtsError, match=f"2 partitions are stale, first bars {DAY}: run ats stale --heal first"):
        before(deployment, sessions, tmp_path / "stale")
    heal(deployment)
    world = before(deployment, sessions, tmp_path / "before")
    was = {path: content for path, content in files_of(whole).items() if path.split("/")[1] in {*MADE, *ACTIONS, "raw_bars"}}
    assert differences(files_of(tmp_path / "before"), was) == []
    came = effects(world, deployment)
    one, other = (root.warehouse.read("signals", deployment.warehouse.stored_sessions("signals")) for root in (market(whole), deployment))
    keyed = [{(row["session"], row["symbol"]): row for row in rows.to_dicts()} for rows in (one, other)]
    moved = {
        key
        for key in keyed[0].keys() | keyed[1].keys()
        if [keyed[0].get(key, {}).get(name) for name in COMPARED] != [keyed[1].get(key, {}).get(name) for name in COMPARED]
    }
    assert set(came.signals.select("session", "symbol").iter_rows()) == moved != set()
    assert min(day for day, _ in moved) >= DAY
    assert came.sessions == (one["session"].n_unique(), len({day for day, _ in moved}))
    sample = came.signals.row(0, named=True)
    assert [sample[name] for name in COMPARED] == [keyed[0].get((sample["session"], sample["symbol"]), {}).get(name) for name in COMPARED]
    wanted = [root.warehouse.read("targets", deployment.warehouse.stored_sessions("targets")) for root in (world, deployment)]
    moved_targets = set(wanted[0].select("session", "symbol", "target_weight").rows()) ^ set(
        wanted[1].select("session", "symbol", "target_weight").rows()
    )
    assert set(came.targets.select("session", "symbol").rows()) == {row[:2] for row in moved_targets} != set()
    assert came.metrics["total_return"][0] != came.metrics["total_return"][1]
    assert "first_session" not in came.metrics


def test_sessions_outside_the_range_keep_their_newest_vintage(changed: Changed, tmp_path: Path) -> None:
    deployment = changed()
    deliver(deployment, lambda rows: rows.with_columns(pl.col("volume") * 2))
    heal(deployment)
    came = effects(before(deployment, [], tmp_path / "world"), deployment)
    assert (came.signals.height, came.metrics) == (0, {})

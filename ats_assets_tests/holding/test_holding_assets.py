"""The holding period in the graph: only where settings ask, made of what was known, judged by the leak check, and followed by targets and books."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.holding.assets import assets
from ats_assets.holding.contracts import HoldingPeriod
from ats_assets.holding.followed import followed_periods
from ats_assets.leakcheck import find_leaks
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market, without_the_future

LAST = date(2021, 2, 26)
HELD = {
    **EARLY_MODELS,
    "holding_period": {"longest_sessions": 4, "sessions": 40, "min_sessions": 20, "confidence": 0.51, "followed_sessions": 3},
    "portfolio": {"top_k": 3, "max_weight": 0.4, "holding_sessions": "optimised"},
    "backtest": {"commission_bps": 0.0, "spread_bps": 0.0, "slippage_bps": 0.0},
    "strategies": {
        "model_scores": {"calibration_sessions": 5, "min_calibration_rows": 50},
        "momentum": {"lookback_sessions": 3, "skip_sessions": 1},
        "time_series_momentum": {"lookback_sessions": 3},
    },
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("holding")
    deployment = small_market(folder, last_session=LAST, **HELD)
    assert make_history(deployment, FIRST, LAST).success
    run_job(deployment, "backtest_reports", assets=["backtest", "strategy_books"])
    return folder


def test_there_is_none_unless_settings_have_its_table(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert len(assets(small_market(tmp_path, holding_period={}))) == 1


def test_partitions_are_made_of_what_was_known_and_targets_and_books_follow(root: Path, tmp_path: Path) -> None:
    deployment = small_market(root, last_session=LAST, **HELD)
    warehouse, follows = deployment.warehouse, deployment.of(followed_periods)
    rows = HoldingPeriod.validate(warehouse.read("holding_period", warehouse.stored_sessions("holding_period")))
    assert set(rows["strategy"]) == set(HELD["strategies"])
    assert rows["recommendation"].is_not_null().any()
    assert rows.filter(pl.col("recommended"))["net_bps"].min() > 0  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert follows is not None
    days = deployment.calendar.sessions(FIRST, LAST)
    held = follows.of(rows, [*HELD["strategies"]], days, days)
    assert len({value for own in held.values() for value in own.values()}) > 1
    parts = warehouse.read_part("strategy_books", "equity").group_by("session", maintain_order=True).agg(pl.col("equity").sum())
    account = warehouse.read_part("backtest", "equity")
    assert parts["equity"].round(2).to_list() == account["equity"].round(2).to_list()
    assert without_the_future(root, date(2021, 2, 22), tmp_path, **HELD) == []


def test_the_leak_check_judges_it(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **HELD)
    bars, days = stored_bars(deployment, 20, 12)
    subjects = {one.name: one for one in of_deployment(deployment, bars, days)}
    assert subjects["holding_period"].result()["rank_ic"].is_not_null().any()
    assert find_leaks(subjects["holding_period"], days) == []
    assert find_leaks(subjects["targets"], days) == []

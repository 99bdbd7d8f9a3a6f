"""Market impact in the graph: only where settings ask, made of what was known, judged by the leak check, and paid in the backtest."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.impact.assets import assets
from ats_assets.impact.contracts import ImpactMarketRows
from ats_assets.leakcheck import find_leaks
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, run_job, small_market, without_the_future

LAST = date(2021, 2, 26)
IMPACT = {"model": "almgren", "volume_sessions": 5, "volatility_sessions": 8, "spread_sessions": 5, "min_sessions": 4}
TRADED = {**EARLY_MODELS, "impact": {**IMPACT, "max_participation": 0.01}, "backtest": {"slippage_bps": 2.0}}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("impact")
    deployment = small_market(folder, last_session=LAST, **TRADED)
    assert make_history(deployment, FIRST, LAST).success
    run_job(deployment, "backtest_reports", assets=["backtest"])
    return folder


def test_there_is_none_while_costs_are_fixed_rates(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert assets(small_market(tmp_path, impact={"max_participation": 0.1})) == []
    assert {key.to_user_string() for one in assets(small_market(tmp_path, impact=IMPACT)) for key in one.keys} >= {"impact_inputs"}


def test_partitions_are_made_of_what_was_known_and_the_backtest_pays(root: Path, tmp_path: Path) -> None:
    deployment = small_market(root, last_session=LAST, **TRADED)
    warehouse = deployment.warehouse
    rows = ImpactMarketRows.validate(warehouse.read("impact_inputs", warehouse.stored_sessions("impact_inputs")))
    late = rows.filter(pl.col("session") > date(2021, 1, 20))
    assert late.null_count().sum_horizontal().item() < late.height
    assert without_the_future(root, date(2021, 2, 22), tmp_path, **TRADED) == []
    trades = warehouse.read_part("backtest", "trades").filter(pl.col("notional") > 1_000.0)
    paid = trades.with_columns(bps=pl.col("slippage_cost") / pl.col("notional") * 1e4)
    assert paid["bps"].n_unique() > paid.height // 2, "each trade has a cost of its own"


def test_the_leak_check_judges_it(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **TRADED)
    bars, days = stored_bars(deployment, 20, 12)
    subjects = {one.name: one for one in of_deployment(deployment, bars, days)}
    assert subjects["impact_inputs"].result()["volatility"].is_not_null().any()
    for name in ("impact_inputs", "backtest"):
        assert find_leaks(subjects[name], days) == []

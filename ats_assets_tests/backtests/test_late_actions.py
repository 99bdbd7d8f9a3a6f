"""What a source tells late of a share: the backtest's account has it on the day on which it happened, as the labels that know of it have."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.brokers.paper.stored_market import WarehouseMarket
from ats_assets.calendar import session_calendar
from ats_assets.deployment import Deployment
from ats_assets.settings import Settings
from ats_assets_tests.lineage.conftest import healing_of
from ats_assets_tests.small_market import make_history, run_job

XNYS = session_calendar("XNYS", date(2024, 1, 2))
DAYS = XNYS.sessions(date(2024, 3, 1), date(2024, 3, 15))
EX, TOLD = DAYS[4], DAYS[6]
MADE = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "forward_returns")


def told_late(folder: Path, mode: str) -> Deployment:
    """AAA splits four for one, 400 to 100, which is told two sessions later; BBB stays at 50. Half of the account in each."""
    prices = {("AAA", day): 400.0 if day < EX else 100.0 for day in DAYS} | {("BBB", day): 50.0 for day in DAYS}
    bars = [{"symbol": symbol, "date": day, "price": price, "volume": 1e6} for (symbol, day), price in prices.items()]
    four = [pl.col("price").alias(name) for name in ("open", "high", "low", "close")]
    pl.DataFrame(bars).select("symbol", "date", *four, "volume").write_parquet(folder / "bars.parquet")
    told = [{"symbol": "AAA", "date": EX, "kind": "split", "ratio": 4.0, "known_at": XNYS.closes_at(TOLD).isoformat()}]
    pl.DataFrame(told).write_csv(folder / "actions.csv")
    sections = {
        "calendar": {"first_session": DAYS[0]},
        "knowledge": {"mode": mode},
        "labels": {"horizons_sessions": (1, 5)},
        "storage": {name: folder / name for name in ("data", "warehouse", "models")} | {"fsync": False},
        "source": {"kind": "files", "files": {"path": folder / "bars.parquet", "actions": folder / "actions.csv"}},
        "mlflow": {"enabled": False},
        "backtest": {"commission_bps": 0, "spread_bps": 0, "slippage_bps": 0},
        "portfolio": {"max_weight": 1, "max_turnover": 4},
        "orders": {"limits": {"max_order_share": 1, "max_position_share": 1}},
    }
    deployment = Deployment(Settings(**sections))  # pyright: ignore[reportArgumentType]
    make_history(deployment, DAYS[0], DAYS[-1], MADE)
    for day in DAYS:
        rows = pl.DataFrame({"symbol": ["AAA", "BBB"], "session": [day] * 2, "target_weight": [0.5, 0.5]})
        deployment.warehouse.write("targets", day, rows)
    run_job(deployment, "backtest_reports", assets=["backtest"])
    return deployment


@pytest.mark.parametrize("mode", ["point_in_time", "restated"])
def test_a_split_that_is_told_late_costs_nothing(tmp_path: Path, mode: str) -> None:
    """Strategy and benchmark lost 37.5% for good, while the labels of five sessions said 0%."""
    deployment = told_late(tmp_path, mode)
    equity = deployment.warehouse.read_part("backtest", "equity")
    assert equity["equity"].to_list() == equity["benchmark"].to_list() == [1_000_000.0] * len(DAYS)
    assert WarehouseMarket(deployment).actions(EX)["ratio"].to_list() == [4.0], "where the paper account is settled after it was told"
    labels = deployment.warehouse.read("forward_returns", DAYS[2:])
    assert set(labels.filter(horizon_sessions=5)["forward_return"]) == {0.0}
    at_once = labels.filter(pl.col("horizon_sessions") == 1, pl.col("session") == EX, pl.col("symbol") == "AAA")
    assert at_once["forward_return"].to_list() == [-0.75 if mode == "point_in_time" else 0.0], "a label of that session knew of no split"


def test_what_is_told_of_the_past_makes_the_backtest_stale_and_no_partition(tmp_path: Path) -> None:
    deployment = told_late(tmp_path, "point_in_time")
    warehouse = deployment.warehouse
    before = {(one.asset, one.session) for one in healing_of(deployment).stale()}
    rows, footer = warehouse.read("raw_corporate_actions", [DAYS[2]]), warehouse.footer("raw_corporate_actions", DAYS[2])
    paid = {"symbol": "BBB", "session": DAYS[2], "date": DAYS[2], "kind": "cash_dividend", "cash": 1.0}
    again = pl.concat([rows, pl.DataFrame([paid], schema_overrides=rows.schema)], how="diagonal").select(rows.columns)
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
    warehouse.write_vintage("raw_corporate_actions", DAYS[2], again, known=XNYS.closes_at(date(2024, 4, 1)), **versions)
    make_history(deployment, DAYS[2], DAYS[2], MADE[4:6])
    assert {(one.asset, one.session) for one in healing_of(deployment).stale()} - before == {("backtest", "")}
    run_job(deployment, "backtest_reports", assets=["backtest"])
    assert {(one.asset, one.session) for one in healing_of(deployment).stale()} == before
    assert warehouse.read_part("backtest", "equity")["income"].sum() == 10_000.0, "1 for each of 10,000 shares"

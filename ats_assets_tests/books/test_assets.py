"""The asset `strategy_books`: where it is, its tables in their contracts, the same bytes again, and its section of the report."""

import random
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.backtests.stored_bars import traded_bars
from ats_assets.books.assets import assets
from ats_assets.books.contracts import CONTRACTS
from ats_assets.books.recorded_books import recorded_books
from ats_assets.books.schema import SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.orchestration.memory_blocks import SessionCost
from ats_assets_tests.books.books_market import cents
from ats_assets_tests.small_market import FIRST, make_history, run_job, small_market

LAST = date(2021, 3, 31)
SEVERAL = {
    "model_scores": {"capital": 0.5, "calibration_sessions": 20, "min_calibration_rows": 50},
    "momentum": {"capital": 0.3, "lookback_sessions": 5, "skip_sessions": 1},
    "rsi_reversion": {"capital": 0.1, "positions": 2},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Deployment:
    deployment = small_market(tmp_path_factory.mktemp("books"), last_session=LAST, strategies=SEVERAL, report={"forms": ("html", "json")})
    assert make_history(deployment, FIRST, LAST).success
    run_job(deployment, "backtest_reports")
    return deployment


def files(deployment: Deployment) -> dict[str, bytes]:
    folder = deployment.warehouse.root / "strategy_books"
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def test_there_are_books_where_several_strategies_have_capital_or_settings_ask(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert len(assets(small_market(tmp_path, books={"enabled": True}))) == 1
    assert len(assets(small_market(tmp_path, strategies=SEVERAL))) == 1
    assert assets(small_market(tmp_path, strategies=SEVERAL, books={"enabled": False})) == []
    followed = {"momentum": {"capital": 0.0}, "peak_exits": {"capital": 1.0}}
    assert assets(small_market(tmp_path, strategies=followed)) == []


def test_the_books_of_the_graph_sum_to_its_backtest(made: Deployment) -> None:
    assert CONTRACTS.keys() == SCHEMAS.keys()
    tables = {name: made.warehouse.read_part("strategy_books", name) for name in CONTRACTS}
    for name, contract in CONTRACTS.items():
        assert tables[name].schema == SCHEMAS[name], name
        contract.validate(tables[name])
    account = made.warehouse.read_part("backtest", "equity")
    together = tables["equity"].group_by("session", maintain_order=True).agg(pl.col("cash", "equity", "pnl").sum())
    for name in ("cash", "equity", "pnl"):
        assert list(map(cents, together[name])) == list(map(cents, account[name]))
    assert set(tables["fills"]["how"]) >= {"market", "crossed", "both"}
    assert tables["equity"]["strategy"].unique(maintain_order=True).to_list() == [*SEVERAL, "unallocated"]
    models = tables["attribution"].filter(dimension="model")["part"].to_list()
    assert models == ["lightgbm", "no model"]


def test_the_same_bytes_again_and_a_section_of_the_report(made: Deployment) -> None:
    before = files(made)
    run_job(made, "backtest_reports", assets=["strategy_books"])
    assert files(made) == before
    page = (made.warehouse.root / "backtest_report" / "report.html").read_text()
    assert "Strategies and attribution" in page
    assert "crossed with others" in page


def test_books_of_blocks_that_fit_into_memory_are_the_same_bytes(made: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Factors in blocks of random sizes, and of the bars only those of what somebody wanted or had."""
    before, rng, read = files(made), random.Random(3), list[set[str]]()
    bounded = small_market(
        made.warehouse.root.parent, last_session=LAST, strategies=SEVERAL, report={"forms": ("html", "json")}, runs={"max_memory_mb": 8_000}
    )
    monkeypatch.setattr(SessionCost, "at_once", lambda *_: rng.randint(1, 20))

    def traded(*args: Any, **more: Any) -> pl.DataFrame:
        bars = traded_bars(*args, **more)
        read.append(set(bars["symbol"]))
        return bars

    monkeypatch.setattr("ats_assets.books.stored_inputs.traded_bars", traded)
    monkeypatch.setattr("ats_assets.backtests.stored_bars.SESSIONS_AT_ONCE", 7)
    run_job(bounded, "backtest_reports", assets=["strategy_books"])
    assert files(made) == before
    assert len(read) == 1


def test_the_paper_broker_is_split_by_the_same_function(made: Deployment) -> None:
    """Traded session by session through the executor: books of the records sum to the broker's account, and nothing is left over."""
    days = made.calendar.window(LAST, 5)
    for day in days:
        assert run_job(made, "trading", [day]).success
    found = recorded_books(made, days)
    assert found is not None
    equity, attribution = found
    account = made.warehouse.read("account", days)
    together = equity.group_by("session", maintain_order=True).agg(pl.col("cash", "equity", "other").sum())
    for name in ("cash", "equity"):
        assert list(map(cents, together[name])) == list(map(cents, account[name]))
    assert not any(map(cents, together["other"]))
    whole = cents(account["equity"][-1]) - cents(account["equity"][0])
    assert sum(map(cents, attribution.filter(dimension="strategy")["profit"])) == whole != 0
    assert made.warehouse.read("fills", days).height > 3

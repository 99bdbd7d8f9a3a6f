"""The bars that a backtest reads: those of what it trades, whatever else there is, and a refusal where even they do not fit into memory."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.backtests import run_backtest
from ats_assets.backtests.stored_bars import TRADED_COLUMNS, market_bars, traded_bars
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.deployment import Deployment
from ats_assets.errors import MemoryLimitError, MissingPartitionError
from ats_assets.settings import BacktestSettings, OrderLimitSettings, PortfolioSettings, RunsSettings
from ats_assets_tests.backtests.small_markets import random_market
from ats_assets_tests.bars.companies import name_change_actions
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import small_market

TRADED = ["S1", "S3", "S4"]
HOW = {
    "portfolio": PortfolioSettings(max_weight=0.6, max_gross=1.5, max_turnover=2.0),
    "settings": BacktestSettings(initial_cash=1e6, max_missing_sessions=2),
    "limits": OrderLimitSettings(allow_short=True, max_order_share=1, max_position_share=1),
}


def stored(root: Path, bars: pl.DataFrame, days: Sequence[date]) -> Deployment:
    deployment = small_market(root)
    deployment.warehouse.write_each("bars", [(day, bars.filter(session=day), {}) for day in days])
    return deployment


@pytest.mark.parametrize("seed", range(rounds(3, 20)))
def test_bars_that_nobody_trades_change_nothing(tmp_path: Path, seed: int) -> None:
    """A symbol that is traded changes its name to one that no target has; another name is taken by a bystander. Two thirds of the bars are left out."""
    bars, targets, days = random_market(seed, 20, 9, shorts=True)
    targets = targets.filter(pl.col("symbol").is_in(TRADED))
    bars = bars.filter((pl.col("symbol") != "S6") | (pl.col("session") >= days[9]))
    bars = bars.filter((pl.col("symbol") != "S3") | (pl.col("session") < days[9]))
    targets = targets.filter((pl.col("symbol") != "S3") | (pl.col("session") < days[9]))
    actions = name_change_actions((days[9], "S3", "S6"))
    instruments = identities_of(actions, "x")
    read = traded_bars(stored(tmp_path, bars, days), targets, days, instruments, "S8")
    assert set(read["symbol"]) == set(bars["symbol"]) & {*TRADED, "S6", "S8"}
    how = HOW | {"actions": actions, "instruments": instruments}
    few = run_backtest(targets, read, days, **how)
    many = run_backtest(targets, bars.select(TRADED_COLUMNS), days, **how)
    assert many.trades.height > 0
    assert all(a.equals(b) for a, b in zip(vars(few).values(), vars(many).values(), strict=True))


def test_ranges_are_read_where_orders_wait_for_their_limit(tmp_path: Path) -> None:
    bars, targets, days = random_market(1, 5, 3, shorts=False)
    bars = bars.with_columns(high=pl.col("open") + 1.0, low=pl.col("open") / 2)
    read = traded_bars(stored(tmp_path, bars, days), targets, days, identities_of(name_change_actions(), "x"), None, ranges=True)
    assert read.columns == [*TRADED_COLUMNS, "high", "low"]


def test_no_sessions_are_refused_as_a_reading_of_none(tmp_path: Path) -> None:
    with pytest.raises(MissingPartitionError, match="no session of bars was asked for"):
        traded_bars(small_market(tmp_path), pl.DataFrame({"symbol": ["A"]}), [], identities_of(name_change_actions(), "x"), None)


def test_a_backtest_that_does_not_fit_is_refused_before_bars_are_read(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, runs={"max_memory_mb": 1_600})
    days = deployment.calendar.sessions(deployment.calendar.first, deployment.calendar.last)[:500]
    targets = pl.DataFrame({"symbol": [f"S{i}" for i in range(20_000)]})
    with pytest.raises(
        MemoryLimitError, match=r"a backtest of 20,000 symbols over 500 sessions takes about 1,221 MB; .* set it to 2100 or more, or take"
    ):
        traded_bars(deployment, targets, days, identities_of(name_change_actions()), None)


def test_what_looks_at_the_whole_market_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bars, _, days = random_market(1, 20, 9, shorts=True)
    deployment = stored(tmp_path, bars, days)
    deployment.schemas["bars"] = bars.schema
    assert market_bars(deployment, "monte_carlo", days, ("symbol", "close")).height == bars.height
    monkeypatch.setattr(RunsSettings, "whole_bytes", property(lambda _: 20_000))
    bounded = small_market(tmp_path, runs={"max_memory_mb": 1_600})
    bounded.schemas["bars"] = bars.schema
    with pytest.raises(MemoryLimitError, match=r"monte_carlo over 20 sessions takes about 0 MB; .* or backtest a shorter range"):
        market_bars(bounded, "monte_carlo", days, ("symbol", "close"))

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.backtests import EQUITY_SCHEMA, POSITIONS_SCHEMA, TRADES_SCHEMA, UNFILLED_SCHEMA, BacktestResult, backtest_metrics
from ats_assets.settings import BacktestSettings
from ats_assets_tests.backtests.small_markets import MONDAY

SETTINGS = BacktestSettings()
VALUES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60).map(np.array)


def result_of(equity: list[float], benchmark: list[float] | None = None, realised: list[float | None] | None = None) -> BacktestResult:
    n = len(equity)
    columns = {"session": [MONDAY + timedelta(days=i) for i in range(n)], "equity": equity, "benchmark": benchmark or equity}
    zeros = {name: [False if dtype == pl.Boolean else 0] * n for name, dtype in EQUITY_SCHEMA.items() if name not in columns}
    trades = pl.DataFrame({"realised_pnl": realised or []}, schema={"realised_pnl": pl.Float64})
    trades = trades.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in TRADES_SCHEMA.items() if name != "realised_pnl")
    return BacktestResult(
        equity=pl.DataFrame(columns | zeros, schema_overrides=EQUITY_SCHEMA).select(*EQUITY_SCHEMA),
        positions=pl.DataFrame(schema=POSITIONS_SCHEMA),
        trades=trades.select(*TRADES_SCHEMA),
        unfilled=pl.DataFrame(schema=UNFILLED_SCHEMA),
    )


def test_a_year_by_hand() -> None:
    # 100, 110, 99, 108.9: returns +10%, -10%, +10%
    settings = BacktestSettings(sessions_per_year=3)
    metrics = backtest_metrics(result_of([100, 110, 99, 108.9], [100, 105, 100, 105]), settings)
    assert metrics.sessions == 3
    assert metrics.total_return == pytest.approx(0.089)
    assert metrics.annual_return == pytest.approx(0.089)
    deviation = math.sqrt((2 * (0.1 - 0.1 / 3) ** 2 + (0.1 + 0.1 / 3) ** 2) / 2)
    assert metrics.volatility == pytest.approx(deviation * math.sqrt(3))
    assert metrics.sharpe == pytest.approx(0.1 / 3 / deviation * math.sqrt(3))
    assert metrics.sortino == pytest.approx((0.1 / 3) / math.sqrt(0.01 / 3) * math.sqrt(3))
    assert metrics.max_drawdown == pytest.approx(-0.1)
    assert metrics.max_drawdown_sessions == 2  # from the second session to the end
    assert metrics.current_drawdown == pytest.approx(-0.01)
    assert metrics.calmar == pytest.approx(0.89)
    assert metrics.hit_rate_sessions == pytest.approx(2 / 3)
    assert metrics.benchmark_return == pytest.approx(0.05)


@pytest.mark.parametrize("equity", [[], [100.0], [100.0, 100.0], [100.0] * 30, [100.0, 101.0], [100.0, -5.0, -5.0], [100.0, 0.0, 0.0, 0.0]])
def test_degenerate_histories_give_none_not_nonsense(equity: list[float]) -> None:
    metrics = backtest_metrics(result_of(equity), SETTINGS)
    assert metrics.sharpe is None
    assert metrics.sharpe_standard_error is None
    assert metrics.volatility is None
    assert metrics.beta is None
    assert metrics.hit_rate_trades is None
    assert all(value is None or not isinstance(value, float) or math.isfinite(value) for value in metrics.to_dict().values())


def test_tail_and_turnover_of_a_year_by_hand() -> None:
    """Returns of +10%, -10%, +10%; 20% of the equity traded in each session after the first is 10% one-way, 25.2 a year."""
    result = result_of([100, 110, 99, 108.9])
    turnover = pl.Series("turnover", [None, 0.2, 0.2, 0.2], dtype=pl.Float64)
    metrics = backtest_metrics(replace(result, equity=result.equity.with_columns(turnover)), SETTINGS)
    assert (metrics.best_session, metrics.worst_session) == (pytest.approx(0.1), pytest.approx(-0.1))
    assert metrics.turnover == pytest.approx(0.2)
    assert metrics.turnover_a_year == pytest.approx(25.2)
    assert metrics.gross_return is None
    assert metrics.turnover_limit_share is None


def test_no_loss_has_no_calmar() -> None:
    assert backtest_metrics(result_of([100, 101, 103]), SETTINGS).calmar is None


def test_hit_rate_of_trades_counts_closing_trades() -> None:
    assert backtest_metrics(result_of([100, 101], realised=[None, 5.0, -1.0, 2.0, None]), SETTINGS).hit_rate_trades == pytest.approx(2 / 3)


@given(VALUES, VALUES)
def test_every_figure_is_a_finite_number_or_none(equity: np.ndarray, benchmark: np.ndarray) -> None:
    n = min(len(equity), len(benchmark))
    metrics = backtest_metrics(result_of(list(equity[:n]), list(benchmark[:n])), SETTINGS)
    assert all(value is None or not isinstance(value, float) or math.isfinite(value) for value in metrics.to_dict().values())

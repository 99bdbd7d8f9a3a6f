"""Trading of signals at the next open, over history, and what came of it."""

from ats_assets.backtests.engine import BacktestResult, run_backtest
from ats_assets.backtests.metrics import BacktestMetrics, backtest_metrics
from ats_assets.backtests.schema import (
    COST_SENSITIVITY_SCHEMA,
    EQUITY_SCHEMA,
    POSITIONS_SCHEMA,
    REASONS,
    TRADES_SCHEMA,
    UNFILLED_SCHEMA,
    WANTED_SCHEMA,
    BacktestPositions,
    CostSensitivity,
    Equity,
    Trades,
    Unfilled,
    Wanted,
)

__all__ = [
    "COST_SENSITIVITY_SCHEMA",
    "EQUITY_SCHEMA",
    "POSITIONS_SCHEMA",
    "REASONS",
    "TRADES_SCHEMA",
    "UNFILLED_SCHEMA",
    "WANTED_SCHEMA",
    "BacktestMetrics",
    "BacktestPositions",
    "BacktestResult",
    "CostSensitivity",
    "Equity",
    "Trades",
    "Unfilled",
    "Wanted",
    "backtest_metrics",
    "run_backtest",
]

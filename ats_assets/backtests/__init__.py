"""Trading of signals at the next open, over history, and what came of it."""

from ats_assets.backtests.engine import BacktestResult, run_backtest
from ats_assets.backtests.metrics import BacktestMetrics, backtest_metrics
from ats_assets.backtests.schema import (
    EQUITY_SCHEMA,
    POSITIONS_SCHEMA,
    REASONS,
    TRADES_SCHEMA,
    UNFILLED_SCHEMA,
    BacktestPositions,
    Equity,
    Trades,
    Unfilled,
)

__all__ = [
    "EQUITY_SCHEMA",
    "POSITIONS_SCHEMA",
    "REASONS",
    "TRADES_SCHEMA",
    "UNFILLED_SCHEMA",
    "BacktestMetrics",
    "BacktestPositions",
    "BacktestResult",
    "Equity",
    "Trades",
    "Unfilled",
    "backtest_metrics",
    "run_backtest",
]

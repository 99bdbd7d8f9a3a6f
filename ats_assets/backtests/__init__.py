"""Trading of signals at the next open, over history, and what came of it."""

from ats_assets.backtests.choosing import backtest_engine, engine_of, run_backtest
from ats_assets.backtests.engine import BacktestInputs, BacktestResult, Engine
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
    "BacktestInputs",
    "BacktestMetrics",
    "BacktestPositions",
    "BacktestResult",
    "CostSensitivity",
    "Engine",
    "Equity",
    "Trades",
    "Unfilled",
    "Wanted",
    "backtest_engine",
    "backtest_metrics",
    "engine_of",
    "run_backtest",
]

"""Figures of a backtest: pure functions, a subject a file, each with its formula and source."""

from ats_assets.backtests.metrics.backtest_metrics import BacktestMetrics, backtest_metrics
from ats_assets.backtests.metrics.cost_cases import CostCase, break_even_multiple, cost_cases
from ats_assets.backtests.metrics.distribution import (
    Histogram,
    conditional_value_at_risk,
    excess_kurtosis,
    histogram,
    skewness,
    value_at_risk,
)
from ats_assets.backtests.metrics.drawdowns import Drawdown, drawdown_figures, drawdowns, worst_drawdowns
from ats_assets.backtests.metrics.excursions import ExcursionFigures, excursion_figures, longest_run, trade_excursions
from ats_assets.backtests.metrics.ratios import alpha_beta, matching_factor, risk_free_of_session, sharpe_ratio, sortino_ratio, volatility
from ats_assets.backtests.metrics.returns import Floats, annual_return, period_returns, session_returns
from ats_assets.backtests.metrics.rolling import rolling_beta, rolling_sharpe, rolling_sortino, rolling_volatility
from ats_assets.backtests.metrics.trades import TradeFigures, holding_spells, trade_figures
from ats_assets.backtests.metrics.wanted import WantedFigures, left_by_brake, wanted_and_held, wanted_figures

__all__ = [
    "BacktestMetrics",
    "CostCase",
    "Drawdown",
    "ExcursionFigures",
    "Floats",
    "Histogram",
    "TradeFigures",
    "WantedFigures",
    "alpha_beta",
    "annual_return",
    "backtest_metrics",
    "break_even_multiple",
    "conditional_value_at_risk",
    "cost_cases",
    "drawdown_figures",
    "drawdowns",
    "excess_kurtosis",
    "excursion_figures",
    "histogram",
    "holding_spells",
    "left_by_brake",
    "longest_run",
    "matching_factor",
    "period_returns",
    "risk_free_of_session",
    "rolling_beta",
    "rolling_sharpe",
    "rolling_sortino",
    "rolling_volatility",
    "session_returns",
    "sharpe_ratio",
    "skewness",
    "sortino_ratio",
    "trade_excursions",
    "trade_figures",
    "value_at_risk",
    "volatility",
    "wanted_and_held",
    "wanted_figures",
    "worst_drawdowns",
]

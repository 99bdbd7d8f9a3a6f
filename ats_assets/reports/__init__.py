"""Reports that people read: the backtest as one HTML file."""

from ats_assets.reports.backtest_report import backtest_report

__all__ = ["backtest_report"]

"""Reports that people read: the backtest as one HTML file, and sparklines for metadata."""

from ats_assets.reports.backtest_report import backtest_report, write_report
from ats_assets.reports.sparkline import sparkline_markdown, sparkline_svg

__all__ = ["backtest_report", "sparkline_markdown", "sparkline_svg", "write_report"]

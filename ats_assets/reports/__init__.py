"""Reports that people read: the backtest and the execution of orders, each as one HTML file; the backtest's as PDF and as JSON, too."""

REPORT = ("backtest_report", "report.html")
"""The asset and the file of the backtest report. Here, since who only wants to know where it is does without all that makes it."""

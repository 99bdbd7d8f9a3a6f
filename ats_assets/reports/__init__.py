"""Reports that people read: the backtest and the execution of orders, each as one HTML file."""

REPORT = ("backtest_report", "report.html")
"""The asset and the file of the backtest report. Here, since who only wants to know where it is does without all that makes it."""

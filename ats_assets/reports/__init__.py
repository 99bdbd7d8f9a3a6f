"""Reports that people read: the backtest and the execution of orders, each as one HTML file."""

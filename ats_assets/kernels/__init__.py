"""Arithmetic below portfolio, risk rules and backtests: kernels that run plain or compiled, sums in a fixed order, limits on weights."""

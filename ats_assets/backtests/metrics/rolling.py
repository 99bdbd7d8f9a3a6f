"""Figures over a window that moves with the sessions: Sharpe and Sortino ratio, volatility, beta; NaN until the window is full, and where a figure is not defined."""

import math
from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ats_assets.backtests.metrics.ratios import NO_VARIANCE
from ats_assets.backtests.metrics.returns import Floats


def rolling_volatility(returns: Floats, window: int, sessions_per_year: int) -> Floats:
    """sd(r) * sqrt(q) over the last `window` returns, as QuantStats' `rolling_volatility`.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,).

    Returns
    -------
    ndarray of shape (n_returns,)

    Examples
    --------
    >>> rolling_volatility(np.array([0.01, -0.01, 0.01, 0.01]), window=2, sessions_per_year=252).round(3)  # NaN where nothing varies
    array([  nan, 0.224, 0.224,   nan])
    """
    return _placed(len(returns), window, lambda: _deviations(returns, window) * math.sqrt(sessions_per_year))


def rolling_sharpe(excess: Floats, window: int, sessions_per_year: int) -> Floats:
    """mean(excess) / sd(excess) * sqrt(q) over the last `window` returns, as QuantStats' `rolling_sharpe`; shapes as `rolling_volatility`.

    Examples
    --------
    >>> rolling_sharpe(np.array([0.02, 0.0, 0.01, 0.03]), window=2, sessions_per_year=252).round(2)
    array([  nan, 11.22, 11.22, 22.45])
    """
    year = math.sqrt(sessions_per_year)
    return _placed(len(excess), window, lambda: sliding_window_view(excess, window).mean(axis=1) / _deviations(excess, window) * year)


def rolling_sortino(excess: Floats, window: int, sessions_per_year: int) -> Floats:
    """mean(excess) / sqrt(mean(min(excess, 0)^2)) * sqrt(q) over the last `window` returns, as QuantStats' `rolling_sortino`; shapes as `rolling_volatility`.

    Examples
    --------
    >>> rolling_sortino(np.array([0.02, -0.01, 0.01, 0.03]), window=2, sessions_per_year=252).round(2)  # NaN where nothing was lost
    array([ nan, 11.22,  0.  ,   nan])
    """

    def ratios() -> Floats:
        seen = sliding_window_view(excess, window)
        downside = np.sqrt((np.minimum(seen, 0.0) ** 2).mean(axis=1))
        return seen.mean(axis=1) / np.where(downside > NO_VARIANCE, downside, np.nan) * math.sqrt(sessions_per_year)

    return _placed(len(excess), window, ratios)


def rolling_beta(returns: Floats, benchmark: Floats, window: int) -> Floats:
    """cov(r, b) / var(b) over the last `window` returns, as the beta of QuantStats' `rolling_greeks`; shapes as `rolling_volatility`.

    Examples
    --------
    >>> benchmark = np.array([0.01, -0.01, 0.02, -0.03])
    >>> rolling_beta(np.array([0.005, -0.005, 0.02, -0.03]), benchmark, window=2).round(2)
    array([ nan, 0.5 , 0.83, 1.  ])
    """

    def betas() -> Floats:
        own, other = sliding_window_view(returns, window), sliding_window_view(benchmark, window)
        centred = other - other.mean(axis=1, keepdims=True)
        variance = (centred**2).sum(axis=1)
        flat = variance <= (window - 1) * NO_VARIANCE**2
        return (centred * own).sum(axis=1) / np.where(flat, np.nan, variance)

    return _placed(len(returns), window, betas)


def _deviations(returns: Floats, window: int) -> Floats:
    deviations = sliding_window_view(returns, window).std(axis=1, ddof=1)
    return np.where(deviations > NO_VARIANCE, deviations, np.nan)


def _placed(n: int, window: int, make: Callable[[], Floats]) -> Floats:
    """What `make` makes of the full windows, each at the last of its returns."""
    return np.concatenate([np.full(window - 1, np.nan), make()]) if 2 <= window <= n else np.full(n, np.nan)

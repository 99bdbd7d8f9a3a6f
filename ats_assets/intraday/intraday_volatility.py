"""Variances of what happens inside a session. The window is the last axis of each array: arrays of shape (..., n) give results of shape (...).

Realised and bipower variance are those of the whole window, the others those of one bar of it; a variance of one bar times their number is that of the window.
"""

import numpy as np

from ats_assets.intraday.bar_ends import Floats


def realised_variance(log_returns: Floats) -> Floats:
    """The sum of squared returns.

    T. Andersen, T. Bollerslev, F. Diebold and P. Labys, The distribution of realized exchange rate volatility, Journal of the American Statistical Association 96, 2001.
    """
    return (log_returns**2).sum(axis=-1)


def bipower_variance(log_returns: Floats) -> Floats:
    """N / (n - 1) pi / 2 sum |return| |return before|: what is left without jumps, since next to a jump there is seldom another.

    O. Barndorff-Nielsen and N. Shephard, Power and bipower variation with stochastic volatility and jumps, Journal of Financial Econometrics 2, 2004. NaN of fewer than two.
    """
    n = log_returns.shape[-1]
    if n < 2:
        return np.full(log_returns.shape[:-1], np.nan)
    size = np.abs(log_returns)
    return n / (n - 1.0) * np.pi / 2.0 * (size[..., 1:] * size[..., :-1]).sum(axis=-1)


def parkinson(high: Floats, low: Floats) -> Floats:
    """The mean of ln(high / low)^2 / (4 ln 2).

    M. Parkinson, The extreme value method for estimating the variance of the rate of return, Journal of Business 53, 1980.
    """
    return (np.log(high / low) ** 2).mean(axis=-1) / (4.0 * np.log(2.0))


def garman_klass(opens: Floats, high: Floats, low: Floats, close: Floats) -> Floats:
    """The mean of ln(high / low)^2 / 2 - (2 ln 2 - 1) ln(close / open)^2.

    M. Garman and M. Klass, On the estimation of security price volatilities from historical data, Journal of Business 53, 1980.
    """
    return (0.5 * np.log(high / low) ** 2 - (2.0 * np.log(2.0) - 1.0) * np.log(close / opens) ** 2).mean(axis=-1)


def yang_zhang(opens: Floats, high: Floats, low: Floats, close: Floats) -> Floats:
    """var(open over the close before) + k var(close over open) + (1 - k) mean(ln(high/close) ln(high/open) + ln(low/close) ln(low/open)), k = 0.34 / (1.34 + (n + 1) / (n - 1)).

    It allows for gaps between bars and for a drift: D. Yang and Q. Zhang, Drift-independent volatility estimation based on high, low, open, and close prices, Journal of Business
    73, 2000. n counts the bars after the first, which gives its close only. NaN of fewer than two.
    """
    n = opens.shape[-1] - 1
    if n < 2:
        return np.full(opens.shape[:-1], np.nan)
    gap = np.log(opens[..., 1:] / close[..., :-1])
    o, h, low_, c = (one[..., 1:] for one in (opens, high, low, close))
    k = 0.34 / (1.34 + (n + 1.0) / (n - 1.0))
    inside = (np.log(h / c) * np.log(h / o) + np.log(low_ / c) * np.log(low_ / o)).mean(axis=-1)
    return gap.var(axis=-1, ddof=1) + k * np.log(c / o).var(axis=-1, ddof=1) + (1.0 - k) * inside

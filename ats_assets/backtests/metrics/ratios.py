"""Ratios of return to risk, and against a benchmark. A ratio that the data do not define (no variance, one session) is None, never a number that looks like one.

"Excess" means less the risk-free rate of a session, (1 + risk_free_rate)^(1 / q) - 1, with q sessions a year; n is the number of returns.
"""

import math

import numpy as np

from ats_assets.backtests.metrics.returns import Floats
from ats_assets.errors import EvaluationError
from ats_assets.evaluation import probabilistic_sharpe_ratio, sharpe_variance
from ats_assets.settings import BacktestSettings

NO_VARIANCE = 1e-14
"""A standard deviation of returns below this is rounding."""


def risk_free_of_session(settings: BacktestSettings) -> float:
    """The risk-free return of one session: (1 + risk_free_rate)^(1 / q) - 1.

    Examples
    --------
    >>> round(risk_free_of_session(BacktestSettings(risk_free_rate=0.05, sessions_per_year=252)), 6)
    0.000194
    """
    return math.expm1(math.log1p(settings.risk_free_rate) / settings.sessions_per_year)


def volatility(returns: Floats, sessions_per_year: int) -> float | None:
    """Standard deviation of the returns of a session, a year: sd(r) * sqrt(q), with n - 1 in the denominator; of differences to a benchmark it is the tracking error.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,).

    Examples
    --------
    >>> round(volatility(np.array([0.01, -0.01, 0.01, -0.01]), sessions_per_year=252), 4)
    0.1833
    """
    if len(returns) < 2 or not np.isfinite(returns).all():
        return None
    deviation = float(returns.std(ddof=1))
    return deviation * math.sqrt(sessions_per_year) if deviation > NO_VARIANCE else None


def sharpe_ratio(excess: Floats, sessions_per_year: int) -> tuple[float | None, float | None, float | None]:
    """Annual Sharpe ratio, its standard error, and the probability that the true one is above zero.

    - Sharpe ratio: mean(excess) / sd(excess) * sqrt(q) (Sharpe 1994); of differences to a benchmark it is the information ratio.
    - Its standard error is that of Lo (2002, "The Statistics of Sharpe Ratios", Financial Analysts Journal 58(4), eq. 9) for independent returns,
      sqrt((1 + SR^2 / 2) / n) with SR of one session, times sqrt(q).
    - Probability that the true one is above zero, given skewness and kurtosis: Bailey and López de Prado (2012, "The Sharpe Ratio Efficient Frontier",
      Journal of Risk 15(2)), Phi(SR sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)).

    Parameters
    ----------
    excess
        ndarray of shape (n_returns,).

    Examples
    --------
    >>> ratio, error, probability = sharpe_ratio(np.tile([0.011, -0.009], 126), sessions_per_year=252)
    >>> round(ratio, 2), round(error, 2), round(probability, 3)
    (1.58, 1.0, 0.943)
    """
    n = len(excess)
    if volatility(excess, sessions_per_year) is None:
        return None, None, None
    ratio = float(excess.mean() / excess.std(ddof=1))
    error = math.sqrt(sharpe_variance(ratio) / n)
    standard = (excess - excess.mean()) / excess.std()
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    try:
        probability = probabilistic_sharpe_ratio(ratio, n, skewness=skewness, kurtosis=kurtosis)
    except EvaluationError:  # returns of two values, whose skewness leaves no variance
        probability = None
    year = math.sqrt(sessions_per_year)
    return ratio * year, error * year, probability


def matching_factor(returns: Floats, other: Floats) -> float | None:
    """What the other returns are to be multiplied with for the volatility of the returns: sd(r) / sd(b).

    Parameters
    ----------
    returns, other
        ndarrays of shape (n_returns,).

    Returns
    -------
    float or None
        None where either does not vary, or is not known throughout.

    Examples
    --------
    >>> matching_factor(np.array([0.02, -0.02, 0.02]), np.array([0.01, -0.01, 0.01]))
    2.0
    """
    if len(returns) < 2 or len(other) != len(returns):
        return None
    own, its = float(returns.std(ddof=1)), float(other.std(ddof=1))
    return own / its if own > NO_VARIANCE and its > NO_VARIANCE else None


def sortino_ratio(excess: Floats, sessions_per_year: int) -> float | None:
    """Annual Sortino ratio, mean(excess) / sqrt(mean(min(excess, 0)^2)) * sqrt(q) (Sortino and Price 1994); None without a loss.

    Parameters
    ----------
    excess
        ndarray of shape (n_returns,).

    Examples
    --------
    >>> round(sortino_ratio(np.tile([0.011, -0.009], 126), sessions_per_year=252), 2)
    2.49
    >>> sortino_ratio(np.array([0.01, 0.02]), sessions_per_year=252) is None  # no loss to divide by
    True
    """
    if len(excess) < 2:
        return None
    downside = math.sqrt(float((np.minimum(excess, 0.0) ** 2).mean()))
    return float(excess.mean()) / downside * math.sqrt(sessions_per_year) if downside > NO_VARIANCE else None


def alpha_beta(excess: Floats, benchmark: Floats, sessions_per_year: int) -> tuple[float | None, float | None]:
    """Annual alpha, and beta: least squares of excess returns on the benchmark's (Jensen 1968), alpha times q; None where the benchmark does not move.

    Parameters
    ----------
    excess, benchmark
        ndarrays of shape (n_returns,).

    Examples
    --------
    >>> benchmark = np.array([0.01, -0.02, 0.03, 0.0])
    >>> alpha, beta = alpha_beta(0.001 + 0.5 * benchmark, benchmark, sessions_per_year=252)
    >>> round(alpha, 3), round(beta, 3)
    (0.252, 0.5)
    """
    if len(excess) < 3 or not np.isfinite(excess).all() or volatility(benchmark, sessions_per_year) is None:
        return None, None
    centred = benchmark - benchmark.mean()
    beta = float((centred * (excess - excess.mean())).sum() / (centred**2).sum())
    return float(excess.mean() - beta * benchmark.mean()) * sessions_per_year, beta

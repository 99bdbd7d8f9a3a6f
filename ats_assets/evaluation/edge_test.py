"""Whether the mean of many sessions' information coefficients can be told from chance.

The returns of neighbouring decisions overlap, so that their ICs are correlated, and a plain t-statistic is too large by up to sqrt(horizon). Here it is the mean over its
standard error after Newey and West (Econometrica 55, 1987), with Bartlett weights over L lags:

    v = g[0] + 2 sum_{j=1..L} (1 - j/(L+1)) g[j],    g[j] = 1/n sum_t (x[t] - mean) (x[t-j] - mean),    t = mean / sqrt(v / n)

That alone passes chance too often, for two reasons, and both are mended:

1. v is too small on average: the weights cut down the very correlation that overlap makes, and the deviations are from the sample's own mean. How much too small is known exactly
   for the worst case, scores that never change, whose ICs are moving sums over the horizon: g[j] ~ 1 - j/h. v is divided by that share (`expected_share`).
   L is at least 2 h, and at least 1.3 sqrt(n) (Lazarus, Lewis, Stock and Watson, Journal of Business & Economic Statistics 36, 2018), so that slower swings count, too.
2. v is itself an estimate, of about 3 n / (L+1) degrees of freedom: with b = (L+1)/n fixed, t has heavier tails than the normal (Kiefer and Vogelsang, Econometric Theory 21,
   2005). It is judged by Student's t of so many degrees, and given as the standard normal value of the same probability (Wallace, Annals of Mathematical Statistics 30, 1959,
   good to 1% here), so that a bar of 3 means the same whatever the horizon and the number of sessions.
"""

from functools import lru_cache
from math import ceil, expm1, log1p, sqrt

import numpy as np

LAGS_PER_HORIZON = 2
LAGS_PER_ROOT = 1.3
DEGREES = 3.0
"""Degrees of freedom of a variance with Bartlett weights, for one lag's share of the sample (Priestley, Spectral Analysis and Time Series, 1981, section 6.2)."""


def newey_west_t(values: np.ndarray, horizon: int) -> float | None:
    """How far the mean of `values` lies above zero, in standard errors of a normal distribution.

    Parameters
    ----------
    values
        ndarray of shape (n,), in time order: one figure a session.
    horizon
        Sessions over which the outcomes of neighbouring figures overlap, at least 1.

    Returns
    -------
    float or None
        None for fewer than 2 values or without variance.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.evaluation import newey_west_t
    >>> daily_ic = np.random.default_rng(0).normal(0.05, 0.1, 500)
    >>> round(newey_west_t(daily_ic, 5), 1)
    7.7
    """
    error = mean_error(values, horizon)
    if error is None:
        return None
    return normal_equivalent(float(values.mean()) / error, mean_degrees(len(values), horizon))


def mean_error(values: np.ndarray, horizon: int) -> float | None:
    """The standard error of the mean of `values`, for the overlap of their outcomes; parameters are those of `newey_west_t`.

    Returns
    -------
    float or None
        None for fewer than 2 values or without variance.

    Examples
    --------
    >>> import numpy as np
    >>> round(mean_error(np.random.default_rng(0).normal(0.05, 0.1, 400), 1), 4)  # an estimate of 0.1 / sqrt(400)
    0.0044
    """
    n = len(values)
    if n < 2 or values.min() == values.max():
        return None
    used = lags(n, horizon)
    centred = values - values.mean()
    variance = float((centred * centred).sum()) / n
    for lag in range(1, used + 1):
        variance += 2.0 * (1.0 - lag / (used + 1.0)) * float((centred[lag:] * centred[:-lag]).sum()) / n
    return sqrt(variance / expected_share(n, horizon) / n) if variance > 0 else None


def mean_degrees(n: int, horizon: int) -> float:
    """The degrees of freedom of Student's distribution that the mean of `n` figures over its error follows.

    Examples
    --------
    >>> mean_degrees(1000, 30)
    49.18032786885246
    """
    return DEGREES * n / (lags(n, horizon) + 1)


def lags(n: int, horizon: int) -> int:
    """How many lags count for `n` sessions.

    Examples
    --------
    >>> lags(1000, 1), lags(1000, 30)  # by the root of n, and by the horizon where that is longer
    (42, 60)
    """
    return min(max(LAGS_PER_HORIZON * horizon, ceil(LAGS_PER_ROOT * sqrt(n))), n - 1)


@lru_cache(maxsize=1024)
def expected_share(n: int, horizon: int) -> float:
    """The expected variance of `newey_west_t` over the true one of the mean, where the figures are moving sums over `horizon` sessions."""
    used = lags(n, horizon)
    g = np.maximum(0.0, 1.0 - np.arange(n) / horizon)
    before = np.cumsum(g)
    rows = (before + before[::-1] - g[0]) / n  # mean covariance of each session with all
    whole = rows.mean()
    sums = np.concatenate([[0.0], np.cumsum(rows)])
    expected = 0.0
    for lag in range(used + 1):
        covariance = ((n - lag) * (g[lag] + whole) - (sums[n] - sums[lag]) - sums[n - lag]) / n
        expected += covariance * (1.0 if lag == 0 else 2.0 * (1.0 - lag / (used + 1.0)))
    return float(expected / (n * whole))


def normal_equivalent(t: float, degrees: float) -> float:
    """The standard normal value that is exceeded as often as `t` of Student's distribution (Wallace's approximation).

    Examples
    --------
    >>> [round(normal_equivalent(2.0, degrees), 3) for degrees in (3.0, 30.0, 3000.0)]
    [1.476, 1.922, 1.999]
    """
    size = sqrt(degrees * log1p(t * t / degrees)) * (8.0 * degrees + 1.0) / (8.0 * degrees + 3.0)
    return size if t >= 0 else -size


def student_equivalent(size: float, degrees: float) -> float:
    """The value of Student's distribution that is exceeded as often as the standard normal value `size`, not negative: the inverse of `normal_equivalent`.

    Examples
    --------
    >>> [round(student_equivalent(2.0, degrees), 3) for degrees in (3.0, 30.0, 3000.0)]
    [3.348, 2.087, 2.001]
    """
    scaled = size * (8.0 * degrees + 3.0) / (8.0 * degrees + 1.0)
    return sqrt(degrees * expm1(scaled * scaled / degrees))

"""How long blocks are to be, from the data: Politis and White (Econometric Reviews 23, 2004), corrected by Patton, Politis and White (28, 2009)."""

import math

import numpy as np

from ats_assets.risk_analysis.resampling import Floats


def optimal_block_length(returns: Floats) -> tuple[float, float]:
    """The mean length of the stationary bootstrap's blocks, and the length of circular ones, that estimate the variance of the mean best.

    1. m is the least lag after which autocorrelations stay within 2 sqrt(log10(n) / n) for five lags; with M = 2 m and the flat-top window
       lambda(t) = 1 up to 1/2, 2 (1 - |t|) up to 1: G = sum lambda(k / M) |k| R(k), g = sum lambda(k / M) R(k), over |k| <= M.
    2. b = (2 G^2 / D n)^(1/3) with D = 2 g^2 (stationary) and 4/3 g^2 (circular), at least 1 and at most min(3 sqrt(n), n / 3).

    Parameters
    ----------
    returns
        float64 of shape (n_returns,), finite.

    Examples
    --------
    >>> noise = np.random.default_rng(1).standard_normal(1000)
    >>> [round(b, 1) for b in optimal_block_length(np.convolve(noise, np.ones(5), "valid"))]
    [13.7, 15.7]
    """
    n = len(returns)
    if n < 10 or float(returns.std()) <= 1e-14:
        return 1.0, 1.0
    centred = returns - returns.mean()
    checked = 5  # max(5, sqrt(log10 n)) of any n that there is
    most = min(math.ceil(math.sqrt(n)) + checked, n - 1)
    covariances = np.array([float(centred[k:] @ centred[: n - k]) / n for k in range(most + 1)])
    small = np.abs(covariances[1:] / covariances[0]) < 2.0 * math.sqrt(math.log10(n) / n)
    after = next((m for m in range(most - checked + 1) if small[m : m + checked].all()), None)
    if after is None:  # no lag after which all are small: the largest that is not
        after = int(np.flatnonzero(~small)[-1]) + 1
    window = min(2 * max(after, 1), most)
    k = np.arange(-window, window + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - np.abs(k) / window))
    own = covariances[np.abs(k)]
    bend, spectrum = float((weights * np.abs(k) * own).sum()), float((weights * own).sum())
    limit = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    found = []
    for factor in (2.0, 4.0 / 3.0):
        length = (2.0 * bend**2 / (factor * spectrum**2) * n) ** (1.0 / 3.0) if spectrum != 0.0 else float(limit)
        found.append(min(max(1.0, length), float(limit)))
    return found[0], found[1]

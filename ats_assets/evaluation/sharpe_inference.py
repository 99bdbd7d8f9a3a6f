"""How sure a measured Sharpe ratio is: standard error, probability that the true one is above a benchmark, and how long a record must be.

Everything here is of one period: a ratio SR = mean / sd of the returns of a session, week or month, with n of them. A yearly ratio is divided by the square root of the periods a year
first. `kurtosis` is not in excess: 3 for normal returns.

The estimated ratio is asymptotically normal around the true one with variance

    v / n,    v = 1 - skewness SR + (kurtosis - 1) / 4 SR^2

for independent returns (Mertens 2002, "Comments on variance of the IID estimator in Lo"); for normal ones that is Lo's 1 + SR^2 / 2 (2002, "The Statistics of Sharpe Ratios",
Financial Analysts Journal 58(4), eq. 9).
"""

import math

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError

Floats = NDArray[np.float64]
NORMAL_KURTOSIS = 3.0


def sharpe_variance(ratio: float, *, skewness: float = 0.0, kurtosis: float = NORMAL_KURTOSIS) -> float:
    """The variance v of the estimated ratio times n, of independent returns: see above.

    Raises
    ------
    EvaluationError
        If it is not above zero: no sample of returns has such moments.

    Examples
    --------
    >>> sharpe_variance(1.0), sharpe_variance(0.1, skewness=-3.0, kurtosis=10.0)
    (1.5, 1.3225)
    """
    variance = 1.0 - skewness * ratio + (kurtosis - 1.0) / 4.0 * ratio**2
    if not variance > 0.0:
        raise EvaluationError(
            f"a Sharpe ratio of {ratio:g} a period with skewness {skewness:g} and kurtosis {kurtosis:g} has no variance above zero: "
            "kurtosis is not in excess (3 for normal returns), and the ratio is that of one period, not of a year"
        )
    return variance


def probabilistic_sharpe_ratio(
    ratio: float, n_periods: int, *, benchmark: float = 0.0, skewness: float = 0.0, kurtosis: float = NORMAL_KURTOSIS
) -> float:
    """The probability that the true ratio is above `benchmark`: Phi((SR - benchmark) sqrt(n - 1) / sqrt(v)).

    Bailey and López de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk 15(2).

    Parameters
    ----------
    ratio, benchmark
        Of one period.
    n_periods
        Returns that the ratio was measured on, at least 2.

    Examples
    --------
    Two years of months with 0.458 a month: convincing if they were normal, not with the skewness and kurtosis that they have (the paper's own example).

    >>> round(probabilistic_sharpe_ratio(0.458, 24), 3)
    0.982
    >>> round(probabilistic_sharpe_ratio(0.458, 24, skewness=-2.448, kurtosis=10.164), 3)
    0.913
    """
    if n_periods < 2:
        raise EvaluationError(f"{n_periods} returns have no Sharpe ratio: give at least 2")
    deviation = math.sqrt(sharpe_variance(ratio, skewness=skewness, kurtosis=kurtosis))
    from scipy.special import ndtr  # noqa: PLC0415 - half a second to import

    return float(ndtr((ratio - benchmark) * math.sqrt(n_periods - 1) / deviation))


def minimum_track_record_length(
    ratio: float, *, benchmark: float = 0.0, skewness: float = 0.0, kurtosis: float = NORMAL_KURTOSIS, confidence: float = 0.95
) -> float:
    """How many periods a record with this ratio needs for the true one to be above `benchmark` with `confidence`: 1 + v (z / (SR - benchmark))^2.

    Bailey and López de Prado (2012). Infinite where the ratio is not above the benchmark: no record is long enough.

    Examples
    --------
    A yearly ratio of 2 against 1, in years of daily, weekly and monthly returns (the paper's exhibit):

    >>> [round(minimum_track_record_length(2 / q**0.5, benchmark=1 / q**0.5) / q, 2) for q in (252, 52, 12)]
    [2.73, 2.83, 3.24]
    """
    if not 0.5 <= confidence < 1.0:
        raise EvaluationError(f"a confidence of {confidence:g} is none: give one from 0.5 to below 1")
    if ratio <= benchmark:
        return math.inf
    variance = sharpe_variance(ratio, skewness=skewness, kurtosis=kurtosis)
    from scipy.special import ndtri  # noqa: PLC0415 - half a second to import

    return 1.0 + variance * (float(ndtri(confidence)) / (ratio - benchmark)) ** 2


def sharpe_standard_error(returns: Floats, lags: int = 0) -> float | None:
    """The standard error of the Sharpe ratio of one period, for returns that may be correlated over `lags` periods.

    Lo (2002), for returns that are not independent: the ratio is a function of mean and variance, whose covariance is estimated by the generalised method of moments after Newey and West (1987). Written with the
    influence of each return on the ratio, f[t] = (r[t] - m) / s - SR ((r[t] - m)^2 - s^2) / (2 s^2), it is sqrt((g[0] + 2 sum_{j=1..lags} (1 - j / (lags + 1)) g[j]) / n)
    with g[j] = 1/n sum_t f[t] f[t-j]. Without lags that is sqrt(v / n), with the sample's own skewness and kurtosis.

    Parameters
    ----------
    returns
        ndarray of shape (n,).
    lags
        0 for independent returns; a strategy that holds for h periods overlaps over h - 1.

    Returns
    -------
    float or None
        None for fewer than 2 returns, without variance, or where the lags leave no positive estimate.

    Examples
    --------
    >>> import numpy as np
    >>> daily = np.random.default_rng(0).normal(0.001, 0.01, 1000)
    >>> round(sharpe_standard_error(daily), 4)
    0.0317
    >>> smoothed = np.convolve(daily, np.full(5, 0.2), "valid")  # each five sessions' mean: neighbours share four of them
    >>> round(sharpe_standard_error(smoothed), 4), round(sharpe_standard_error(smoothed, lags=10), 4)
    (0.0318, 0.0646)
    """
    n = len(returns)
    if not 0 <= lags < max(n, 1):
        raise EvaluationError(f"{lags} lags of {n} returns: give from 0 to one less than there are returns")
    deviation = float(returns.std()) if n > 1 else 0.0
    if n < 2 or returns.min() == returns.max() or not deviation > 0.0:
        return None
    centred = (returns - returns.mean()) / deviation
    influence = centred - float(returns.mean()) / deviation * (centred * centred - 1.0) / 2.0
    variance = float((influence * influence).mean())
    for lag in range(1, lags + 1):
        variance += 2.0 * (1.0 - lag / (lags + 1.0)) * float((influence[lag:] * influence[:-lag]).sum()) / n
    return math.sqrt(variance / n) if variance > 0.0 else None


def annual_factor(autocorrelations: Floats, periods_per_year: int) -> float | None:
    """What a ratio of one period is to be multiplied with for a year: q / sqrt(q + 2 sum_{k=1..q-1} (q - k) rho[k]), which is sqrt(q) for independent returns.

    Lo (2002), on time aggregation. Returns that follow each other (rho > 0) have a smaller yearly ratio than sqrt(q) says.

    Parameters
    ----------
    autocorrelations
        ndarray of shape (n_lags,): those of lags 1, 2, ...; later ones count as 0.
    periods_per_year
        q.

    Returns
    -------
    float or None
        None where the autocorrelations leave the year no variance.

    Examples
    --------
    Months with an autocorrelation of 0.2 that decays, and without any:

    >>> import numpy as np
    >>> round(annual_factor(0.2 ** np.arange(1, 12), 12), 2), round(annual_factor(np.array([]), 12), 2)
    (2.88, 3.46)
    """
    q = periods_per_year
    rho = autocorrelations[: q - 1]
    variance = q + 2.0 * float(((q - np.arange(1, len(rho) + 1)) * rho).sum())
    return q / math.sqrt(variance) if variance > 0.0 else None


def autocorrelations(returns: Floats, lags: int) -> Floats:
    """Those of lags 1 to `lags`, of shape (lags,), over the variance of all returns; 0 without variance.

    Examples
    --------
    >>> import numpy as np
    >>> autocorrelations(np.array([1.0, -1.0, 1.0, -1.0]), 2)
    array([-0.75,  0.5 ])
    """
    centred = returns - returns.mean()
    variance = float((centred * centred).sum())
    if not variance > 0.0:
        return np.zeros(lags)
    return np.array([float((centred[lag:] * centred[:-lag]).sum()) for lag in range(1, lags + 1)]) / variance

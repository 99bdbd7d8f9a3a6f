"""Whether the best of many trials is more than the best of chance.

Who tries enough strategies finds one with a high Sharpe ratio among strategies without any skill. Here is how high (the false strategy theorem), the probability that a ratio is more than that
(the deflated Sharpe ratio), and how long a backtest must be for it. All need the number of trials, which the ledger of trials knows (`ats_assets/evaluation/trial_clusters.py` has
how many of them are different bets). `backtest_overfitting.py` has the probability that choosing the best was overfitting.

Ratios are of one period and kurtosis is not in excess, as in `sharpe_inference.py`.
"""

import math

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.sharpe_inference import NORMAL_KURTOSIS, probabilistic_sharpe_ratio

EULER_MASCHERONI = 0.5772156649015329


def expected_maximum_sharpe(n_trials: float, variance: float = 1.0) -> float:
    """The expected largest Sharpe ratio of `n_trials` independent trials without skill: sqrt(V) ((1 - g) z(1 - 1/N) + g z(1 - 1/(N e))), g = 0.5772.

    The false strategy theorem: Bailey and López de Prado (2014), "The Deflated Sharpe Ratio", Journal of Portfolio Management 40(5); López de Prado and Bailey (2021), "The False
    Strategy Theorem", American Mathematical Monthly 128(9).

    Parameters
    ----------
    n_trials
        N, at least 1: of 1 it is 0, since nothing was chosen.
    variance
        V, of the ratios across trials.

    Examples
    --------
    >>> [round(expected_maximum_sharpe(n), 2) for n in (1, 10, 100, 1000)]
    [0.0, 1.57, 2.53, 3.26]
    """
    if not n_trials >= 1 or not math.isfinite(n_trials) or not variance >= 0.0:
        raise EvaluationError(
            f"{n_trials:g} trials with a variance of {variance:g}: give at least 1 trial, and a variance that is not negative"
        )
    if n_trials == 1:
        return 0.0
    from scipy.special import ndtri  # noqa: PLC0415 - half a second to import

    largest = (1.0 - EULER_MASCHERONI) * ndtri(1.0 - 1.0 / n_trials) + EULER_MASCHERONI * ndtri(1.0 - 1.0 / (n_trials * math.e))
    return math.sqrt(variance) * max(0.0, float(largest))


def deflated_sharpe_ratio(
    ratio: float, n_periods: int, *, n_trials: float, variance: float, skewness: float = 0.0, kurtosis: float = NORMAL_KURTOSIS
) -> float:
    """The probability that the true ratio is above zero although it is the best of `n_trials`: the probabilistic one against `expected_maximum_sharpe`.

    Bailey and López de Prado (2014).

    Parameters
    ----------
    ratio
        Of one period, as measured on `n_periods` returns.
    n_trials, variance
        As those of `expected_maximum_sharpe`: `variance` is that of the trials' ratios of one period.

    Examples
    --------
    The paper's own: 2.5 a year over 1,250 days, skewness -3, kurtosis 10, a variance of 1/2 a year across trials. With 100 of them it is not convincing, with 46 it is.

    >>> daily, variance = 2.5 / 250**0.5, 0.5 / 250
    >>> [round(deflated_sharpe_ratio(daily, 1250, n_trials=n, variance=variance, skewness=-3.0, kurtosis=10.0), 4) for n in (100, 46)]
    [0.9004, 0.9505]
    """
    best_of_chance = expected_maximum_sharpe(n_trials, variance)
    return probabilistic_sharpe_ratio(ratio, n_periods, benchmark=best_of_chance, skewness=skewness, kurtosis=kurtosis)


def minimum_backtest_length(n_trials: float, ratio_per_year: float = 1.0) -> float:
    """Years that a backtest must have for the best of `n_trials` without skill to be expected below a yearly ratio: (expected_maximum_sharpe(N) / ratio)^2.

    Bailey, Borwein, López de Prado and Zhu (2014), "Pseudo-Mathematics and Financial Charlatanism", Notices of the AMS 61(5).

    Examples
    --------
    >>> [round(minimum_backtest_length(n), 1) for n in (1, 45, 100, 1000)]
    [0.0, 5.0, 6.4, 10.6]
    """
    if not ratio_per_year > 0.0:
        raise EvaluationError(f"a yearly ratio of {ratio_per_year:g} is reached by chance in any time: give one above 0")
    return (expected_maximum_sharpe(n_trials) / ratio_per_year) ** 2

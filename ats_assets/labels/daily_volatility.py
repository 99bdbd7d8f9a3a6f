"""The volatility of a day as it was known at a close: the exponentially weighted standard deviation of returns from close to close.

Its weights are those of an exponential average, on a window that ends where the rest weighs 1e-8 (`expressions.averages.memory`): it is that of pandas'
`ewm(span).std()` but for the weights before. A session without a return has no weight, but ages the others.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ats_assets.expressions.averages import memory
from ats_assets.labels.price_panel import Floats, PricePanel


def volatility_window(span_sessions: int) -> int:
    """Daily returns that the volatility is made of, at most.

    Examples
    --------
    >>> volatility_window(20)
    195
    """
    return memory(span_sessions)[0]


def daily_returns(panel: PricePanel, factors: Floats) -> Floats:
    """Returns from close to close of two sessions in a row with volume, of shape (n_sessions, n_series); NaN elsewhere.

    Parameters
    ----------
    factors
        Of corporate actions, of the same shape: prices before a session are multiplied by them.
    """
    closes = np.where(panel.traded, panel.prices["close"], np.nan)
    returns = np.full(closes.shape, np.nan)
    returns[1:] = closes[1:] / (closes[:-1] * factors[1:]) - 1.0
    return returns


def daily_volatility(returns: Floats, rows: NDArray[np.intp], span_sessions: int, min_returns: int) -> Floats:
    """The deviation of the returns up to each of some sessions, of shape (n_rows, n_series); NaN where there are too few.

    The mean first, then the squared distances from it, each added up from the newest return to the oldest: the bits of a session are the same in any range.

    Parameters
    ----------
    returns
        float64 of shape (n_sessions, n_series), NaN where there is none.
    rows
        Of the sessions, ascending.
    """
    window, decay = memory(span_sessions)
    shape = (len(rows), returns.shape[1])
    count, weights, pairs, mean, distances = (np.zeros(shape) for _ in range(5))

    def by_age() -> Iterator[tuple[slice, float, Floats, NDArray[np.bool_]]]:
        for age in range(min(window, int(rows[-1]) + 1)):
            some = slice(int(np.searchsorted(rows, age)), len(rows))  # those whose window reaches so far back
            values = returns[rows[some] - age]
            there = ~np.isnan(values)
            yield some, decay**age, np.where(there, values, 0.0), there

    for some, weight, values, there in by_age():
        count[some] += there
        pairs[some] += weight * there * weights[some]  # products of two weights; (sum w)^2 - sum w^2, which is twice that, would cancel out
        weights[some] += weight * there
        mean[some] += weight * values
    with np.errstate(invalid="ignore", divide="ignore"):
        mean /= weights
        for some, weight, values, there in by_age():
            distances[some] += np.where(there, weight * (values - mean[some]) ** 2, 0.0)
        unbiased = distances * weights / (2.0 * pairs)
        return np.where(count >= min_returns, np.sqrt(unbiased), np.nan)

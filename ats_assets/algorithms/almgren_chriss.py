"""The schedule that balances the cost of trading fast against the risk of trading slowly, by its closed form.

Almgren, R. and Chriss, N. (2000), "Optimal execution of portfolio transactions", Journal of Risk 3: equations 16 to 20. Of all schedules with the same expected cost,
it has the least variance.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Holdings = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class TradingCosts:
    """What trading costs, and how the price moves meanwhile, for shares of one instrument.

    Attributes
    ----------
    volatility
        Standard deviation of the price's change in a unit of time, in currency (not as a share of the price).
    fixed
        Cost of each share, in currency: half the spread and fees.
    temporary
        Currency per share, for each share that is traded in a unit of time (eta).
    permanent
        Currency per share, for each share traded (gamma).
    """

    volatility: float
    fixed: float
    temporary: float
    permanent: float


def optimal_holdings(shares: float, time: float, intervals: int, costs: TradingCosts, risk_aversion: float) -> Holdings:
    """What is still to be traded at the end of each interval.

    Parameters
    ----------
    time
        In which all is to be traded, in the unit of `costs`.
    risk_aversion
        What a unit of variance is worth, per unit of currency (lambda); 0: only the expected cost counts, and the slices are equal.

    Returns
    -------
    ndarray of shape (intervals + 1,)
        From all `shares` to 0.

    Raises
    ------
    ValueError
        If trading in intervals this long costs less the faster it is: the permanent impact is too large for the temporary one.

    Examples
    --------
    >>> costs = TradingCosts(volatility=0.95, fixed=0.0625, temporary=2.5e-6, permanent=2.5e-7)
    >>> np.round(optimal_holdings(1e6, 5.0, 5, costs, 1e-6)).tolist()
    [1000000.0, 541956.0, 289854.0, 147897.0, 62142.0, 0.0]
    """
    step = time / intervals
    adjusted = costs.temporary - 0.5 * costs.permanent * step
    if adjusted <= 0:
        raise ValueError(
            f"temporary impact ({costs.temporary:g}) must exceed half the permanent impact of an interval ({0.5 * costs.permanent * step:g})"
        )
    left = np.arange(intervals, -1, -1)
    curvature = risk_aversion * costs.volatility**2 / adjusted * step**2
    if curvature <= 1e-12:
        return shares * left / intervals
    angle = np.arccosh(1.0 + 0.5 * curvature)  # kappa times an interval
    # sinh(a) / sinh(b), written so that neither is too large to be a number
    a, b = angle * left, angle * intervals
    holdings = shares * np.exp(a - b) * -np.expm1(-2.0 * a) / -np.expm1(-2.0 * b)
    holdings[0], holdings[-1] = shares, 0.0
    return holdings


def expected_cost(holdings: Holdings, time: float, costs: TradingCosts) -> float:
    """What a schedule is expected to cost against the price at its start, in currency.

    Parameters
    ----------
    holdings
        ndarray of shape (intervals + 1,), as `optimal_holdings` gives them.

    Examples
    --------
    >>> costs = TradingCosts(volatility=0.95, fixed=0.0625, temporary=2.5e-6, permanent=2.5e-7)
    >>> round(expected_cost(np.linspace(1e6, 0.0, 6), 5.0, costs))
    662500
    """
    step, traded = time / (len(holdings) - 1), -np.diff(holdings)
    adjusted = costs.temporary - 0.5 * costs.permanent * step
    return float(
        0.5 * costs.permanent * (holdings[0] - holdings[-1]) ** 2 + costs.fixed * np.abs(traded).sum() + adjusted / step * (traded**2).sum()
    )


def cost_variance(holdings: Holdings, time: float, costs: TradingCosts) -> float:
    """The variance of that cost, in currency squared.

    Examples
    --------
    >>> costs = TradingCosts(volatility=0.95, fixed=0.0625, temporary=2.5e-6, permanent=2.5e-7)
    >>> round(cost_variance(np.linspace(1e6, 0.0, 6), 5.0, costs) ** 0.5)
    1040673
    """
    step = time / (len(holdings) - 1)
    return float(costs.volatility**2 * step * (holdings[1:] ** 2).sum())

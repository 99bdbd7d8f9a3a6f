"""Value at risk from session to session, each forecast from the returns before it, and whether it was exceeded as often as it says.

The forecast of a return is the quantile of the last `window` returns over their own forecast volatility (exponential weights), times the volatility forecast of that session. An
account that has not traded yet has none. How often it is exceeded is tested by Kupiec (Journal of Derivatives 3, 1995): a likelihood ratio with one degree of freedom.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ats_assets.risk_analysis.conditional_volatility import ewma_volatility
from ats_assets.risk_analysis.resampling import Floats
from ats_assets.risk_analysis.tail_risk import WARM_UP, first_moving

WINDOW = 252


@dataclass(frozen=True, kw_only=True)
class RollingRisk:
    """Of each return: the forecasts made before it, of shape (n_returns,); NaN until there are enough."""

    volatility: Floats
    value_at_risk: Floats
    exceeded: NDArray[np.bool_]


def rolling_risk(returns: Floats, tail: float, window: int = WINDOW) -> RollingRisk:
    """Forecasts of each return.

    Parameters
    ----------
    returns
        float64 of shape (n_returns,), finite.
    tail
        0.05 for a level of 95%.
    """
    at_risk, volatility = np.full(len(returns), np.nan), np.zeros(len(returns))
    first = first_moving(returns)
    own = returns[first:]
    if len(own):
        volatility[first:] = ewma_volatility(own)[:-1]
    begin = WARM_UP + window
    if len(own) > begin:
        standardised = own[WARM_UP:] / volatility[first + WARM_UP :]
        quantiles = np.quantile(sliding_window_view(standardised, window)[:-1], tail, axis=1)
        at_risk[first + begin :] = quantiles * volatility[first + begin :]
    return RollingRisk(volatility=volatility, value_at_risk=at_risk, exceeded=returns < at_risk)


def kupiec_probability(exceeded: int, forecasts: int, tail: float) -> float | None:
    """The chance of a count as far from `tail * forecasts` or further, if forecasts are right: below 0.05 they are hardly; None without forecasts.

    Examples
    --------
    >>> round(kupiec_probability(15, 255, 0.05), 3), round(kupiec_probability(26, 255, 0.05), 4)
    (0.529, 0.0008)
    """
    if not forecasts:
        return None
    share = exceeded / forecasts
    from scipy.special import xlogy  # noqa: PLC0415 - half a second to import
    from scipy.stats import chi2  # noqa: PLC0415 - half a second to import

    of_tail = xlogy(exceeded, tail) + xlogy(forecasts - exceeded, 1.0 - tail)
    of_share = xlogy(exceeded, share) + xlogy(forecasts - exceeded, 1.0 - share)
    return float(chi2.sf(max(0.0, 2.0 * (of_share - of_tail)), 1))

"""Value at risk and expected shortfall of a session, by four estimates. Both are returns, negative for a loss; z is the normal quantile of the tail a.

| estimate | value at risk |
|---|---|
| historical | the quantile of the returns; see `backtests.metrics.distribution` |
| normal | mean + sd z |
| Cornish-Fisher | mean + sd (z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / 36), S skewness, K excess kurtosis |
| filtered historical | the quantile of returns over their forecast volatility, times the forecast for the next session |

A Cornish-Fisher quantile that falls where z rises is none: outside its domain (Maillard, "A User's Guide to the Cornish Fisher Expansion", 2012; here as far as
`REACH` standard deviations) there is no figure.
Filtered historical simulation: Barone-Adesi, Giannopoulos and Vosper, Journal of Futures Markets 19, 1999.
"""

import math
from dataclasses import dataclass

import numpy as np

from ats_assets.backtests.metrics import conditional_value_at_risk, excess_kurtosis, skewness, value_at_risk
from ats_assets.risk_analysis.conditional_volatility import ewma_volatility, fitted_garch
from ats_assets.risk_analysis.resampling import Floats

REACH = 8.0
"""Standard deviations: beyond lie 6e-16 of a normal distribution."""
LEAST_RETURNS = 100
"""Of an estimate that follows volatility."""
WARM_UP = 20
"""Returns at the beginning whose forecasts are mostly the starting value: they are left out of the tail."""


@dataclass(frozen=True, kw_only=True)
class TailRisk:
    """Of one estimate, at one tail; None where the data do not define it."""

    value_at_risk: float | None
    expected_shortfall: float | None


NOT_DEFINED = TailRisk(value_at_risk=None, expected_shortfall=None)


def historical_tail(returns: Floats, tail: float) -> TailRisk:
    """The quantile of the returns, and the mean of those not above it.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,).
    tail
        0.05 for a value at risk of 95%.
    """
    return TailRisk(value_at_risk=value_at_risk(returns, tail), expected_shortfall=conditional_value_at_risk(returns, tail))


def normal_tail(returns: Floats, tail: float) -> TailRisk:
    """The quantile mean + sd z, and mean - sd phi(z) / a; parameters as `historical_tail`.

    Examples
    --------
    >>> found = normal_tail(np.array([-0.01, 0.01]), 0.05)  # a mean of 0, a standard deviation of 0.0141
    >>> round(found.value_at_risk, 5), round(found.expected_shortfall, 5)
    (-0.02326, -0.02917)
    """
    if len(returns) < 2 or not np.isfinite(returns).all():
        return NOT_DEFINED
    return _of_moments(float(returns.mean()), float(returns.std(ddof=1)), 0.0, 0.0, tail)


def cornish_fisher_tail(returns: Floats, tail: float) -> TailRisk:
    """The normal quantile corrected for skewness and kurtosis, and the mean of these quantiles over the tail; parameters as `historical_tail`.

    None outside the domain in which the quantiles rise with z.
    """
    skew, kurtosis = skewness(returns), excess_kurtosis(returns)
    if skew is None or kurtosis is None or not cornish_fisher_holds(skew, kurtosis):
        return NOT_DEFINED
    return _of_moments(float(returns.mean()), float(returns.std(ddof=1)), skew, kurtosis, tail)


def cornish_fisher_holds(skew: float, kurtosis: float, reach: float = REACH) -> bool:
    """Whether the expansion rises with z as far as `reach` on both sides: 1 - K / 8 + 5 S^2 / 36 + z S / 3 + z^2 (K / 8 - S^2 / 6) > 0.

    Over all z this is Maillard's domain, S^2 / 9 - 4 (K / 8 - S^2 / 6) (1 - K / 8 + 5 S^2 / 36) < 0, which a sample of normal returns misses where its kurtosis is
    below zero by chance.

    Examples
    --------
    >>> cornish_fisher_holds(0.0, 0.0), cornish_fisher_holds(0.0, 7.9), cornish_fisher_holds(0.0, 8.1), cornish_fisher_holds(1.0, 1.0)
    (True, True, False, False)
    """
    constant, slope, bend = 1.0 - kurtosis / 8.0 + 5.0 * skew**2 / 36.0, skew / 3.0, kurtosis / 8.0 - skew**2 / 6.0
    lowest = [-reach, reach, *([-slope / (2.0 * bend)] if bend > 0.0 and abs(slope) < 2.0 * bend * reach else [])]
    return all(constant + slope * z + bend * z**2 > 0.0 for z in lowest)


def cornish_fisher_quantile(z: float, skew: float, kurtosis: float) -> float:
    """The standardised quantile of a normal one; `kurtosis` is the excess over that of a normal distribution.

    Examples
    --------
    >>> round(cornish_fisher_quantile(-1.6448536269514722, -0.5, 3.0), 4)
    -1.7217
    """
    return z + (z**2 - 1.0) * skew / 6.0 + (z**3 - 3.0 * z) * kurtosis / 24.0 - (2.0 * z**3 - 5.0 * z) * skew**2 / 36.0


def first_moving(returns: Floats) -> int:
    """The place of the first return that is not zero, before which nothing was held; how many there are where none is.

    Examples
    --------
    >>> first_moving(np.array([0.0, 0.0, 0.01, 0.0]))
    2
    """
    moving = np.flatnonzero(returns)
    return int(moving[0]) if len(moving) else len(returns)


def filtered_tail(returns: Floats, tail: float, volatility: Floats | None = None) -> TailRisk:
    """The tail of the returns over their forecast volatility, times the forecast for the session after the last.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,).
    volatility
        Of shape (n_returns + 1,): the forecast of each return from those before it, and of the next; default: exponential weights with a decay of 0.94.

    Returns
    -------
    TailRisk
        None for fewer than `LEAST_RETURNS` returns from the first that is not zero on.
    """
    if len(returns) < LEAST_RETURNS or not np.isfinite(returns).all():
        return NOT_DEFINED
    if volatility is None:
        returns = returns[first_moving(returns) :]
        if len(returns) < LEAST_RETURNS:
            return NOT_DEFINED
    forecast = ewma_volatility(returns) if volatility is None else volatility
    if not (forecast[WARM_UP:] > 0.0).all():
        return NOT_DEFINED
    standardised = returns[WARM_UP:] / forecast[WARM_UP:-1]
    found = historical_tail(standardised, tail)
    next_one = float(forecast[-1])
    return TailRisk(
        value_at_risk=None if found.value_at_risk is None else found.value_at_risk * next_one,
        expected_shortfall=None if found.expected_shortfall is None else found.expected_shortfall * next_one,
    )


def tail_estimates(returns: Floats, tail: float) -> dict[str, TailRisk]:
    """Every estimate by its name; parameters as `historical_tail`."""
    known = returns[np.isfinite(returns)]
    found = {
        "historical": historical_tail(known, tail),
        "normal": normal_tail(known, tail),
        "Cornish-Fisher": cornish_fisher_tail(known, tail),
        "filtered, exponential weights": filtered_tail(known, tail),
    }
    garch = fitted_garch(known) if len(known) >= LEAST_RETURNS else None
    return found | {"filtered, GARCH(1,1)": NOT_DEFINED if garch is None else filtered_tail(known - garch.mean, tail, garch.volatility)}


def _of_moments(mean: float, deviation: float, skew: float, kurtosis: float, tail: float) -> TailRisk:
    from scipy.special import ndtri  # noqa: PLC0415 - half a second to import

    z = float(ndtri(tail))
    density = math.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi) / tail
    first, second, third = -density, 1.0 - z * density, -density * (z**2 + 2.0)  # means of x, x^2, x^3 below z, of a normal x
    mean_of_tail = (
        first + (second - 1.0) * skew / 6.0 + (third - 3.0 * first) * kurtosis / 24.0 - (2.0 * third - 5.0 * first) * skew**2 / 36.0
    )
    return TailRisk(
        value_at_risk=mean + deviation * cornish_fisher_quantile(z, skew, kurtosis), expected_shortfall=mean + deviation * mean_of_tail
    )

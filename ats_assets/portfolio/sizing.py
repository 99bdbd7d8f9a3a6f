"""From weights to shares: how many to hold, and how many of the wanted buys the cash pays for."""

import math

import numpy as np
from numpy.typing import NDArray

from ats_assets.impact.impact_terms import ImpactTerms, fixed_terms
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import nearest
from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio.costs import cents_of, cost_of
from ats_assets.portfolio.kernel_settings import CostRules
from ats_assets.settings import BacktestSettings

SHARE_DECIMALS = 9
"""Fractional shares are whole multiples of 10^-9, the finest unit that brokers take."""

_UNITS = 10.0**SHARE_DECIMALS
_ROUNDING = float(8 * np.finfo(np.float64).eps)


@kernel
def rounded_one(shares: float) -> float:
    """To the nearest 10^-9 of a share: what sums and differences of shares are."""
    return nearest(shares * _UNITS) / _UNITS


def shares_to_hold(weights: Floats, equity: float, prices: Floats, *, fractional: bool | Booleans) -> Floats:
    """The shares that make up the weights, rounded toward zero to whole shares (or to 10^-9 of one).

    Parameters
    ----------
    weights
        ndarray of shape (n_symbols,), shares of equity.
    equity
        In currency.
    prices
        ndarray of shape (n_symbols,), positive, in currency.
    fractional
        Whether parts of a share can be traded, of all symbols alike or an ndarray of shape (n_symbols,).

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import shares_to_hold
    >>> shares_to_hold(np.array([0.5, -0.25]), 10_000.0, np.array([30.0, 70.0]), fractional=False)
    array([166., -35.])
    """
    return round_down(weights * equity / prices, fractional=fractional)


def round_down(shares: Floats, *, fractional: bool | Booleans) -> Floats:
    """Toward zero, to whole shares or to 10^-9 of one; `round_one_down` of each.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import round_down
    >>> round_down(np.array([2.7, -2.7, 1625.9999999999998]), fractional=False)
    array([   2.,   -2., 1626.])
    """
    parts = np.broadcast_to(fractional, shares.shape)
    return np.array([round_one_down(one, part) for one, part in zip(shares.tolist(), parts.tolist(), strict=True)], dtype=np.float64)


@kernel
def round_one_down(shares: float, fractional: bool) -> float:
    """Toward zero, to whole shares or to 10^-9 of one. What binary fractions have moved off a whole number is that number; NaN stays.

    A weight such as 1/3 or 0.29, and a price such as 456.47, are no binary fractions, so 742,220.22 / 456.47 comes out as 1625.9999999999998 for 1,626. A quotient of them is off by
    three units in the last place at most; that of a sum that is a cent short of a whole number of shares is further away from it, up to sums of a hundred billion.
    """
    if math.isnan(shares):
        return shares
    unit = _UNITS if fractional else 1.0
    units = shares * unit
    whole = nearest(units)
    if abs(units - whole) > _ROUNDING * abs(whole) and abs(whole) > abs(units):
        whole -= math.copysign(1.0, units)
    return whole / unit


def affordable_shares(shares: Floats, prices: Floats, cash_cents: int, settings: BacktestSettings | CostRules) -> Floats:
    """The buys that `cash_cents` pays for, costs included: all scaled down alike where it does not pay for all.

    Fixed minimum commissions can make even scaled buys too dear; then the smallest are left out, equal ones together.

    Parameters
    ----------
    shares, prices
        ndarrays of shape (n_symbols,): positive numbers of shares, and prices.
    cash_cents
        What may be spent; nothing is bought where it is not positive.
    settings
        Costs, and whether parts of a share can be traded.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import affordable_shares
    >>> from ats_assets.settings import BacktestSettings
    >>> costs = BacktestSettings(commission_bps=10.0, min_commission=0.0)
    >>> affordable_shares(np.array([10.0, 20.0]), np.array([100.0, 50.0]), 100_000, costs)
    array([4., 9.])
    """
    return affordable(shares, prices, np.arange(len(shares)), cash_cents, settings, fixed_terms(settings, len(shares)))


@kernel
def affordable(  # noqa: PLR0917 - kernels take arrays by position
    shares: Floats,
    prices: Floats,
    at: NDArray[np.intp],
    cash_cents: int,
    settings: BacktestSettings | CostRules,
    terms: ImpactTerms,
) -> Floats:
    """The same with costs of any terms; see `affordable_shares`. What is scaled down costs no larger a share, so that it comes out as quickly."""
    bought = shares.copy()
    for attempt in range(8):
        margin = len(shares) if attempt else 0  # a cent for each order, where rounding makes more than one pass necessary
        needed = _price_of(bought, prices, at, settings, terms)
        if needed <= cash_cents:
            return bought
        if cash_cents <= 0:
            return np.zeros(len(shares))
        for i in range(len(bought)):
            bought[i] = round_one_down(bought[i] * max(0, cash_cents - margin) / needed, settings.fractional_shares)
    while bought.any():
        least = _least_notional(bought, prices)
        for i in range(len(bought)):
            if cents_of(bought[i] * prices[i]) == least:
                bought[i] = 0.0
        if _price_of(bought, prices, at, settings, terms) <= cash_cents:
            break
    return bought


@kernel
def _price_of(shares: Floats, prices: Floats, at: NDArray[np.intp], settings: BacktestSettings | CostRules, terms: ImpactTerms) -> int:
    price = 0
    for i in range(len(shares)):
        notional = cents_of(shares[i] * prices[i])
        price += notional + cost_of(notional, at[i], settings, terms)
    return price


@kernel
def _least_notional(shares: Floats, prices: Floats) -> int:
    """Of what is bought at all."""
    least = -1
    for i in range(len(shares)):
        notional = cents_of(shares[i] * prices[i])
        if shares[i] > 0.0 and (least < 0 or notional < least):
            least = notional
    return least

"""From weights to shares: how many to hold, and how many of the wanted buys the cash pays for."""

import numpy as np

from ats_assets.portfolio.costs import notional_cents, trade_costs
from ats_assets.portfolio.limits import Booleans, Floats
from ats_assets.settings import BacktestSettings

SHARE_DECIMALS = 9
"""Fractional shares are whole multiples of 10^-9, the finest unit that brokers take."""


_ROUNDING = 8 * np.finfo(np.float64).eps


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
    """
    return round_down(weights * equity / prices, fractional=fractional)


def round_down(shares: Floats, *, fractional: bool | Booleans) -> Floats:
    """Toward zero, to whole shares or to 10^-9 of one. What binary fractions have moved off a whole number is that number.

    A weight such as 1/3 or 0.29, and a price such as 456.47, are no binary fractions, so 742,220.22 / 456.47 comes out as 1625.9999999999998 for 1,626. A quotient of them is off by
    three units in the last place at most; that of a sum that is a cent short of a whole number of shares is further away from it, up to sums of a hundred billion.
    """
    unit = np.where(fractional, 10.0**SHARE_DECIMALS, 1.0)
    units = shares * unit
    nearest = np.rint(units)
    return np.where(np.abs(units - nearest) <= _ROUNDING * np.abs(nearest), nearest, np.trunc(units)) / unit


def affordable_shares(shares: Floats, prices: Floats, cash_cents: int, settings: BacktestSettings) -> Floats:
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
    """
    bought = shares
    for margin in (0, *[len(shares)] * 7):  # a cent for each order, where rounding makes more than one pass necessary
        needed = _price_of(bought, prices, settings)
        if needed <= cash_cents:
            return bought
        if cash_cents <= 0:
            return np.zeros_like(shares)
        bought = round_down(bought * max(0, cash_cents - margin) / needed, fractional=settings.fractional_shares)
    bought = bought.copy()
    notional = notional_cents(bought, prices)
    for least in np.unique(notional[bought > 0.0]):
        bought[notional == least] = 0.0
        if _price_of(bought, prices, settings) <= cash_cents:
            break
    return bought


def _price_of(shares: Floats, prices: Floats, settings: BacktestSettings) -> int:
    notional = notional_cents(shares, prices)
    return int((notional + trade_costs(notional, settings).total).sum())

"""Prices, greeks and implied volatilities of many options on what pays cash dividends on known days; `lattice` has the model.

Theta is at an unchanged spot, with the ex-dates a day nearer; rho has the dividends' present values with it.
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.errors import OptionError
from ats_assets.kernels.kernel import kernel
from ats_assets.options.lattice import AROUND
from ats_assets.options.one_with_dividends import cash_value, cash_volatility
from ats_assets.options.price_bounds import BAD_NUMBER
from ats_assets.options.valuation import VALUES, of_each_option

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Sides = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class CashDividends:
    """Dividends on known days: those of all options in a row, and which of them each option has before it.

    Parameters
    ----------
    years, amounts
        Of shape (n_dividends,): time until the last close at which a holder is paid, and what a unit of the underlying is paid. Those of one option ascend in time, from 0 up to its own time to expiry.
    begin, end
        Of shape (n_options,): an option has the dividends from one place up to another, which is not among them.

    Raises
    ------
    OptionError
        If places are none, or amounts are not as many as times.
    """

    years: Floats
    amounts: Floats
    begin: Counts
    end: Counts

    def __post_init__(self) -> None:
        """Refuse what kernels would read past."""
        if len(self.years) != len(self.amounts) or len(self.begin) != len(self.end):
            raise OptionError("dividends need an amount for each time, and a begin for each end")
        if ((self.begin < 0) | (self.end > len(self.years)) | (self.begin > self.end)).any():
            raise OptionError(f"an option's dividends lie outside the {len(self.years)} that are given")

    def present_values(self, rate: ArrayLike) -> Floats:
        """Of each option's dividends together, of shape (n_options,)."""
        rates = np.broadcast_to(np.asarray(rate, np.float64), self.begin.shape)
        found = np.zeros(len(self.begin))
        for i in np.flatnonzero(self.end > self.begin):
            when = slice(self.begin[i], self.end[i])
            found[i] = (self.amounts[when] * np.exp(-rates[i] * self.years[when])).sum()
        return found


@kernel
def cash_values(
    s: Floats,
    k: Floats,
    t: Floats,
    r: Floats,
    q: Floats,
    sigma: Floats,
    call: Sides,
    american: bool,
    when: Floats,
    paid: Floats,
    begin: Counts,
    end: Counts,
    found: Floats,
) -> None:
    """`found` is of shape (6, n_options)."""
    around, one = np.empty(2 * AROUND + 1), np.empty(6)
    for i in range(len(s)):
        a, b = begin[i], end[i]
        cash_value(s[i], k[i], t[i], r[i], q[i], sigma[i], 1.0 if call[i] else -1.0, american, when[a:b], paid[a:b], around, one)
        found[:, i] = one


@kernel
def cash_volatilities(
    price: Floats,
    s: Floats,
    k: Floats,
    t: Floats,
    r: Floats,
    q: Floats,
    call: Sides,
    american: bool,
    when: Floats,
    paid: Floats,
    begin: Counts,
    end: Counts,
    found: Floats,
    why: NDArray[np.int8],
) -> None:
    """Of each option."""
    around = np.empty(2 * AROUND + 1)
    for i in range(len(s)):
        a, b, side = begin[i], end[i], 1.0 if call[i] else -1.0
        if not (np.isfinite(price[i] + s[i] + k[i] + t[i] + r[i] + q[i]) and s[i] > 0.0 and k[i] > 0.0 and t[i] > 0.0 and price[i] >= 0.0):
            found[i], why[i] = np.nan, BAD_NUMBER
        else:
            found[i], why[i] = cash_volatility(price[i], s[i], k[i], t[i], r[i], q[i], side, american, when[a:b], paid[a:b], around)


def values_with_dividends(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    call: ArrayLike,
    dividends: CashDividends,
    *,
    american: bool = False,
) -> dict[str, Floats]:
    """Prices and greeks, as `valuation.option_values` has them.

    Parameters
    ----------
    dividend_yield
        What is paid continuously beside the dividends on known days.

    Returns
    -------
    dict of ndarrays of shape (n_options,)
        By the names of `VALUES`. NaN for an option whose spot is not more than its dividends are worth, or one of whose numbers is none.

    Raises
    ------
    OptionError
        If the numbers of options differ.

    Examples
    --------
    >>> twice = CashDividends(years=np.array([2 / 12, 5 / 12]), amounts=np.array([0.5, 0.5]), begin=np.zeros(1, int), end=np.full(1, 2))
    >>> found = values_with_dividends(40.0, 40.0, 0.5, 0.09, 0.0, 0.30, True, twice)  # Hull, 5th edition, example 12.8
    >>> float(found["price"][0].round(2))
    3.67
    """
    (s, k, t, r, q, sigma), side = of_each_option(call, spot, strike, years, rate, dividend_yield, volatility)
    begin, end = _places(dividends, len(s))
    known = np.isfinite(s + k + t + r + q + sigma) & (s > 0) & (k > 0) & (t > 0) & (sigma > 0)
    found = np.full((len(VALUES), len(s)), np.nan)
    if known.any():
        made = np.empty((len(VALUES), int(known.sum())))
        numbers = [each[known] for each in (s, k, t, r, q, sigma, side)]
        cash_values.compiled(*numbers, american, dividends.years, dividends.amounts, begin[known], end[known], made)
        found[:, known] = made
    return dict(zip(VALUES, found, strict=True))


def volatilities_with_dividends(
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    call: ArrayLike,
    dividends: CashDividends,
    *,
    american: bool = False,
) -> tuple[Floats, NDArray[np.int8]]:
    """The volatilities at which options are worth their prices, and why there is none, as `implied_volatility.implied_volatilities` has them.

    Raises
    ------
    OptionError
        If the numbers of options differ.

    Examples
    --------
    >>> twice = CashDividends(years=np.array([2 / 12, 5 / 12]), amounts=np.array([0.5, 0.5]), begin=np.zeros(1, int), end=np.full(1, 2))
    >>> float(volatilities_with_dividends(3.6712, 40.0, 40.0, 0.5, 0.09, 0.0, True, twice)[0][0].round(3))
    0.3
    """
    given, side = of_each_option(call, price, spot, strike, years, rate, dividend_yield)
    begin, end = _places(dividends, len(side))
    found, why = np.empty(len(side)), np.empty(len(side), np.int8)
    cash_volatilities.compiled(*given, side, american, dividends.years, dividends.amounts, begin, end, found, why)
    return found, why


def _places(dividends: CashDividends, n: int) -> tuple[Counts, Counts]:
    """Of each option where its dividends are; of one for all, the same."""
    try:
        begin, end = (np.ascontiguousarray(np.broadcast_to(each, (n,)), np.int64) for each in (dividends.begin, dividends.end))
    except ValueError:
        raise OptionError(f"{n} options need as many places of dividends, or one for all; got {len(dividends.begin)}") from None
    return begin, end

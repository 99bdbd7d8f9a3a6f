"""Prices and greeks of many options at once, European (Black-Scholes-Merton) and American.

The underlying pays at a continuous yield q; of known cash dividends the spot is the price less their present value, and the yield is 0 (`escrowed_spot`) or, for an American option, the yield that takes as much
until expiry (`equivalent_yield`).

Units: price, strike and spot in the same currency, per unit of the underlying; time in years; rates and yields continuously compounded, a year; volatility a year. Delta is per 1 of the spot, gamma per 1 squared, theta per
year (divide by 365 for a day), vega per 1 of the volatility (by 100 for a point), rho per 1 of the rate.
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.errors import OptionError
from ats_assets.kernels.kernel import inlined_kernel, kernel
from ats_assets.options.american_price import NODES, above_boundary, begin_boundary, fit_boundary
from ats_assets.options.normal import normal_cdf, normal_density

Floats = NDArray[np.float64]
Sides = NDArray[np.bool_]
VALUES: Final = ("price", "delta", "gamma", "theta", "vega", "rho")
NEGLIGIBLE: Final = 1e-10
"""A rate that is so low, a year, earns nothing by exercising early."""
BUMP: Final = 1e-5
"""By which volatility and rate are moved for vega and rho of an American option."""


@inlined_kernel
def european_value(
    s: float, k: float, t: float, r: float, q: float, sigma: float, side: float
) -> tuple[float, float, float, float, float, float]:
    """Price, delta, gamma, theta, vega and rho; `side` is 1 for a call, -1 for a put."""
    root = sqrt(t)
    width = sigma * root
    d1 = (log(s / k) + (r - q) * t) / width + 0.5 * width
    d2 = d1 - width
    paid, grown = k * exp(-r * t), s * exp(-q * t)
    up, down, density = normal_cdf(side * d1), normal_cdf(side * d2), grown * normal_density(d1)
    price = max(side * (grown * up - paid * down), 0.0)  # far out of the money the difference of two of the smallest numbers may fall below
    theta = -0.5 * density * sigma / root + side * (q * grown * up - r * paid * down)
    return price, side * up * grown / s, density / (s * s * width), theta, density * root, side * paid * t * down


@kernel
def european_values(s: Floats, k: Floats, t: Floats, r: Floats, q: Floats, sigma: Floats, call: Sides, found: Floats) -> None:
    """`found` is of shape (6, n_options): what `VALUES` names."""
    for i in range(len(s)):
        price, delta, gamma, theta, vega, rho = european_value(s[i], k[i], t[i], r[i], q[i], sigma[i], 1.0 if call[i] else -1.0)
        found[0, i], found[1, i], found[2, i], found[3, i], found[4, i], found[5, i] = price, delta, gamma, theta, vega, rho


@kernel
def put_value(s: float, k: float, t: float, r: float, q: float, sigma: float, start: Floats, depths: Floats) -> tuple[float, float, float]:
    """Price, delta and gamma of an American put whose boundary begins at `start`."""
    depths[:] = start
    fit_boundary(k, t, r, q, sigma, depths)
    return above_boundary(s, k, t, r, q, sigma, depths)


@kernel
def american_price_of(
    s: float, k: float, t: float, r: float, q: float, sigma: float, call: bool, start: Floats, depths: Floats, begin: bool
) -> float:
    """The price alone; with `begin` the boundary's approximation is made anew, else `start` is that of an option much like it."""
    if (q if call else r) <= NEGLIGIBLE:
        return european_value(s, k, t, r, q, sigma, 1.0 if call else -1.0)[0]
    if call:
        s, k, r, q = k, s, q, r
    if begin:
        begin_boundary(k, t, r, q, sigma, start)
    return put_value(s, k, t, r, q, sigma, start, depths)[0]


@kernel
def american_value(
    s: float, k: float, t: float, r: float, q: float, sigma: float, call: bool, start: Floats, depths: Floats, found: Floats
) -> None:
    """What `VALUES` names, of one option."""
    if (q if call else r) <= NEGLIGIBLE:  # early exercise never pays
        found[0], found[1], found[2], found[3], found[4], found[5] = european_value(s, k, t, r, q, sigma, 1.0 if call else -1.0)
        return
    a, b, rate, gain = (k, s, q, r) if call else (s, k, r, q)  # a call is a put with both pairs exchanged
    begin_boundary(b, t, rate, gain, sigma, start)
    price, delta, gamma = put_value(a, b, t, rate, gain, sigma, start, depths)
    if gamma == 0.0 and abs(price - (b - a)) < 1e-12 * b:  # exercised at once
        found[0], found[1], found[2], found[3], found[4], found[5] = price, 1.0 if call else -1.0, 0.0, 0.0, 0.0, 0.0
        return
    vega = (put_value(a, b, t, rate, gain, sigma + BUMP, start, depths)[0] - price) / BUMP
    moved, kept = (0.0, BUMP) if call else (BUMP, 0.0)
    rho = (put_value(a, b, t, rate + moved, gain + kept, sigma, start, depths)[0] - price) / BUMP
    if call:  # price = a delta + b (its derivative by the strike), and so on
        delta, gamma = (price - a * delta) / b, gamma * (a / b) * (a / b)
    found[0], found[1], found[2] = price, delta, gamma
    found[3] = r * price - (r - q) * s * delta - 0.5 * sigma * sigma * s * s * gamma
    found[4], found[5] = vega, rho


@kernel
def american_values(s: Floats, k: Floats, t: Floats, r: Floats, q: Floats, sigma: Floats, call: Sides, found: Floats) -> None:
    """As `european_values`."""
    start, depths, one = np.empty(NODES + 1), np.empty(NODES + 1), np.empty(6)
    for i in range(len(s)):
        american_value(s[i], k[i], t[i], r[i], q[i], sigma[i], call[i], start, depths, one)
        found[:, i] = one


def option_values(
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    volatility: ArrayLike,
    call: ArrayLike,
    *,
    american: bool = False,
) -> dict[str, Floats]:
    """Prices and greeks.

    Parameters
    ----------
    spot, strike, years, rate, dividend_yield, volatility
        Numbers or ndarrays of shape (n_options,); units in the module's docstring.
    call
        Whether an option is a call, else a put.
    american
        Whether they may be exercised at any time.

    Returns
    -------
    dict of ndarrays of shape (n_options,)
        By the names of `VALUES`. NaN for an option whose spot, strike, time or volatility is not positive and finite, and for an American one whose rate and yield are both negative.

    Raises
    ------
    OptionError
        If the numbers of options differ.

    Examples
    --------
    >>> found = option_values(60.0, 65.0, 0.25, 0.08, 0.0, 0.30, call=True)  # Haug, The Complete Guide to Option Pricing Formulas, 1998
    >>> float(found["price"][0].round(4))
    2.1334
    >>> put = option_values(100.0, 100.0, 1.0, 0.05, 0.05, 0.25, call=False, american=True)
    >>> float(put["price"][0].round(4)), float(put["delta"][0].round(4))
    (9.5694, -0.4363)
    """
    (s, k, t, r, q, sigma), side = of_each_option(call, spot, strike, years, rate, dividend_yield, volatility)
    known = np.isfinite(s + k + t + r + q + sigma) & (s > 0) & (k > 0) & (t > 0) & (sigma > 0)
    if american:
        known &= (r >= 0) | (q >= 0)
    found = np.full((len(VALUES), len(s)), np.nan)
    if known.any():
        made = np.empty((len(VALUES), int(known.sum())))
        kernel_of_all = american_values if american else european_values
        kernel_of_all.compiled(s[known], k[known], t[known], r[known], q[known], sigma[known], side[known], made)
        found[:, known] = made
    return dict(zip(VALUES, found, strict=True))


def of_each_option(call: ArrayLike, *numbers: ArrayLike) -> tuple[list[Floats], Sides]:
    """Numbers and sides as arrays of shape (n_options,): one for all is repeated.

    Raises
    ------
    OptionError
        If the numbers of options differ.

    Examples
    --------
    >>> numbers, sides = of_each_option(True, [1.0, 2.0], 100.0)
    >>> [each.tolist() for each in numbers], sides.tolist()
    ([[1.0, 2.0], [100.0, 100.0]], [True, True])
    """
    given = [np.atleast_1d(np.asarray(each, np.float64)) for each in numbers]
    try:
        *found, sides = np.broadcast_arrays(*given, np.atleast_1d(np.asarray(call, np.bool_)))
    except ValueError:
        raise OptionError(f"options need as many of each number, or one for all; got {[each.shape for each in given]}") from None
    return [np.ascontiguousarray(each) for each in found], np.ascontiguousarray(sides)


def present_value(amounts: ArrayLike, years: ArrayLike, rate: float) -> float:
    """What cash payments are worth today.

    Examples
    --------
    >>> round(present_value([0.5, 0.5], [2 / 12, 5 / 12], 0.09), 4)  # Hull, Options, Futures, and Other Derivatives, 5th edition, example 12.8
    0.9742
    """
    return float((np.asarray(amounts, np.float64) * np.exp(-rate * np.asarray(years, np.float64))).sum())


def equivalent_yield(spot: float, dividends: float, years: float) -> float:
    """The continuous yield that takes as much from the spot until expiry as dividends of a present value.

    Raises
    ------
    OptionError
        If they are worth as much as the spot, or more.

    Examples
    --------
    >>> round(equivalent_yield(40.0, 0.9742, 0.5), 5)
    0.04931
    """
    if not dividends < spot:
        raise OptionError(f"dividends until expiry are worth {dividends:g}, which is not less than the spot of {spot:g}")
    return -log(1.0 - dividends / spot) / years

"""Prices and greeks of many options at once, European (Black-Scholes-Merton) and American.

The underlying pays at a continuous yield q; of cash dividends on known days `cash_dividends` takes account.

Units: price, strike and spot in the same currency, per unit of the underlying; time in years; rates and yields continuously compounded, a year; volatility a year. Delta is per 1 of the spot, gamma per 1 squared, theta per
year (divide by 365 for a day), vega per 1 of the volatility (by 100 for a point), rho per 1 of the rate.
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import exp, log, sqrt
from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.errors import OptionError
from ats_assets.kernels.kernel import inlined_kernel, kernel
from ats_assets.options.american_boundary import COLUMNS, ROOM, fit_boundary
from ats_assets.options.american_nodes import NODES
from ats_assets.options.american_price import above_boundary
from ats_assets.options.american_start import START_SIZE, begin_boundary
from ats_assets.options.lattice import AROUND, NEGLIGIBLE, lattice_value
from ats_assets.options.normal import normal_cdf, normal_density

Floats = NDArray[np.float64]
Sides = NDArray[np.bool_]
Scalar = TypeVar("Scalar", bound=np.generic)
VALUES: Final = ("price", "delta", "gamma", "theta", "vega", "rho")
NUDGE: Final = 1e-4
"""By which volatility, as a share, and rate are moved for vega and rho by a lattice."""


@inlined_kernel
def european_value(
    s: float, k: float, t: float, r: float, q: float, sigma: float, side: float
) -> tuple[float, float, float, float, float, float]:
    """Price, delta, gamma, theta, vega and rho; `side` is 1 for a call, -1 for a put."""
    root = sqrt(t)
    width = sigma * root
    d1 = (log(s / k) + (r - q) * t) / width + 0.5 * width
    d2 = d1 - width
    decay, bell = exp(-q * t), normal_density(d1)
    paid, grown = k * exp(-r * t), s * decay
    up, down, density = normal_cdf(side * d1), normal_cdf(side * d2), grown * bell
    price = max(side * (grown * up - paid * down), 0.0)  # far out of the money the difference of two of the smallest numbers may fall below
    theta = -0.5 * density * sigma / root + side * (q * grown * up - r * paid * down)
    return price, side * up * decay, decay * bell / (s * width), theta, density * root, side * paid * t * down


@kernel
def european_values(s: Floats, k: Floats, t: Floats, r: Floats, q: Floats, sigma: Floats, call: Sides, found: Floats) -> None:
    """`found` is of shape (6, n_options): what `VALUES` names."""
    for i in range(len(s)):
        price, delta, gamma, theta, vega, rho = european_value(s[i], k[i], t[i], r[i], q[i], sigma[i], 1.0 if call[i] else -1.0)
        found[0, i], found[1, i], found[2, i], found[3, i], found[4, i], found[5, i] = price, delta, gamma, theta, vega, rho


class Workspace(NamedTuple):
    """Where kernels work on one option after the other: nothing in it is carried from one to the next."""

    start: Floats
    depths: Floats
    points: Floats
    equations: Floats
    put: Floats
    around: Floats
    values: Floats
    """What `VALUES` names, of the option that was valued last."""


def workspace() -> Workspace:
    """Workspace for one option at a time."""
    sizes = (START_SIZE, NODES, ROOM, (NODES, COLUMNS), 5, 2 * AROUND + 1, len(VALUES))
    return Workspace(*(np.zeros(size) for size in sizes))


@kernel
def exercise_may_pay(r: float, q: float, call: bool) -> bool:
    """Whether to exercise early can be worth more than to wait until expiry: a call's holder gains the yield, and what is saved on a rate below zero; a put's the other way round."""
    gained, paid = (q, r) if call else (r, q)
    return gained > NEGLIGIBLE or paid < -NEGLIGIBLE


@kernel
def value_by_lattice(s: float, k: float, t: float, r: float, q: float, sigma: float, call: bool, room: Workspace) -> None:
    """As `american_value`, where what exercise gains is below zero, so that there are two boundaries or none at expiry, and where numbers are so extreme that the boundary is not found."""
    side, nothing, values = 1.0 if call else -1.0, np.empty(0), room.values
    european = european_value(s, k, t, r, q, sigma, side)
    price, delta, gamma = lattice_value(s, k, t, r, q, sigma, side, nothing, nothing, room.around)
    if not np.isfinite(
        price + delta + gamma
    ):  # a grid that no number can span: the volatility is so high, or so low, that exercise changes nothing
        values[0], values[1], values[2], values[3], values[4], values[5] = european
        values[0] = max(values[0], side * (s - k))
        return
    values[:] = 0.0
    values[0], values[1] = max(price, european[0]), side
    if price > side * (s - k):
        more = lattice_value(s, k, t, r, q, sigma * (1.0 + NUDGE), side, nothing, nothing, room.around)[0]
        values[1], values[2] = delta, gamma
        values[4] = max(more - price, 0.0) / (sigma * NUDGE)
        values[5] = (lattice_value(s, k, t, r + NUDGE, q, sigma, side, nothing, nothing, room.around)[0] - price) / NUDGE
        values[3] = r * price - (r - q) * s * delta - 0.5 * sigma * sigma * s * (s * gamma)


@kernel
def american_value(s: float, k: float, t: float, r: float, q: float, sigma: float, call: bool, room: Workspace) -> None:
    """What `VALUES` names, of one option, to `room.values`."""
    values, put = room.values, room.put
    european = european_value(s, k, t, r, q, sigma, 1.0 if call else -1.0)
    if not exercise_may_pay(r, q, call):
        values[0], values[1], values[2], values[3], values[4], values[5] = european
        return
    a, b, rate, gain = (k, s, q, r) if call else (s, k, r, q)  # a call is a put with both pairs exchanged
    if rate <= NEGLIGIBLE:
        value_by_lattice(s, k, t, r, q, sigma, call, room)
        return
    begin_boundary(t, rate, gain, sigma, room.depths, room.start)
    fit_boundary(t, rate, gain, sigma, call, room.depths, room.points, room.equations)
    kept = above_boundary(a, b, t, rate, gain, sigma, call, room.depths, room.equations, put)
    if not np.isfinite(put[0] + put[1] + put[2] + put[3] + put[4]):
        value_by_lattice(s, k, t, r, q, sigma, call, room)
        return
    values[:] = 0.0
    if not kept and european[0] > put[0]:  # so near the boundary that its last digits decide
        values[0], values[1], values[2], values[3], values[4], values[5] = european
        return
    if not kept:
        values[0], values[1] = put[0], 1.0 if call else -1.0
        return
    price, delta, gamma = max(put[0], european[0]), put[1], put[2]
    if call:  # price = a delta + b (its derivative by the strike), and so on
        delta, gamma = (put[0] - a * delta) / b, gamma * (a / b) * (a / b)
    delta = min(max(delta, 0.0), 1.0) if call else min(max(delta, -1.0), 0.0)
    values[0], values[1], values[2] = price, delta, gamma
    values[3] = r * price - (r - q) * s * delta - 0.5 * sigma * sigma * s * (s * gamma)
    values[4], values[5] = max(put[3], 0.0), put[4]


@kernel
def american_values(
    s: Floats, k: Floats, t: Floats, r: Floats, q: Floats, sigma: Floats, call: Sides, room: Workspace, found: Floats
) -> None:
    """As `european_values`."""
    for i in range(len(s)):
        american_value(s[i], k[i], t[i], r[i], q[i], sigma[i], call[i], room)
        found[:, i] = room.values


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
        By the names of `VALUES`. NaN for an option whose spot, strike, time or volatility is not positive and finite.

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
    found = np.full((len(VALUES), len(s)), np.nan)
    if known.any():
        made = np.empty((len(VALUES), int(known.sum())))
        numbers = (s[known], k[known], t[known], r[known], q[known], sigma[known], side[known])
        if american:
            american_values.compiled(*numbers, workspace(), made)
        else:
            european_values.compiled(*numbers, made)
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
    return [_to_be_read(each) for each in found], _to_be_read(sides)


def _to_be_read(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """In one piece and not to be written to, whatever it was: what is compiled is compiled for each of these, in seconds."""
    view = np.ascontiguousarray(array).view()
    view.flags.writeable = False
    return view


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

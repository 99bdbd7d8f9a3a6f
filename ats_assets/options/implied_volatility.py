"""Implied volatility of many options at once.

Of a European option, in steps:

1. An option in the money is turned into the one out of the money by parity, since there all of the price is time value; it is counted in forwards: x = ln(F / K), and beta = price / (discount √(F K)).
2. The normalised price b(w) of a total deviation w = σ √T has its inflection at w = √(2|x|) (Manaster and Koehler, Journal of Finance 37, 1982). Above it Newton's rule on b from the inflection rises to the
   answer without passing it. Below it b falls like exp(-x² / 2w²), so that the rule is applied to ln b as a function of 1 / w², which is nearly a line.
3. Each step is kept within what is known to be below and above, and bisects where it would leave it.

Of an American option Newton's rule is applied to its own price, from the European answer on.

Where there is no volatility the reason says why: `REASONS`.
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.normal import fast_exp, scaled_tail
from ats_assets.options.price_bounds import (
    ABOVE_BOUND,
    BAD_NUMBER,
    BELOW_INTRINSIC,
    FOUND,
    NO_CONVERGENCE,
    NO_TIME_VALUE,
    least_value,
    outside,
)
from ats_assets.options.price_bounds import REASONS as REASONS  # noqa: PLC0414 - what codes mean goes with what gives them
from ats_assets.options.valuation import Workspace, american_value, exercise_may_pay, of_each_option, workspace

Floats = NDArray[np.float64]
SMALLEST_VALUE: Final = 1e-14
"""Of a time value, as a share of √(F K): less is rounding."""
INVERSE_ROOT_TWO: Final = 0.7071067811865476
STEPS: Final = 60
CLOSE: Final = 1e-7
"""A step of Newton's rule that is so short, as a share, leaves an error of its square."""


@kernel
def normalised_price(x: float, w: float) -> tuple[float, float]:
    """Of an option out of the money (x <= 0 of a call) b, and its derivative by w.

    Both normal distribution functions have one exponential in common, so that their difference keeps its digits: b = v (Y(-d1) - Y(-d2)) with Y(z) = exp(z²/2) N(z) and v = exp(-(x²/w² + w²/4) / 2).
    """
    d1 = x / w + 0.5 * w
    d2 = d1 - w
    common = fast_exp(-0.5 * (x * x / (w * w) + 0.25 * w * w))
    if d1 > 0.0:  # then the first is near one half or above
        tail = 0.5 * fast_exp(-0.5 * d1 * d1) * scaled_tail(d1 * INVERSE_ROOT_TWO)
        price = exp(0.5 * x) * (1.0 - tail) - 0.5 * common * scaled_tail(-d2 * INVERSE_ROOT_TWO)
    else:
        price = 0.5 * common * (scaled_tail(-d1 * INVERSE_ROOT_TWO) - scaled_tail(-d2 * INVERSE_ROOT_TWO))
    return price, 0.3989422804014327 * common


@kernel
def total_deviation(beta: float, x: float) -> float:
    """The w with b(x, w) = beta, x <= 0; NaN where it is not found."""
    at_inflection = sqrt(2.0 * abs(x))
    if at_inflection < 1e-8:  # at the money b is nearly proportional to w
        return deviation_above(beta, x, max(beta * 2.5066282746310002, 1e-8), 0.0)
    if beta >= normalised_price(x, at_inflection)[0]:
        return deviation_above(beta, x, at_inflection, at_inflection)
    return deviation_below(beta, x, at_inflection)


@kernel
def deviation_above(beta: float, x: float, w: float, low: float) -> float:
    """That w at `low` or above, from another one on."""
    high, price = np.inf, 0.0
    for _ in range(STEPS):
        price, slope = normalised_price(x, w)
        if price < beta:
            low = w
        else:
            high = w
        after, close = w + (beta - price) / slope if slope > 0.0 else np.inf, CLOSE
        if not low <= after <= high:
            after, close = 0.5 * (low + high) if high < np.inf else 2.0 * w, 1e-15
        if abs(after - w) <= close * w:
            return after
        w = after
    return w if abs(price - beta) <= 1e-12 * beta else np.nan


@kernel
def deviation_below(beta: float, x: float, w: float) -> float:
    """That w below the inflection, from there on: ln b is nearly a line in 1 / w²."""
    low, high, price, target = 0.0, w, 0.0, log(beta)
    for _ in range(STEPS):
        price, slope = normalised_price(x, w)
        if price < beta:
            low = w
        else:
            high = w
        after, close = 0.5 * (low + high), 1e-15
        moved = 1.0 / (w * w) - 2.0 * (target - log(price)) * price / (slope * w * w * w) if price > 0.0 and slope > 0.0 else 0.0
        if moved > 0.0 and low < 1.0 / sqrt(moved) < high:
            after, close = 1.0 / sqrt(moved), CLOSE
        if abs(after - w) <= close * w:
            return after
        w = after
    return w if abs(price - beta) <= 1e-9 * beta else np.nan


@kernel
def european_volatility(price: float, s: float, k: float, t: float, r: float, q: float, call: bool) -> tuple[float, int]:
    """The volatility, and a code of `REASONS`."""
    grown, paid = s * exp(-q * t), k * exp(-r * t)
    unit = sqrt(grown * paid)
    intrinsic = max(grown - paid, 0.0) if call else max(paid - grown, 0.0)
    value = price - intrinsic  # of the option out of the money
    if value < -SMALLEST_VALUE * unit:
        return np.nan, BELOW_INTRINSIC
    if value <= SMALLEST_VALUE * unit:
        return np.nan, NO_TIME_VALUE
    if value >= min(grown, paid):
        return np.nan, ABOVE_BOUND
    w = total_deviation(value / unit, -abs(log(grown / paid)))
    return (w / sqrt(t), FOUND) if np.isfinite(w) else (np.nan, NO_CONVERGENCE)


@kernel
def american_volatility(
    price: float, s: float, k: float, t: float, r: float, q: float, call: bool, room: Workspace, nothing: Floats
) -> tuple[float, int]:
    """The volatility, and a code of `REASONS`."""
    side = 1.0 if call else -1.0
    reason = outside(price, least_value(s, k, t, r, q, side, nothing, nothing), s if call else k, k)
    if reason != FOUND:
        return np.nan, reason
    low, high = 0.0, np.inf
    sigma, reason = european_volatility(price, s, k, t, r, q, call)
    if reason != FOUND:
        sigma = 0.3
    for _ in range(STEPS):
        american_value(s, k, t, r, q, sigma, call, room)
        value, slope = room.values[0], room.values[4]
        if value < price:
            low = sigma
        else:
            high = sigma
        after = sigma + (price - value) / slope if slope > 1e-9 * k else np.inf
        if not low < after < high:
            after = 0.5 * (low + high) if high < np.inf else 2.0 * sigma
        if abs(after - sigma) <= 1e-9 * sigma:
            return after, FOUND
        if high - low < 1e-12 or after > 100.0:
            return np.nan, NO_CONVERGENCE
        sigma = after
    return np.nan, NO_CONVERGENCE


@kernel
def all_volatilities(
    price: Floats,
    s: Floats,
    k: Floats,
    t: Floats,
    r: Floats,
    q: Floats,
    call: NDArray[np.bool_],
    american: bool,
    room: Workspace,
    found: Floats,
    why: NDArray[np.int8],
) -> None:
    """Of each option."""
    nothing = np.empty(0)
    for i in range(len(s)):
        sound = np.isfinite(price[i] + s[i] + k[i] + t[i] + r[i] + q[i]) and s[i] > 0.0 and k[i] > 0.0 and t[i] > 0.0 and price[i] >= 0.0
        if not sound:
            found[i], why[i] = np.nan, BAD_NUMBER
        elif american and exercise_may_pay(r[i], q[i], call[i]):
            found[i], why[i] = american_volatility(price[i], s[i], k[i], t[i], r[i], q[i], call[i], room, nothing)
        else:
            found[i], why[i] = european_volatility(price[i], s[i], k[i], t[i], r[i], q[i], call[i])


def implied_volatilities(
    price: ArrayLike,
    spot: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    rate: ArrayLike,
    dividend_yield: ArrayLike,
    call: ArrayLike,
    *,
    american: bool = False,
) -> tuple[Floats, NDArray[np.int8]]:
    """The volatilities at which options are worth their prices.

    Parameters
    ----------
    price, spot, strike, years, rate, dividend_yield
        Numbers or ndarrays of shape (n_options,), in the units of `option_values`.
    call
        Whether an option is a call, else a put.
    american
        Whether they may be exercised at any time.

    Returns
    -------
    tuple of ndarray of float64 and ndarray of int8, of shape (n_options,)
        The volatility a year, NaN where there is none, and why: a place in `REASONS`, 0 where there is one.

    Raises
    ------
    OptionError
        If the numbers of options differ.

    Examples
    --------
    >>> volatility, why = implied_volatilities([2.1334, 0.1], 60.0, [65.0, 55.0], 0.25, 0.08, 0.0, call=True)
    >>> volatility.round(4).tolist(), [REASONS[code] for code in why]
    ([0.3, nan], ['', 'below_intrinsic'])
    """
    given, side = of_each_option(call, price, spot, strike, years, rate, dividend_yield)
    found, why = np.empty(len(side)), np.empty(len(side), np.int8)
    all_volatilities.compiled(*given, side, american, workspace(), found, why)
    return found, why

"""Price, greeks and implied volatility of one option on what pays cash dividends on known days; `lattice` has the model, `cash_dividends` has many options.

A European option is Black and Scholes' on the spot less the present value of its dividends. An American one is a lattice, unless early exercise can't pay: of a call without a yield, where each dividend is less
than the interest on the strike until the next one or expiry; of a put, without interest.
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.implied_volatility import (
    ABOVE_BOUND,
    BAD_NUMBER,
    BELOW_INTRINSIC,
    FOUND,
    NO_CONVERGENCE,
    NO_TIME_VALUE,
    european_volatility,
)
from ats_assets.options.lattice import AROUND, ASIDE, WIDTH, escrow, lattice
from ats_assets.options.valuation import NEGLIGIBLE, european_value

Floats = NDArray[np.float64]
NUDGE: Final = 1e-4
"""By which volatility, as a share, and rate are moved for vega and rho."""
TRIES: Final = 40


@kernel
def exercise_may_pay(k: float, t: float, r: float, q: float, side: float, when: Floats, paid: Floats) -> bool:
    """Whether to exercise early can be worth more than to wait until expiry."""
    if side < 0.0:
        return r > NEGLIGIBLE or q < 0.0
    if q > NEGLIGIBLE or r < 0.0:
        return True
    for i in range(len(when)):
        until = when[i + 1] if i + 1 < len(when) else t
        if paid[i] > k * (1.0 - exp(-r * (until - when[i]))):
            return True
    return False


@kernel
def lattice_value(
    s: float, k: float, t: float, r: float, q: float, sigma: float, side: float, when: Floats, paid: Floats, found: Floats
) -> tuple[float, float, float]:
    """Price, delta and gamma of an American option."""
    x = s - escrow(r, when, paid, 0, 0.0)
    price = delta = gamma = 0.0
    several = side < 0.0 or q > NEGLIGIBLE or r < 0.0  # then it may be exercised between the steps, too
    for part in range(2 if several else 1):
        aside = ASIDE if part == 0 else ASIDE // 2
        lattice(x, k, t, r, q, sigma, side, when, paid, aside, found)
        dx, middle = WIDTH * sigma * sqrt(t) / aside, found[AROUND]
        slope = (8.0 * (found[AROUND + 1] - found[AROUND - 1]) - found[AROUND + 2] + found[AROUND - 2]) / (12.0 * dx)
        bent = 16.0 * (found[AROUND + 1] + found[AROUND - 1]) - found[AROUND + 2] - found[AROUND - 2] - 30.0 * middle
        share = 1.0 if not several else 4.0 / 3.0 if part == 0 else -1.0 / 3.0
        price += share * middle
        delta += share * slope / x
        gamma += share * (bent / (12.0 * dx * dx) - slope) / (x * x)
    delta = min(max(delta, 0.0), 1.0) if side > 0.0 else min(max(delta, -1.0), 0.0)
    return max(price, side * (s - k), 0.0), delta, max(gamma, 0.0)


@kernel
def cash_value(
    s: float,
    k: float,
    t: float,
    r: float,
    q: float,
    sigma: float,
    side: float,
    american: bool,
    when: Floats,
    paid: Floats,
    around: Floats,
    found: Floats,
) -> None:
    """What `VALUES` names, of one option."""
    held, later = escrow(r, when, paid, 0, 0.0), 0.0
    for i in range(len(when)):
        later += when[i] * paid[i] * exp(-r * when[i])
    x = s - held
    if not x > 0.0:
        found[:] = np.nan
        return
    if not (american and exercise_may_pay(k, t, r, q, side, when, paid)):
        found[0], found[1], found[2], found[3], found[4], found[5] = european_value(x, k, t, r, q, sigma, side)
        found[3] -= found[1] * r * held
        found[5] += found[1] * later
        return
    price, delta, gamma = lattice_value(s, k, t, r, q, sigma, side, when, paid, around)
    if price <= side * (s - k):  # exercised at once
        found[0], found[1], found[2], found[3], found[4], found[5] = price, side, 0.0, 0.0, 0.0, 0.0
        return
    found[0], found[1], found[2] = price, delta, gamma
    found[3] = r * price - (r - q) * x * delta - 0.5 * sigma * sigma * x * x * gamma - delta * r * held
    found[4] = max(lattice_value(s, k, t, r, q, sigma * (1.0 + NUDGE), side, when, paid, around)[0] - price, 0.0) / (sigma * NUDGE)
    found[5] = (lattice_value(s, k, t, r + NUDGE, q, sigma, side, when, paid, around)[0] - price) / NUDGE


@kernel
def least_value(s: float, k: float, t: float, r: float, q: float, side: float, when: Floats, paid: Floats) -> float:
    """What an American option is worth if nothing moves by chance: that of the best time to exercise."""
    held = escrow(r, when, paid, 0, 0.0)
    x, best = s - held, max(side * (s - k), 0.0)
    best = max(best, side * (x * exp(-q * t) - k * exp(-r * t)))
    for i in range(len(when)):  # a call just before the ex-date, a put just after it
        discount = exp(-r * when[i])
        rest = held if side > 0.0 else held - paid[i] * discount
        best = max(best, side * (x * exp(-q * when[i]) + rest - k * discount))
        held -= paid[i] * discount
    ratio = r * k / (q * x) if q != 0.0 else 0.0
    if ratio > 0.0 and r != q:  # where waiting costs as much as it brings
        turn = log(ratio) / (r - q)
        if 0.0 < turn < t:
            rest = 0.0
            for i in range(len(when)):
                rest += paid[i] * exp(-r * when[i]) if when[i] > turn else 0.0
            best = max(best, side * (x * exp(-q * turn) + rest - k * exp(-r * turn)))
    return best


@kernel
def outside(price: float, least: float, most: float, k: float) -> int:
    """Why a price tells no volatility, by what an option is worth without one and can be worth at most."""
    if price < least - 1e-12 * k:
        return BELOW_INTRINSIC
    if price <= least + 1e-10 * k:
        return NO_TIME_VALUE
    return ABOVE_BOUND if price >= most else FOUND


@kernel
def cash_volatility(
    price: float,
    s: float,
    k: float,
    t: float,
    r: float,
    q: float,
    side: float,
    american: bool,
    when: Floats,
    paid: Floats,
    around: Floats,
) -> tuple[float, int]:
    """The volatility, and a code of `REASONS`."""
    x = s - escrow(r, when, paid, 0, 0.0)
    if not x > 0.0:
        return np.nan, BAD_NUMBER
    if not (american and exercise_may_pay(k, t, r, q, side, when, paid)):
        return european_volatility(price, x, k, t, r, q, side > 0.0)
    reason = outside(price, least_value(s, k, t, r, q, side, when, paid), s if side > 0.0 else k, k)
    if reason != FOUND:
        return np.nan, reason
    sigma, reason = european_volatility(price, x, k, t, r, q, side > 0.0)
    if reason != FOUND:
        sigma = 0.3
    low, high = 0.0, np.inf
    last, of_last, slope = sigma, 0.0, european_value(x, k, t, r, q, sigma, side)[4]
    for i in range(TRIES):  # the secant rule, from the European slope on
        value = lattice_value(s, k, t, r, q, sigma, side, when, paid, around)[0]
        low, high = (sigma, high) if value < price else (low, sigma)
        if i > 0 and sigma != last:
            slope = (value - of_last) / (sigma - last)
        last, of_last = sigma, value
        after = sigma + (price - value) / slope if slope > 1e-9 * k else np.inf
        if not low < after < high:
            after = 0.5 * (low + high) if high < np.inf else 2.0 * sigma
        if abs(after - sigma) <= 1e-8 * sigma:
            return after, FOUND
        if after > 100.0 or high - low < 1e-12:
            break
        sigma = after
    return np.nan, NO_CONVERGENCE

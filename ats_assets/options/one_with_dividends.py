"""Price, greeks and implied volatility of one option on what pays cash dividends on known days; `lattice` has the model, `cash_dividends` has many options.

A European option is Black and Scholes' on the spot less the present value of its dividends. An American one is a lattice, unless early exercise can't pay: of a call without a yield, where each dividend is less
than the interest on the strike until the next one or expiry; of a put, without interest.
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import exp
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.implied_volatility import european_volatility
from ats_assets.options.lattice import NEGLIGIBLE, escrow, lattice_value
from ats_assets.options.price_bounds import BAD_NUMBER, FOUND, NO_CONVERGENCE, least_value, outside
from ats_assets.options.valuation import NUDGE, european_value

Floats = NDArray[np.float64]
TRIES: Final = 40


@kernel
def waiting_may_cost(k: float, t: float, r: float, q: float, side: float, when: Floats, paid: Floats) -> bool:
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
    if not (american and waiting_may_cost(k, t, r, q, side, when, paid)):
        found[0], found[1], found[2], found[3], found[4], found[5] = european_value(x, k, t, r, q, sigma, side)
        found[3] -= found[1] * r * held
        found[5] += found[1] * later
        return
    price, delta, gamma = lattice_value(s, k, t, r, q, sigma, side, when, paid, around)
    price = max(price, european_value(x, k, t, r, q, sigma, side)[0])
    if price <= side * (s - k):  # exercised at once
        found[0], found[1], found[2], found[3], found[4], found[5] = price, side, 0.0, 0.0, 0.0, 0.0
        return
    found[0], found[1], found[2] = price, delta, gamma
    found[3] = r * price - (r - q) * x * delta - 0.5 * sigma * sigma * x * (x * gamma) - delta * r * held
    found[4] = max(lattice_value(s, k, t, r, q, sigma * (1.0 + NUDGE), side, when, paid, around)[0] - price, 0.0) / (sigma * NUDGE)
    found[5] = (lattice_value(s, k, t, r + NUDGE, q, sigma, side, when, paid, around)[0] - price) / NUDGE


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
    if not (american and waiting_may_cost(k, t, r, q, side, when, paid)):
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

"""What prices of options tell a volatility: the least that one is worth if nothing moves by chance, the most that it can be worth, and the reasons by which others are told apart."""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import exp, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.lattice import escrow

Floats = NDArray[np.float64]
REASONS: Final = ("", "bad_number", "below_intrinsic", "no_time_value", "above_bound", "no_convergence")
"""By code. A price at the intrinsic value to the last digits tells no volatility; one below it, or at or above what the option can be worth at all, is no price of this option. The intrinsic value of an
American option is that of the best time to exercise, of a European one that of expiry."""
FOUND, BAD_NUMBER, BELOW_INTRINSIC, NO_TIME_VALUE, ABOVE_BOUND, NO_CONVERGENCE = range(6)


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

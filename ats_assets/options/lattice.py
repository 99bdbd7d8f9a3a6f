"""American options on what pays cash dividends on known days, by a trinomial lattice of the underlying less its dividends.

The model is the escrowed one, in which European options with cash dividends have Black and Scholes' formula: S(t) = X(t) + D(t), where D(t) is the present value of the dividends from t until expiry, and X is
lognormal with the option's volatility. So American and European options, calls and puts, tell one volatility. Exercised at t, a call brings X(t) + D(t) - K: just before an ex-date D holds its dividend, just after
it does not. In steps:

1. The logarithm of X less its drift is on one grid for all times, `WIDTH` deviations of the whole time to either side of the spot, in steps of dx.
2. Time is cut at the ex-dates, each piece into steps of a variance of about dx² / 3. With chances of 1/6, 2/3 and 1/6 they match five moments of the normal distribution, so that where the price is smooth the
   error is of dx⁴.
3. The last step before expiry is Black and Scholes' formula, which is smooth where the payoff has its kink.
4. Exercise is compared at each step. It may pay between them, too, unless it is a call's without a yield, which pays just before ex-dates alone: then a lattice of half as many nodes tells how much steps
   of finite length lose (Richardson's extrapolation).
"""

# ruff: noqa: PLR0917 - numbers of an option by position

from math import ceil, exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.normal import normal_cdf

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
ASIDE: Final = 80
"""Nodes to either side of the spot."""
WIDTH: Final = 6.4
NEGLIGIBLE: Final = 1e-10
"""A rate that is so low, a year, earns nothing by exercising early."""
AROUND: Final = 2
"""Nodes to either side of the spot that are kept for delta and gamma."""


@kernel
def escrow(r: float, when: Floats, paid: Floats, begin: int, now: float) -> float:
    """The present value at a time of the dividends from the `begin`th on."""
    total = 0.0
    for i in range(begin, len(when)):
        total += paid[i] * exp(-r * (when[i] - now))
    return total


@kernel
def pieces(t: float, when: Floats, steps_of_all: float, ends: Floats, steps: Counts) -> int:
    """Time cut at the ex-dates, from expiry to today: where the pieces end (and the last one begins), and their steps, whose number is returned."""
    n, total = len(when), 0
    ends[0], ends[n + 1] = t, 0.0
    for i in range(n):
        ends[i + 1] = when[n - 1 - i]
    for i in range(n + 1):
        passed = ends[i] - ends[i + 1]
        steps[i] = max(ceil(steps_of_all * passed / t - 1e-9), 1) if passed > 0.0 else 0
        total += steps[i]
    return total


@kernel
def last_step(at: Floats, grown: float, strike: float, step: float, r: float, q: float, sigma: float, side: float, values: Floats) -> None:
    """The values one step before expiry."""
    root, at_strike, at_spot = sigma * sqrt(step), strike * exp(-r * step), grown * exp(-q * step)
    for j in range(len(at)):
        if strike <= 0.0:  # a dividend that is paid on the day of expiry is worth more than the strike
            values[j] = at[j] * at_spot - at_strike
            continue
        d1 = (log(at[j] * grown / strike) + (r - q) * step) / root + 0.5 * root
        values[j] = max(side * (at[j] * at_spot * normal_cdf(side * d1) - at_strike * normal_cdf(side * (d1 - root))), 0.0)


@kernel
def earlier(old: Floats, reach: int, chance: float, stay: float, new: Floats) -> None:
    """What is held is worth so much a step earlier, of `reach` nodes to either side of the middle one."""
    first, n = len(old) // 2 - reach, 2 * reach + 1
    below, here, above, made = (
        old[first - 1 : first - 1 + n],
        old[first : first + n],
        old[first + 1 : first + 1 + n],
        new[first : first + n],
    )
    for j in range(n):
        made[j] = chance * (below[j] + above[j]) + stay * here[j]


@kernel
def exercise(values: Floats, at: Floats, reach: int, scale: float, level: float) -> None:
    """The greater of what is held and of what exercising brings."""
    first, n = len(at) // 2 - reach, 2 * reach + 1
    made, places = values[first : first + n], at[first : first + n]
    for j in range(n):
        made[j] = max(made[j], scale * places[j] + level)


@kernel
def lattice(
    x: float, k: float, t: float, r: float, q: float, sigma: float, side: float, when: Floats, paid: Floats, aside: int, found: Floats
) -> None:
    """The values at the spot and at nodes to either side of it, of shape (2 AROUND + 1,).

    Parameters
    ----------
    x
        The spot less the present value of its dividends, above zero.
    side
        1 for a call, -1 for a put.
    when, paid
        Years until the ex-dates, ascending and each in [0, t], and what is paid.
    """
    n, dx, drift = len(when), WIDTH * sigma * sqrt(t) / aside, r - q - 0.5 * sigma * sigma
    ends, steps = np.empty(n + 2), np.zeros(n + 1, np.int64)
    left = pieces(t, when, 3.0 * aside * aside / (WIDTH * WIDTH), ends, steps)  # of a variance of dx² / 3
    at, old, new = np.empty(2 * aside + 1), np.empty(2 * aside + 1), np.empty(2 * aside + 1)
    for j in range(2 * aside + 1):
        at[j] = x * exp((j - aside) * dx)
    begun, strike = False, k
    for i in range(n + 1):  # from the last piece to the first
        step = (ends[i] - ends[i + 1]) / max(steps[i], 1)
        discount, chance = exp(-r * step), 0.5 * sigma * sigma * step / (dx * dx)
        for m in range(steps[i]):
            left -= 1
            now = ends[i] - (m + 1) * step
            grown, held, reach = exp(drift * now), escrow(r, when, paid, n - i, now), aside
            if begun:
                reach = min(left + AROUND, aside - 1)
                earlier(old, reach, discount * chance, discount * (1.0 - 2.0 * chance), new)
                for j in (0, 2 * aside):
                    forward = at[j] * grown * exp(-q * (t - now)) - k * exp(-r * (t - now))
                    new[j] = max(side * forward, side * (at[j] * grown + held - k), 0.0)
            else:
                last_step(at, grown, strike, step, r, q, sigma, side, new)
                begun = True
            exercise(new, at, reach, side * grown, side * (held - k))
            old, new = new, old
        if i < n and side > 0.0:  # just before the ex-date the spot holds the dividend, too
            if begun:
                exercise(old, at, aside, exp(drift * ends[i + 1]), escrow(r, when, paid, n - i - 1, ends[i + 1]) - k)
            else:
                strike -= paid[n - 1 - i]
    for j in range(2 * AROUND + 1):
        found[j] = old[aside - AROUND + j]


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
    most = s * max(1.0, exp(-q * t)) if side > 0.0 else k * max(1.0, exp(-r * t))
    return max(min(price, most), side * (s - k), 0.0), delta, max(gamma, 0.0)

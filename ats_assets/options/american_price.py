"""American puts under a continuous dividend yield, by the boundary of early exercise (Andersen, Lake and Offengenden, Journal of Computational Finance 20, 2016).

The price of a put is that of the European one and what early exercise earns along the boundary B (Kim, Review of Financial Studies 3, 1990):

    P = p + integral from 0 to T of  r K exp(-r u) N(-d-(u, S / B(T-u)))  -  q S exp(-q u) N(-d+(u, S / B(T-u)))  du

with d±(t, x) = (ln x + (r - q) t ± σ² t / 2) / (σ √t). In steps:

1. `american_start` approximates the boundary at the nodes (`american_nodes`), and `american_boundary` makes it exact, with its derivatives by volatility and by a rate.
2. With the boundary, price, delta and gamma are integrals, and so are vega and rho, by the chain rule: nothing is moved and valued again.

All loops go over the nodes and points of one option, without branches, and are vectorised.
"""

# ruff: noqa: PLR0917 - kernels take numbers by position

from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.american_boundary import BY_RATE, BY_VOLATILITY, SHALLOW
from ats_assets.options.american_nodes import NODES, PRICE_BETWEEN, PRICE_LEFT, PRICE_POINTS, PRICE_ROOT, PRICE_WEIGHT
from ats_assets.options.american_start import highest_boundary
from ats_assets.options.normal import fast_exp, normal_cdf, normal_density

Floats = NDArray[np.float64]


@kernel
def above_boundary(
    s: float, k: float, t: float, r: float, q: float, sigma: float, by_yield: bool, depths: Floats, equations: Floats, found: Floats
) -> bool:
    """Price, delta, gamma and the derivatives by volatility and by the rate that `equations` has, in this order; False where it is to be exercised at once."""
    most = log(highest_boundary(r, q))
    place = log(s / k) - most
    if place <= -depths[NODES - 1]:
        found[0], found[1], found[2], found[3], found[4] = k - s, -1.0, 0.0, 0.0, 0.0
        return False
    root, carry = sigma * sqrt(t), (r - q) * t
    d1 = (log(s / k) + carry) / root + 0.5 * root
    paid, grown = k * exp(-r * t), s * exp(-q * t)
    up, down, density = normal_cdf(-d1), normal_cdf(root - d1), normal_density(d1)
    price, delta, gamma = paid * down - grown * up, -grown / s * up, grown / s * density / (s * root)
    vega, rho = grown * density * sqrt(t), t * grown * up if by_yield else -t * paid * down
    work = np.zeros((8, PRICE_POINTS))
    depth, by_volatility, by_rate = work[0], work[1], work[2]
    for i in range(NODES):
        square, first, second = depths[i] * depths[i], depths[i] * equations[i, BY_VOLATILITY], depths[i] * equations[i, BY_RATE]
        for p in range(PRICE_POINTS):
            depth[p] += PRICE_BETWEEN[i, p] * square
        for p in range(PRICE_POINTS):
            by_volatility[p] += PRICE_BETWEEN[i, p] * first
        for p in range(PRICE_POINTS):
            by_rate[p] += PRICE_BETWEEN[i, p] * second
    by_most = (-1.0 / q if by_yield else 1.0 / r) if most < 0.0 else 0.0
    sign = -1.0 if by_yield else 1.0
    earned, shallow = work[3:], SHALLOW * depths[NODES - 1]
    for p in range(PRICE_POINTS):
        deep = sqrt(max(depth[p], 0.0))
        u, width = t * PRICE_LEFT[p], root * PRICE_ROOT[p]
        over_deep = 1.0 / deep if deep > shallow else 0.0
        e1 = (place + deep + (r - q) * u) / width + 0.5 * width
        e2 = e1 - width
        worth_rate, worth_yield = t * PRICE_WEIGHT[p] * k * fast_exp(-r * u), t * PRICE_WEIGHT[p] * fast_exp(-q * u)
        low, high = r * worth_rate * normal_density(e2), q * worth_yield * normal_density(e1)
        under, over = normal_cdf(-e2), normal_cdf(-e1)
        earned[0, p] = r * worth_rate * under - s * q * worth_yield * over
        earned[1, p] = (high - low / s) / width - q * worth_yield * over
        earned[2, p] = (low / s * (1.0 + e2 / width) + high * (1.0 - e1 / width)) / (s * width)
        moved = by_volatility[p] * over_deep / width
        earned[3, p] = s * high * (moved - e2 / sigma) - low * (moved - e1 / sigma)
        moved = (sign * u - by_most + by_rate[p] * over_deep) / width
        direct = -s * worth_yield * (1.0 - q * u) * over if by_yield else worth_rate * (1.0 - r * u) * under
        earned[4, p] = (s * high - low) * moved + direct
    for p in range(PRICE_POINTS):
        price += earned[0, p]
        delta += earned[1, p]
        gamma += earned[2, p]
        vega += earned[3, p]
        rho += earned[4, p]
    found[0], found[1], found[2], found[3], found[4] = max(price, k - s, 0.0), delta, max(gamma, 0.0), vega, rho
    return True

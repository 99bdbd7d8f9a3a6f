"""American puts under a continuous dividend yield, by the boundary of early exercise (Andersen, Lake and Offengenden, Journal of Computational Finance 20, 2016).

The price of a put is that of the European one and what early exercise earns along the boundary B (Kim, Review of Financial Studies 3, 1990):

    P = p + integral from 0 to T of  r K exp(-r u) N(-d-(u, S / B(T-u)))  -  q S exp(-q u) N(-d+(u, S / B(T-u)))  du

with d±(t, x) = (ln x + (r - q) t ± σ² t / 2) / (σ √t). The boundary solves B(t) = K exp(-(r-q) t) N(t) / D(t), where N and D are integrals over the boundary up to t. In steps:

1. B is wanted at Chebyshev nodes of √t. Between them the square of ln(B(0) / B) is interpolated, which is nearly a polynomial. Where the integrals need it depends on the nodes alone, so that
   interpolation is one matrix for all options (`BETWEEN`).
2. It begins with Li's approximation (QD+; Journal of Derivatives 18, 2010), found by the secant rule from that of Barone-Adesi and Whaley (Journal of Finance 42, 1987).
3. Each round makes N and D by Gauss-Legendre quadrature at each node. Rounds are combined by Anderson's acceleration of depth two: four of them are as good as the quadrature.
4. With the boundary, price, delta and gamma are integrals.

All loops go over the nodes and points of one option, without branches, and are vectorised.
"""

# ruff: noqa: PLR0917 - kernels take numbers by position

from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.normal import fast_exp, normal_cdf, normal_density

Floats = NDArray[np.float64]
NODES: Final = 10
POINTS: Final = 16
PRICE_POINTS: Final = 32
ROUNDS: Final = 4
SECANT_STEPS: Final = 4


def _interpolation(at: Floats) -> Floats:
    """The matrix that makes values at places in [-1, 1] of those at -cos(i pi / n), i = 0 to n: of shape (n + 1, n_places)."""
    i = np.arange(NODES + 1)
    halved = np.where((i == 0) | (i == NODES), 0.5, 1.0)
    angles = np.pi - i * np.pi / NODES
    heights = 2.0 / NODES * halved[:, None] * halved[None, :] * np.cos(i[:, None] * angles[None, :])
    return np.ascontiguousarray((np.cos(i[None, :] * np.arccos(np.clip(at, -1.0, 1.0))[:, None]) @ heights).T)


_X, _W = np.polynomial.legendre.leggauss(POINTS)
NODE_ROOT: Final = (1.0 - np.cos(np.arange(1, NODES + 1) * np.pi / NODES)) / 2.0
"""Of each node the root of its time to expiry, as a share of that of the longest."""
_SHARE = NODE_ROOT[:, None] ** 2
LEFT: Final = np.ascontiguousarray((_SHARE * (1.0 + _X) ** 2 / 4.0).ravel())
"""Of the integrals of a node, the time from a point to the node, as a share of the time to expiry; node after node."""
PASSED: Final = np.ascontiguousarray((_SHARE * (1.0 - (1.0 + _X) ** 2 / 4.0)).ravel())
"""The time from expiry to a point."""
ROOT_LEFT: Final = np.sqrt(LEFT)
WEIGHT: Final = np.ascontiguousarray((_SHARE * (1.0 + _X) * _W / 2.0).ravel())
BETWEEN: Final = _interpolation(2.0 * np.sqrt(PASSED) - 1.0)
"""From the nodes to the points."""
_XP, _WP = np.polynomial.legendre.leggauss(PRICE_POINTS)
PRICE_LEFT: Final = (1.0 + _XP) ** 2 / 4.0
PRICE_ROOT: Final = np.sqrt(PRICE_LEFT)
PRICE_WEIGHT: Final = (1.0 + _XP) * _WP / 2.0
PRICE_BETWEEN: Final = _interpolation(2.0 * np.sqrt(1.0 - PRICE_LEFT) - 1.0)


@kernel
def largest_boundary(k: float, r: float, q: float) -> float:
    """The boundary an instant before expiry."""
    return k * min(1.0, r / q) if q > 0.0 else k


@kernel
def rough_boundary(k: float, t: float, r: float, q: float, sigma: float) -> float:
    """The approximation of Barone-Adesi and Whaley."""
    variance = sigma * sigma
    carry = 2.0 * (r - q) / variance
    power = 0.5 * (-(carry - 1.0) - sqrt((carry - 1.0) * (carry - 1.0) + 8.0 * r / variance))
    perpetual = k / (1.0 - 1.0 / power)
    nearer = exp(((r - q) * t - 2.0 * sigma * sqrt(t)) * k / (k - perpetual))
    return min(perpetual + (k - perpetual) * min(nearer, 1.0), largest_boundary(k, r, q))


@kernel
def boundary_residual(b: float, k: float, t: float, r: float, q: float, sigma: float) -> float:
    """What is zero at Li's approximation."""
    variance = sigma * sigma
    root = sigma * sqrt(t)
    paid, grown = exp(-r * t), exp(-q * t)
    pace = r / (1.0 - paid) if r * t > 1e-5 else 1.0 / (t * (1.0 - 0.5 * r * t))
    carry = 2.0 * (r - q) / variance
    spread = sqrt((carry - 1.0) * (carry - 1.0) + 8.0 * pace / variance)
    power = -0.5 * (carry - 1.0 + spread)
    power_slope = 2.0 * pace * pace / (variance * spread)
    scale = -2.0 * paid / (variance * spread)
    d1 = (log(b / k) + (r - q) * t) / root + 0.5 * root
    below, low = normal_cdf(-d1), normal_cdf(root - d1)
    price = paid * k * low - grown * b * below
    theta = r * k * paid * low - q * b * grown * below - 0.5 * variance * b / root * grown * normal_density(d1)
    gained = k - b - price
    return (1.0 - grown * below) * b + (power - scale * (pace - power_slope / spread)) * gained + scale * theta / paid


@kernel
def first_boundary(k: float, t: float, r: float, q: float, sigma: float) -> float:
    """Li's approximation."""
    most = largest_boundary(k, r, q)
    last = rough_boundary(k, t, r, q, sigma)
    value = boundary_residual(last, k, t, r, q, sigma)
    b = 0.99 * last
    for _ in range(SECANT_STEPS):
        now = boundary_residual(b, k, t, r, q, sigma)
        if now == value:
            break
        step = now * (b - last) / (now - value)
        last, value = b, now
        b = min(max(b - step, 0.7 * b), 0.5 * (b + most))
    return b


@kernel
def round_of_boundary(
    depths: Floats, k: float, t: float, r: float, q: float, sigma: float, at_rate: Floats, at_yield: Floats, work: Floats, found: Floats
) -> None:
    """One round: from ln(B(0) / B) at the nodes to what the fixed point says of them."""
    n, size = NODES, NODES * POINTS
    between, deep, high, low = work[0], work[1], work[2], work[3]
    between[:] = 0.0
    for i in range(n + 1):
        square = depths[i] * depths[i]
        for p in range(size):
            between[p] += BETWEEN[i, p] * square
    for i in range(n):
        deep[i * POINTS : (i + 1) * POINTS] = depths[i + 1]
    root, carry = sigma * sqrt(t), (r - q) * t
    for p in range(size):  # three loops of few arrays: of many the compiler can't tell that they do not overlap
        width = root * ROOT_LEFT[p]
        high[p] = (sqrt(max(between[p], 0.0)) - deep[p] + carry * LEFT[p]) / width + 0.5 * width
    for p in range(size):
        low[p] = at_rate[p] * normal_cdf(high[p] - root * ROOT_LEFT[p])
    for p in range(size):
        high[p] = at_yield[p] * normal_cdf(high[p])
    most = log(largest_boundary(k, r, q) / k)
    found[0] = 0.0
    for i in range(n):
        share = NODE_ROOT[i]
        spread, grown = root * share, carry * share * share
        d1 = (most - depths[i + 1] + grown) / spread + 0.5 * spread
        above, below = normal_cdf(d1 - spread), normal_cdf(d1)
        for p in range(i * POINTS, (i + 1) * POINTS):  # apart, for a sum has an order, which keeps a loop from being vectorised
            above += low[p]
            below += high[p]
        found[i + 1] = max(most - log(above / below) + grown, 0.0)


@kernel
def begin_boundary(k: float, t: float, r: float, q: float, sigma: float, depths: Floats) -> None:
    """Li's approximation of ln(B(0) / B) at the nodes."""
    most = largest_boundary(k, r, q)
    depths[0] = 0.0
    for i in range(NODES):
        depths[i + 1] = max(log(most / first_boundary(k, t * NODE_ROOT[i] * NODE_ROOT[i], r, q, sigma)), 0.0)


@kernel
def fit_boundary(k: float, t: float, r: float, q: float, sigma: float, depths: Floats) -> None:
    """From an approximation of ln(B(0) / B) at the nodes to what the rounds make of it."""
    n, size = NODES, NODES * POINTS
    at_rate, at_yield, work = np.empty(size), np.empty(size), np.empty((4, size))
    for p in range(size):
        at_rate[p] = t * WEIGHT[p] * r * fast_exp(r * t * PASSED[p])
    for p in range(size):
        at_yield[p] = t * WEIGHT[p] * q * fast_exp(q * t * PASSED[p])
    values, moves = np.zeros((ROUNDS, n + 1)), np.zeros((ROUNDS, n + 1))
    for j in range(ROUNDS):
        round_of_boundary(depths, k, t, r, q, sigma, at_rate, at_yield, work, values[j])
        for i in range(n + 1):
            moves[j, i] = values[j, i] - depths[i]
        _combine(j, values, moves, depths)


@kernel
def _combine(j: int, values: Floats, moves: Floats, depths: Floats) -> None:
    """Anderson's acceleration: of the newest rounds the combination whose moves are smallest."""
    aa = ab = bb = ga = gb = 0.0
    for i in range(len(depths)):
        a = moves[j, i] - moves[j - 1, i] if j >= 1 else 0.0
        b = moves[j, i] - moves[j - 2, i] if j >= 2 else 0.0
        aa += a * a
        ab += a * b
        bb += b * b
        ga += a * moves[j, i]
        gb += b * moves[j, i]
    x = y = 0.0
    determinant = aa * bb - ab * ab
    if j >= 2 and determinant > 1e-6 * aa * bb:
        x, y = (bb * ga - ab * gb) / determinant, (aa * gb - ab * ga) / determinant
    elif j >= 1 and aa > 1e-30:
        x = ga / aa
    for i in range(len(depths)):
        value = values[j, i]
        if j >= 1:
            value -= x * (values[j, i] - values[j - 1, i])
        if j >= 2:
            value -= y * (values[j, i] - values[j - 2, i])
        depths[i] = max(value, 0.0)


@kernel
def above_boundary(s: float, k: float, t: float, r: float, q: float, sigma: float, depths: Floats) -> tuple[float, float, float]:
    """Price, delta and gamma of a put by its boundary."""
    place = log(s / largest_boundary(k, r, q))
    if place <= -depths[NODES]:
        return k - s, -1.0, 0.0
    root, carry = sigma * sqrt(t), (r - q) * t
    d1 = (log(s / k) + carry) / root + 0.5 * root
    paid, grown = exp(-r * t), exp(-q * t)
    price = k * paid * normal_cdf(root - d1) - s * grown * normal_cdf(-d1)
    delta, gamma = -grown * normal_cdf(-d1), grown * normal_density(d1) / (s * root)
    between = np.zeros(PRICE_POINTS)
    for i in range(NODES + 1):
        square = depths[i] * depths[i]
        for p in range(PRICE_POINTS):
            between[p] += PRICE_BETWEEN[i, p] * square
    earned = np.empty((3, PRICE_POINTS))
    for p in range(PRICE_POINTS):
        u, width = t * PRICE_LEFT[p], root * PRICE_ROOT[p]
        e1 = (place + sqrt(max(between[p], 0.0)) + (r - q) * u) / width + 0.5 * width
        e2 = e1 - width
        at_rate, at_yield = t * PRICE_WEIGHT[p] * r * k * fast_exp(-r * u), t * PRICE_WEIGHT[p] * q * fast_exp(-q * u)
        low, high, tail = at_rate * normal_density(e2), at_yield * normal_density(e1), at_yield * normal_cdf(-e1)
        earned[0, p] = at_rate * normal_cdf(-e2) - s * tail
        earned[1, p] = (high - low / s) / width - tail
        earned[2, p] = (low / s * (1.0 + e2 / width) + high * (1.0 - e1 / width)) / (s * width)
    for p in range(PRICE_POINTS):
        price += earned[0, p]
        delta += earned[1, p]
        gamma += earned[2, p]
    return max(price, k - s, 0.0), delta, max(gamma, 0.0)

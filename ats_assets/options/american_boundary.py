"""The boundary of early exercise of a put under a continuous yield (Andersen, Lake and Offengenden, Journal of Computational Finance 20, 2016), found by Newton's rule, with its derivatives by volatility and rate.

At each node the boundary B, in strikes, solves B(t) = exp(-(r-q) t) N(t) / D(t), where N and D are integrals over the boundary up to t:

    N(t) = Φ(d-(t, B(t))) + r ∫ exp(r u) Φ(d-(t-u, B(t) / B(u))) du,     D(t) = Φ(d+(t, B(t))) + q ∫ exp(q u) Φ(d+(t-u, B(t) / B(u))) du

with d±(t, x) = (ln x + (r - q) t ± σ² t / 2) / (σ √t). The unknowns are the depths d = ln(B(0) / B) at the nodes. The right side moves little with them, so that its Jacobian, which needs no more than the densities
that go with Φ, is well conditioned. Two plain rounds smooth Li's approximation, whose depths near expiry may be far off, and two steps of Newton's rule are then as good as the quadrature. The derivatives of the
depths by a parameter solve the same linear equations.
"""

# ruff: noqa: PLR0917 - kernels take numbers by position

from math import log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.american_nodes import (
    AT_POINT,
    BETWEEN,
    LEFT,
    NODE_ROOT,
    NODES,
    OVER_ROOT_LEFT,
    PASSED,
    POINTS,
    ROOT_LEFT,
    SIZE,
    WEIGHT,
)
from ats_assets.options.american_start import highest_boundary
from ats_assets.options.normal import OVER_ROOT_TWO_PI, fast_exp, normal_cdf, normal_density, quick_bell, quick_cdf

Floats = NDArray[np.float64]
DEPTH, HIGH, LOW, AT_HIGH, AT_LOW, BY_HIGH, BY_LOW, AT_RATE, AT_YIELD, MOVED = (place * SIZE for place in range(10))
ROOM: Final = 10 * SIZE
COLUMNS: Final = NODES + 3
"""Of the linear equations: the unknowns, and three right sides: what is missing from the fixed point, and its derivatives by volatility and by the rate that is asked for."""
MISSING, BY_VOLATILITY, BY_RATE = NODES, NODES + 1, NODES + 2
ROUNDS: Final = 2
STEPS: Final = 2
"""Plain rounds of the fixed point, then rounds of Newton's rule: by measurement against QuantLib's most precise scheme."""
SHALLOW: Final = 1e-3
"""As a share of the depth at the end: where the interpolation says less, its square is rounding, and its derivative is none."""


@kernel
def weigh(t: float, r: float, q: float, w: Floats) -> None:
    """The weights of both integrals at their points."""
    for p in range(SIZE):
        w[AT_RATE + p] = t * WEIGHT[p] * r * fast_exp(r * t * PASSED[p])
    for p in range(SIZE):
        w[AT_YIELD + p] = t * WEIGHT[p] * fast_exp(q * t * PASSED[p])


@kernel
def interpolate(depths: Floats, carry: float, root: float, w: Floats) -> None:
    """From the nodes to the points: the boundary, d+ and d-."""
    for p in range(SIZE):
        w[DEPTH + p] = 0.0
    for i in range(NODES):
        square = depths[i] * depths[i]
        for p in range(SIZE):
            w[DEPTH + p] += BETWEEN[i, p] * square
    for i in range(NODES):
        deep = depths[i]
        for p in range(i * POINTS, (i + 1) * POINTS):
            w[MOVED + p] = deep
    for p in range(SIZE):
        depth = sqrt(max(w[DEPTH + p], 0.0))
        w[DEPTH + p] = depth
        high = (depth - w[MOVED + p] + carry * LEFT[p]) * (OVER_ROOT_LEFT[p] / root) + 0.5 * root * ROOT_LEFT[p]
        w[HIGH + p] = high
        w[LOW + p] = high - root * ROOT_LEFT[p]


@kernel
def distribute(w: Floats) -> None:
    """The weighted distribution at d+ and d-, and its density but for a factor."""
    for p in range(SIZE):
        w[BY_HIGH + p] = quick_bell(w[HIGH + p])
    for p in range(SIZE):
        w[AT_HIGH + p] = w[AT_YIELD + p] * quick_cdf(w[HIGH + p], w[BY_HIGH + p])
    for p in range(SIZE):
        w[BY_LOW + p] = quick_bell(w[LOW + p])
    for p in range(SIZE):
        w[AT_LOW + p] = w[AT_RATE + p] * quick_cdf(w[LOW + p], w[BY_LOW + p])


@kernel
def one_node(
    i: int, depths: Floats, t: float, r: float, q: float, sigma: float, most: float, by_yield: bool, w: Floats, equations: Floats
) -> None:
    """The row of a node: what is missing from the fixed point, its derivatives by the parameters, and what its points have of the Jacobian (`MOVED`)."""
    share, carry, root = NODE_ROOT[i], (r - q) * t, sigma * sqrt(t)
    spread = root * share
    d1 = (most - depths[i] + carry * share * share) / spread + 0.5 * spread
    d2 = d1 - spread
    above, below = normal_cdf(d2), normal_cdf(d1)
    by_above, by_below = normal_density(d2), normal_density(d1)
    for p in range(i * POINTS, (i + 1) * POINTS):  # apart, for a sum has an order, which keeps a loop from being vectorised
        above += w[AT_LOW + p]
        below += q * w[AT_HIGH + p]
    above_by_volatility, below_by_volatility = -by_above * d1 / sigma, -by_below * d2 / sigma
    turned = (-1.0 if by_yield else 1.0) * t / root  # of d+ and d- by the rate, but for the root of time
    by_most = (-1.0 / q if by_yield else 1.0 / r) if most < 0.0 else 0.0
    of_node = by_most / spread + turned * share
    above_by_rate, below_by_rate = by_above * of_node, by_below * of_node
    rate_low = rate_high = 0.0
    for p in range(i * POINTS, (i + 1) * POINTS):
        low, high = w[AT_RATE + p] * w[BY_LOW + p] * OVER_ROOT_TWO_PI, q * w[AT_YIELD + p] * w[BY_HIGH + p] * OVER_ROOT_TWO_PI
        above_by_volatility -= low * w[HIGH + p] / sigma
        below_by_volatility -= high * w[LOW + p] / sigma
        above_by_rate += low * turned * ROOT_LEFT[p]
        below_by_rate += high * turned * ROOT_LEFT[p]
        rate_low += w[AT_LOW + p] * (1.0 / r + t * PASSED[p])
        rate_high += w[AT_HIGH + p] * (1.0 + q * t * PASSED[p])
    if by_yield:
        below_by_rate += rate_high
    else:
        above_by_rate += rate_low
    own = (by_below / below - by_above / above) / spread
    for p in range(i * POINTS, (i + 1) * POINTS):
        low, high = w[AT_RATE + p] * w[BY_LOW + p] * OVER_ROOT_TWO_PI, q * w[AT_YIELD + p] * w[BY_HIGH + p] * OVER_ROOT_TWO_PI
        pull = (high / below - low / above) * OVER_ROOT_LEFT[p] / root
        w[MOVED + p] = pull / w[DEPTH + p] if w[DEPTH + p] > SHALLOW * depths[i] else 0.0
        own += pull
    equations[i, MISSING] = max(most - log(above / below) + carry * share * share, 0.0) - depths[i]
    equations[i, BY_VOLATILITY] = below_by_volatility / below - above_by_volatility / above
    carried = (-t if by_yield else t) * share * share
    equations[i, BY_RATE] = by_most + below_by_rate / below - above_by_rate / above + carried
    equations[i, i] = own


@kernel
def plain_round(depths: Floats, t: float, r: float, q: float, sigma: float, w: Floats) -> None:
    """The depths that the fixed point says of some."""
    most, carry, root = log(highest_boundary(r, q)), (r - q) * t, sigma * sqrt(t)
    interpolate(depths, carry, root, w)
    distribute(w)
    for i in range(NODES):
        share = NODE_ROOT[i]
        spread, grown = root * share, carry * share * share
        d1 = (most - depths[i] + grown) / spread + 0.5 * spread
        above, below = normal_cdf(d1 - spread), normal_cdf(d1)
        for p in range(i * POINTS, (i + 1) * POINTS):
            above += w[AT_LOW + p]
            below += q * w[AT_HIGH + p]
        depths[i] = min(max(most - log(above / below) + grown, 0.7 * depths[i]), 1.5 * depths[i] + 1e-9)


@kernel
def linearise(depths: Floats, t: float, r: float, q: float, sigma: float, by_yield: bool, w: Floats, equations: Floats) -> None:
    """The equations (1 - J) x = what is missing, or what a parameter moves."""
    most = log(highest_boundary(r, q))
    interpolate(depths, (r - q) * t, sigma * sqrt(t), w)
    distribute(w)
    for i in range(NODES):
        one_node(i, depths, t, r, q, sigma, most, by_yield, w, equations)
        own = equations[i, i]
        row = equations[i]
        for j in range(NODES):
            row[j] = 0.0
        for p in range(i * POINTS, (i + 1) * POINTS):
            pull = w[MOVED + p]
            for j in range(NODES):
                row[j] -= pull * AT_POINT[p * NODES + j]
        for j in range(NODES):
            row[j] *= depths[j]
        row[i] += 1.0 + own


@kernel
def solve(equations: Floats) -> None:
    """By elimination, without exchanging rows, for the diagonal is far the largest: the solutions take the place of the right sides."""
    for i in range(NODES):
        row, over = equations[i], 1.0 / equations[i, i]
        for j in range(i + 1, COLUMNS):
            row[j] *= over
        for other in range(NODES):
            if other != i:
                below, share = equations[other], equations[other, i]
                for j in range(i + 1, COLUMNS):
                    below[j] -= share * row[j]


@kernel
def fit_boundary(t: float, r: float, q: float, sigma: float, by_yield: bool, depths: Floats, w: Floats, equations: Floats) -> None:
    """From an approximation of the depths to what Newton's rule makes of them; of the last step `equations` holds the derivatives by the parameters.

    Parameters
    ----------
    by_yield
        Whether the second parameter is the yield, else the rate.
    w, equations
        Room of `ROOM`, and of shape (NODES, COLUMNS).
    """
    weigh(t, r, q, w)
    for _ in range(ROUNDS):
        plain_round(depths, t, r, q, sigma, w)
    for _ in range(STEPS):
        linearise(depths, t, r, q, sigma, by_yield, w, equations)
        solve(equations)
        for i in range(NODES):
            depths[i] = min(max(depths[i] + equations[i, MISSING], 0.5 * depths[i]), 2.0 * depths[i] + 1e-9)

"""SVI of one slice by weighted least squares, quasi-explicitly (De Marco and Martini, Quasi-explicit calibration of Gatheral's SVI model, Zeliade white paper, 2009).

In steps:

1. With y = (k - m) / sigma, w = a + d y + c sqrt(y^2 + 1) is linear in a, c = b sigma and d = rho b sigma. For given m and sigma the best three are those of a small linear problem.
2. They must keep to |d| <= c, and to c + |d| <= 2 sigma, without which the wings rise more steeply than Lee's moment formula allows (Mathematical Finance 14, 2004). Where the free answer does not, the
   best one lies on one of the four edges of that polygon, each a problem of one number.
3. Nowhere may the variance be negative: a is no less than -sqrt(c^2 - d^2).
4. m and sigma are found by the simplex rule of Nelder and Mead (Computer Journal 7, 1965), from the best points of a grid.

Every loop goes over the points in their order, in plain arithmetic: the same points give the same bits.
"""

# ruff: noqa: PLR0917 - kernels take numbers by position

from math import exp, log, sqrt
from typing import Final

import numpy as np

from ats_assets.kernels.kernel import kernel
from ats_assets.options.surface.svi import Floats, RawSvi

GRID: Final = 9
"""Values of m, and of sigma, from which the search begins."""
STARTS: Final = 3
STEPS_OF_SIMPLEX: Final = 160
NARROWEST_SIMPLEX: Final = 1e-11
NARROWEST: Final = 1e-3
WIDEST: Final = 5.0
"""Between these sigma is looked for."""
STEEPEST: Final = 2.0
"""Of a wing, in total variance by log-moneyness: Lee's bound."""
SMALLEST_SPREAD: Final = 1e-12
"""A determinant that is so small, as a share, leaves the linear problem without one answer."""


@kernel
def loss_of(k: Floats, w: Floats, weight: Floats, m: float, sigma: float, a: float, d: float, c: float) -> float:
    """The weighted sum of squares of what is left."""
    total = 0.0
    for i in range(len(k)):
        y = (k[i] - m) / sigma
        left = a + d * y + c * sqrt(y * y + 1.0) - w[i]
        total += weight[i] * left * left
    return total


@kernel
def on_edge(moments: Floats, from_d: float, from_c: float, by_d: float, by_c: float, low: float, high: float) -> tuple[float, float]:
    """The best d and c among (from_d, from_c) + t (by_d, by_c), low <= t <= high, with the best a."""
    yy, zz, yz, yw, zw = moments[3], moments[4], moments[5], moments[6], moments[7]
    square = by_d * by_d * yy + 2.0 * by_d * by_c * yz + by_c * by_c * zz
    product = by_d * (yw - from_d * yy - from_c * yz) + by_c * (zw - from_d * yz - from_c * zz)
    t = product / square if square > 0.0 else low
    t = min(max(t, low), high)
    return from_d + t * by_d, from_c + t * by_c


@kernel
def best_line(k: Floats, w: Floats, weight: Floats, m: float, sigma: float, moments: Floats, found: Floats) -> float:
    """The best a, d and c into `found` for given m and sigma, and what they leave. Weights add up to 1."""
    moments[:] = 0.0
    for i in range(len(k)):
        y = (k[i] - m) / sigma
        moments[0] += weight[i] * y
        moments[1] += weight[i] * sqrt(y * y + 1.0)
        moments[2] += weight[i] * w[i]
    for i in range(len(k)):
        y = (k[i] - m) / sigma
        dy, dz, dw = y - moments[0], sqrt(y * y + 1.0) - moments[1], w[i] - moments[2]
        moments[3] += weight[i] * dy * dy
        moments[4] += weight[i] * dz * dz
        moments[5] += weight[i] * dy * dz
        moments[6] += weight[i] * dy * dw
        moments[7] += weight[i] * dz * dw
    yy, zz, yz, yw, zw = moments[3], moments[4], moments[5], moments[6], moments[7]
    most, determinant = STEEPEST * sigma, yy * zz - yz * yz
    if determinant > SMALLEST_SPREAD * yy * zz:
        d, c = (yw * zz - zw * yz) / determinant, (zw * yy - yw * yz) / determinant
        if abs(d) <= c and c + abs(d) <= most:
            return _kept(k, w, weight, m, sigma, d, c, moments, found, np.inf)
    least, half = np.inf, 0.5 * most
    d, c = on_edge(moments, 0.0, 0.0, 1.0, 1.0, 0.0, half)
    least = _kept(k, w, weight, m, sigma, d, c, moments, found, least)
    d, c = on_edge(moments, 0.0, 0.0, -1.0, 1.0, 0.0, half)
    least = _kept(k, w, weight, m, sigma, d, c, moments, found, least)
    d, c = on_edge(moments, 0.0, most, 1.0, -1.0, 0.0, half)
    least = _kept(k, w, weight, m, sigma, d, c, moments, found, least)
    d, c = on_edge(moments, 0.0, most, -1.0, -1.0, 0.0, half)
    return _kept(k, w, weight, m, sigma, d, c, moments, found, least)


@kernel
def _kept(
    k: Floats,
    w: Floats,
    weight: Floats,
    m: float,
    sigma: float,
    d: float,
    c: float,
    moments: Floats,
    found: Floats,
    least: float,
) -> float:
    """What is left with d and c and the best a that is allowed; into `found` if that is less than the least so far."""
    a = max(moments[2] - d * moments[0] - c * moments[1], -sqrt(max(c * c - d * d, 0.0)))
    left = loss_of(k, w, weight, m, sigma, a, d, c)
    if left < least:
        found[0], found[1], found[2] = a, d, c
    return min(left, least)


@kernel
def least_left(
    k: Floats, w: Floats, weight: Floats, m: float, log_sigma: float, low: float, high: float, moments: Floats, found: Floats
) -> float:
    """What is left at m and sigma; infinite outside their bounds."""
    if not (low <= m <= high) or not (log(NARROWEST) <= log_sigma <= log(WIDEST)):
        return np.inf
    return best_line(k, w, weight, m, exp(log_sigma), moments, found)


@kernel
def sorted_three(at: Floats, values: Floats) -> None:
    """Three points in the order of their values, the best first."""
    for i in range(2):
        for j in range(2 - i):
            if values[j + 1] < values[j]:
                values[j], values[j + 1] = values[j + 1], values[j]
                for n in range(2):
                    at[j, n], at[j + 1, n] = at[j + 1, n], at[j, n]


@kernel
def better_third(
    k: Floats, w: Floats, weight: Floats, low: float, high: float, at: Floats, values: Floats, point: Floats, moments: Floats, found: Floats
) -> bool:
    """Put a better point in the place of the worst one: mirrored at the middle of the others, twice as far, or drawn in; False where none of them is better."""
    for n in range(2):
        middle = 0.5 * (at[0, n] + at[1, n])
        point[0, n], point[1, n] = 2.0 * middle - at[2, n], 3.0 * middle - 2.0 * at[2, n]
    chosen, value = 0, least_left(k, w, weight, point[0, 0], point[0, 1], low, high, moments, found)
    if value < values[0]:
        further = least_left(k, w, weight, point[1, 0], point[1, 1], low, high, moments, found)
        if further < value:
            chosen, value = 1, further
    elif value >= values[1]:
        towards = 0.75 if value < values[2] else 0.25  # outside or inside
        for n in range(2):
            point[2, n] = at[2, n] + towards * (point[0, n] - at[2, n])
        least = min(value, values[2])
        chosen, value = 2, least_left(k, w, weight, point[2, 0], point[2, 1], low, high, moments, found)
        if not value < least:
            return False
    at[2, 0], at[2, 1], values[2] = point[chosen, 0], point[chosen, 1], value
    return True


@kernel
def by_simplex(
    k: Floats, w: Floats, weight: Floats, low: float, high: float, at: Floats, values: Floats, moments: Floats, found: Floats
) -> None:
    """The rule of Nelder and Mead on three points `at` of shape (3, 2), whose values are given; the best one is the first afterwards."""
    point = np.empty((3, 2))
    for _ in range(STEPS_OF_SIMPLEX):
        sorted_three(at, values)
        wide = 0.0
        for i in range(1, 3):
            for n in range(2):
                wide = max(wide, abs(at[i, n] - at[0, n]))
        if wide < NARROWEST_SIMPLEX:
            return
        if not better_third(k, w, weight, low, high, at, values, point, moments, found):
            for i in range(1, 3):
                for n in range(2):
                    at[i, n] = 0.5 * (at[0, n] + at[i, n])
                values[i] = least_left(k, w, weight, at[i, 0], at[i, 1], low, high, moments, found)
    sorted_three(at, values)


@kernel
def all_of_grid(k: Floats, w: Floats, weight: Floats, span: float, moments: Floats, found: Floats, losses: Floats) -> None:
    """What is left at each point of the grid: m over the moneynesses, sigma from a hundredth of their width to twice it."""
    for i in range(GRID):
        for j in range(GRID):
            m, log_sigma = _of_grid(k, span, i, j)
            losses[i * GRID + j] = least_left(k, w, weight, m, log_sigma, k[0] - span, k[-1] + span, moments, found)


@kernel
def _of_grid(k: Floats, span: float, i: int, j: int) -> tuple[float, float]:
    sigma = min(max(0.01 * span * 200.0 ** (j / (GRID - 1.0)), NARROWEST), WIDEST)
    return k[0] + span * i / (GRID - 1.0), log(sigma)


@kernel
def svi_of_slice(k: Floats, w: Floats, weight: Floats, found: Floats) -> float:
    """a, b, rho, m and sigma into `found`, and what they leave."""
    span = k[-1] - k[0]
    moments, line, losses = np.empty(8), np.empty(3), np.empty(GRID * GRID)
    all_of_grid(k, w, weight, span, moments, line, losses)
    at, values = np.empty((3, 2)), np.empty(3)
    least, m, log_sigma = np.inf, 0.0, 0.0
    for _ in range(STARTS):
        best = 0
        for i in range(GRID * GRID):
            if losses[i] < losses[best]:
                best = i
        losses[best] = np.inf
        at[0, 0], at[0, 1] = _of_grid(k, span, best // GRID, best % GRID)
        at[1, 0], at[1, 1] = at[0, 0] + 0.06 * span, at[0, 1]
        at[2, 0], at[2, 1] = at[0, 0], at[0, 1] + 0.3
        for i in range(3):
            values[i] = least_left(k, w, weight, at[i, 0], at[i, 1], k[0] - span, k[-1] + span, moments, line)
        by_simplex(k, w, weight, k[0] - span, k[-1] + span, at, values, moments, line)
        if values[0] < least:
            least, m, log_sigma = values[0], at[0, 0], at[0, 1]
    sigma = exp(log_sigma)
    least = best_line(k, w, weight, m, sigma, moments, line)
    found[0], found[1], found[3], found[4] = line[0], line[2] / sigma, m, sigma
    found[2] = line[1] / line[2] if line[2] > 0.0 else 0.0
    return least


def fit_svi(k: Floats, w: Floats, weight: Floats) -> RawSvi:
    """The slice that is nearest to total variances.

    Parameters
    ----------
    k
        Log-moneynesses, ascending, at least six different ones; of shape (n_points,).
    w
        Total variances at these.
    weight
        Of each, positive.

    Examples
    --------
    >>> planted = RawSvi(a=0.01, b=0.1, rho=-0.4, m=0.02, sigma=0.15)
    >>> k = np.linspace(-0.4, 0.3, 12)
    >>> found = fit_svi(k, planted.total_variance(k)[0], np.ones(12))
    >>> [round(each, 6) for each in found]
    [0.01, 0.1, -0.4, 0.02, 0.15]
    """
    found = np.empty(5)
    svi_of_slice.compiled(np.ascontiguousarray(k), np.ascontiguousarray(w), weight / weight.sum(), found)
    return RawSvi(*found.tolist())

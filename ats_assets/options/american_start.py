"""Where the boundary of early exercise of a put is looked for: Li's approximation (QD+; Journal of Derivatives 18, 2010), by the secant rule from that of Barone-Adesi and Whaley (Journal of Finance 42, 1987).

The strike is 1, and the unknown is z = ln B. All nodes go together, in one array of numbers with each quantity at its own place, so that loops over them are vectorised.
"""

# ruff: noqa: PLR0917 - kernels take numbers by position

from math import exp, log, sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.options.american_nodes import NODE_ROOT, NODES
from ats_assets.options.normal import OVER_ROOT_TWO_PI, fast_exp, quick_bell, quick_cdf

Floats = NDArray[np.float64]
SECANT_STEPS: Final = 3
HERE, VALUE, BEFORE, VALUE_BEFORE, ROOT, DRIFT, PAID, GROWN, SPREAD, POWER, SCALE, TURN = (place * NODES for place in range(12))
START_SIZE: Final = 12 * NODES


@kernel
def highest_boundary(r: float, q: float) -> float:
    """The boundary an instant before expiry, as a share of the strike."""
    return min(1.0, r / q) if q > 0.0 else 1.0


@kernel
def rough_boundary(t: float, r: float, q: float, sigma: float, w: Floats) -> None:
    """The approximation of Barone-Adesi and Whaley at `BEFORE`, and one near it at `HERE`."""
    variance = sigma * sigma
    carry = 2.0 * (r - q) / variance
    power = 0.5 * (-(carry - 1.0) - sqrt((carry - 1.0) * (carry - 1.0) + 8.0 * r / variance))
    perpetual, most = 1.0 / (1.0 - 1.0 / power), highest_boundary(r, q)
    for i in range(NODES):
        share = NODE_ROOT[i]
        nearer = exp(min((r - q) * t * share * share - 2.0 * sigma * sqrt(t) * share, 0.0) / (1.0 - perpetual))
        w[BEFORE + i] = log(min(perpetual + (1.0 - perpetual) * nearer, most))
        w[HERE + i] = w[BEFORE + i] - min(0.01, 0.1 * sigma * sqrt(t) * share)


@kernel
def constants(t: float, r: float, q: float, sigma: float, w: Floats) -> None:
    """What the residual has of each node, whatever the boundary."""
    variance = sigma * sigma
    carry = 2.0 * (r - q) / variance
    for i in range(NODES):
        until = t * NODE_ROOT[i] * NODE_ROOT[i]
        w[ROOT + i] = sigma * sqrt(until)
        w[DRIFT + i] = (r - q) * until
        w[PAID + i] = fast_exp(-r * until)
        w[GROWN + i] = fast_exp(-q * until)
        near = 1.0 / (until * (1.0 - 0.5 * r * until))
        pace = r / (1.0 - w[PAID + i]) if r * until > 1e-5 else near
        spread = sqrt((carry - 1.0) * (carry - 1.0) + 8.0 * pace / variance)
        scale = -2.0 * w[PAID + i] / (variance * spread)
        turn = 2.0 * pace * pace / (variance * spread * spread)
        w[SPREAD + i] = -0.5 * (carry - 1.0 + spread) - scale * (pace - turn)
        w[SCALE + i] = scale / w[PAID + i]


@kernel
def residuals(r: float, q: float, sigma: float, w: Floats) -> None:
    """What is zero at Li's approximation: of `HERE`, to `VALUE`."""
    variance = sigma * sigma
    for i in range(NODES):
        root, paid, grown, b = w[ROOT + i], w[PAID + i], w[GROWN + i], fast_exp(w[HERE + i])
        d1 = (w[HERE + i] + w[DRIFT + i]) / root + 0.5 * root
        d2 = d1 - root
        bell, bell2 = quick_bell(d1), quick_bell(d2)
        below, low = quick_cdf(-d1, bell), quick_cdf(-d2, bell2)
        price = paid * low - grown * b * below
        theta = r * paid * low - q * b * grown * below - 0.5 * variance * b / root * grown * OVER_ROOT_TWO_PI * bell
        w[VALUE + i] = (1.0 - grown * below) * b + w[SPREAD + i] * (1.0 - b - price) + w[SCALE + i] * theta


@kernel
def begin_boundary(t: float, r: float, q: float, sigma: float, depths: Floats, w: Floats) -> None:
    """Li's approximation of ln(B(0) / B) at the nodes.

    Parameters
    ----------
    w
        Room of `START_SIZE`.
    """
    most = log(highest_boundary(r, q))
    rough_boundary(t, r, q, sigma, w)
    constants(t, r, q, sigma, w)
    for i in range(NODES):  # the first residual is that of the rough boundary
        w[TURN + i] = w[HERE + i]
        w[HERE + i] = w[BEFORE + i]
    residuals(r, q, sigma, w)
    for i in range(NODES):
        w[VALUE_BEFORE + i] = w[VALUE + i]
        w[HERE + i] = w[TURN + i]
    for _ in range(SECANT_STEPS):
        residuals(r, q, sigma, w)
        for i in range(NODES):
            here, bend = w[HERE + i], w[VALUE + i] - w[VALUE_BEFORE + i]
            step = w[VALUE + i] * (here - w[BEFORE + i]) / (bend if bend != 0.0 else 1.0)
            w[BEFORE + i], w[VALUE_BEFORE + i] = here, w[VALUE + i]
            w[HERE + i] = min(max(here - step, here - min(0.36, w[ROOT + i])), 0.5 * (here + most))
    for i in range(NODES):
        depths[i] = max(most - w[HERE + i], 0.0)

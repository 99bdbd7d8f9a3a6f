"""Limits on a vector of weights: of each weight, of gross (sum of |w|) and of net (|sum of w|).

`cap_weights` keeps the size of each side where it can, by giving what it cuts off to the weights below the cap; the others only ever shrink
weights, so that they can be applied one after the other without undoing each other.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.settings import PortfolioSettings

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

TOLERANCE = 1e-12
"""Rounding of float64 sums of weights: gross, net and turnover are kept up to this; a single weight is kept exactly."""


def within_limits(weights: Floats, settings: PortfolioSettings) -> Floats:
    """The weights under all three limits: capped with water-filling, then net, then gross.

    The order matters: capping can only keep a side's size, so net and gross are judged after it; both only shrink weights, and shrinking
    one side to meet the net limit never raises gross.
    """
    capped = cap_weights(weights, settings.max_weight)
    return limit_gross(limit_net(capped, settings.max_net), settings.max_gross)


def holds(weights: Floats, settings: PortfolioSettings) -> bool:
    """Whether the weights satisfy the limits on weight, gross and net, up to `TOLERANCE`."""
    return bool(
        np.abs(weights).max(initial=0.0) <= settings.max_weight + TOLERANCE
        and np.abs(weights).sum() <= settings.max_gross + TOLERANCE
        and abs(weights.sum()) <= settings.max_net + TOLERANCE
    )


def cap_weights(weights: Floats, max_weight: float) -> Floats:
    """No |weight| above `max_weight`; what is cut off goes to the other weights of the same side, in proportion (water-filling).

    A side that cannot keep its size (n_side * max_weight is less) has every weight at the cap. Zeros stay zeros, signs stay.
    """
    capped = np.zeros_like(weights)
    for sign in (1.0, -1.0):
        side = weights * sign > 0
        if side.any():
            capped[side] = sign * _fill(np.abs(weights[side]), max_weight)
    return capped


def limit_gross(weights: Floats, max_gross: float, fixed: Booleans | None = None) -> Floats:
    """Scale the weights that are not `fixed` so that the sum of |w| is at most `max_gross`, as far as the fixed ones leave room."""
    movable = np.ones(len(weights), dtype=bool) if fixed is None else ~fixed
    total = np.abs(weights[movable]).sum()
    room = max(0.0, max_gross - np.abs(weights[~movable]).sum())
    return np.where(movable, weights * (room / total), weights) if total > room else weights


def limit_net(weights: Floats, max_net: float, fixed: Booleans | None = None) -> Floats:
    """Scale the heavier side so that |sum of w| is at most `max_net`, leaving `fixed` weights as they are."""
    net = weights.sum()
    excess = abs(net) - max_net
    if excess <= 0.0:
        return weights
    heavy = weights * np.sign(net) > 0
    if fixed is not None:
        heavy &= ~fixed
    total = np.abs(weights[heavy]).sum()
    return np.where(heavy, weights * (1.0 - min(excess, total) / total), weights) if total > 0.0 else weights


def _fill(sizes: Floats, cap: float) -> Floats:
    """Sizes of shape (n,), all positive, under the cap, with the same sum if possible: the m largest at the cap, the rest scaled up."""
    total = sizes.sum()
    if total >= cap * len(sizes):
        return np.full(len(sizes), cap)
    descending = np.sort(sizes)[::-1]
    rest = np.cumsum(descending[::-1])[::-1]
    left = total - cap * np.arange(len(sizes))
    fits = np.flatnonzero(left * descending <= cap * rest)
    if not len(fits):
        return np.full(len(sizes), cap)
    m = fits[0]
    scaled = np.minimum(sizes, descending[m]) / rest[m] * left[m]
    return np.where(sizes > descending[m], cap, np.minimum(scaled, cap))

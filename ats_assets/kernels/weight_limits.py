"""Limits on a vector of weights: of each weight, of gross (sum of |w|) and of net (|sum of w|).

`cap_weights` keeps the size of each side where it can, by giving what it cuts off to the weights below the cap; the others only ever shrink
weights, so that they can be applied one after the other without undoing each other.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total, total_size
from ats_assets.settings import PortfolioSettings

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

TOLERANCE = 1e-12
"""Rounding of float64 sums of weights: gross, net and turnover are kept up to this; a single weight is kept exactly."""


def within_limits(weights: Floats, settings: PortfolioSettings) -> Floats:
    """The weights under all three limits: capped with water-filling, then net, then gross.

    The order matters: capping can only keep a side's size, so net and gross are judged after it; both only shrink weights, and shrinking
    one side to meet the net limit never raises gross.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import within_limits
    >>> from ats_assets.settings import PortfolioSettings
    >>> settings = PortfolioSettings(max_weight=0.5, max_gross=1.0, max_net=0.25)
    >>> within_limits(np.array([0.75, -0.25]), settings)
    array([ 0.5 , -0.25])
    """
    capped = cap_weights(weights, settings.max_weight)
    return limit_gross(limit_net(capped, settings.max_net), settings.max_gross)


def holds(weights: Floats, settings: PortfolioSettings) -> bool:
    """Whether the weights satisfy the limits on weight, gross and net, up to `TOLERANCE`.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import holds
    >>> from ats_assets.settings import PortfolioSettings
    >>> holds(np.array([0.75, -0.25]), PortfolioSettings(max_weight=0.5))
    False
    """
    return bool(
        np.abs(weights).max(initial=0.0) <= settings.max_weight + TOLERANCE
        and np.abs(weights).sum() <= settings.max_gross + TOLERANCE
        and abs(weights.sum()) <= settings.max_net + TOLERANCE
    )


def cap_weights(weights: Floats, max_weight: float) -> Floats:
    """No |weight| above `max_weight`; what is cut off goes to the other weights of the same side, in proportion (water-filling).

    A side that cannot keep its size (n_side * max_weight is less) has every weight at the cap. Zeros stay zeros, signs stay.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import cap_weights
    >>> cap_weights(np.array([0.625, 0.25, 0.125]), max_weight=0.5)
    array([0.5       , 0.33333333, 0.16666667])
    """
    capped = np.zeros_like(weights)
    for sign in (1.0, -1.0):
        side = weights * sign > 0
        if side.any():
            capped[side] = sign * _fill(np.abs(weights[side]), max_weight)
    return capped


def limit_gross(weights: Floats, max_gross: float, fixed: Booleans | None = None) -> Floats:
    """Scale the weights that are not `fixed` so that the sum of |w| is at most `max_gross`, as far as the fixed ones leave room.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import limit_gross
    >>> limit_gross(np.array([1.0, -0.5, 0.5]), max_gross=1.0)
    array([ 0.5 , -0.25,  0.25])
    """
    return gross_limited(weights, max_gross, np.ones(len(weights), dtype=np.bool_) if fixed is None else ~fixed)


def limit_net(weights: Floats, max_net: float, fixed: Booleans | None = None) -> Floats:
    """Scale the heavier side so that |sum of w| is at most `max_net`, leaving `fixed` weights as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import limit_net
    >>> limit_net(np.array([0.75, -0.25]), max_net=0.25)
    array([ 0.5 , -0.25])
    """
    return net_limited(weights, max_net, np.ones(len(weights), dtype=np.bool_) if fixed is None else ~fixed)


@kernel
def gross_limited(weights: Floats, max_gross: float, movable: Booleans) -> Floats:
    """See `limit_gross`."""
    size = total_size(weights, movable)
    room = max(0.0, max_gross - total_size(weights, ~movable))
    return scaled(weights, room / size, movable) if size > room else weights


@kernel
def net_limited(weights: Floats, max_net: float, movable: Booleans) -> Floats:
    """See `limit_net`."""
    net = total(weights)
    excess = abs(net) - max_net
    if excess <= 0.0:
        return weights
    heavy = heavy_side(weights, net) & movable
    size = total_size(weights, heavy)
    return scaled(weights, 1.0 - min(excess, size) / size, heavy) if size > 0.0 else weights


@kernel
def scaled(weights: Floats, share: float, which: Booleans) -> Floats:
    """The weights, those `which` times a share."""
    result = weights.copy()
    for i in range(len(weights)):
        if which[i]:
            result[i] = weights[i] * share
    return result


@kernel
def same_side(weight: float, other: float) -> bool:
    """Whether both are long, both short, or both nothing."""
    return (weight > 0.0) == (other > 0.0) and (weight < 0.0) == (other < 0.0)


@kernel
def heavy_side(weights: Floats, net: float) -> Booleans:
    """Which weights have the sign of the net."""
    heavy = np.zeros(len(weights), dtype=np.bool_)
    for i in range(len(weights)):
        heavy[i] = (net > 0.0 and weights[i] > 0.0) or (net < 0.0 and weights[i] < 0.0)
    return heavy


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

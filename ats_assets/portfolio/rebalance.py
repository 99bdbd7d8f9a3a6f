"""From the weights held and the ideal targets to the weights to trade to.

In this order:
1. No-trade band: a symbol whose target is nearer than `no_trade_band` stays as it is; the band is never wider than a quarter of the target, or a book
   of many small positions would not be traded at all. The band judges the distance to the target, not the trade that the later steps leave of it. A symbol
   with target zero always leaves in full, so that no crumbs remain.
2. Limits on weight, gross and net win over the band. Where positions that stay leave too little room, first what would be added shrinks, and only
   then, if drift alone has broken a limit, what is held.
3. Turnover: where sum |change| would exceed `max_turnover`, all changes shrink by the same share, so that gross and net move toward what is wanted. What
   exits get of it is spent on one after the other, the largest first, so that positions leave rather than crumble. (Were all exits served before anything
   else, the book of a strategy whose scores change fast would empty: always leaving, never entering.) Where that order would break the net limit (a hedge
   leaves before what it hedges), exits shrink alike, too: from weights within the limits the result then lies between them and the wanted ones, and the
   limits are convex.
4. Only where the market has carried the weights held so far beyond a limit that step 3 can't cure it, the limits win over the turnover limit too.

So the result always satisfies the limits on weight, gross and net, and the turnover limit whenever the weights held satisfied the others.
A symbol that can't be traded keeps its weight and uses up its room of the limits; if such positions break a limit alone, the others do not add to it.
"""

import numpy as np

from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total, total_size
from ats_assets.kernels.weight_limits import TOLERANCE, Booleans, Floats, gross_limited, heavy_side, net_limited, same_side, scaled
from ats_assets.portfolio.kernel_settings import WeightRules
from ats_assets.settings import PortfolioSettings

WIDEST_BAND = 0.25
"""Of the target weight."""


def desired_weights(current: Floats, target: Floats, settings: PortfolioSettings, *, tradable: Booleans | None = None) -> Floats:
    """The weights to hold after trading.

    Parameters
    ----------
    current
        ndarray of shape (n_symbols,): the weights held, as shares of equity, negative for short.
    target
        ndarray of shape (n_symbols,): the ideal weights; zero for a symbol that is to leave.
    settings
        Limits, turnover limit, no-trade band.
    tradable
        ndarray of shape (n_symbols,): whether the symbol can be traded now; default: all.

    Returns
    -------
    ndarray of shape (n_symbols,)
        Equal to `current`, bit for bit, where nothing is to be traded.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import desired_weights
    >>> from ats_assets.settings import PortfolioSettings
    >>> settings = PortfolioSettings(max_weight=1.0, max_turnover=0.5)
    >>> desired_weights(np.array([0.5, 0.5]), np.array([0.25, 0.75]), settings)  # a turnover of 0.5 is allowed
    array([0.25, 0.75])
    >>> settings = PortfolioSettings(max_weight=1.0, max_turnover=0.25)
    >>> desired_weights(np.array([0.5, 0.5]), np.array([0.25, 0.75]), settings)
    array([0.375, 0.625])
    """
    current, target = np.asarray(current, dtype=np.float64), np.asarray(target, dtype=np.float64)
    movable = np.ones(len(current), dtype=np.bool_) if tradable is None else np.asarray(tradable, dtype=np.bool_)
    return weights_to_hold(current, target, settings, movable)


def wants_trade(current: Floats, target: Floats, settings: PortfolioSettings) -> Booleans:
    """Which symbols are outside the no-trade band, exits always.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import wants_trade
    >>> from ats_assets.settings import PortfolioSettings
    >>> settings = PortfolioSettings(no_trade_band=0.01)
    >>> wants_trade(np.array([0.100, 0.100, 0.005]), np.array([0.105, 0.150, 0.0]), settings)
    array([False,  True,  True])
    """
    pairs = zip(current.tolist(), target.tolist(), strict=True)
    return np.array([outside_band(held, wanted, settings) for held, wanted in pairs], dtype=np.bool_)


@kernel
def weights_to_hold(current: Floats, target: Floats, settings: PortfolioSettings | WeightRules, movable: Booleans) -> Floats:
    """See `desired_weights`."""
    wanted = current.copy()
    for i in range(len(current)):
        if movable[i] and outside_band(current[i], target[i], settings):
            wanted[i] = target[i]
    wanted = _limited(current, wanted, settings, movable)
    return _within_turnover(current, wanted, settings, movable)


@kernel
def outside_band(current: float, target: float, settings: PortfolioSettings | WeightRules) -> bool:
    """Whether a weight is outside the no-trade band; an exit always is."""
    if target == current:
        return False
    return target == 0.0 or abs(target - current) >= min(settings.no_trade_band, WIDEST_BAND * abs(target))


@kernel
def _limited(current: Floats, wanted: Floats, settings: PortfolioSettings | WeightRules, movable: Booleans) -> Floats:
    """Step 2. What is held and stays (`kept`) and what is added to it (`added`) are limited apart, the added part first."""
    n = len(current)
    wanted, kept, added = _clipped(wanted, settings, movable), np.zeros(n), np.zeros(n)
    for i in range(n):
        if not same_side(current[i], wanted[i]):
            added[i] = wanted[i]
        elif abs(wanted[i]) <= abs(current[i]):
            kept[i] = wanted[i]
        else:
            kept[i], added[i] = current[i], wanted[i] - current[i]
    kept = gross_limited(kept, settings.max_gross, movable)
    added = gross_limited(added, max(0.0, settings.max_gross - total(np.abs(kept))), np.ones(n, dtype=np.bool_))
    net = total(kept + added)
    heavy = heavy_side(added, net)
    excess, size = abs(net) - settings.max_net, total_size(added, heavy)
    if excess > 0.0 and size > 0.0:
        added = scaled(added, 1.0 - min(excess, size) / size, heavy)
    limited = net_limited(kept + added, settings.max_net, movable)
    return _clipped(limited, settings, movable)  # 0.001 + (0.01 - 0.001) is more than 0.01


@kernel
def _within_turnover(current: Floats, wanted: Floats, settings: PortfolioSettings | WeightRules, movable: Booleans) -> Floats:
    """Steps 3 and 4."""
    sizes = np.abs(wanted - current)
    size = total(sizes)
    if size <= settings.max_turnover:
        return wanted
    share = settings.max_turnover / size
    exits = np.zeros(len(current))
    for i in range(len(current)):
        exits[i] = sizes[i] if wanted[i] == 0.0 and current[i] != 0.0 else 0.0
    paid, result = _largest_first(exits, total(exits) * share), np.zeros(len(current))
    for i in range(len(current)):
        result[i] = current[i] + (wanted[i] - current[i]) * (paid[i] if exits[i] > 0.0 else share)
        if exits[i] > 0.0 and not same_side(result[i], current[i]):
            result[i] = 0.0
    if not _acceptable(result, wanted, settings, movable):
        for i in range(len(current)):
            result[i] = current[i] + (wanted[i] - current[i]) * share
    if not _acceptable(result, wanted, settings, movable):
        result = _clipped(result, settings, movable)
        result = net_limited(gross_limited(result, settings.max_gross, movable), settings.max_net, movable)
    return _clipped(result, settings, movable)


@kernel
def _largest_first(sizes: Floats, budget: float) -> Floats:
    """The share of each size that the budget pays for, from the largest size down; equal ones have the same. All but one of them are 0 or 1."""
    order, shares = np.argsort(-sizes), np.zeros(len(sizes))
    first, larger = 0, 0.0
    while first < len(order) and sizes[order[first]] > 0.0:
        last = first
        while last < len(order) and sizes[order[last]] == sizes[order[first]]:
            last += 1
        equal = sizes[order[first]] * (last - first)
        larger += equal
        for k in range(first, last):
            shares[order[k]] = min(max(budget - (larger - equal), 0.0), equal) / equal
        first = last
    return shares


@kernel
def _clipped(weights: Floats, settings: PortfolioSettings | WeightRules, movable: Booleans) -> Floats:
    result = weights.copy()
    for i in range(len(weights)):
        if movable[i]:
            result[i] = min(max(weights[i], -settings.max_weight), settings.max_weight)
    return result


@kernel
def _acceptable(weights: Floats, wanted: Floats, settings: PortfolioSettings | WeightRules, movable: Booleans) -> bool:
    """Within the limits, or no worse than the wanted weights, where positions that can't be traded break a limit."""
    for i in range(len(weights)):
        if movable[i] and abs(weights[i]) > settings.max_weight + TOLERANCE:
            return False
    within_gross = total(np.abs(weights)) <= max(settings.max_gross, total(np.abs(wanted))) + TOLERANCE
    return within_gross and abs(total(weights)) <= max(settings.max_net, abs(total(wanted))) + TOLERANCE

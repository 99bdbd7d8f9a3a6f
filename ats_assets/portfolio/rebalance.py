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

from ats_assets.portfolio.limits import TOLERANCE, Booleans, Floats, limit_gross, limit_net
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
    """
    current, target = np.asarray(current, dtype=np.float64), np.asarray(target, dtype=np.float64)
    movable = np.ones(len(current), dtype=bool) if tradable is None else np.asarray(tradable, dtype=bool)
    wanted = np.where(movable & wants_trade(current, target, settings), target, current)
    wanted = _limited(current, wanted, settings, movable)
    return _within_turnover(current, wanted, settings, movable)


def wants_trade(current: Floats, target: Floats, settings: PortfolioSettings) -> Booleans:
    """Which symbols are outside the no-trade band, exits always."""
    leaves = (target == 0.0) & (current != 0.0)
    band = np.minimum(settings.no_trade_band, WIDEST_BAND * np.abs(target))
    return leaves | ((target != current) & (np.abs(target - current) >= band))


def _limited(current: Floats, wanted: Floats, settings: PortfolioSettings, movable: Booleans) -> Floats:
    """Step 2. What is held and stays (`kept`) and what is added to it (`added`) are limited apart, the added part first."""
    wanted = np.where(movable, np.clip(wanted, -settings.max_weight, settings.max_weight), current)
    same_side = np.sign(current) == np.sign(wanted)
    kept = np.where(same_side, np.sign(current) * np.minimum(np.abs(current), np.abs(wanted)), 0.0)
    kept = limit_gross(kept, settings.max_gross, ~movable)
    added = np.where(same_side & (np.abs(wanted) <= np.abs(current)), 0.0, wanted - np.where(same_side, current, 0.0))
    added = limit_gross(added, max(0.0, settings.max_gross - np.abs(kept).sum()))
    net = (kept + added).sum()
    heavy = added * np.sign(net) > 0
    excess, size = abs(net) - settings.max_net, np.abs(added[heavy]).sum()
    if excess > 0.0 and size > 0.0:
        added = np.where(heavy, added * (1.0 - min(excess, size) / size), added)
    limited = limit_net(kept + added, settings.max_net, ~movable)
    return _clipped(limited, settings, movable)  # 0.001 + (0.01 - 0.001) is more than 0.01


def _within_turnover(current: Floats, wanted: Floats, settings: PortfolioSettings, movable: Booleans) -> Floats:
    """Steps 3 and 4."""
    change = wanted - current
    sizes = np.abs(change)
    if sizes.sum() <= settings.max_turnover:
        return wanted
    share = settings.max_turnover / sizes.sum()
    exits = np.where((wanted == 0.0) & (current != 0.0), sizes, 0.0)
    result = current + change * np.where(exits > 0.0, _largest_first(exits, exits.sum() * share), share)
    result = np.where((exits > 0.0) & (np.sign(result) != np.sign(current)), 0.0, result)
    if not _acceptable(result, wanted, settings, movable):
        result = current + change * share
    if not _acceptable(result, wanted, settings, movable):
        result = limit_net(limit_gross(_clipped(result, settings, movable), settings.max_gross, ~movable), settings.max_net, ~movable)
    return _clipped(result, settings, movable)


def _largest_first(sizes: Floats, budget: float) -> Floats:
    """The share of each size that the budget pays for, from the largest size down; equal ones have the same. All but one of them are 0 or 1."""
    values, which, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    totals = values * counts
    larger = np.cumsum(totals[::-1])[::-1] - totals
    shares = np.divide(np.clip(budget - larger, 0.0, totals), totals, out=np.zeros(len(values)), where=totals > 0.0)
    return shares[which]


def _clipped(weights: Floats, settings: PortfolioSettings, movable: Booleans) -> Floats:
    return np.where(movable, np.clip(weights, -settings.max_weight, settings.max_weight), weights)


def _acceptable(weights: Floats, wanted: Floats, settings: PortfolioSettings, movable: Booleans) -> bool:
    """Within the limits, or no worse than the wanted weights, where positions that can't be traded break a limit."""
    return bool(
        np.abs(weights[movable]).max(initial=0.0) <= settings.max_weight + TOLERANCE
        and np.abs(weights).sum() <= max(settings.max_gross, np.abs(wanted).sum()) + TOLERANCE
        and abs(weights.sum()) <= max(settings.max_net, abs(wanted.sum())) + TOLERANCE
    )

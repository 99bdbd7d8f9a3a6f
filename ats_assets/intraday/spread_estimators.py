"""What trading costs: spreads seen in trades and quotes, and spreads inferred of prices alone.

All are shares of the price, but for `roll_spread`, which is in the unit of its prices (of logarithms it is a share, too). The window is the last axis of each array: arrays of
shape (..., n) give results of shape (...). NaN where a window is too short or has a NaN in it.
"""

import numpy as np

from ats_assets.intraday.bar_ends import Codes, Floats

_THREE_LESS_TWO_ROOTS = 3.0 - 2.0 * np.sqrt(2.0)


def roll_spread(prices: Floats) -> Floats:
    """2 sqrt(-cov(change, change before)); 0 where the covariance is positive, which says that no spread can be seen.

    R. Roll, A simple implicit measure of the effective bid-ask spread in an efficient market, Journal of Finance 39, 1984; zero as in J. Hasbrouck, Trading costs and returns
    for U.S. equities, Journal of Finance 64, 2009.

    Examples
    --------
    >>> import numpy as np
    >>> float(roll_spread(np.array([10.0, 10.5, 10.0, 10.5, 10.0, 10.5])))  # between bid and ask
    1.0
    """
    changes = np.diff(prices, axis=-1)
    if changes.shape[-1] < 2:
        return _nothing(prices)
    first, second = changes[..., 1:], changes[..., :-1]
    covariance = (first * second).mean(axis=-1) - first.mean(axis=-1) * second.mean(axis=-1)
    return 2.0 * np.sqrt(np.maximum(-covariance, 0.0))


def corwin_schultz(high: Floats, low: Floats) -> Floats:
    """Of each two bars in a row S = 2 (e^a - 1) / (1 + e^a), negative ones as 0; the mean over the window.

    With b = ln(H1/L1)^2 + ln(H2/L2)^2, g = ln(max(H1, H2) / min(L1, L2))^2 and k = 3 - 2 sqrt(2) it is a = (sqrt(2 b) - sqrt(b)) / k - sqrt(g / k). The range of two bars grows
    with their volatility twice as fast as its square root, and the spread is in it once. S. Corwin and P. Schultz, A simple way to estimate bid-ask spreads from daily high and
    low prices, Journal of Finance 67, 2012.
    """
    if high.shape[-1] < 2:
        return _nothing(high)
    ranges = np.log(high / low) ** 2
    two = ranges[..., 1:] + ranges[..., :-1]
    both = np.log(np.maximum(high[..., 1:], high[..., :-1]) / np.minimum(low[..., 1:], low[..., :-1])) ** 2
    alpha = (np.sqrt(2.0 * two) - np.sqrt(two)) / _THREE_LESS_TWO_ROOTS - np.sqrt(both / _THREE_LESS_TWO_ROOTS)
    return np.maximum(2.0 * (np.exp(alpha) - 1.0) / (1.0 + np.exp(alpha)), 0.0).mean(axis=-1)


def abdi_ranaldo(close: Floats, high: Floats, low: Floats) -> Floats:
    """sqrt(max(0, 4 mean((c - m) (c - m of the next bar)))), c the logarithm of a close and m the middle of the logarithms of high and low.

    F. Abdi and A. Ranaldo, A simple estimation of bid-ask spreads from daily close, high, and low prices, Review of Financial Studies 30, 2017, equation 11.
    """
    if close.shape[-1] < 2:
        return _nothing(close)
    logs, middle = np.log(close), (np.log(high) + np.log(low)) / 2.0
    product = (logs[..., :-1] - middle[..., :-1]) * (logs[..., :-1] - middle[..., 1:])
    return np.sqrt(np.maximum(4.0 * product.mean(axis=-1), 0.0))


def quoted_spread(bid: Floats, ask: Floats) -> Floats:
    """The mean of (ask - bid) / midpoint."""
    return (2.0 * (ask - bid) / (ask + bid)).mean(axis=-1)


def effective_spread(price: Floats, mid: Floats, sides: Codes) -> Floats:
    """The mean of 2 side (price - midpoint) / midpoint: what takers paid beside the midpoint, there and back.

    M. Blume and M. Goldstein, Differences in execution prices among the NYSE, the regionals, and the NASD, 1992; R. Huang and H. Stoll, Dealer versus auction markets, Journal of
    Financial Economics 41, 1996.

    Parameters
    ----------
    mid
        The midpoint that stood before each trade.
    sides
        1 bought, -1 sold.
    """
    return (2.0 * sides * (price - mid) / mid).mean(axis=-1)


def realised_spread(price: Floats, mid: Floats, mid_later: Floats, sides: Codes) -> Floats:
    """The mean of 2 side (price - later midpoint) / midpoint: what of it the other side kept, after some minutes; the rest is price impact.

    R. Huang and H. Stoll, Dealer versus auction markets, Journal of Financial Economics 41, 1996.
    """
    return (2.0 * sides * (price - mid_later) / mid).mean(axis=-1)


def _nothing(values: Floats) -> Floats:
    return np.full(values.shape[:-1], np.nan)

"""Which side presses: imbalances of what is traded and of what is quoted. The window is the last axis of each array, but for `order_flow`."""

import numpy as np

from ats_assets.intraday.bar_ends import Floats


def vpin(bought: Floats, sold: Floats) -> Floats:
    """Sum |bought - sold| / sum (bought + sold), of bars of equal volume: the volume-synchronised probability of informed trading.

    D. Easley, M. López de Prado and M. O'Hara, Flow toxicity and liquidity in a high-frequency world, Review of Financial Studies 25, 2012, section 1.2; there with bulk
    classification (`trade_sides`). NaN without volume.

    Examples
    --------
    >>> import numpy as np
    >>> float(vpin(np.array([75.0, 50.0]), np.array([25.0, 50.0])))
    0.25
    """
    return _share(np.abs(bought - sold), bought + sold)


def trade_imbalance(bought: Floats, sold: Floats) -> Floats:
    """Sum (bought - sold) / sum (bought + sold), between -1 and 1."""
    return _share(bought - sold, bought + sold)


def order_flow(bid: Floats, bid_size: Floats, ask: Floats, ask_size: Floats) -> Floats:
    """What each quote adds to the order flow imbalance, of shape (n - 1,): the sum over a window is its imbalance.

    A bid that rises or stays adds its size, one that falls or stays takes the size before away; asks the other way round: R. Cont, A. Kukanov and S. Stoikov, The price impact
    of order book events, Journal of Financial Econometrics 12, 2014, equation 4.

    Parameters
    ----------
    bid, bid_size, ask, ask_size
        Of the best quotes in order of time, of shape (n,).
    """
    came = (bid[1:] >= bid[:-1]) * bid_size[1:] - (ask[1:] <= ask[:-1]) * ask_size[1:]
    left = (bid[1:] <= bid[:-1]) * bid_size[:-1] - (ask[1:] >= ask[:-1]) * ask_size[:-1]
    return came - left


def _share(part: Floats, whole: Floats) -> Floats:
    total = whole.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0.0, part.sum(axis=-1) / total, np.nan)

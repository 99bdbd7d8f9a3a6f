"""How far prices move with what is traded. The window is the last axis of each array: arrays of shape (..., n) give results of shape (...)."""

import numpy as np

from ats_assets.intraday.bar_ends import Floats


def amihud(returns: Floats, dollar_volume: Floats) -> Floats:
    """The mean of |return| / dollar volume, of bars with volume.

    Y. Amihud, Illiquidity and stock returns, Journal of Financial Markets 5, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> float(amihud(np.array([0.5, -0.25]), np.array([100.0, 200.0])))
    0.003125
    """
    traded = dollar_volume > 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(traded, np.abs(returns) / dollar_volume, 0.0)
        return each.sum(axis=-1) / traded.sum(axis=-1)


def kyle_lambda(changes: Floats, signed_volume: Floats) -> Floats:
    """The slope of changes of price on what was bought less what was sold, through the origin: sum(change x) / sum(x^2).

    A. Kyle, Continuous auctions and insider trading, Econometrica 53, 1985; as in M. López de Prado, Advances in Financial Machine Learning, 2018, section 19.4.1.
    NaN where nothing was bought or sold.
    """
    return _slope(changes, signed_volume)


def hasbrouck_lambda(log_returns: Floats, signed_dollars: Floats) -> Floats:
    """The slope of logarithmic returns on side sqrt(dollars), through the origin.

    J. Hasbrouck, Trading costs and returns for U.S. equities: estimating effective costs from daily data, Journal of Finance 64, 2009, section I.C.

    Parameters
    ----------
    signed_dollars
        What was bought less what was sold, in price times size; its root has its sign.
    """
    return _slope(log_returns, np.sign(signed_dollars) * np.sqrt(np.abs(signed_dollars)))


def _slope(values: Floats, on: Floats) -> Floats:
    squares = (on * on).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(squares > 0.0, (values * on).sum(axis=-1) / squares, np.nan)

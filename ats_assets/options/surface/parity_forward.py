"""The forward of an expiry from put-call parity around the money.

Of a European call and put at one strike C - P = D (F - K), D being the discount until expiry (Hull, Options, Futures, and Other Derivatives, chapter 11). American prices only keep to inequalities, so that
what is put in are the European prices at the volatilities that the options' own prices tell: of European options the prices themselves.
"""

from typing import Final, NamedTuple

import numpy as np

from ats_assets.options.surface.svi import Floats

NEAREST: Final = 5
"""Strikes around the money that the forward is the median of: one stale price among them moves it little, and what early exercise is worth is little there."""


class ParityForward(NamedTuple):
    """A forward, and the number of strikes that it was told by; none: it is that of carry alone."""

    forward: float
    pairs: int


def parity_forward(carried: float, discount: float, strikes: Floats, calls: Floats, puts: Floats) -> ParityForward:
    """The median of the forwards that the strikes nearest to the money tell.

    Parameters
    ----------
    carried
        What spot, dividends and rate say: the answer where no strike tells one.
    discount
        Of one unit of money at expiry.
    strikes
        Ascending, of shape (n_strikes,).
    calls, puts
        European prices at each; NaN where there is none.

    Examples
    --------
    >>> parity_forward(99.0, 0.5, np.array([90.0, 100.0, 110.0]), np.array([6.0, 2.0, np.nan]), np.array([0.5, 1.5, 4.0]))
    ParityForward(forward=101.0, pairs=2)
    """
    apart = calls - puts
    both = np.flatnonzero(np.isfinite(apart))
    if not len(both):
        return ParityForward(carried, 0)
    nearest = both[np.argsort(np.abs(apart[both]), kind="stable")[:NEAREST]]
    told = np.median(strikes[nearest] + apart[nearest] / discount)
    return ParityForward(float(told), len(nearest)) if told > 0.0 else ParityForward(carried, 0)

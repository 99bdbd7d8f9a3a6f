"""The kernel of the triple barrier over bars: where each of many positions ends."""

# ruff: noqa: PLR0917 - kernels take arrays by position

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]
Places = NDArray[np.int64]
AT_BARRIER, AT_OPEN, AT_LAST_CLOSE = 0, 1, 2
"""The price at which a position ends."""
OPEN_STILL = -1
"""The place of the end of a position whose end the bars do not tell."""


@kernel
def first_touches(
    opens: Floats,
    highs: Floats,
    lows: Floats,
    closes: Floats,
    entered: Places,
    vertical: Places,
    ends: Places,
    closed: NDArray[np.bool_],
    above: Floats,
    below: Floats,
    worse: NDArray[np.int8],
    wait: int,
    at_open: bool,
) -> tuple[Places, NDArray[np.int8], NDArray[np.int8], Floats]:
    """Where positions end, each on its own.

    1. A bar that opens beyond a barrier ends the position at its open: nobody was filled at the barrier.
    2. Else the barrier below is touched where the low is at or below it, the one above where the high is at or above it. A bar does not say which came first: where both
       were touched, it is the `worse` one.
    3. What has touched neither before the bar `vertical` leaves at the open of that bar.
    4. What is still held at the end of its series leaves at the last close where it is `closed` there, and is open still where it is not.

    Parameters
    ----------
    opens, highs, lows, closes
        float64 of shape (n_bars,), series after series.
    entered
        The bar from whose open on a position is held, of shape (n_events,). One that is not before `ends` was never entered.
    vertical
        The bar at whose open it leaves at the latest; it may lie beyond the series.
    ends
        The first bar that is not of its series any more.
    closed
        Whether a position is closed at the end of its series.
    above, below
        The barriers as prices; infinite where there is none.
    worse
        1 where the barrier above is the loss, -1 where the one below is.
    wait
        Bars from the entry on in which nothing is touched.
    at_open
        The entry is at the open of the bar `entered`, which so can't open beyond a barrier; else it was at the close before.

    Returns
    -------
    places, barriers, how, prices
        Each of shape (n_events,): the bar of the end or `OPEN_STILL`; 1 above, -1 below, 0 neither; `AT_BARRIER`, `AT_OPEN` or `AT_LAST_CLOSE`; the price of the end, NaN
        without one. The price at a barrier is the barrier's.
    """
    n = len(entered)
    places, prices = np.empty(n, np.int64), np.empty(n, np.float64)
    barriers, how = np.empty(n, np.int8), np.empty(n, np.int8)
    for i in range(n):
        first, high, low = entered[i], above[i], below[i]
        last = min(vertical[i], ends[i])
        place, barrier, way, price = OPEN_STILL, 0, AT_BARRIER, np.nan
        for t in range(first + wait, last):
            if highs[t] >= high or lows[t] <= low:
                place = t
                opened = opens[t]
                if (t > first or not at_open) and (opened >= high or opened <= low):
                    barrier, way, price = (1 if opened >= high else -1), AT_OPEN, opened
                else:
                    rose, fell = highs[t] >= high, lows[t] <= low
                    barrier = worse[i] if rose and fell else (1 if rose else -1)
                    price = high if barrier > 0 else low
                break
        if place == OPEN_STILL and first < ends[i]:
            if last < ends[i]:
                place, way, price = last, AT_OPEN, opens[last]
            elif closed[i]:
                place, way, price = last - 1, AT_LAST_CLOSE, closes[last - 1]
        places[i], barriers[i], how[i], prices[i] = place, barrier, way, price
    return places, barriers, how, prices

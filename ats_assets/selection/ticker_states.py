"""Who is in, by rank and with hysteresis, told from a bounded window of ranks.

Somebody enters at a rank of `enter` or better and leaves below `leave`; in between nothing changes. The state of a session is rebuilt from the ranks of the `memory` sessions before it, as if nobody had
been in at the first of them (decision 73): so a session alone is the same as in any range, and who has not been of the rank that enters for so long is out.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.weight_limits import Floats

NOT_IN = -1


def entered_since(ranks: Floats, enter: int, leave: int) -> NDArray[np.int64]:
    """For how many sessions each has been in at the last of the sessions; -1 where it is out.

    Parameters
    ----------
    ranks
        float64 of shape (n_sessions, n_instruments): from 1, the best; NaN for no rank, which leaves.

    Examples
    --------
    >>> ranks = np.array([[1.0, 4.0, 9.0], [4.0, 4.0, 2.0], [5.0, 4.0, np.nan]])
    >>> entered_since(ranks, enter=3, leave=5).tolist()  # entered and within the band; within the band, but never entered; entered and without a rank
    [2, -1, -1]
    """
    since = np.full(ranks.shape[1], NOT_IN, dtype=np.int64)
    for row in ranks:
        known = np.isfinite(row)
        stays = known & (row <= leave) & (since != NOT_IN)
        enters = known & (row <= enter)
        since = np.where(stays, since + 1, np.where(enters, 0, NOT_IN))
    return since

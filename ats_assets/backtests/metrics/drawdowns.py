"""Drawdowns: how far the value is below its highest one so far, for how long, and the worst of them.

Drawdown: D_t = V_t / max(V_0 … V_t) - 1 (Magdon-Ismail and Atiya 2004). A drawdown lasts from the session of the peak to that of the recovery, the first close that is not
below the peak, or to the end of the history; its length is counted in sessions between the two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from ats_assets.backtests.metrics.returns import Floats


@dataclass(frozen=True, kw_only=True)
class Drawdown:
    """One fall from a peak.

    Attributes
    ----------
    peak, trough, recovery
        Sessions; the recovery is None where it has not come.
    depth
        Negative, a fraction of the peak.
    sessions
        From the peak to the recovery, or to the end.
    sessions_down
        From the peak to the trough.
    """

    peak: date
    trough: date
    recovery: date | None
    depth: float
    sessions: int
    sessions_down: int


def drawdowns(values: Floats) -> Floats:
    """Values over the highest value so far, less one: ndarray of shape (n_sessions,), zero at each peak and negative below.

    Examples
    --------
    >>> drawdowns(np.array([100.0, 120.0, 90.0, 120.0]))
    array([ 0.  ,  0.  , -0.25,  0.  ])
    """
    return values / np.maximum.accumulate(values) - 1.0 if len(values) else np.zeros(0)


def drawdown_figures(values: Floats) -> tuple[float | None, int | None, float | None]:
    """The deepest drawdown (negative), the length of the longest in sessions, and the drawdown at the end; of values of shape (n_sessions,).

    Examples
    --------
    >>> drawdown_figures(np.array([100.0, 120.0, 90.0, 120.0, 105.0]))  # deepest, longest in sessions, at the end
    (-0.25, 2, -0.125)
    """
    if len(values) < 2:
        return None, None, None
    depth = drawdowns(values)
    since_peak = np.arange(len(values)) - np.maximum.accumulate(np.where(depth == 0.0, np.arange(len(values)), 0))
    recovered = (depth == 0.0) & (np.append(-1.0, depth[:-1]) < 0.0)  # the session of recovery still belongs to the drawdown
    lengths = np.where(recovered, np.append(0, since_peak[:-1]) + 1, since_peak)
    lengths[0] = 0
    return float(depth.min()), int(lengths.max()), float(depth[-1])


def worst_drawdowns(sessions: Sequence[date], values: Floats, count: int = 5) -> list[Drawdown]:
    """The deepest drawdowns, the deepest first; of equal ones the earlier.

    Parameters
    ----------
    sessions
        Of the values, ascending.
    values
        ndarray of shape (n_sessions,): the value at each close.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, day) for day in (2, 3, 4, 5)]
    >>> [worst] = worst_drawdowns(days, np.array([100.0, 80.0, 90.0, 100.0]))
    >>> worst.depth, worst.sessions, worst.sessions_down, str(worst.recovery)
    (-0.19999999999999996, 3, 1, '2024-01-05')
    """
    depth = drawdowns(values)
    found, first = [], 0
    under = np.append(depth < 0.0, False)
    for i in range(1, len(under)):
        if under[i] and not under[i - 1]:
            first = i
        if under[i - 1] and not under[i]:
            trough, ended = first + int(depth[first:i].argmin()), i < len(values)
            found.append(
                Drawdown(
                    peak=sessions[first - 1],
                    trough=sessions[trough],
                    recovery=sessions[i] if ended else None,
                    depth=float(depth[trough]),
                    sessions=(i if ended else i - 1) - (first - 1),
                    sessions_down=trough - (first - 1),
                )
            )
    return sorted(found, key=lambda one: (one.depth, one.peak))[:count]

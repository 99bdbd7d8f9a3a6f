"""Which state of an estimation is which state of the one before, so that a number means the same from refit to refit.

Two estimations are matched by the assignment with the least sum of Bhattacharyya distances between their states' normal distributions (means and covariances,
without a unit). Followed through several estimations a state is a track, and tracks are in the order of their mean log variance of the first observation: the calmest is 0.
One noisy estimation can so swap no states, as sorting each by itself would; and nothing is carried along from the start of history, so that any
refit can be ordered from the few before it alone.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ats_assets.regimes.regime_model import RegimeModel


def state_distance(a: RegimeModel, i: int, b: RegimeModel, j: int) -> float:
    """The Bhattacharyya distance of state i of one estimation to state j of another: 1/8 d' S^-1 d + 1/2 ln(|S| / sqrt(|S_i| |S_j|)), S the mean covariance.

    Examples
    --------
    >>> one = RegimeModel(start=np.ones(1), transition=np.ones((1, 1)), coefficients=np.zeros((1, 1, 1)), covariances=np.ones((1, 1, 1)))
    >>> state_distance(one, 0, one, 0)
    0.0
    """
    apart = a.means[i] - b.means[j]
    mean = (a.covariances[i] + b.covariances[j]) / 2.0
    logs = [float(np.linalg.slogdet(one)[1]) for one in (mean, a.covariances[i], b.covariances[j])]
    return float(apart @ np.linalg.solve(mean, apart)) / 8.0 + (logs[0] - (logs[1] + logs[2]) / 2.0) / 2.0


def matched_states(earlier: RegimeModel, later: RegimeModel) -> NDArray[np.intp]:
    """Of each state of the earlier estimation the state of the later one, of shape (n_states,); both have as many."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - half a second to import

    distances = [[state_distance(earlier, i, later, j) for j in range(later.states)] for i in range(earlier.states)]
    return linear_sum_assignment(np.array(distances))[1]


def state_order(estimations: Sequence[RegimeModel]) -> NDArray[np.intp]:
    """The order of the last estimation's states: `model.ordered(state_order(...))` has the calmest track first.

    Parameters
    ----------
    estimations
        Of the same number of states, from the earliest to the one that is ordered.
    """
    tracks = np.arange(estimations[0].states)
    logs = _log_variances(estimations[0])
    for earlier, later in itertools.pairwise(estimations):
        tracks = matched_states(earlier, later)[tracks]
        logs = logs + _log_variances(later)[tracks]
    return tracks[np.argsort(logs, kind="stable")]


def _log_variances(model: RegimeModel) -> NDArray[np.float64]:
    return np.array([math.log(covariance[0, 0]) for covariance in model.covariances])

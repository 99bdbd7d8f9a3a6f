"""How many different bets there are among trials that resemble each other.

A hundred settings of one strategy are no hundred independent tries: their returns go together. Trials are grouped by the correlation of their series (López de Prado and Lewis, "Detection of
False Investment Strategies Using Unsupervised Learning Methods", Quantitative Finance 19(9), 2019), and each group counts once:

1. The distance of two trials is sqrt((1 - correlation) / 2), over the sessions that both have; with fewer than 20 of them nothing is known, and they count as uncorrelated.
2. Trials that are the same (correlation of at least 0.999) count as one. That takes what was run again under another name, or with a change that changes nothing.
3. The rest are merged, the nearest first by the mean distance of their members, and of all numbers of groups the one with the largest mean silhouette is taken (Rousseeuw 1987).
4. Where that is not above 0.25, there is "no substantial structure" (Kaufman and Rousseeuw, Finding Groups in Data, 1990): each trial counts. So in doubt there are more trials, and the
   deflated Sharpe ratio is lower. If all of them share one common move, that is no fault: the variance of their ratios is as much smaller.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.silhouette_groups import silhouette_groups

Matrix = NDArray[np.float64]
Groups = NDArray[np.int64]
SAME = 0.999
SUBSTANTIAL = 0.25
LEAST_SHARED = 20
"""Sessions that two trials must both have."""


def trial_clusters(series: Matrix) -> Groups:
    """The group of each trial, numbered from 0 in the order of their first members.

    Parameters
    ----------
    series
        ndarray of shape (n_sessions, n_trials): the return, or the IC, of each trial in each session; NaN where it has none.

    Returns
    -------
    ndarray of int64 of shape (n_trials,)

    Examples
    --------
    Three bets, each tried in four ways:

    >>> import numpy as np
    >>> random = np.random.default_rng(0)
    >>> bets = np.repeat(random.normal(0, 0.01, (500, 3)), 4, axis=1)
    >>> trial_clusters(bets + random.normal(0, 0.003, bets.shape))
    array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    """
    if series.ndim != 2:
        raise EvaluationError(f"series of shape {series.shape} are not those of trials, (n_sessions, n_trials)")
    if series.shape[1] < 2:
        return np.zeros(series.shape[1], dtype=np.int64)
    correlations = shared_correlations(series)
    same = _same(correlations)
    firsts = _firsts(same)
    distances = np.sqrt(np.clip((1.0 - correlations[np.ix_(firsts, firsts)]) / 2.0, 0.0, 1.0))
    return _numbered(silhouette_groups(distances, least=SUBSTANTIAL)[same])


def distinct(series: Matrix) -> Groups:
    """Of trials that are the same the first: which columns of shape (n_sessions, n_trials) are others than all before them.

    Examples
    --------
    >>> import numpy as np
    >>> wave, other = np.sin(np.arange(40.0)), np.cos(np.arange(40.0))
    >>> distinct(np.column_stack([wave, other, 2.0 * wave]))
    array([0, 1])
    """
    return _firsts(_same(shared_correlations(series)))


def shared_correlations(series: Matrix) -> Matrix:
    """The correlation of each two trials over the sessions that both have, of shape (n_trials, n_trials); 0 where they share fewer than 20, or one does not move; 1 with itself.

    Examples
    --------
    >>> import numpy as np
    >>> wave = np.sin(np.arange(40.0))
    >>> shared_correlations(np.column_stack([wave, -wave, np.where(np.arange(40) < 15, wave, np.nan)])).round(3) + 0.0
    array([[ 1., -1.,  0.],
           [-1.,  1.,  0.],
           [ 0.,  0.,  1.]])
    """
    there = ~np.isnan(series)
    centred = np.where(there, series - np.nanmean(np.where(there.any(axis=0), series, 0.0), axis=0), 0.0)
    scale = np.sqrt((centred * centred).max(axis=0, initial=0.0))
    centred = np.divide(centred, scale, out=np.zeros_like(centred), where=scale > 0)
    mask = there.astype(np.float64)
    n = mask.T @ mask
    sums = centred.T @ mask  # of one, where the other is there
    squares = (centred * centred).T @ mask
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = centred.T @ centred - sums * sums.T / n
        variance = squares - sums * sums / n
        found = covariance / np.sqrt(variance * variance.T)
    known = (n >= LEAST_SHARED) & (variance > 1e-12 * n) & (1e-12 * n < variance.T)
    correlations = np.where(known, np.clip(found, -1.0, 1.0), 0.0)
    np.fill_diagonal(correlations, 1.0)
    return (correlations + correlations.T) / 2.0


def _same(correlations: Matrix) -> Groups:
    return _numbered(_connected(correlations >= SAME))


def _firsts(groups: Groups) -> Groups:
    """The first member of each group, of groups that are numbered in the order of these."""
    return np.flatnonzero(np.diff(np.maximum.accumulate(groups), prepend=-1) > 0)


def _connected(linked: NDArray[np.bool_]) -> Groups:
    """The first trial that each is linked to, also over others."""
    first = np.arange(len(linked))
    while True:
        found = np.where(linked, first, len(linked)).min(axis=1)
        if (found == first).all():
            return first
        first = found


def _numbered(groups: Sequence[int] | Groups) -> Groups:
    """The same groups, numbered from 0 in the order of their first members."""
    _, firsts, inverse = np.unique(groups, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(firsts))[inverse].astype(np.int64)

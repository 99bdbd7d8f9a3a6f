"""Scores of one cross-section to ideal target weights: what would be held if trading were free.

Every method returns weights of shape (n_symbols,) whose absolute values sum to 1 (or to 0 where no weight can be given, or to less where equal scores stand on both sides);
`target_weights` scales them to the gross limit and applies the limits of `ats_assets.portfolio.limits`. A score that is not finite gets no weight and does not count.

No method is told the symbols: equal scores get equal weights. Where fewer places are left than scores are equal, they share the places; where all scores are equal, they say
nothing, and nothing is chosen (decision 23).
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.limits import within_limits
from ats_assets.settings import PortfolioSettings

Floats = NDArray[np.float64]


def target_weights(scores: Floats, settings: PortfolioSettings) -> Floats:
    """Ideal weights under the limits on weight, gross and net; turnover and no-trade band need the positions held (`rebalance.py`).

    The method's weights are scaled to `max_gross`: a book of that size is the aim, whatever the method.

    Parameters
    ----------
    scores
        ndarray of shape (n_symbols,), of the symbols of one session in any order; higher is better.
    settings
        Method and limits.

    Returns
    -------
    ndarray of shape (n_symbols,)
        Shares of equity, negative for short. Scores in another order give the same weights in that order, to the bit.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import target_weights
    >>> from ats_assets.settings import PortfolioSettings
    >>> settings = PortfolioSettings(method="top_k_long", top_k=2, max_weight=0.4)
    >>> target_weights(np.array([0.3, -0.1, 0.2, 0.1]), settings)
    array([0.4, 0. , 0.4, 0. ])
    """
    scores = np.asarray(scores, dtype=np.float64)
    order = np.argsort(scores, kind="stable")  # sums depend on their order: it is that of the scores, and equal ones have equal weights
    ascending = scores[order]
    if settings.method == "top_k_long":
        shape = top_k_long(ascending, settings.top_k)
    elif settings.method == "long_short_quantiles":
        shape = long_short_quantiles(ascending, settings.quantile)
    else:
        shape = score_proportional(ascending)
    weights = np.empty(len(scores))
    weights[order] = within_limits(shape * settings.max_gross, settings)
    return weights


def score_ranks(scores: Floats) -> NDArray[np.uint32]:
    """The rank of each score of shape (n_symbols,): 1 + the number of higher ones, so that equal scores share a rank; those that are not finite come last.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import score_ranks
    >>> score_ranks(np.array([0.2, 0.5, np.nan, 0.2]))
    array([2, 1, 4, 2], dtype=uint32)
    """
    known = np.where(np.isfinite(scores), scores, -np.inf)
    return (1 + len(known) - np.searchsorted(np.sort(known), known, side="right")).astype(np.uint32)


def top_k_long(scores: Floats, k: int) -> Floats:
    """Equal weights of the k best scores, of all of them where there are no more than k; none where more than k are all equal.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import top_k_long
    >>> top_k_long(np.array([0.3, -0.1, 0.2, 0.1]), k=2)
    array([0.5, 0. , 0.5, 0. ])
    >>> top_k_long(np.array([0.3, 0.2, 0.2, 0.1]), k=2)  # equal scores share the last place
    array([0.5 , 0.25, 0.25, 0.  ])
    """
    known = scores[np.isfinite(scores)]
    if not len(known) or (len(known) > k and known.min() == known.max()):
        return np.zeros(len(scores))
    return _places(scores, k) / min(k, len(known))


def long_short_quantiles(scores: Floats, quantile: float) -> Floats:
    """Long the best quantile, short the worst, each side equally weighted with half of the gross.

    A side has floor(quantile * n) places, at least one; fewer than two finite scores give no weights.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import long_short_quantiles
    >>> long_short_quantiles(np.array([0.3, -0.1, 0.2, 0.1]), quantile=0.25)
    array([ 0.5, -0.5,  0. ,  0. ])
    """
    n = int(np.isfinite(scores).sum())
    if n < 2:
        return np.zeros(len(scores))
    side = max(1, int(n * quantile + 1e-9))  # the nudge: 100 * 0.29 is 28.999…
    return 0.5 / side * (_places(scores, side) - _places(-scores, side))


def _places(scores: Floats, k: int) -> Floats:
    """The share of a place that each score gets of k places, which go to the best: 1, 0, or less than 1 where equal scores share what is left."""
    finite = np.isfinite(scores)
    ordered = np.sort(scores[finite])
    below, upto = (np.searchsorted(ordered, scores[finite], side=side) for side in ("left", "right"))
    equal = upto - below
    places = np.zeros(len(scores))
    places[finite] = np.clip(k - (len(ordered) - upto), 0, equal) / equal
    return places


def score_proportional(scores: Floats) -> Floats:
    """Weights proportional to the score's distance from the cross-section's mean: dollar-neutral.

    w_i = (s_i - mean(s)) / sum_j |s_j - mean(s)|, the "demeaned factor weights" of Quantopian's alphalens. Equal scores give no weights.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import score_proportional
    >>> score_proportional(np.array([3.0, 1.0, 2.0]))
    array([ 0.5, -0.5,  0. ])
    """
    weights = np.zeros(len(scores))
    finite = np.isfinite(scores)
    known = scores[finite]
    if len(known) < 2 or known.min() == known.max():
        return weights
    known = known / np.abs(known).max()  # no overflow, whatever the unit
    centred = known - known.mean()
    total = np.abs(centred).sum()
    if total > 0.0:
        weights[finite] = centred / total
    return weights

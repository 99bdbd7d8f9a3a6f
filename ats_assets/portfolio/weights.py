"""Scores of one cross-section to ideal target weights: what would be held if trading were free.

A method (`ats_assets.portfolio.method`, one a module in `methods/`) gives the shape of the book; `target_weights` scales it to the gross limit and applies the limits of
`ats_assets.kernels.weight_limits`. A score that is not finite gets no weight and does not count.

No method is told the symbols: equal scores get equal weights. Where fewer places are left than scores are equal, they share the places; where all scores are equal, they say
nothing, and nothing is chosen (decision 23).
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ContractError, PortfolioError
from ats_assets.kernels.weight_limits import within_limits
from ats_assets.portfolio.choosing import method_of
from ats_assets.portfolio.method import Method, weighs_risk
from ats_assets.settings import PortfolioSettings

Floats = NDArray[np.float64]


def target_weights(scores: Floats, settings: PortfolioSettings, method: Method | None = None) -> Floats:
    """Ideal weights under the limits on weight, gross and net; turnover and no-trade band need the positions held (`rebalance.py`).

    The method's weights are scaled to `max_gross`: a book of that size is the aim, whatever the method.

    Parameters
    ----------
    scores
        ndarray of shape (n_symbols,), of the symbols of one session in any order; higher is better.
    settings
        Limits.
    method
        Default: the one that the settings name, of those that come with the package.

    Returns
    -------
    ndarray of shape (n_symbols,)
        Shares of equity, negative for short. Scores in another order give the same weights in that order, to the bit.

    Raises
    ------
    ContractError
        If the method gives another number of weights than it was given scores, or one that is not finite.

    Examples
    --------
    >>> target_weights(np.array([0.3, 0.1, 0.2]), PortfolioSettings(top_k=2, max_weight=0.6)).tolist()
    [0.5, 0.0, 0.5]
    """
    method = _by_score(settings) if method is None else method
    scores = np.asarray(scores, dtype=np.float64)
    order = np.argsort(scores, kind="stable")  # sums depend on their order: it is that of the scores, and equal ones have equal weights
    ascending = scores[order]
    shape = method.weights(ascending)
    if shape.shape != ascending.shape or not np.isfinite(shape).all():
        raise ContractError(f"the portfolio method {type(method).__name__} must give a finite weight for each of {len(scores)} scores")
    weights = np.empty(len(scores))
    weights[order] = within_limits(shape * settings.max_gross, settings)
    return weights


def _by_score(settings: PortfolioSettings) -> Method:
    named = method_of(settings)
    if weighs_risk(named):
        raise PortfolioError(f"the portfolio method {settings.method} weighs risk, for which scores alone are not enough")
    return named


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

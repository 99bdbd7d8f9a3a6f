"""Scores of one cross-section to ideal target weights: what would be held if trading were free.

Every method returns weights of shape (n_symbols,) whose absolute values sum to 1 (or to 0 where no weight can be given);
`target_weights` scales them to the gross limit and applies the limits of `ats_assets.portfolio.limits`. Ties of the score go to the symbol that
sorts first. A score that is not finite gets no weight and does not count.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.limits import within_limits
from ats_assets.settings import PortfolioSettings

Floats = NDArray[np.float64]


def target_weights(symbols: Sequence[str], scores: Floats, settings: PortfolioSettings) -> Floats:
    """Ideal weights under the limits on weight, gross and net; turnover and no-trade band need the positions held (`rebalance.py`).

    The method's weights are scaled to `max_gross`: a book of that size is the aim, whatever the method.

    Parameters
    ----------
    symbols
        The symbols of one session, in any order, length n_symbols.
    scores
        ndarray of shape (n_symbols,); higher is better.
    settings
        Method and limits.

    Returns
    -------
    ndarray of shape (n_symbols,)
        Shares of equity, negative for short.
    """
    scores = np.asarray(scores, dtype=np.float64)
    if len(symbols) != len(scores):
        raise ValueError(f"{len(symbols)} symbols but {len(scores)} scores: give one score for each symbol")
    if settings.method == "top_k_long":
        shape = top_k_long(symbols, scores, settings.top_k)
    elif settings.method == "long_short_quantiles":
        shape = long_short_quantiles(symbols, scores, settings.quantile)
    else:
        shape = score_proportional(scores)
    return within_limits(shape * settings.max_gross, settings)


def score_order(symbols: Sequence[str], scores: Floats) -> NDArray[np.intp]:
    """Positions from the best score to the worst, ties by symbol, scores that are not finite last."""
    finite = np.isfinite(scores)
    descending = np.where(finite, -scores, np.inf)
    return np.lexsort((np.asarray(symbols, dtype=np.str_), descending, ~finite))


def top_k_long(symbols: Sequence[str], scores: Floats, k: int) -> Floats:
    """Equal weights of the k best scores; of all of them where there are fewer."""
    weights = np.zeros(len(scores))
    chosen = score_order(symbols, scores)[: min(k, int(np.isfinite(scores).sum()))]
    if len(chosen):
        weights[chosen] = 1.0 / len(chosen)
    return weights


def long_short_quantiles(symbols: Sequence[str], scores: Floats, quantile: float) -> Floats:
    """Long the best quantile, short the worst, each side equally weighted with half of the gross.

    A side has floor(quantile * n) symbols, at least one; fewer than two finite scores give no weights.
    """
    weights = np.zeros(len(scores))
    n = int(np.isfinite(scores).sum())
    if n < 2:
        return weights
    side = max(1, int(n * quantile + 1e-9))  # the nudge: 100 * 0.29 is 28.999…
    order = score_order(symbols, scores)[:n]
    weights[order[:side]] = 0.5 / side
    weights[order[n - side :]] = -0.5 / side
    return weights


def score_proportional(scores: Floats) -> Floats:
    """Weights proportional to the score's distance from the cross-section's mean: dollar-neutral.

    w_i = (s_i - mean(s)) / sum_j |s_j - mean(s)|, the "demeaned factor weights" of Quantopian's alphalens. Equal scores give no weights.
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

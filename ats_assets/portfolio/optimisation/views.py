"""Expected returns: from scores, from probabilities, and as views blended with those that a book in equilibrium implies."""

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.optimisation.cholesky import product, solution

Floats = NDArray[np.float64]


def returns_of_scores(scores: Floats, deviations: Floats, skill: float) -> Floats:
    """Skill x volatility x score (Grinold, "Alpha is volatility times IC times score", Journal of Portfolio Management 20, 1994); of shape (n,).

    The score is the normal one of its rank: with a rank IC of `skill` it is the expected return of its symbol, relative to the others, over the time of the volatility.

    Parameters
    ----------
    scores
        Of shape (n,), finite; higher is better.
    deviations
        Standard deviation of each symbol's return.

    Examples
    --------
    >>> returns_of_scores(np.array([3.0, 1.0, 2.0]), np.full(3, 0.02), 0.05).round(5).tolist()
    [0.00097, -0.00097, 0.0]
    """
    from scipy.stats import norm, rankdata  # noqa: PLC0415

    if len(scores) < 2 or scores.min() == scores.max():
        return np.zeros(len(scores))
    return skill * deviations * norm.ppf((rankdata(scores) - 0.5) / len(scores))


def returns_of_probabilities(probabilities: Floats, deviations: Floats) -> Floats:
    """The expected returns, relative to the median, of symbols that beat it with some probability, where returns are normal; of shape (n,).

    Examples
    --------
    >>> returns_of_probabilities(np.array([0.5, 0.55]), np.full(2, 0.04)).round(5).tolist()
    [0.0, 0.00503]
    """
    from scipy.stats import norm  # noqa: PLC0415

    return deviations * norm.ppf(probabilities)


def implied_returns(matrix: Floats, weights: Floats, aversion: float) -> Floats:
    """The expected returns at which a book would be the best one; of shape (n,).

    Examples
    --------
    >>> implied_returns(np.diag([0.04, 0.01]), np.array([0.5, 0.5]), 2.5).round(4).tolist()
    [0.05, 0.0125]
    """
    return aversion * product(matrix, weights)


def blended_returns(matrix: Floats, prior: Floats, views: Floats, doubt: Floats, tau: float = 0.05) -> Floats:
    """Black and Litterman's expected returns, of a view on each symbol (Financial Analysts Journal 48, 1992; He and Litterman, 1999); of shape (n,).

    prior + tau S (tau S + D)^-1 (views - prior), D being diagonal with the variance of each view.

    Parameters
    ----------
    prior, views
        Expected returns of shape (n,).
    doubt
        Variance of each view; of shape (n,), positive.
    tau
        How uncertain the prior is, as a share of the covariance.

    Examples
    --------
    >>> matrix = np.diag([0.04, 0.01])
    >>> blended_returns(matrix, np.array([0.05, 0.0125]), np.array([0.09, 0.0125]), 0.05 * np.diag(matrix)).round(4).tolist()  # as sure as the prior: halfway
    [0.07, 0.0125]
    """
    uncertain = tau * matrix
    return prior + product(uncertain, solution(uncertain + np.diag(doubt), views - prior))

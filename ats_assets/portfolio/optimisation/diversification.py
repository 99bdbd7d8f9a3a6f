"""Maximum diversification: the highest ratio of the mean volatility of what is held to the volatility of the book (Choueifaty and Coignard, Journal of Portfolio Management 35, 2008).

In units of risk u = weight x volatility the ratio is highest where u' C u is lowest for a given sum of u, C being the correlations. A limit on a weight is one on its share in the sum of weights, so
that it stays linear in u.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimisation.cholesky import product
from ats_assets.portfolio.optimisation.weight_ranges import LimitsConflictError, WeightLimit, WeightRanges

Floats = NDArray[np.float64]


def most_diversified_weights(matrix: Floats, limits: WeightRanges) -> Floats:
    """The weights of the highest ratio; of shape (n,).

    Parameters
    ----------
    matrix
        Covariance of shape (n, n), positive definite.
    limits
        With lower limits of 0 or above, and a budget above 0.

    Raises
    ------
    LimitsConflictError, PortfolioError
        As `best_weights`.

    Examples
    --------
    >>> most_diversified_weights(np.diag([0.04, 0.01]), WeightRanges(lower=np.zeros(2), upper=np.ones(2))).round(4).tolist()
    [0.3333, 0.6667]
    """
    n, deviations = len(matrix), np.sqrt(matrix.diagonal())
    correlations, none = matrix / (deviations[:, None] * deviations), np.zeros(n)
    free = WeightRanges(lower=none, upper=np.ones(n))
    found = _weights(best_weights(correlations, none, free), deviations, limits.budget)
    if limits.keeps(found, 1e-12):
        return found
    if conflict := limits.conflict():
        raise LimitsConflictError(conflict)
    each = [
        WeightLimit(name="", coefficients=unit, low=low, high=high)
        for unit, low, high in zip(np.eye(n), limits.lower, limits.upper, strict=True)
    ]
    rows = [_of_shares(row, deviations, limits.budget) for row in [*each, *limits.rows]]
    risk = best_weights(correlations, none, WeightRanges(lower=none, upper=np.ones(n), rows=[part for parts in rows for part in parts]))
    return np.clip(_weights(risk, deviations, limits.budget), limits.lower, limits.upper)


def diversification_ratio(matrix: Floats, weights: Floats) -> float:
    """The mean volatility of what is held over the volatility of the book.

    Examples
    --------
    >>> round(diversification_ratio(np.diag([0.04, 0.01]), np.array([1 / 3, 2 / 3])), 4)
    1.4142
    """
    return float((weights * np.sqrt(matrix.diagonal())).sum() / np.sqrt((weights * product(matrix, weights)).sum()))


def _weights(risk: Floats, deviations: Floats, budget: float) -> Floats:
    weights = risk / deviations
    return weights * (budget / weights.sum())


def _of_shares(row: WeightLimit, deviations: Floats, budget: float) -> list[WeightLimit]:
    """A limit on weights as limits on units of risk whose scale is free."""
    scale = float(deviations.mean())
    parts = []
    if row.high < np.inf:
        parts.append(WeightLimit(name=row.name, coefficients=(row.coefficients - row.high / budget) / deviations * scale, high=0.0))
    if row.low > -np.inf:
        parts.append(WeightLimit(name=row.name, coefficients=(row.coefficients - row.low / budget) / deviations * scale, low=0.0))
    return parts

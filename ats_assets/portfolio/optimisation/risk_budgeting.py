"""Risk budgeting: each weight contributes its share to the volatility of the book.

With positive weights the book is unique, and up to scale the lowest point of w' S w / 2 - sum b ln w (Maillard, Roncalli and Teïletche, Journal of Portfolio Management 36, 2010). It is found
weight by weight, each as the root of a quadratic equation while the others stand (Griveau-Billion, Richard and Roncalli, "A fast algorithm for computing high-dimensional risk parity
portfolios", 2013). Equal budgets make risk parity.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]
MOST_SWEEPS: Final = 10_000
TOLERANCE: Final = 1e-12
"""Of the largest difference between a contribution and its budget, as a share of the whole risk."""


def risk_budget_weights(matrix: Floats, budgets: Floats | None = None) -> Floats:
    """The weights, positive and adding up to 1, whose contributions to the variance are in the ratio of budgets.

    Parameters
    ----------
    matrix
        Covariance of shape (n, n), positive definite.
    budgets
        Of shape (n,), positive; default: equal ones.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    PortfolioError
        If a budget or a variance is not positive, or the weights are not found, as where the matrix is not positive definite.

    Examples
    --------
    >>> risk_budget_weights(np.diag([0.04, 0.01])).round(4).tolist()  # without correlation: as one over the deviations
    [0.3333, 0.6667]
    """
    matrix = np.ascontiguousarray(matrix, np.float64)
    n = len(matrix)
    budgets = np.full(n, 1.0 / n) if budgets is None else np.ascontiguousarray(budgets, np.float64) / np.sum(budgets)
    if not (np.isfinite(matrix).all() and (matrix.diagonal() > 0.0).all() and np.isfinite(budgets).all() and (budgets > 0.0).all()):
        raise PortfolioError("risk budgeting needs a finite covariance with positive variances, and positive budgets")
    deviations = np.sqrt(matrix.diagonal())
    weights, found = _budgeted.compiled(matrix / (deviations[:, None] * deviations), budgets)
    if not found:
        raise PortfolioError("no weights with these risk budgets were found: the covariance is not positive definite")
    weights /= deviations
    return weights / weights.sum()


def risk_contributions(matrix: Floats, weights: Floats) -> Floats:
    """The share of each weight in the variance, adding up to 1; of shape (n,).

    Examples
    --------
    >>> risk_contributions(np.diag([0.04, 0.01]), np.array([0.5, 0.5])).round(3).tolist()
    [0.8, 0.2]
    """
    each = weights * (matrix @ weights)
    return each / each.sum()


@kernel
def _budgeted(correlations: Floats, budgets: Floats) -> tuple[Floats, bool]:
    """Of a correlation matrix, which the answer scales from: the numbers are near 1 whatever the volatilities are."""
    n = len(budgets)
    x, pull = np.sqrt(budgets), np.zeros(n)
    for i in range(n):
        for j in range(n):
            pull[j] += correlations[i, j] * x[i]
    for _ in range(MOST_SWEEPS):
        for i in range(n):
            rest = pull[i] - x[i]
            after = (
                0.5 * (np.sqrt(rest * rest + 4.0 * budgets[i]) - rest)
                if rest <= 0.0
                else 2.0 * budgets[i] / (np.sqrt(rest * rest + 4.0 * budgets[i]) + rest)
            )
            moved = after - x[i]
            x[i] = after
            for j in range(n):
                pull[j] += correlations[i, j] * moved
        variance = off = 0.0
        for i in range(n):
            variance += x[i] * pull[i]
        for i in range(n):
            off = max(off, abs(x[i] * pull[i] / variance - budgets[i]))
        if not variance > 0.0:
            return x, False
        if off < TOLERANCE:
            return x, True
    return x, False

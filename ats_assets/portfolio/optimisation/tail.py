"""The least conditional value at risk: the smallest mean loss over the worst sessions (Rockafellar and Uryasev, Journal of Risk 2, 2000), as a linear programme over the returns themselves."""

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.evaluation.worst_losses import mean_of_worst
from ats_assets.portfolio.optimisation.best_weights import DIGITS
from ats_assets.portfolio.optimisation.weight_ranges import LimitsConflictError, WeightRanges

Floats = NDArray[np.float64]


def least_tail_weights(returns: Floats, limits: WeightRanges, level: float = 0.95) -> Floats:
    """The weights whose conditional value at risk is least; of shape (n,).

    Parameters
    ----------
    returns
        ndarray of shape (n_sessions, n_symbols), finite.
    level
        0.95: the mean loss over the worst 5 % of sessions.

    Raises
    ------
    LimitsConflictError
        If no weights keep the limits.
    PortfolioError
        If no best weights were found.

    Examples
    --------
    >>> calm, wild = np.array([0.01, -0.01, 0.0, 0.01]), np.array([0.2, -0.3, 0.1, -0.1])
    >>> least_tail_weights(np.column_stack([calm, wild]), WeightRanges(lower=np.zeros(2), upper=np.full(2, 0.8)), 0.75).round(3).tolist()
    [0.8, 0.2]
    """
    from scipy import sparse  # noqa: PLC0415
    from scipy.optimize import linprog  # noqa: PLC0415

    sessions, n = returns.shape
    # variables: weights, the value at risk, and by how much each session's loss is above it
    losses = sparse.hstack([sparse.csr_matrix(-returns), np.full((sessions, 1), -1.0), -sparse.identity(sessions)])
    rows = [(row.coefficients, row.high) for row in limits.rows if row.high < np.inf]
    rows += [(-row.coefficients, -row.low) for row in limits.rows if row.low > -np.inf]
    further = [sparse.csr_matrix(np.concatenate([coefficients, np.zeros(1 + sessions)])) for coefficients, _ in rows]
    budget = np.concatenate([np.ones(n), np.zeros(1 + sessions)])[None, :]
    cost = np.concatenate([np.zeros(n), [1.0], np.full(sessions, 1.0 / ((1.0 - level) * sessions))])
    bounds = [*zip(limits.lower, limits.upper, strict=True), (None, None), *[(0.0, None)] * sessions]
    found = linprog(
        cost,
        A_ub=sparse.vstack([losses, *further], format="csr"),
        b_ub=np.concatenate([np.zeros(sessions), [bound for _, bound in rows]]),
        A_eq=budget,
        b_eq=[limits.budget],
        bounds=bounds,
        method="highs",
    )
    if found.status != 0:
        if conflict := limits.conflict():
            raise LimitsConflictError(conflict)
        raise PortfolioError(f"no weights of least tail risk were found: {found.message}")
    return np.round(np.clip(found.x[:n], limits.lower, limits.upper), DIGITS) + 0.0


def tail_risk(returns: Floats, weights: Floats, level: float = 0.95) -> float:
    """The conditional value at risk of a book, positive for a loss: the mean over the worst share of sessions, one of them in part.

    Examples
    --------
    >>> round(tail_risk(np.array([[0.01], [-0.02], [0.03], [-0.04]]), np.ones(1), 0.5), 4)
    0.03
    """
    return mean_of_worst(-(returns * weights).sum(axis=1), 1.0 - level)

"""The least conditional value at risk: the smallest mean loss over the worst sessions (Rockafellar and Uryasev, Journal of Risk 2, 2000), as a linear programme over the returns themselves."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.evaluation.worst_losses import mean_of_worst
from ats_assets.portfolio.optimisation.best_weights import DIGITS
from ats_assets.portfolio.optimisation.weight_ranges import LimitsConflictError, WeightRanges

Floats = NDArray[np.float64]


def least_tail_weights(
    returns: Floats, limits: WeightRanges, level: float = 0.95, *, held: Floats | None = None, costs: Floats | None = None
) -> Floats:
    """The weights whose conditional value at risk, and the costs of getting there, are least; of shape (n,).

    Parameters
    ----------
    returns
        ndarray of shape (n_sessions, n_symbols), finite.
    level
        0.95: the mean loss over the worst 5 % of sessions.
    held, costs
        As of `best_weights`: what trading costs is lost in each session alike, so it adds to the mean of the worst ones.

    Raises
    ------
    LimitsConflictError
        If no weights keep the limits.
    PortfolioError
        If no best weights were found.

    Examples
    --------
    >>> calm, wild = np.array([0.01, -0.01, 0.0, 0.01]), np.array([0.2, -0.3, 0.1, -0.1])
    >>> both, limits = np.column_stack([calm, wild]), WeightRanges(lower=np.zeros(2), upper=np.full(2, 0.8))
    >>> least_tail_weights(both, limits, 0.75).round(3).tolist()
    [0.8, 0.2]
    >>> least_tail_weights(both, limits, 0.75, held=np.array([0.6, 0.4]), costs=np.full(2, 0.2)).round(3).tolist()  # a loss of 0.29 less costs 0.4
    [0.6, 0.4]
    """
    from scipy import sparse  # noqa: PLC0415
    from scipy.optimize import linprog  # noqa: PLC0415

    sessions, n = returns.shape
    # variables: weights, the value at risk, by how much each session's loss is above it, and how much of each symbol is traded
    losses = sparse.hstack([sparse.csr_matrix(-returns), np.full((sessions, 1), -1.0), -sparse.identity(sessions)])
    within = [(row.coefficients[None, :], np.array([row.high])) for row in limits.rows if row.high < np.inf]
    within += [(-row.coefficients[None, :], np.array([-row.low])) for row in limits.rows if row.low > -np.inf]
    rows = [losses, *(_wide(coefficients, 1 + sessions) for coefficients, _ in within)]
    bounds = [np.zeros(sessions), *(most for _, most in within)]
    cost = np.concatenate([np.zeros(n), [1.0], np.full(sessions, 1.0 / ((1.0 - level) * sessions))])
    ranges = [*zip(limits.lower, limits.upper, strict=True), (None, None), *[(0.0, None)] * sessions]
    budget = np.ones((1, n))
    if held is not None and costs is not None:
        one = sparse.identity(n)
        rows = [_wide(part, n) for part in rows] + [sparse.hstack([_wide(sign * one, 1 + sessions), -one]) for sign in (1.0, -1.0)]
        bounds += [held, -held]
        cost, ranges = np.concatenate([cost, costs]), [*ranges, *[(0.0, None)] * n]
    found = linprog(
        cost,
        A_ub=sparse.vstack(rows, format="csr"),
        b_ub=np.concatenate(bounds),
        A_eq=_wide(budget, len(cost) - n),
        b_eq=[limits.budget],
        bounds=ranges,
        method="highs",
    )
    if found.status != 0:
        if conflict := limits.conflict():
            raise LimitsConflictError(conflict)
        raise PortfolioError(f"no weights of least tail risk were found: {found.message}")
    return np.round(np.clip(found.x[:n], limits.lower, limits.upper), DIGITS) + 0.0


def _wide(part: Any, more: int) -> Any:
    """Rows with so many columns of zeros at the end."""
    from scipy import sparse  # noqa: PLC0415

    return sparse.hstack([part, sparse.csr_matrix((part.shape[0], more))], format="csr")


def tail_risk(returns: Floats, weights: Floats, level: float = 0.95) -> float:
    """The conditional value at risk of a book, positive for a loss: the mean over the worst share of sessions, one of them in part.

    Examples
    --------
    >>> round(tail_risk(np.array([[0.01], [-0.02], [0.03], [-0.04]]), np.ones(1), 0.5), 4)
    0.03
    """
    return mean_of_worst(-(returns * weights).sum(axis=1), 1.0 - level)

"""The best weights by expected return, variance and the cost of trading, under named limits.

minimise  aversion / 2 w' S w - m' w + sum c |w - held|

Where only a sum and a range of each weight are fixed and trading is free, `quadratic` has the answer exactly and at once. Else it is a conic programme for Clarabel, an interior-point solver of
one thread, whose weights are rounded to ten digits.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.portfolio.optimisation.cholesky import factored, product
from ats_assets.portfolio.optimisation.quadratic import box_weights
from ats_assets.portfolio.optimisation.weight_ranges import LimitsConflictError, WeightRanges

Floats = NDArray[np.float64]
DIGITS: Final = 10
SOLVED: Final = ("Solved", "AlmostSolved")


def best_weights(
    matrix: Floats, gain: Floats, limits: WeightRanges, *, aversion: float = 1.0, held: Floats | None = None, costs: Floats | None = None
) -> Floats:
    """The weights of least cost.

    Parameters
    ----------
    matrix
        Covariance of shape (n, n), positive definite.
    gain
        Expected returns, of shape (n,), over the same time as the covariance.
    aversion
        What variance counts for against return; of the least variance any number.
    held
        Weights that trading begins with, as they have drifted since; of shape (n,).
    costs
        Of buying or selling, as a share of what is traded; of shape (n,).

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    LimitsConflictError
        If no weights keep the limits.
    PortfolioError
        If there are such weights, but no best ones were found; or the covariance is singular.

    Examples
    --------
    >>> limits = WeightRanges(lower=np.zeros(2), upper=np.ones(2))
    >>> best_weights(np.diag([0.04, 0.01]), np.zeros(2), limits).round(3).tolist()
    [0.2, 0.8]
    >>> held, costs = np.array([0.5, 0.5]), np.full(2, 0.002)
    >>> best_weights(np.diag([0.04, 0.01]), np.zeros(2), limits, held=held, costs=costs).round(3).tolist()  # part of the way
    [0.28, 0.72]
    """
    if not factored.compiled(np.array(matrix, np.float64)):  # else a book without any risk, by luck, is the best one
        raise PortfolioError("no best weights: the covariance is not positive definite; shrink it, or give more sessions")
    if costs is None and not limits.rows:
        if limits.lower.sum() > limits.budget + 1e-12 or limits.upper.sum() < limits.budget - 1e-12 or (limits.lower > limits.upper).any():
            raise LimitsConflictError(limits.conflict())
        return box_weights(aversion * matrix, gain, limits.lower, limits.upper, limits.budget, held)
    return _by_cones(aversion * matrix, gain, limits, held, costs)


def nearest_weights(
    matrix: Floats, wanted: Floats, limits: WeightRanges, *, aversion: float = 1.0, held: Floats | None = None, costs: Floats | None = None
) -> Floats:
    """Weights as they are wanted where these keep the limits, else those of the least tracking error to them; with costs only as far towards them as is worth these.

    Parameters
    ----------
    wanted
        Of shape (n,).
    matrix, aversion, held, costs
        As of `best_weights`; the aversion is to the variance of the tracking error.

    Raises
    ------
    LimitsConflictError, PortfolioError
        As `best_weights`.

    Examples
    --------
    >>> nearest_weights(np.eye(3), np.array([0.6, 0.2, 0.2]), WeightRanges(lower=np.zeros(3), upper=np.full(3, 0.5))).round(3).tolist()
    [0.5, 0.25, 0.25]
    >>> free, held = WeightRanges(lower=np.zeros(2), upper=np.ones(2)), np.array([0.5, 0.5])
    >>> nearest_weights(np.eye(2) * 0.04, np.array([0.9, 0.1]), free, held=held, costs=np.full(2, 0.01)).round(3).tolist()
    [0.65, 0.35]
    """
    if costs is None and limits.keeps(wanted, 1e-12):
        return wanted
    return best_weights(matrix, aversion * product(matrix, wanted), limits, aversion=aversion, held=held, costs=costs)


def _by_cones(matrix: Floats, gain: Floats, limits: WeightRanges, held: Floats | None, costs: Floats | None) -> Floats:
    """With a second variable for each weight where trading costs: how much of it is traded, at least."""
    import clarabel  # noqa: PLC0415
    from scipy import sparse  # noqa: PLC0415

    solver: Any = clarabel  # a module of Rust, which tells no types
    n = len(gain)
    held = np.zeros(n) if held is None else held
    one, no = sparse.identity(n, format="csc"), sparse.csc_matrix((n, n))
    rows, right = [np.ones((1, n))], [np.array([limits.budget])]
    within = [(one, limits.upper), (-one, -limits.lower)]
    for row in limits.rows:
        within += [(row.coefficients[None, :], np.array([row.high]))] if row.high < np.inf else []
        within += [(-row.coefficients[None, :], np.array([-row.low]))] if row.low > -np.inf else []
    rows += [part for part, _ in within]
    right += [bound for _, bound in within]
    cost, quadratic = -gain, sparse.triu(sparse.csc_matrix(matrix), format="csc")
    if costs is not None:
        rows = [sparse.hstack([part, sparse.csc_matrix((part.shape[0], n))]) for part in rows]
        rows += [sparse.hstack([one, -one]), sparse.hstack([-one, -one])]
        right += [held, -held]
        cost, quadratic = np.concatenate([cost, costs]), sparse.block_diag([quadratic, no], format="csc")
    table, bounds = sparse.vstack(rows, format="csc"), np.concatenate(right)
    settings = solver.DefaultSettings()
    settings.verbose, settings.tol_gap_abs, settings.tol_gap_rel, settings.tol_feas = False, 1e-11, 1e-11, 1e-11
    settings.max_threads = 1
    scale = max(float(np.abs(matrix).max()), float(np.abs(cost).max()))  # numbers near 1, whatever a return a session is
    cones = [solver.ZeroConeT(1), solver.NonnegativeConeT(len(bounds) - 1)]
    found = solver.DefaultSolver(quadratic / scale, cost / scale, table, bounds, cones, settings).solve()
    weights: Floats = np.round(np.clip(np.array(found.x[:n], np.float64), limits.lower, limits.upper), DIGITS) + 0.0
    if str(found.status) not in SOLVED or not limits.keeps(weights, 1e-6):
        if conflict := limits.conflict():
            raise LimitsConflictError(conflict)
        raise PortfolioError(f"no best weights were found: Clarabel says {found.status}")
    return weights

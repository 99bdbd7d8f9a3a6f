"""The weights of least cost where only their sum and a range of each are fixed: minimise w' Q w / 2 - p' w.

1. Pairs: weight goes from the symbol whose marginal cost is highest to the one where it pays most, as far as helps; the pair is the one that lowers the cost most (Fan, Chen and Lin, Journal
   of Machine Learning Research 6, 2005). That comes near the answer in few and cheap steps.
2. Active set: the weights between their limits solve a linear system, by Cholesky's method, with the others at their limits; one that would leave its range is fixed at it, one that would
   gain by leaving its limit is set free, until none is left (Nocedal and Wright, Numerical Optimization, 2nd edition, chapter 16.5). The end is exact up to rounding.

All is single numbers in one order, so the same input gives the same bits on any number of threads.
"""

# ruff: noqa: C901, PLR0912, PLR0917 - kernels take arrays by position and choose by plain branches

from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.kernels.kernel import kernel
from ats_assets.portfolio.optimisation.cholesky import factored, substituted

Floats = NDArray[np.float64]
Codes = NDArray[np.int8]
AT_LOWER, FREE, AT_UPPER = -1, 0, 1
TOLERANCE: Final = 1e-10
"""Of a marginal cost, as a share of the largest curvature: what a weight at its limit could still gain."""


def box_weights(matrix: Floats, gain: Floats, lower: Floats, upper: Floats, budget: float = 1.0, start: Floats | None = None) -> Floats:
    """The best weights.

    Parameters
    ----------
    matrix
        Q, of shape (n, n), symmetric and positive definite, such as a covariance times the aversion to risk.
    gain
        p, of shape (n,), such as expected returns; zeros for the least variance.
    lower, upper
        Of shape (n,): the range of each weight.
    budget
        What they add up to.
    start
        Weights to begin with, such as those of the session before; they change the time that it takes, not the answer.

    Returns
    -------
    ndarray of shape (n,)

    Raises
    ------
    PortfolioError
        If no weights can be within their ranges and add up to the budget, or the matrix is not positive definite.

    Examples
    --------
    >>> box_weights(np.diag([0.04, 0.01]), np.zeros(2), np.zeros(2), np.full(2, 0.7)).round(3).tolist()
    [0.3, 0.7]
    """
    matrix, gain = np.ascontiguousarray(matrix, np.float64), np.ascontiguousarray(gain, np.float64)
    lower, upper = np.ascontiguousarray(lower, np.float64), np.ascontiguousarray(upper, np.float64)
    if not (np.isfinite(matrix).all() and np.isfinite(gain + lower + upper).all() and (matrix.diagonal() > 0.0).all()):
        raise PortfolioError("weights need a finite covariance with positive variances, finite expected returns and finite limits")
    if (lower > upper).any() or not lower.sum() - 1e-12 <= budget <= upper.sum() + 1e-12:
        raise PortfolioError(
            f"no weights add up to {budget:g}: their ranges add up to {lower.sum():g} at least and {upper.sum():g} at most"
        )
    given = _feasible(np.zeros(len(gain)) if start is None else np.asarray(start, np.float64), lower, upper, budget)
    weights, found = _solved.compiled(matrix, gain, lower, upper, given)
    if not found:
        raise PortfolioError("no least weights were found: the covariance is not positive definite; shrink it, or give more sessions")
    return weights


def _feasible(start: Floats, lower: Floats, upper: Floats, budget: float) -> Floats:
    """The weights nearest to a start that are within their ranges and add up to the budget."""
    low, high = float((lower - start).min()), float((upper - start).max())
    for _ in range(200):
        middle = 0.5 * (low + high)
        if np.clip(start + middle, lower, upper).sum() < budget:
            low = middle
        else:
            high = middle
    found = np.clip(start + high, lower, upper)
    rest = budget - found.sum()  # rounding, which goes where there is room for it
    room = upper - found if rest > 0.0 else lower - found
    place = int(np.argmax(np.abs(room)))
    found[place] = min(max(found[place] + rest, lower[place]), upper[place])
    return found


@kernel
def _solved(matrix: Floats, gain: Floats, lower: Floats, upper: Floats, weights: Floats) -> tuple[Floats, bool]:
    n = len(weights)
    scale = 0.0
    for i in range(n):
        scale = max(scale, matrix[i, i])
    cost = -gain
    for i in range(n):
        if weights[i] != 0.0:
            for j in range(n):
                cost[j] += matrix[i, j] * weights[i]
    _by_pairs(matrix, lower, upper, weights, cost, 1e-6 * scale, 40 * n)
    side = np.zeros(n, np.int8)
    for i in range(n):
        if weights[i] <= lower[i]:
            side[i] = AT_LOWER
        elif weights[i] >= upper[i]:
            side[i] = AT_UPPER
    for _ in range(20 * n + 100):
        free = np.flatnonzero(side == FREE)
        price, sound = _move(matrix, gain, lower, upper, weights, side, free)
        if not sound:
            return weights, False
        if price == np.inf:  # a limit was met on the way
            continue
        cost = -gain
        for i in range(n):
            if weights[i] != 0.0:
                for j in range(n):
                    cost[j] += matrix[i, j] * weights[i]
        if not _set_free(cost, lower, upper, side, price, TOLERANCE * scale):
            return weights, True
    return weights, False


@kernel
def _by_pairs(matrix: Floats, lower: Floats, upper: Floats, weights: Floats, cost: Floats, least: float, steps: int) -> None:
    """Move weight between pairs until no pair gains more than `least` a unit."""
    n = len(weights)
    for _ in range(steps):
        into = -1
        for i in range(n):
            if weights[i] < upper[i] and (into < 0 or cost[i] < cost[into]):
                into = i
        if into < 0:
            return
        out, most = -1, 0.0
        for j in range(n):
            gained = cost[j] - cost[into]
            if weights[j] > lower[j] and gained > least:
                bend = max(matrix[into, into] + matrix[j, j] - 2.0 * matrix[into, j], 1e-300)
                if gained * gained / bend > most:
                    out, most = j, gained * gained / bend
        if out < 0:
            return
        bend = max(matrix[into, into] + matrix[out, out] - 2.0 * matrix[into, out], 1e-300)
        step = (cost[out] - cost[into]) / bend
        if step >= upper[into] - weights[into] or step >= weights[out] - lower[out]:
            if upper[into] - weights[into] <= weights[out] - lower[out]:
                step = upper[into] - weights[into]
                weights[into], weights[out] = upper[into], weights[out] - step
            else:
                step = weights[out] - lower[out]
                weights[into], weights[out] = weights[into] + step, lower[out]
        else:
            weights[into] += step
            weights[out] -= step
        for k in range(n):
            cost[k] += step * (matrix[into, k] - matrix[out, k])


@kernel
def _move(
    matrix: Floats, gain: Floats, lower: Floats, upper: Floats, weights: Floats, side: Codes, free: NDArray[np.int64]
) -> tuple[float, bool]:
    """Take the free weights to the best point with the others where they are, or as far as their ranges allow.

    Returns the marginal cost that all free weights then have, infinite where one met its limit, NaN where none is free.
    """
    m, n = len(free), len(weights)
    if m == 0:
        return np.nan, True
    system, right, ones = np.empty((m, m)), np.empty(m), np.ones(m)
    held, budget = np.zeros(n), 0.0
    for i in range(n):
        if side[i] != FREE:
            held[i] = weights[i]
    for a in range(m):
        i = free[a]
        budget += weights[i]
        pull = gain[i]
        for j in range(n):
            if held[j] != 0.0:
                pull -= matrix[i, j] * held[j]
        right[a] = pull
        for b in range(m):
            system[a, b] = matrix[i, free[b]]
    if not factored(system):
        return np.nan, False
    substituted(system, right)
    substituted(system, ones)
    of_right = of_ones = 0.0
    for a in range(m):
        of_right += right[a]
        of_ones += ones[a]
    price = float((budget - of_right) / of_ones)
    share, first = 1.0, -1
    for a in range(m):
        i = free[a]
        move = right[a] + price * ones[a] - weights[i]
        room = upper[i] - weights[i] if move > 0.0 else lower[i] - weights[i]
        if abs(move) > abs(room) and abs(room) < share * abs(move):
            share, first = abs(room) / abs(move), a
    for a in range(m):
        i = free[a]
        weights[i] += share * (right[a] + price * ones[a] - weights[i])
        weights[i] = min(max(weights[i], lower[i]), upper[i])
    if first < 0:
        return price, True
    i = free[first]
    at_upper = abs(weights[i] - upper[i]) <= abs(weights[i] - lower[i])
    side[i] = AT_UPPER if at_upper else AT_LOWER
    weights[i] = upper[i] if at_upper else lower[i]
    return np.inf, True


@kernel
def _set_free(cost: Floats, lower: Floats, upper: Floats, side: Codes, price: float, least: float) -> bool:
    """Free the weight at its limit that gains most by leaving it, or where none is free the pair; whether there is one."""
    n = len(cost)
    if np.isnan(price):
        into = out = -1
        for i in range(n):
            if lower[i] < upper[i]:
                if side[i] == AT_LOWER and (into < 0 or cost[i] < cost[into]):
                    into = i
                if side[i] == AT_UPPER and (out < 0 or cost[i] > cost[out]):
                    out = i
        if into < 0 or out < 0 or cost[out] - cost[into] <= least:
            return False
        side[into] = side[out] = FREE
        return True
    chosen, most = -1, least
    for i in range(n):
        if side[i] != FREE and lower[i] < upper[i]:
            gained = price - cost[i] if side[i] == AT_LOWER else cost[i] - price
            if gained > most:
                chosen, most = i, gained
    if chosen < 0:
        return False
    side[chosen] = FREE
    return True

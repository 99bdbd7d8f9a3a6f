"""What the positions that scores stand for would have earned after costs: an objective to learn by, and a figure to stop by.

A score is no forecast here but a wish. It is turned into a position, a share of the largest one that is held of a symbol (a strategy's, or the label's `notional`):

    position  =  tanh(score)                                   in (-1, 1), 0 where the model has no opinion
    profit    =  position * return  -  cost * |position|  -  impact * position^2

in shares of the largest position: times its dollars they are dollars, whatever the account. `return` is by default that over the mean of the session, which is what a position
earns that is hedged with all symbols of the session in equal parts, so that a model can't earn by being long when markets rise. `cost` is what opening and closing takes of each dollar
(spread and fees of both trades), `impact` what the last dollar of a full position costs beyond that: trading more moves the price, which is the strategy's capacity. With both, the best
position of an expected return e is 0 up to |e| = cost, then grows by (|e| - cost) / (2 impact): small edges are not traded, and larger ones not without limit.

|position| has no curvature to learn by at 0; the objective takes sqrt(position^2 + s^2) - s with s = `SMOOTHING` for it, the figure takes it as it is.

Trees take steps by gradient and hessian. The loss (-profit) is not convex in the score, since tanh flattens; the hessian given is a bound of its curvature instead,

    h  =  (cost * s^2 / (position^2 + s^2)^(3/2) + 2 impact) * (1 - position^2)^2  +  |return - ...| * 4 / (3 sqrt 3)

which is never below it, never 0, and bounds the step: with no costs at all a leaf's step is sum(returns) / (0.77 sum |returns|), at most 1.3.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

SMOOTHING: Final = 0.05
"""Of |position|: a twentieth of a full position costs 41 % of what it would, a full one 95 %."""

STEEPEST: Final = 4 / (3 * np.sqrt(3))
"""The largest curvature of tanh."""

LEAST_CURVATURE: Final = 1e-3
"""Of a row, in the unit of the gradients: where nothing is earned and nothing is paid."""

Values = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ProfitTerms:
    """What positions cost, in shares of their value.

    Parameters
    ----------
    cost
        Of opening and closing, for each dollar.
    impact
        Of a full position, beyond that.
    """

    cost: float
    impact: float


def score_positions(scores: Values) -> Values:
    """The share of a full position that a score asks for, in (-1, 1).

    Examples
    --------
    >>> score_positions(np.array([0.0, 0.5, -9.0])).round(3).tolist()
    [0.0, 0.462, -1.0]
    """
    return np.tanh(scores)


def profit(position: Values, returns: Values, terms: ProfitTerms, *, smoothing: float = SMOOTHING) -> Values:
    """What positions earn after costs, in shares of a full one.

    Parameters
    ----------
    position, returns
        float64 of shape (n_rows,).
    smoothing
        0 for |position| itself.

    Examples
    --------
    >>> terms = ProfitTerms(cost=0.0006, impact=0.001)
    >>> profit(np.array([0.5, -1.0]), np.array([0.02, 0.02]), terms, smoothing=0.0).round(6).tolist()
    [0.00945, -0.0216]
    """
    size = np.sqrt(position**2 + smoothing**2) - smoothing
    return position * returns - terms.cost * size - terms.impact * position**2


def marginal_profit(position: Values, returns: Values, terms: ProfitTerms) -> Values:
    """The derivative of the profit by the position: what a little more of it would earn."""
    return returns - terms.cost * position / np.sqrt(position**2 + SMOOTHING**2) - 2 * terms.impact * position


def profit_gradient(scores: Values, returns: Values, terms: ProfitTerms) -> Values:
    """The derivative of the profit by the score."""
    position = score_positions(scores)
    return marginal_profit(position, returns, terms) * (1 - position**2)


def profit_curvature(scores: Values, returns: Values, terms: ProfitTerms) -> Values:
    """The second derivative of the profit by the score; of either sign."""
    position = score_positions(scores)
    bend = 2 * position * (1 - position**2) * marginal_profit(position, returns, terms)
    return -_concavity(position, terms) - bend


def loss_hessian(scores: Values, returns: Values, terms: ProfitTerms) -> Values:
    """A bound of the curvature of the loss, which is minus the profit: never below that, and never below 0."""
    position = score_positions(scores)
    return _concavity(position, terms) + STEEPEST * np.abs(marginal_profit(position, returns, terms))


def loss_steps(scores: Values, returns: Values, terms: ProfitTerms, unit: float) -> tuple[Values, Values]:
    """Gradient and hessian of the loss in a unit of money, so that a row's hessian is about 1, as that of a squared error is.

    Parameters
    ----------
    unit
        From `profit_unit`, of the rows that are learnt from.

    Returns
    -------
    gradient, hessian
        float64 of shape (n_rows,); the hessian is positive.
    """
    return -profit_gradient(scores, returns, terms) / unit, np.maximum(loss_hessian(scores, returns, terms) / unit, LEAST_CURVATURE)


def profit_unit(returns: Values) -> float:
    """The mean size of returns; 1 where all are 0."""
    return float(np.abs(returns).mean()) or 1.0


def hedged_returns(returns: Values, sizes: NDArray[np.int64]) -> Values:
    """Returns over the mean of their session.

    Examples
    --------
    >>> hedged_returns(np.array([0.25, 0.75, -0.5]), np.array([2, 1])).tolist()
    [-0.25, 0.25, 0.0]
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return returns - np.repeat(np.add.reduceat(returns, starts) / sizes, sizes)


def session_profit(scores: Values, returns: Values, sizes: NDArray[np.int64], terms: ProfitTerms) -> float:
    """The figure that fits stop by: what a full position earns after costs, the mean of the rows of a session and then of the sessions, in basis points.

    Examples
    --------
    >>> free = ProfitTerms(cost=0.0, impact=0.0)
    >>> round(session_profit(np.array([9.0, -9.0, 0.0]), np.array([0.01, -0.01, 0.05]), np.array([2, 1]), free), 3)
    50.0
    """
    earned = profit(score_positions(scores), returns, terms, smoothing=0.0)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return float((np.add.reduceat(earned, starts) / sizes).mean()) * 1e4


def _concavity(position: Values, terms: ProfitTerms) -> Values:
    """By how much the profit bends down because of what is paid, by the score."""
    kink = terms.cost * SMOOTHING**2 / (position**2 + SMOOTHING**2) ** 1.5
    return (kink + 2 * terms.impact) * (1 - position**2) ** 2

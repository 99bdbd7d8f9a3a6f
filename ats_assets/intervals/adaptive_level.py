"""Conformal intervals whose level adapts: adaptive conformal inference (Gibbs and Candès, NeurIPS 2021).

- Rank: of n past scores, the ceil((n + 1)(1 - alpha))-th smallest is not exceeded by the next one with probability 1 - alpha or more, if all n + 1 are exchangeable, whatever
  their distribution. Beyond the n-th only an unbounded interval will do.
- Markets are not exchangeable, so alpha adapts: after a session of which the share `error` lay outside, alpha moves by step * (target - error).

Whatever the data do, be it chosen by an adversary, of T judged sessions

    | mean error - target | <= (max(target, 1 - target) + delay * step) / (step * T)

where an error moves alpha `delay` sessions after its interval was made; 1, as in the paper, if it is known before the next. For alpha can't leave [-delay * step, 1 + delay * step]:
at 0 or below every return is inside, at 1 or above every one outside.
"""

from collections.abc import Callable, Sequence
from math import floor, inf

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-9
"""Of (n + 1) alpha: a level of 0.9 is no binary number, and 20 * (1 - 0.9) must be 2 and not a hair less."""


def conformal_radius(scores: NDArray[np.float64], alpha: float) -> float:
    """The score that the next one does not exceed with probability 1 - alpha.

    Parameters
    ----------
    scores
        Past scores of shape (n,), in any order: one of them is picked out, which takes a fifth of what sorting does.
    alpha
        Share that may exceed it; any number.

    Returns
    -------
    float
        Infinite where the rank is beyond n, minus infinity where none is allowed (alpha of 1 or more).

    Examples
    --------
    >>> conformal_radius(np.arange(1.0, 20.0), 0.1), conformal_radius(np.arange(1.0, 19.0), 0.1)
    (18.0, 18.0)
    >>> conformal_radius(np.arange(1.0, 9.0), 0.1), conformal_radius(np.arange(1.0, 9.0), 1.0)
    (inf, -inf)
    """
    n = len(scores)
    rank = n + 1 - floor((n + 1) * alpha + ROUNDING)
    if alpha >= 1.0 or rank < 1:
        return -inf
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= n else inf


def share_outside(scores: NDArray[np.float64], radius: float) -> float:
    """The share of scores above a radius; of shape (n,), at least one."""
    return 1.0 - int(np.count_nonzero(scores <= radius)) / len(scores)


def followed_alphas(
    judge: Callable[[int, float], float | None], known: Sequence[Sequence[int]], *, target: float, step: float
) -> NDArray[np.float64]:
    """The alpha of each of consecutive sessions, from `target` on.

    Parameters
    ----------
    judge
        The share of the returns of a session's intervals that lay outside, if they were made at an alpha: `judge(t, alpha)`; None where nothing can be judged.
    known
        For each session the earlier ones whose outcomes became known at it, each once; they move its own alpha already.
    target, step
        What errors are to be in the mean, and how far one moves alpha.

    Returns
    -------
    ndarray of shape (n_sessions,)

    Examples
    --------
    Nothing is ever outside, so that the intervals shrink:

    >>> followed_alphas(lambda t, alpha: 0.0, [[], [0], [1]], target=0.5, step=0.25).tolist()
    [0.5, 0.625, 0.75]
    """
    found, errors, alpha = np.empty(len(known)), [], target
    for t, before in enumerate(known):
        for earlier in before:
            error = errors[earlier]
            if error is not None:
                alpha += step * (target - error)
        found[t] = alpha
        errors.append(judge(t, alpha))
    return found

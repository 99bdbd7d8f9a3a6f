"""Effects of sessions, linked over time: returns compound and effects do not, so that their plain sum is not the return over the benchmark (Carino, Journal of Performance Measurement 3, 1999)."""

import numpy as np

from ats_assets.kernels.weight_limits import Floats

SAME = 1e-9
"""A difference of returns below which the logarithm's slope stands for its chord."""


def _logarithmic(own: Floats, other: Floats) -> Floats:
    """(ln(1 + own) - ln(1 + other)) / (own - other), and its limit where both are the same."""
    difference = own - other
    same = np.abs(difference) < SAME
    chord = (np.log1p(own) - np.log1p(other)) / np.where(same, 1.0, difference)
    return np.where(same, 1.0 / (1.0 + (own + other) / 2.0), chord)


def linked(effects: Floats, own: Floats, other: Floats) -> Floats:
    """The effects of all sessions together, of shape (n_effects,): if those of each session sum to `own - other`, these sum to the difference of the compounded returns.

    Parameters
    ----------
    effects
        float64 of shape (n_sessions, n_effects).
    own, other
        Returns of shape (n_sessions,), above -1.

    Examples
    --------
    Ten percent twice beside five percent twice: 0.21 - 0.1025, whatever the order.

    >>> linked(np.array([[0.05], [0.05]]), np.array([0.1, 0.1]), np.array([0.05, 0.05])).round(10).tolist()
    [0.1075]
    """
    if not len(effects):
        return np.zeros(effects.shape[1])
    whole = _logarithmic(np.prod(1.0 + own, keepdims=True) - 1.0, np.prod(1.0 + other, keepdims=True) - 1.0)
    return (_logarithmic(own, other)[:, None] * effects).sum(axis=0) / whole

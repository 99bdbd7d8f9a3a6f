"""The mean of the worst: what rules, portfolios and tests mean by a conditional value at risk."""

import numpy as np
from numpy.typing import NDArray


def mean_of_worst(losses: NDArray[np.float64], share: float) -> float:
    """The mean of the largest losses of shape (n,): of the worst `share` of them, one of them in part.

    Examples
    --------
    >>> round(mean_of_worst(np.array([0.04, -0.01, 0.02, -0.03]), 0.5), 4), round(mean_of_worst(np.array([0.04, 0.01]), 0.75), 4)
    (0.03, 0.03)
    """
    many = share * len(losses)
    counted = np.clip(many - np.arange(len(losses)), 0.0, 1.0)
    return float((np.sort(losses)[::-1] * counted).sum() / many)

"""What a portfolio method must be able to do: from the scores of one session to the shape of a book.

`target_weights` scales the shape to `portfolio.max_gross` and applies the limits. A method is not told the symbols, so equal scores get equal weights (decision 23).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

Floats = NDArray[np.float64]


class Method(Protocol):
    """One way from scores to weights, with its settings."""

    settings: BaseModel

    def weights(self, scores: Floats) -> Floats:
        """The shape of the book.

        Parameters
        ----------
        scores
            ndarray of shape (n_symbols,), of one session, ascending, those that are not finite last; higher is better.

        Returns
        -------
        ndarray of shape (n_symbols,)
            Negative for short; the absolute values sum to 1, or to less where no more weight can be given. A score that is not finite gets no weight and does not count.
        """
        ...


def places(scores: Floats, k: int) -> Floats:
    """The share of a place that each score gets of k places, which go to the best: 1, 0, or less than 1 where equal scores share what is left.

    Examples
    --------
    >>> places(np.array([1.0, 2.0, 2.0, 3.0]), 2).tolist()
    [0.0, 0.5, 0.5, 1.0]
    """
    finite = np.isfinite(scores)
    ordered = np.sort(scores[finite])
    below, upto = (np.searchsorted(ordered, scores[finite], side=side) for side in ("left", "right"))
    equal = upto - below
    shares = np.zeros(len(scores))
    shares[finite] = np.clip(k - (len(ordered) - upto), 0, equal) / equal
    return shares

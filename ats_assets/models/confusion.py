"""How often a score meant the class that it was, where the label is one of few classes, such as the −1, 0 and 1 of the triple barrier."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLASSES = frozenset({-1.0, 0.0, 1.0})
"""What the labels of a class can be."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """Counts of rows.

    Attributes
    ----------
    classes
        Ascending.
    counts
        For each true class the rows by predicted class.
    """

    classes: tuple[int, ...]
    counts: tuple[tuple[int, ...], ...]

    @property
    def accuracy(self) -> float:
        """The share of the rows whose class was predicted."""
        return sum(row[i] for i, row in enumerate(self.counts)) / max(1, sum(map(sum, self.counts)))

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"classes": [*self.classes], "true_by_predicted": [[*row] for row in self.counts], "accuracy": self.accuracy}


def class_confusion(labels: NDArray[np.float64], scores: NDArray[np.float64]) -> Confusion | None:
    """The confusion matrix of scores that say no class: each class is predicted as often as it occurs, the lowest scores being those of the lowest class.

    Of equal scores the earlier rows are the lower ones.

    Parameters
    ----------
    labels, scores
        ndarrays of shape (n_rows,).

    Returns
    -------
    Confusion or None
        None where the labels are no classes, or only one of them occurs.

    Examples
    --------
    >>> found = class_confusion(np.array([-1.0, 1.0, 1.0, -1.0]), np.array([0.1, 0.4, 0.2, 0.3]))
    >>> found.classes, found.counts, found.accuracy
    ((-1, 1), ((1, 1), (1, 1)), 0.5)
    """
    classes, true, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2 or not CLASSES.issuperset(classes.tolist()):
        return None
    predicted = np.empty(len(labels), np.int64)
    predicted[np.argsort(scores, kind="stable")] = np.repeat(np.arange(len(classes)), sizes)
    counts = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return Confusion(classes=tuple(int(one) for one in classes), counts=tuple(tuple(row) for row in counts.tolist()))

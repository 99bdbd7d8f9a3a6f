"""Sequences in which some features are another row's: what a model of sequences would say if a feature told nothing of its own row, past sessions included.

The whole history of a feature goes from row to row together. Dealing out the values of the decision's session alone would leave the model the sessions before it, which say nearly
the same, and a feature would look worthless that is not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.models.sequences import Sequences

PART_ROWS = 2_048
"""Rows whose sequences are in memory at once: 26 MB of 20 sessions of 158 features."""


@dataclass(frozen=True, kw_only=True)
class DealtSequences:
    """The sequences of some rows; those of `columns` are of the rows that `order` names.

    Examples
    --------
    >>> table = np.array([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], dtype=np.float32)
    >>> own = Sequences(table=table, places=np.array([[0, 1], [1, 2]], dtype=np.int32))
    >>> (part,) = DealtSequences(sequences=own, columns=(1,), order=np.array([1, 0])).parts()
    >>> part.rows().tolist()
    [[[1.0, 20.0], [2.0, 30.0]], [[2.0, 10.0], [3.0, 20.0]]]
    """

    sequences: Sequences
    columns: Sequence[int]
    order: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.sequences)

    def parts(self, size: int = PART_ROWS) -> Iterator[Sequences]:
        """The rows as they are, `size` at a time, in order."""
        columns = list(self.columns)
        for first in range(0, len(self), size):
            rows = self.sequences[first : first + size].rows()
            rows[:, :, columns] = self.sequences[self.order[first : first + size]].rows()[:, :, columns]
            n_rows, length, n_features = rows.shape
            yield Sequences(
                table=rows.reshape(n_rows * length, n_features),
                places=np.arange(n_rows * length, dtype=np.int32).reshape(n_rows, length),
            )

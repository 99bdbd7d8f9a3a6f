"""The kernel that copies the rows of a block to their places in the result."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ats_assets.expressions.arrays import Values


@njit(cache=True, nogil=True)
def scatter(values: Values, places: NDArray[np.int64], column: NDArray[np.float32], targets: NDArray[np.int64]) -> None:
    """Set `column[targets] = values[places]`, in single precision."""
    for i in range(places.size):
        column[targets[i]] = np.float32(values[places[i]])

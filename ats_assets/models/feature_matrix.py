"""Features as what a model takes."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray


def feature_matrix(rows: pl.DataFrame, names: Sequence[str]) -> NDArray[np.float32]:
    """Features of rows as one array; an infinite value is missing, as in a window of an expression: some libraries refuse it, others take it for the largest there is.

    Parameters
    ----------
    rows
        A column for each feature; of other columns nothing is taken.
    names
        The features, in their order.

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        C order, NaN = missing.

    Examples
    --------
    >>> feature_matrix(pl.DataFrame({"symbol": ["A", "B"], "per_share": [2.5, float("inf")]}), ["per_share"]).tolist()
    [[2.5], [nan]]
    """
    if not names:
        return np.empty((rows.height, 0), np.float32)
    x = rows.select(pl.col(names).cast(pl.Float32)).to_numpy(order="c")
    infinite = np.isinf(x)
    return np.where(infinite, np.float32(np.nan), x) if infinite.any() else x

"""Whole histories out of combinatorial splits.

Of C(n, k) splits of n blocks, each block is tested in C(n - 1, k - 1): so many histories, "paths", can be put together, in each of which every block was predicted by a model that
had not seen it (López de Prado, Advances in Financial Machine Learning, 2018, section 12.4.1). The i-th split that tests a block gives that block to path i.
"""

from collections.abc import Sequence
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.splits import Split


def number_of_paths(n_blocks: int, n_test_blocks: int) -> int:
    """How many paths there are: C(n_blocks - 1, n_test_blocks - 1).

    Examples
    --------
    >>> [number_of_paths(*blocks) for blocks in ((6, 2), (10, 2), (10, 8))]
    [5, 9, 36]
    """
    return comb(n_blocks - 1, n_test_blocks - 1)


def splits_of_paths(n_blocks: int, n_test_blocks: int) -> NDArray[np.int64]:
    """Which split each path takes each block from, of shape (n_paths, n_blocks).

    Examples
    --------
    >>> splits_of_paths(4, 2)  # the six splits are 01, 02, 03, 12, 13, 23
    array([[0, 0, 1, 2],
           [1, 3, 3, 4],
           [2, 4, 5, 5]])
    """
    chosen = list(combinations(range(n_blocks), n_test_blocks))
    return np.array([[number for number, blocks in enumerate(chosen) if block in blocks] for block in range(n_blocks)], dtype=np.int64).T


def reconstruct_paths(splits: Sequence[Split], predictions: Sequence[NDArray[np.float64]], n_rows: int) -> NDArray[np.float64]:
    """What was predicted along each path, for all rows.

    Parameters
    ----------
    splits
        All splits of `combinatorial_purged`, in its order.
    predictions
        One ndarray for each split, of shape (len(split.test),): a figure for each of its test rows. NaN where a split could not be fitted.
    n_rows
        Rows of the panel.

    Returns
    -------
    ndarray of shape (n_paths, n_rows)

    Raises
    ------
    EvaluationError
        If splits are missing, or a split has other test rows than predictions.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.evaluation import combinatorial_purged
    >>> splits = list(combinatorial_purged(np.arange(4), np.arange(4) + 1, 4, 2))
    >>> reconstruct_paths(splits, [np.full(2, float(number)) for number in range(6)], 4)
    array([[0., 0., 1., 2.],
           [1., 3., 3., 4.],
           [2., 4., 5., 5.]])
    """
    if not splits or len(splits) != len(predictions):
        raise EvaluationError(f"{len(predictions)} arrays of predictions don't belong to {len(splits)} splits: give one for each")
    n_blocks = 1 + max(split.blocks[-1] for split in splits)
    if len(splits) != comb(n_blocks, len(splits[0].blocks)):
        raise EvaluationError(
            f"{len(splits)} splits are not all of {n_blocks} blocks, {len(splits[0].blocks)} at a time: give all that were made"
        )
    paths = np.full((number_of_paths(n_blocks, len(splits[0].blocks)), n_rows), np.nan)
    times_tested = np.zeros(n_rows, dtype=np.int64)
    for number, (split, predicted) in enumerate(zip(splits, predictions, strict=True)):
        if predicted.shape != split.test.shape:
            raise EvaluationError(f"split {number} tests {len(split.test)} rows, and there are {len(predicted)} predictions for it")
        paths[times_tested[split.test], split.test] = predicted
        times_tested[split.test] += 1
    return paths

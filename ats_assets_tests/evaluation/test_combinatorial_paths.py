import numpy as np
import purgedcv
import pytest

from ats_assets.errors import EvaluationError
from ats_assets.evaluation import combinatorial_purged, number_of_paths, reconstruct_paths
from ats_assets.evaluation.combinatorial_paths import splits_of_paths


@pytest.mark.parametrize(
    ("n_blocks", "n_test_blocks", "n_splits", "n_paths"), [(6, 2, 15, 5), (10, 2, 45, 9), (10, 8, 45, 36), (16, 8, 12_870, 6435)]
)
def test_there_are_as_many_splits_and_paths_as_published(n_blocks: int, n_test_blocks: int, n_splits: int, n_paths: int) -> None:
    """López de Prado 2018, section 12.4: phi[N, k] = k / N C(N, k)."""
    decided = np.arange(32)
    assert sum(1 for _ in combinatorial_purged(decided, decided + 1, n_blocks, n_test_blocks)) == n_splits
    assert number_of_paths(n_blocks, n_test_blocks) == n_paths


@pytest.mark.parametrize(("n_blocks", "n_test_blocks"), [(4, 2), (6, 2), (7, 4), (5, 1)])
def test_paths_are_those_of_purgedcv_and_each_row_is_predicted_once_in_each(n_blocks: int, n_test_blocks: int) -> None:
    decided = np.arange(47)
    splits = list(combinatorial_purged(decided, decided + 3, n_blocks, n_test_blocks))
    predicted = [number * 1000.0 + split.test for number, split in enumerate(splits)]
    paths = reconstruct_paths(splits, predicted, 47)
    assert (paths == purgedcv.reconstruct_paths(predicted, [split.test for split in splits], n_blocks, n_test_blocks, 47)).all()
    assert (paths % 1000 == decided).all()
    block_of = np.array(
        [
            next(split.blocks[0] for split in purged if row in split.test)
            for purged in [list(combinatorial_purged(decided, decided, n_blocks, 1))]
            for row in range(47)
        ]
    )
    assert (paths // 1000 == splits_of_paths(n_blocks, n_test_blocks)[:, block_of]).all()


def test_predictions_that_do_not_belong_to_the_splits_are_refused() -> None:
    decided = np.arange(12)
    splits = list(combinatorial_purged(decided, decided + 1, 4, 2))
    predicted = [np.zeros(len(split.test)) for split in splits]
    with pytest.raises(EvaluationError, match="5 arrays of predictions don't belong to 6 splits"):
        reconstruct_paths(splits, predicted[:-1], 12)
    with pytest.raises(EvaluationError, match="5 splits are not all of 4 blocks"):
        reconstruct_paths(splits[:-1], predicted[:-1], 12)
    with pytest.raises(EvaluationError, match="split 5 tests 6 rows, and there are 2 predictions"):
        reconstruct_paths(splits, [*predicted[:-1], np.zeros(2)], 12)

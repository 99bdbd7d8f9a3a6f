import numpy as np
import pytest

from ats_assets.evaluation.many_looks import expected_largest_t, t_of_chance


@pytest.mark.parametrize("n", [1, 7, 158])
def test_the_largest_of_many_is_that_of_simulated_ones(n: int) -> None:
    largest = np.abs(np.random.default_rng(n).standard_normal((20_000, n))).max(axis=1)
    assert expected_largest_t(n) == pytest.approx(largest.mean(), abs=0.02)
    assert (largest > t_of_chance(n)).mean() == pytest.approx(0.05, abs=0.006)

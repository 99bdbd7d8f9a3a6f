import numpy as np
import pytest
import scipy.stats as st

from ats_assets.evaluation.factor_resemblance import closest, evenly_spaced, standardised_ranks


def test_the_nearest_feature_is_that_of_the_largest_mean_rank_correlation() -> None:
    random = np.random.default_rng(1)
    one, noise = random.normal(size=(20, 30)), random.normal(size=(20, 30))
    opposite = -one + 0.5 * random.normal(size=one.shape)
    own = standardised_ranks({("mine", "one"): one, ("mine", "flat"): np.ones((20, 30))})
    others = standardised_ranks({("theirs", "noise"): noise, ("theirs", "opposite"): opposite, ("mine", "one"): one})
    nearest, nothing = closest(own, others)
    assert nearest is not None
    assert (nearest.family, nearest.feature) == ("theirs", "opposite")  # not itself
    expected = np.mean([st.spearmanr(a, b).statistic for a, b in zip(one, opposite, strict=True)])
    assert nearest.rank_correlation == pytest.approx(expected, abs=1e-6)
    assert nothing is None  # a feature that never varies resembles none
    assert closest(own, standardised_ranks({})) == [None, None]


@pytest.mark.parametrize("n", [1, 5, 126, 127, 1_000])
def test_sessions_are_spread_over_all_and_end_with_the_last(n: int) -> None:
    found = evenly_spaced(n)
    assert len(found) == min(n, 126)
    assert found[-1] == n - 1
    steps = np.diff(found)
    assert steps.size == 0 or (steps.min() >= 1 and steps.max() - steps.min() <= 1)
    assert found[0] <= n / len(found)

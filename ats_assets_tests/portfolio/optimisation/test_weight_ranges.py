"""Which limits conflict is found against a search through all sets, and what is named is needed."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import PortfolioError
from ats_assets.portfolio.optimisation.best_weights import best_weights, nearest_weights
from ats_assets.portfolio.optimisation.weight_ranges import LimitsConflictError, WeightLimit, WeightRanges
from ats_assets_tests.rounds import rounds

COEFFICIENTS = st.lists(st.sampled_from([0.0, 1.0]), min_size=4, max_size=4).map(np.array)
ROWS = st.lists(st.tuples(COEFFICIENTS, st.sampled_from([0.0, 0.2, 0.5]), st.sampled_from([0.1, 0.4, 1.0])), max_size=3)


@given(st.sampled_from([0.1, 0.3, 1.0]), ROWS)
@settings(max_examples=rounds(20, 1_000), deadline=None)
def test_the_smallest_conflict_is_named(most: float, rows: list[tuple[np.ndarray, float, float]]) -> None:
    limits = WeightRanges(
        lower=np.zeros(4),
        upper=np.full(4, most),
        rows=[WeightLimit(name=f"row {i}", coefficients=row, low=low, high=high) for i, (row, low, high) in enumerate(rows)],
    )
    names, places = limits.names(), range(len(limits.names()))
    conflicts = [which for size in range(1, len(names) + 1) for which in combinations(places, size) if not limits.can_be_kept(which)]
    found = limits.conflict()
    assert bool(found) == bool(conflicts)
    if conflicts:
        assert len(found) == len(conflicts[0])
        assert tuple(names.index(name) for name in found) in conflicts
        with pytest.raises(LimitsConflictError, match="can't be kept together") as told:
            best_weights(np.eye(4), np.zeros(4), limits)
        assert list(told.value.names) == found
    else:
        assert limits.keeps(best_weights(np.eye(4), np.zeros(4), limits))


def test_many_limits_of_which_few_conflict_are_told_one_by_one() -> None:
    one = np.eye(60)
    loose = [WeightLimit(name=f"symbol {i} at most 0.9", coefficients=one[i], high=0.9) for i in range(50)]
    tight = [WeightLimit(name=f"symbol {i} at least 0.3", coefficients=one[i], low=0.3) for i in (51, 52, 53, 54)]
    found = WeightRanges(lower=np.zeros(60), upper=np.ones(60), rows=[*loose, *tight]).conflict()
    assert sorted(found) == sorted(["each of 60 weights at least 0", "weights add up to 1", *(row.name for row in tight)])


def test_costs_keep_what_is_held_where_it_does_not_pay_to_move() -> None:
    """Of two without correlation and equal variance the best are halves: the marginal gain of moving is s² (2 w - 1), which costs of c on both sides stop at 2 c."""
    held, free = np.array([0.9, 0.1]), WeightRanges(lower=np.zeros(2), upper=np.ones(2))
    for costs, expected in ((0.0, 0.5), (0.001, 0.55), (0.004, 0.7), (0.009, 0.9)):
        weights = best_weights(np.eye(2) * 0.02, np.zeros(2), free, held=held, costs=np.full(2, costs))
        assert weights[0] == pytest.approx(min(0.9, 0.5 + costs / 0.02), abs=1e-6) == pytest.approx(expected, abs=1e-6)


def test_the_nearest_weights_are_those_wanted_where_these_keep_the_limits() -> None:
    limits = WeightRanges(
        lower=np.zeros(3), upper=np.ones(3), rows=[WeightLimit(name="a", coefficients=np.array([1.0, 1.0, 0.0]), high=0.5)]
    )
    inside, outside = np.array([0.2, 0.3, 0.5]), np.array([0.4, 0.4, 0.2])
    assert nearest_weights(np.eye(3), inside, limits) is inside
    assert nearest_weights(np.eye(3), outside, limits).tolist() == pytest.approx([0.25, 0.25, 0.5], abs=1e-7)


def test_a_covariance_that_is_none_is_no_conflict_of_limits() -> None:
    limits = WeightRanges(lower=np.full(2, -5.0), upper=np.full(2, 5.0), rows=[WeightLimit(name="a", coefficients=np.ones(2), high=2.0)])
    with pytest.raises(PortfolioError, match="not positive definite") as told:
        best_weights(np.array([[1.0, 2.0], [2.0, 1.0]]), np.zeros(2), limits)
    assert not isinstance(told.value, LimitsConflictError)

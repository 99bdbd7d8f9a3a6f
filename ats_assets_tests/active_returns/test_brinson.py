"""Effects by groups: Bacon's example, sums that are exact whatever is held, and what groups without a weight are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.active_returns import linked, session_effects


def test_bacons_three_markets() -> None:
    """Practical Portfolio Performance Measurement and Attribution, chapter 5: 8.3 percent beside 6.4."""
    p, b = np.array([0.4, 0.3, 0.3]), np.array([0.4, 0.2, 0.4])
    own, other = np.array([0.2, -0.05, 0.06]), np.array([0.1, -0.04, 0.08])
    made = session_effects(p, p * own, b, b * other, p < 0)
    assert made.allocation == pytest.approx([0, -0.0104, -0.0016])
    assert made.selection == pytest.approx([0.04, -0.002, -0.008])
    assert made.interaction == pytest.approx([0, -0.001, 0.002])
    assert made.total.sum() == pytest.approx(0.083 - 0.064)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans())
def test_effects_sum_to_the_difference_with_cash_and_shorts(seed: int, n: int, shorts: bool) -> None:
    random = np.random.default_rng(seed)
    weight, benchmark = random.normal(0.2, 0.4 if shorts else 0.0, n), random.dirichlet(np.ones(n))
    weight[random.random(n) < 0.2] = 0.0
    benchmark[random.random(n) < 0.2] = 0.0
    weight, benchmark = np.append(weight, 1 - weight.sum()), np.append(benchmark, 1 - benchmark.sum())
    earned, of_benchmark = (np.append(random.normal(0, 0.05, n), 0.0) for _ in range(2))
    contribution = np.where(weight != 0, earned * (weight if not shorts else 1.0), 0.0)  # of longs and shorts within a group it is anything
    made = session_effects(weight, contribution, benchmark, benchmark * of_benchmark, np.full(n + 1, shorts))
    assert made.total.sum() == pytest.approx(contribution.sum() - (benchmark * of_benchmark).sum(), abs=1e-12)
    if shorts:
        assert not made.interaction.any()


def test_a_group_that_one_side_lacks() -> None:
    """Nothing held: what the group did better than all is missed, by allocation. Nothing in the benchmark: all of it is interaction."""
    weight, benchmark = np.array([0.0, 0.5, 0.5]), np.array([0.5, 0.5, 0.0])
    made = session_effects(weight, weight * [0, 0.02, 0.1], benchmark, benchmark * [0.06, 0.02, 0], weight < 0)
    assert made.allocation == pytest.approx([-0.5 * (0.06 - 0.04), 0.0, 0.0])
    assert made.selection == pytest.approx([0, 0, 0])
    assert made.interaction == pytest.approx([0, 0, 0.5 * (0.1 - 0.04)])


def test_cash_that_the_benchmark_has_none_of_is_allocation() -> None:
    weight, benchmark = np.array([0.6, 0.4]), np.array([1.0, 0.0])
    made = session_effects(weight, weight * [0.1, 0.0], benchmark, benchmark * [0.1, 0.0], weight < 0, lacking=np.array([np.nan, 0.0]))
    assert made.allocation == pytest.approx([0.0, -0.4 * 0.1])
    assert not made.selection.any()
    assert not made.interaction.any()


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.booleans())
def test_linked_effects_sum_to_the_difference_of_compounded_returns(seed: int, n: int, same: bool) -> None:
    random = np.random.default_rng(seed)
    own = random.normal(0, 0.03, n)
    other = own + (random.normal(0, 1e-12, n) if same else random.normal(0, 0.03, n))
    effects = random.normal(0, 0.02, (n, 4))
    effects[:, 3] += own - other - effects.sum(axis=1)
    made = linked(effects, own, other)
    assert made.sum() == pytest.approx(np.prod(1 + own) - np.prod(1 + other), abs=1e-12)


def test_nothing_is_linked_over_no_session() -> None:
    assert linked(np.zeros((0, 3)), np.zeros(0), np.zeros(0)).tolist() == [0, 0, 0]

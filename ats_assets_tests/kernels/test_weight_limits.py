import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import cap_weights, limit_gross, limit_net

WEIGHTS = st.lists(st.floats(-2, 2), max_size=30).map(np.array)
POSITIVE = st.floats(0, 3)


def water_level(sizes: np.ndarray, cap: float) -> np.ndarray:
    """The oracle: the scale at which the capped weights have the old sum, found by bisection."""
    total = sizes.sum()
    low, high = 1.0, 1e9
    for _ in range(200):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if np.minimum(sizes * middle, cap).sum() < total else (low, middle)
    return np.minimum(sizes * low, cap)


def test_what_is_cut_off_goes_to_the_others_by_hand() -> None:
    # 0.5 -> 0.4; the 0.1 goes to 0.3 and 0.2 in proportion: 0.36 and 0.24
    np.testing.assert_allclose(cap_weights(np.array([0.5, 0.3, 0.2]), 0.4), [0.4, 0.36, 0.24])


@given(st.lists(st.floats(1e-3, 1), min_size=1, max_size=20).map(np.array), st.floats(0.05, 1))
def test_capping_is_water_filling(sizes: np.ndarray, cap: float) -> None:
    expected = np.full(len(sizes), cap) if sizes.sum() >= cap * len(sizes) else water_level(sizes, cap)
    np.testing.assert_allclose(cap_weights(sizes, cap), expected, rtol=1e-6)
    np.testing.assert_allclose(cap_weights(-sizes, cap), -expected, rtol=1e-6)


@given(WEIGHTS, st.floats(0.01, 1))
def test_no_weight_is_above_the_cap_and_signs_stay(weights: np.ndarray, cap: float) -> None:
    capped = cap_weights(weights, cap)
    assert (np.abs(capped) <= cap).all()
    assert (np.sign(capped) == np.sign(weights)).all()
    for side in (weights > 0, weights < 0):
        before, after = np.abs(weights[side]).sum(), np.abs(capped[side]).sum()
        assert abs(after - min(before, cap * side.sum())) <= 1e-9


@given(WEIGHTS, POSITIVE)
def test_gross_and_net_only_shrink(weights: np.ndarray, limit: float) -> None:
    for limited, size in ((limit_gross(weights, limit), np.abs), (limit_net(weights, limit), np.asarray)):
        assert abs(size(limited).sum()) <= limit + 1e-12 * max(1, len(weights))
        assert (np.abs(limited) <= np.abs(weights)).all()
        assert (limited * weights >= 0).all()


def test_fixed_weights_use_up_the_room() -> None:
    fixed = np.array([True, False, False])
    assert limit_gross(np.array([0.8, 0.4, -0.4]), 1.0, fixed).round(12).tolist() == [0.8, 0.1, -0.1]
    assert limit_net(np.array([0.8, 0.4, -0.1]), 1.0, fixed).round(12).tolist() == [0.8, 0.3, -0.1]
    assert limit_gross(np.array([1.2, 0.4, -0.4]), 1.0, fixed).tolist() == [1.2, 0.0, -0.0]

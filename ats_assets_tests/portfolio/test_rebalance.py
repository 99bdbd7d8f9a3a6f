import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.portfolio import desired_weights, holds, wants_trade, within_limits
from ats_assets.settings import PortfolioSettings
from ats_assets_tests.rounds import rounds

PAIRS = st.integers(0, 15).flatmap(
    lambda n: st.tuples(*[st.lists(st.one_of(st.just(0.0), st.floats(-1, 1)), min_size=n, max_size=n).map(np.array) for _ in range(2)])
)
LIMITS = st.builds(
    PortfolioSettings,
    max_weight=st.floats(0.01, 1),
    max_gross=st.floats(0, 3),
    max_net=st.floats(0, 2),
    max_turnover=st.floats(0.01, 4),
    no_trade_band=st.one_of(st.just(0.0), st.floats(0, 0.3)),
)


@given(PAIRS, LIMITS)
@settings(max_examples=rounds(100, 400))
def test_from_weights_within_the_limits_the_result_satisfies_all_of_them(
    pair: tuple[np.ndarray, np.ndarray], limits: PortfolioSettings
) -> None:
    current, target = (within_limits(weights, limits) for weights in pair)
    desired = desired_weights(current, target, limits)
    assert holds(desired, limits)
    assert np.abs(desired).max(initial=0) <= limits.max_weight
    assert np.abs(desired - current).sum() <= limits.max_turnover + 1e-12


@given(PAIRS, LIMITS)
@settings(max_examples=rounds(100, 400))
def test_from_any_weights_the_limits_on_positions_hold(pair: tuple[np.ndarray, np.ndarray], limits: PortfolioSettings) -> None:
    current, target = pair[0], within_limits(pair[1], limits)
    assert holds(desired_weights(current, target, limits), limits)


@given(PAIRS, LIMITS)
@settings(max_examples=rounds(100, 400))
def test_no_symbol_moves_away_from_its_target_unless_a_limit_is_broken(
    pair: tuple[np.ndarray, np.ndarray], limits: PortfolioSettings
) -> None:
    current, target = (within_limits(weights, limits) for weights in pair)
    desired = desired_weights(current, target, limits)
    kept = ~wants_trade(current, target, limits)
    assert (np.abs(desired[kept]) <= np.abs(current[kept]) + 1e-12).all()  # a symbol in the band can only be cut by a limit
    low, high = np.minimum(current, np.minimum(target, 0)), np.maximum(current, np.maximum(target, 0))
    assert (desired >= low - 1e-12).all()
    assert (desired <= high + 1e-12).all()


@given(PAIRS, LIMITS, st.data())
def test_a_symbol_that_cannot_be_traded_keeps_its_weight(
    pair: tuple[np.ndarray, np.ndarray], limits: PortfolioSettings, data: st.DataObject
) -> None:
    current, target = pair[0], within_limits(pair[1], limits)
    tradable = np.array(data.draw(st.lists(st.booleans(), min_size=len(current), max_size=len(current))), dtype=bool)
    desired = desired_weights(current, target, limits, tradable=tradable)
    assert (desired[~tradable] == current[~tradable]).all()
    assert (np.abs(desired[tradable]) <= limits.max_weight).all()
    assert np.abs(desired).sum() <= max(limits.max_gross, np.abs(current[~tradable]).sum()) + 1e-9


def test_beyond_the_turnover_limit_all_changes_shrink_alike() -> None:
    limits = PortfolioSettings(max_weight=1, max_turnover=0.4, no_trade_band=0)
    desired = desired_weights(np.array([0.2, 0.2, 0.0]), np.array([0.0, 0.5, 0.3]), limits)
    np.testing.assert_allclose(desired, [0.1, 0.35, 0.15])  # a half of 0.8


def test_what_exits_may_use_of_the_turnover_goes_to_the_largest_first() -> None:
    limits = PortfolioSettings(max_weight=1, max_turnover=0.8, no_trade_band=0)
    desired = desired_weights(np.array([0.2, 0.3, 0.5, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]), limits)
    np.testing.assert_allclose(desired, [0.2, 0.3, 0.1, 0.4])
    desired = desired_weights(np.array([0.2, 0.3, 0.5]), np.zeros(3), limits)
    np.testing.assert_allclose(desired, [0.2, 0.0, 0.0], atol=1e-15)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_a_book_whose_targets_change_all_the_time_stays_invested(seed: int) -> None:
    random, limits, weights = np.random.default_rng(seed), PortfolioSettings(max_turnover=0.5), np.zeros(40)
    for session in range(30):
        target = np.zeros(40)
        target[random.choice(40, 10, replace=False)] = 0.1
        weights = desired_weights(weights, target, limits)
        assert session < 7 or weights.sum() > 0.9


def test_exits_are_complete_after_a_few_sessions() -> None:
    limits = PortfolioSettings(max_weight=1, max_turnover=0.3, no_trade_band=0.05)
    weights = np.array([0.55, 0.45])
    for _ in range(4):
        weights = desired_weights(weights, np.zeros(2), limits)
    assert weights.tolist() == [0.0, 0.0]


def test_a_position_inside_the_band_is_not_touched_and_what_is_added_makes_room() -> None:
    limits = PortfolioSettings(max_weight=0.6, max_turnover=4, no_trade_band=0.05)
    # 0.54 stays (band), so only 0.46 is left for the other
    desired = desired_weights(np.array([0.54, 0.0]), np.array([0.5, 0.5]), limits)
    assert desired[0] == 0.54
    np.testing.assert_allclose(desired[1], 0.46)


def test_an_exit_smaller_than_the_band_is_traded() -> None:
    assert desired_weights(np.array([0.001]), np.array([0.0]), PortfolioSettings(no_trade_band=0.1)).tolist() == [0.0]


def test_a_limit_broken_by_drift_is_cured_even_beyond_the_turnover_limit() -> None:
    limits = PortfolioSettings(max_weight=0.2, max_turnover=0.1, no_trade_band=0.05)
    assert desired_weights(np.array([0.9, 0.1]), np.array([0.2, 0.2]), limits)[0] == 0.2


def test_hedges_do_not_leave_before_what_they_hedge() -> None:
    limits = PortfolioSettings(max_weight=1, max_gross=2, max_net=0.2, max_turnover=0.5, no_trade_band=0)
    desired = desired_weights(np.array([0.8, -0.8]), np.array([0.1, 0.0]), limits)
    np.testing.assert_allclose(desired, [0.8 - 0.7 / 3, -0.8 + 0.8 / 3])


def test_a_book_of_many_small_positions_is_traded_though_each_is_smaller_than_the_band() -> None:
    target = np.repeat([0.0025, -0.0025], 200)
    limits = PortfolioSettings(no_trade_band=0.02, max_turnover=0.5)
    half = desired_weights(np.zeros(400), target, limits)
    np.testing.assert_allclose(half, target / 2)
    np.testing.assert_allclose(desired_weights(half, target, limits), target)
    assert (desired_weights(target * 0.85, target, limits) == target * 0.85).all()


def test_equal_exits_share_what_the_turnover_limit_leaves_them() -> None:
    """The first of them in the alphabet left until then, and the others stayed."""
    limits = PortfolioSettings(max_turnover=0.5, no_trade_band=0.0, max_weight=1.0)
    desired = desired_weights(np.array([0.25, 0.25, 0.25, 0.25]), np.zeros(4), limits)
    assert desired.tolist() == [0.125] * 4
    assert desired_weights(np.array([0.2, 0.4, 0.2]), np.zeros(3), limits).round(12).tolist() == [0.15, 0.0, 0.15]

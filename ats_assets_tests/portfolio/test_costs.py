import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import fill_price, notional_cents, to_cents, trade_costs
from ats_assets.settings import BacktestSettings


def test_costs_by_hand() -> None:
    settings = BacktestSettings(commission_bps=1, spread_bps=4, slippage_bps=3, min_commission=2.5)
    # 100,000.00: commission 1 bp = 10.00, half of 4 bp = 20.00, 3 bp = 30.00; 1,000.00: the least commission 2.50, 0.20, 0.30
    costs = trade_costs(np.array([10_000_000, 100_000, 0]), settings)
    assert costs.commission.tolist() == [1000, 250, 0]
    assert costs.spread.tolist() == [2000, 20, 0]
    assert costs.slippage.tolist() == [3000, 30, 0]
    assert costs.total.tolist() == [6000, 300, 0]


def test_fill_price_is_worse_on_both_sides() -> None:
    settings = BacktestSettings(spread_bps=4, slippage_bps=3)
    np.testing.assert_allclose(fill_price([100.0, 100.0], [True, False], settings), [100.05, 99.95])


@given(st.integers(0, 10**12), st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_the_parts_are_the_rounded_shares_of_the_notional(notional: int, commission: float, spread: float, slippage: float) -> None:
    settings = BacktestSettings(commission_bps=commission, spread_bps=spread, slippage_bps=slippage)
    costs = trade_costs(np.array([notional]), settings)
    for cents, bps in ((costs.commission, commission), (costs.spread, spread / 2), (costs.slippage, slippage)):
        assert abs(int(cents[0]) - notional * bps / 1e4) <= 0.5 + 1e-9 * notional
    assert int(costs.total[0]) >= 0


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_notional_of_whole_shares_at_whole_cents_is_exact(shares: int, price_cents: int) -> None:
    if shares * price_cents < 2**50:
        assert notional_cents(-shares, price_cents / 100) == shares * price_cents


def test_to_cents_rounds_ties_to_even() -> None:
    assert to_cents([0.125, 0.375, -1.0]).tolist() == [12, 38, -100]
    assert math.isclose(float(to_cents(1.005)), 100)  # 1.005 is 1.00499… in binary

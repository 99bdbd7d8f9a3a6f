"""Almgren and Chriss (2000) to the digit, and against an independent minimiser."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from ats_assets.algorithms.almgren_chriss import TradingCosts, cost_variance, expected_cost, optimal_holdings

PAPER = TradingCosts(volatility=0.95, fixed=0.0625, temporary=2.5e-6, permanent=2.5e-7)
"""Of its table 1: a share of 50.00, a million of them in five days."""


def curvature(costs: TradingCosts, aversion: float, step: float = 1.0) -> float:
    """kappa, by equation 18."""
    square = aversion * costs.volatility**2 / (costs.temporary - costs.permanent * step / 2)
    return float(np.arccosh(square * step**2 / 2 + 1) / step)


def test_equal_slices_cost_what_is_published() -> None:
    even = optimal_holdings(1e6, 5.0, 5, PAPER, 0.0)
    assert even.tolist() == [1e6, 8e5, 6e5, 4e5, 2e5, 0.0]
    assert round(expected_cost(even, 5.0, PAPER)) == 662_500
    assert round(cost_variance(even, 5.0, PAPER) / 1e12, 3) == 1.083  # 1.08e12 in DROP's output
    assert round(cost_variance(even, 5.0, PAPER) ** 0.5) == 1_040_673


def test_all_at_once_costs_what_is_published_and_has_no_variance() -> None:
    at_once = np.array([1e6, 0.0, 0.0, 0.0, 0.0, 0.0])
    assert round(expected_cost(at_once, 5.0, PAPER)) == 2_562_500
    assert cost_variance(at_once, 5.0, PAPER) == 0.0


@pytest.mark.parametrize(
    ("aversion", "kappa", "holdings", "cost", "deviation"),
    [
        (1e-6, 0.6071, [541_956, 289_854, 147_897, 62_142], 911_227, 603_431),
        (2e-6, 0.8463, [428_599, 182_933, 76_296, 27_643], 1_140_715, 449_368),
    ],
)
def test_schedule_cost_and_deviation_as_published(aversion: float, kappa: float, holdings: list[int], cost: int, deviation: int) -> None:
    assert round(curvature(PAPER, aversion), 4) == kappa
    made = optimal_holdings(1e6, 5.0, 5, PAPER, aversion)
    assert np.round(made[1:-1]).tolist() == holdings
    assert round(expected_cost(made, 5.0, PAPER)) == cost
    assert round(cost_variance(made, 5.0, PAPER) ** 0.5) == deviation


@given(aversion=st.floats(1e-8, 1e-4), intervals=st.integers(2, 12), time=st.floats(0.5, 10.0))
def test_no_other_schedule_is_better(aversion: float, intervals: int, time: float) -> None:
    """An independent minimiser of cost plus risk aversion times variance finds nothing below it."""

    def worth(inner: np.ndarray) -> float:
        path = np.concatenate([[1e6], inner, [0.0]])
        return expected_cost(path, time, PAPER) + aversion * cost_variance(path, time, PAPER)

    ours = optimal_holdings(1e6, time, intervals, PAPER, aversion)
    found = minimize(lambda inner: worth(inner * 1e6) / 1e6, ours[1:-1] / 1e6 * 0.9, method="BFGS")
    assert worth(ours[1:-1]) <= float(found.fun) * 1e6 * (1 + 1e-7)
    assert (np.diff(ours) <= 1e-6).all()


def test_very_risk_averse_it_sells_nearly_all_at_once_and_stays_a_number() -> None:
    made = optimal_holdings(1e6, 5.0, 1000, PAPER, 1e6)
    assert np.isfinite(made).all()
    assert made[1] < 1e4


def test_a_permanent_impact_that_makes_speed_free_is_refused() -> None:
    with pytest.raises(ValueError, match="must exceed half the permanent impact"):
        optimal_holdings(1e6, 5.0, 1, TradingCosts(volatility=1.0, fixed=0.0, temporary=1e-7, permanent=2.5e-7), 1e-6)

"""Whatever the numbers are, an option has a price, and greeks of the right sign: years of seconds and of a lifetime, rates below zero, volatilities of 1e-6 and of 50, prices of less than the smallest normal number."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.options.implied_volatility import implied_volatilities
from ats_assets.options.valuation import VALUES, option_values
from ats_assets_tests.rounds import rounds

N = rounds(1_500, 60_000)


def anything(seed: int, n: int) -> tuple[np.ndarray, ...]:
    """Spot, strike, years, rate, yield, volatility, call."""
    random = np.random.default_rng(seed)

    def spread(low: float, high: float) -> np.ndarray:
        return np.exp(random.uniform(np.log(low), np.log(high), n))

    strike = spread(1e-3, 1e6)
    spot = strike * np.where(random.random(n) < 0.7, np.exp(random.normal(0, 0.5, n)), spread(1e-6, 1e6))
    rate, gain = (np.where(random.random(n) < 0.2, 0.0, random.uniform(-0.2, 1.0, n)) for _ in range(2))
    volatility = np.where(random.random(n) < 0.8, spread(0.01, 5.0), spread(1e-6, 50.0))
    return spot, strike, spread(1e-6, 60.0), rate, gain, volatility, random.random(n) < 0.5


@pytest.mark.parametrize("american", [False, True])
def test_every_option_has_a_price_and_greeks_of_the_right_sign(american: bool) -> None:
    spot, strike, years, rate, gain, volatility, call = anything(7, N)
    found = option_values(spot, strike, years, rate, gain, volatility, call, american=american)
    for name in VALUES:
        assert np.isfinite(found[name]).all(), name
    for name in ("price", "gamma", "vega"):
        assert (found[name] >= 0.0).all(), name
    if american:
        exercised = np.where(call, spot - strike, strike - spot)
        most = np.where(call, spot * np.maximum(1.0, np.exp(-gain * years)), strike * np.maximum(1.0, np.exp(-rate * years)))
        european = option_values(spot, strike, years, rate, gain, volatility, call)["price"]
        assert (found["price"] >= exercised - 1e-12 * np.maximum(spot, strike)).all()  # without rates it is the European one, to rounding
        assert (found["price"] >= european).all()
        assert (found["price"] <= most * (1 + 1e-9)).all()
        assert ((np.where(call, 1.0, -1.0) * found["delta"]) >= 0.0).all()


@given(st.floats(1e-300, 1e-2), st.booleans(), st.booleans(), st.floats(0.01, 0.3))
@settings(max_examples=rounds(60, 2_000), deadline=None)
def test_prices_of_denormal_size(moneyness: float, call: bool, american: bool, volatility: float) -> None:
    """So far out of the money that a price is a difference of the smallest numbers: never below zero, and no bad number to the solver."""
    spot = moneyness if call else 1.0 / moneyness
    found = option_values(spot, 1.0, 0.5, 0.03, 0.02, volatility, call, american=american)
    assert found["price"][0] >= 0.0
    assert found["gamma"][0] >= 0.0
    assert not np.isnan([found[name][0] for name in VALUES]).any()
    told, why = implied_volatilities(found["price"], spot, 1.0, 0.5, 0.03, 0.02, call, american=american)
    assert np.isnan(told[0])
    assert why[0] in {2, 3}


def test_an_option_is_valued_alike_alone_and_among_others() -> None:
    """Nothing of one option is left in the room that the next one is valued in."""
    numbers = anything(11, 40)
    together = option_values(*numbers, american=True)
    order = np.random.default_rng(3).permutation(40)
    shuffled = option_values(*(each[order] for each in numbers), american=True)
    for name in VALUES:
        assert np.array_equal(together[name][order], shuffled[name]), name

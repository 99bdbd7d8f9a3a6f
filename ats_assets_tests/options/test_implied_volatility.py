"""Volatility out of prices that were made of it, and every reason why there is none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import OptionError
from ats_assets.options.implied_volatility import NO_TIME_VALUE, REASONS, implied_volatilities
from ats_assets.options.valuation import option_values
from ats_assets_tests.rounds import rounds


@given(st.floats(0.3, 3.0), st.floats(0.01, 3.0), st.floats(-0.02, 0.12), st.floats(0.0, 0.1), st.floats(0.02, 3.0))
@settings(max_examples=rounds(400, 10_000))
def test_the_volatility_that_a_price_was_made_of_is_found_again(
    moneyness: float, years: float, rate: float, gain: float, volatility: float
) -> None:
    """Of the option out of the money: all of its price is time value, however small."""
    spot, call = 100.0 * moneyness, moneyness * np.exp((rate - gain) * years) < 1.0
    price = option_values(spot, 100.0, years, rate, gain, volatility, call=call)["price"][0]
    found, why = implied_volatilities(price, spot, 100.0, years, rate, gain, call=call)
    if why[0] == NO_TIME_VALUE:
        assert price < 1e-11
    else:
        assert found[0] == pytest.approx(volatility, rel=1e-9)


@pytest.mark.parametrize("call", [True, False])
def test_american_volatilities(call: bool) -> None:
    spots = np.linspace(70, 130, 13)
    given_volatility = 0.35
    made = option_values(spots, 100.0, 0.5, 0.05, 0.04, given_volatility, call=call, american=True)
    found, why = implied_volatilities(made["price"], spots, 100.0, 0.5, 0.05, 0.04, call=call, american=True)
    assert [REASONS[code] for code in why] == [""] * 13
    np.testing.assert_allclose(found, given_volatility, rtol=1e-7)


@pytest.mark.parametrize("american", [False, True])
@pytest.mark.parametrize(
    ("price", "spot", "reason"),
    [
        (9.0, 110.0, "below_intrinsic"),
        (110.0, 110.0, "above_bound"),
        (float("nan"), 110.0, "bad_number"),
        (5.0, -1.0, "bad_number"),
        (-1.0, 90.0, "bad_number"),
        (0.0, 90.0, "no_time_value"),
        (10.0, 110.0, "no_time_value"),
    ],
)
def test_a_price_that_tells_no_volatility_says_why(price: float, spot: float, reason: str, american: bool) -> None:
    """A call at 100 without rates, so that the intrinsic value is that of today."""
    gain = 0.0
    found, why = implied_volatilities([price, 5.0], [spot, 100.0], 100.0, 1.0, 0.0, gain, call=True, american=american)
    assert np.isnan(found[0])
    assert REASONS[why[0]] == reason
    assert np.isfinite(found[1])  # the good row beside it


def test_as_many_of_each() -> None:
    with pytest.raises(OptionError, match="as many of each"):
        implied_volatilities([1.0, 2.0], [1.0, 2.0, 3.0], 100.0, 1.0, 0.0, 0.0, call=True)

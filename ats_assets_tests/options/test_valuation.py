"""Prices and greeks against published values, QuantLib, parity and finite differences."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import OptionError
from ats_assets.options.valuation import equivalent_yield, option_values, present_value
from ats_assets_tests.options import quantlib_oracle
from ats_assets_tests.rounds import rounds

HAUG = [
    # spot, strike, years, rate, yield, volatility, call, price: Haug, The Complete Guide to Option Pricing Formulas, 1998, pages 2 to 8, as QuantLib's test-suite has them
    (60.0, 65.0, 0.25, 0.08, 0.0, 0.30, True, 2.1334),
    (100.0, 95.0, 0.50, 0.10, 0.05, 0.20, False, 2.4648),
    (100.0, 100.0, 1.0, 0.05, 0.05, 0.25, True, 9.4624925962),  # Andersen, Lake and Offengenden, 2016, table 2
]


@pytest.mark.parametrize("row", HAUG)
def test_published_european_prices(row: tuple[float, ...]) -> None:
    *numbers, call, price = row
    assert option_values(*numbers, call=bool(call))["price"][0] == pytest.approx(price, abs=5e-5)


def test_published_greeks() -> None:
    """Haug, 1998, chapter 1, as QuantLib's test-suite has them (europeanoption.cpp): futures at 105, strike 100, half a year, 36%; spot 55, strike 60, 75% ..."""
    delta = option_values(105.0, 100.0, 0.5, 0.10, 0.10, 0.36, call=[True, False])["delta"]
    assert delta.round(4).tolist() == [0.5946, -0.3566]
    small = option_values(55.0, 60.0, 0.75, 0.10, 0.0, 0.30, call=True)
    assert [small[name][0].round(4) for name in ("gamma", "vega")] == [0.0278, 18.9358]
    assert option_values(430.0, 405.0, 0.0833, 0.07, 0.05, 0.20, call=False)["theta"][0] == pytest.approx(-31.1924, abs=5e-4)
    assert option_values(72.0, 75.0, 1.0, 0.09, 0.0, 0.19, call=True)["rho"][0] == pytest.approx(38.7325, abs=5e-4)


def test_the_american_benchmark() -> None:
    """Andersen, Lake and Offengenden, 2016, table 2: what early exercise is worth of a put at 100, one year, 5% and 5%, 25%."""
    put = option_values(100.0, 100.0, 1.0, 0.05, 0.05, 0.25, call=False, american=True)["price"][0]
    assert put - 9.4624925962 == pytest.approx(0.106952702747, abs=5e-6)
    call = option_values(100.0, 100.0, 1.0, 0.05, 0.05, 0.25, call=True, american=True)["price"][0]
    assert call == pytest.approx(put, abs=1e-9)  # by symmetry


@pytest.mark.parametrize(
    ("strike", "spot", "years", "price"),
    [(40.0, 40.0, 0.0833, 0.851), (40.0, 40.0, 0.3333, 1.576), (40.0, 40.0, 0.5833, 1.984)],
)
def test_published_american_puts(strike: float, spot: float, years: float, price: float) -> None:
    """Ju, Review of Financial Studies 11, 1998, table 1: 4.88%, 20%; to the three digits that he gives, by a binomial tree, which is 0.001 to 0.006 off."""
    found = option_values(spot, strike, years, 0.0488, 0.0, 0.20, call=False, american=True)["price"][0]
    assert found == pytest.approx(price, abs=7e-3)


NUMBERS = st.tuples(
    st.floats(60, 160),
    st.just(100.0),
    st.integers(5, 900),
    st.floats(0.002, 0.1),
    st.floats(0.0, 0.09),
    st.floats(0.08, 0.9),
    st.booleans(),
)


@given(NUMBERS)
@settings(max_examples=rounds(150, 2_000))
def test_prices_are_quantlibs(row: tuple[float, float, int, float, float, float, bool]) -> None:
    spot, strike, days, rate, gain, volatility, call = row
    for american in (False, True):
        ours = option_values(spot, strike, days / 365, rate, gain, volatility, call=call, american=american)
        theirs = quantlib_oracle.price(spot, strike, days, rate, gain, volatility, call=call, american=american)
        assert ours["price"][0] == pytest.approx(theirs, abs=1e-3 if american else 1e-9)


@pytest.mark.parametrize("american", [False, True])
def test_far_out_of_the_money_no_price_is_below_zero(american: bool) -> None:
    """A call at 38 deviations was worth -2.57e-322, so that its volatility was told as that of a bad number."""
    spots = np.linspace(25.0, 45.0, 2_001)
    calls = option_values(spots, 100.0, 0.1, 0.0, 0.09375, 0.1, call=True, american=american)
    puts = option_values(10_000.0 / spots, 100.0, 0.1, 0.09375, 0.0, 0.1, call=False, american=american)
    for found in (calls, puts):
        assert (found["price"] >= 0.0).all()
        assert (found["gamma"] >= 0.0).all()
    assert not (calls["price"] == 0.0).all()


@given(NUMBERS)
@settings(max_examples=rounds(100, 1_000))
def test_an_american_option_is_worth_the_european_one_and_exercise_at_least(
    row: tuple[float, float, int, float, float, float, bool],
) -> None:
    spot, strike, days, rate, gain, volatility, call = row
    numbers = (spot, strike, days / 365, rate, gain, volatility)
    american, european = (option_values(*numbers, call=call, american=which) for which in (True, False))
    exercised = max(spot - strike, 0.0) if call else max(strike - spot, 0.0)
    assert american["price"][0] >= max(european["price"][0], exercised) - 1e-4
    assert -1.0 - 1e-9 <= american["delta"][0] <= 1.0 + 1e-9
    if call and gain == 0.0:
        assert american["price"][0] == pytest.approx(european["price"][0], abs=1e-12)


@given(NUMBERS)
@settings(max_examples=50)
def test_parity(row: tuple[float, float, int, float, float, float, bool]) -> None:
    spot, strike, days, rate, gain, volatility, _ = row
    years = days / 365
    call, put = (option_values(spot, strike, years, rate, gain, volatility, call=side)["price"][0] for side in (True, False))
    assert call - put == pytest.approx(spot * np.exp(-gain * years) - strike * np.exp(-rate * years), abs=1e-9)


@pytest.mark.parametrize("american", [False, True])
@pytest.mark.parametrize("call", [False, True])
def test_greeks_are_the_slopes_of_prices(american: bool, call: bool) -> None:
    numbers = {"spot": 97.0, "strike": 100.0, "years": 0.7, "rate": 0.04, "dividend_yield": 0.03, "volatility": 0.3}

    def value(**change: float) -> float:
        return option_values(**(numbers | {name: numbers[name] + by for name, by in change.items()}), call=call, american=american)[
            "price"
        ][0]

    found = option_values(**numbers, call=call, american=american)
    for name, field, h in (("delta", "spot", 0.01), ("vega", "volatility", 1e-4), ("rho", "rate", 1e-4)):
        assert found[name][0] == pytest.approx((value(**{field: h}) - value(**{field: -h})) / (2 * h), rel=2e-3), name
    assert found["theta"][0] == pytest.approx(-(value(years=1e-4) - value(years=-1e-4)) / 2e-4, rel=2e-3)
    assert found["gamma"][0] == pytest.approx((value(spot=0.05) - 2 * value() + value(spot=-0.05)) / 0.0025, rel=1e-3)


@pytest.mark.parametrize("call", [False, True])
def test_vega_and_rho_are_slopes_wherever_rate_and_yield_lie(call: bool) -> None:
    """They come from the equations of the boundary, nothing is valued again; where rate and yield are nearly equal the boundary turns sharply at expiry."""
    random = np.random.default_rng(5)
    n = rounds(600, 20_000)
    rate = random.uniform(0.003, 0.09, n)
    gain = rate * np.where(random.random(n) < 0.4, 1 + random.normal(0, 0.03, n), random.uniform(0.05, 3.0, n))
    numbers = {
        "spot": 100 * np.exp(random.normal(0, 0.15, n)),
        "strike": np.full(n, 100.0),
        "years": random.uniform(0.05, 3.0, n),
        "rate": rate,
        "dividend_yield": gain,
        "volatility": random.uniform(0.1, 0.8, n),
    }
    found = option_values(**numbers, call=call, american=True)
    h = 1e-4
    for name, field in (("vega", "volatility"), ("rho", "rate")):
        up, down = (option_values(**(numbers | {field: numbers[field] + by}), call=call, american=True) for by in (h, -h))
        kept = (found["gamma"] > 0) & (up["gamma"] > 0) & (down["gamma"] > 0)
        slope = (up["price"] - down["price"]) / (2 * h)
        error = np.abs(found[name] - slope)[kept]
        assert error.max() < 0.15, name
        assert np.quantile(error, 0.98) < 0.02, name


def test_what_is_exercised_at_once() -> None:
    put = option_values(50.0, 100.0, 1.0, 0.05, 0.0, 0.2, call=False, american=True)
    assert [put[name][0] for name in ("price", "delta", "gamma", "theta", "vega", "rho")] == [50.0, -1.0, 0.0, 0.0, 0.0, 0.0]
    call = option_values(200.0, 100.0, 1.0, 0.0, 0.10, 0.2, call=True, american=True)
    assert call["price"][0] == pytest.approx(100.0)
    assert call["delta"][0] == 1.0


def test_numbers_that_are_no_option_have_no_value_and_the_rest_has() -> None:
    found = option_values([100.0, 0.0, np.nan, 100.0], 100.0, [1.0, 1.0, 1.0, 0.0], 0.05, 0.0, 0.2, call=True)["price"]
    assert np.isfinite(found).tolist() == [True, False, False, False]
    assert np.isfinite(option_values(100.0, 100.0, 1.0, -0.02, -0.01, 0.2, call=False, american=True)["price"][0])
    with pytest.raises(OptionError, match="as many of each"):
        option_values([100.0, 100.0], [1.0, 2.0, 3.0], 1.0, 0.05, 0.0, 0.2, call=True)
    with pytest.raises(OptionError, match="not less than the spot"):
        equivalent_yield(10.0, 10.0, 1.0)


def test_hulls_call_with_two_dividends() -> None:
    """Hull, 5th edition, example 12.8: 40, strike 40, six months, 9%, 30%, half a dollar in two and in five months: 3.67."""
    paid = present_value([0.5, 0.5], [2 / 12, 5 / 12], 0.09)
    assert option_values(40.0 - paid, 40.0, 0.5, 0.09, 0.0, 0.30, call=True)["price"][0] == pytest.approx(3.67, abs=5e-3)
    gain = equivalent_yield(40.0, paid, 0.5)
    assert option_values(40.0, 40.0, 0.5, 0.09, gain, 0.30, call=True)["price"][0] == pytest.approx(3.67, abs=5e-3)

"""Options with cash dividends against QuantLib's finite differences, Hull's example, finite differences of our own, and what must hold of any."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import OptionError
from ats_assets.options.cash_dividends import CashDividends, values_with_dividends, volatilities_with_dividends
from ats_assets.options.implied_volatility import REASONS
from ats_assets.options.valuation import VALUES, option_values
from ats_assets_tests.options import quantlib_oracle
from ats_assets_tests.rounds import rounds

NONE = CashDividends(years=np.empty(0), amounts=np.empty(0), begin=np.zeros(1, np.int64), end=np.zeros(1, np.int64))


def paying(*dividends: tuple[float, float]) -> CashDividends:
    """All options have these: years until the ex-date, amount."""
    years, amounts = (np.array(each, float) for each in zip(*dividends, strict=True))
    return CashDividends(years=years, amounts=amounts, begin=np.zeros(1, np.int64), end=np.full(1, len(dividends)))


def test_hulls_example_with_two_dividends() -> None:
    """Hull, 5th edition, example 12.8: 40, strike 40, six months, 9%, 30%, half a dollar in two and in five months: 3.67 European; 12.9 American by Black's approximation: the greater of it and 3.52."""
    twice = paying((2 / 12, 0.5), (5 / 12, 0.5))
    european, american = (
        values_with_dividends(40.0, 40.0, 0.5, 0.09, 0.0, 0.30, True, twice, american=which)["price"][0] for which in (False, True)
    )
    assert european == pytest.approx(3.67, abs=5e-3)
    assert american == pytest.approx(3.72, abs=0.05)
    assert american > european


CASES = [
    # spot, strike, days, rate, volatility, dividends
    (100.0, 100.0, 182, 0.05, 0.25, [(40, 0.8), (131, 0.8)]),
    (100.0, 95.0, 365, 0.03, 0.35, [(20, 1.0), (111, 1.0), (202, 1.0), (293, 1.0)]),
    (100.0, 110.0, 365, 0.06, 0.20, [(20, 1.0), (111, 1.0), (202, 1.0), (293, 1.0)]),
    (100.0, 90.0, 60, 0.01, 0.15, [(55, 2.0)]),
    (40.0, 40.0, 182, 0.09, 0.30, [(60, 0.5), (150, 0.5)]),
    (100.0, 80.0, 30, 0.02, 0.40, [(1, 3.0)]),
    (100.0, 100.0, 90, 0.04, 0.30, [(90, 1.5)]),
]


@pytest.mark.parametrize("call", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_american_prices_are_quantlibs(case: tuple, call: bool) -> None:
    """Both codes are off by some 3e-4 of a strike of 100, and by up to 3e-3: theirs is on a grid of 400 by 400."""
    spot, strike, days, rate, volatility, dividends = case
    ours = values_with_dividends(
        spot, strike, days / 365, rate, 0.0, volatility, call, paying(*((day / 365, cash) for day, cash in dividends)), american=True
    )
    price, delta, gamma = quantlib_oracle.with_dividends(spot, strike, days, rate, volatility, dividends, call=call)
    assert ours["price"][0] == pytest.approx(price, abs=4e-3)
    assert ours["delta"][0] == pytest.approx(delta, abs=2e-4)
    assert ours["gamma"][0] == pytest.approx(gamma, abs=2e-4)


OPTIONS = st.tuples(
    st.floats(60, 160),
    st.integers(5, 700),
    st.floats(0.0, 0.1),
    st.floats(0.08, 0.9),
    st.booleans(),
    st.integers(1, 91),
    st.floats(0.02, 1.5),
)


def quarterly(days: int, first: int, cash: float) -> CashDividends:
    """From a day on, until expiry."""
    return paying(*((day / 365, cash) for day in range(first, days + 1, 91))) if first <= days else NONE


@given(OPTIONS)
@settings(max_examples=rounds(40, 1_000), deadline=None)
def test_what_holds_of_any(row: tuple[float, int, float, float, bool, int, float]) -> None:
    """Worth the European one and exercise at least, its volatility is found again, and greeks have their signs."""
    spot, days, rate, volatility, call, first, cash = row
    dividends = quarterly(days, first, cash)
    numbers = (spot, 100.0, days / 365, rate, 0.0)
    american, european = (values_with_dividends(*numbers, volatility, call, dividends, american=which) for which in (True, False))
    exercised = max(spot - 100.0, 0.0) if call else max(100.0 - spot, 0.0)
    assert american["price"][0] >= max(european["price"][0] - 5e-3, exercised)
    assert american["price"][0] <= (spot if call else 100.0)
    assert american["gamma"][0] >= 0.0
    assert american["vega"][0] >= 0.0
    assert 0.0 <= (american["delta"][0] if call else -american["delta"][0]) <= 1.0
    found, why = volatilities_with_dividends(american["price"], *numbers, call, dividends, american=True)
    if american["price"][0] > exercised + 1e-3 and american["vega"][0] > 1e-2:
        assert REASONS[why[0]] == ""
        assert found[0] == pytest.approx(volatility, rel=1e-4)


@given(OPTIONS)
@settings(max_examples=rounds(50, 1_000), deadline=None)
def test_european_parity_and_greeks(row: tuple[float, int, float, float, bool, int, float]) -> None:
    """Call less put is the spot less dividends and the discounted strike; theta and rho are slopes of the price with the ex-dates where they are."""
    spot, days, rate, volatility, call, first, cash = row
    dividends, years = quarterly(days, first, cash), days / 365
    both = [values_with_dividends(spot, 100.0, years, rate, 0.0, volatility, side, dividends)["price"][0] for side in (True, False)]
    paid = dividends.present_values(rate)[0]
    assert both[0] - both[1] == pytest.approx(spot - paid - 100.0 * np.exp(-rate * years), abs=1e-9)
    found = values_with_dividends(spot, 100.0, years, rate, 0.0, volatility, call, dividends)
    h = 1e-5

    def moved(rate_by: float = 0.0, time_by: float = 0.0) -> float:
        shifted = CashDividends(years=dividends.years - time_by, amounts=dividends.amounts, begin=dividends.begin, end=dividends.end)
        return values_with_dividends(spot, 100.0, years - time_by, rate + rate_by, 0.0, volatility, call, shifted)["price"][0]

    assert found["rho"][0] == pytest.approx((moved(rate_by=h) - moved(rate_by=-h)) / (2 * h), abs=1e-3)
    assert found["theta"][0] == pytest.approx((moved(time_by=h) - moved(time_by=-h)) / (2 * h), abs=1e-2, rel=1e-4)


@pytest.mark.parametrize("call", [True, False])
def test_american_greeks_are_the_slopes_of_prices(call: bool) -> None:
    """By differences so wide that the steps of the lattice do not show."""
    numbers = {"spot": 97.0, "strike": 100.0, "years": 0.7, "rate": 0.04, "dividend_yield": 0.0, "volatility": 0.3}
    when = [(0.2, 0.9), (0.45, 0.9)]

    def value(time_by: float = 0.0, **change: float) -> float:
        given_numbers = numbers | {name: numbers[name] + by for name, by in change.items()}
        given_numbers["years"] -= time_by
        dividends = paying(*((years - time_by, cash) for years, cash in when))
        return values_with_dividends(**given_numbers, call=call, dividends=dividends, american=True)["price"][0]

    found = values_with_dividends(**numbers, call=call, dividends=paying(*when), american=True)
    for name, field, h in (("delta", "spot", 0.5), ("vega", "volatility", 0.01), ("rho", "rate", 0.002)):
        assert found[name][0] == pytest.approx((value(**{field: h}) - value(**{field: -h})) / (2 * h), rel=5e-3), name
    assert found["theta"][0] == pytest.approx((value(time_by=0.01) - value(time_by=-0.01)) / 0.02, rel=1e-2)
    assert found["gamma"][0] == pytest.approx((value(spot=2.0) - 2 * value() + value(spot=-2.0)) / 4.0, rel=1e-2)


def test_without_dividends_it_is_the_option_without() -> None:
    """The boundary of early exercise is another method: the lattice of a put agrees to 5e-4 of a strike of 100."""
    strikes = np.linspace(80.0, 120.0, 9)
    for call in (True, False):
        none = CashDividends(years=np.array([0.25]), amounts=np.array([1e-9]), begin=np.zeros(1, np.int64), end=np.ones(1, np.int64))
        lattice = values_with_dividends(100.0, strikes, 0.5, 0.05, 0.03, 0.3, call, none, american=True)
        boundary = option_values(100.0, strikes, 0.5, 0.05, 0.03, 0.3, call, american=True)
        for name in VALUES:
            np.testing.assert_allclose(lattice[name], boundary[name], atol=1e-3 if name == "price" else 2e-2, rtol=5e-3, err_msg=name)


def test_a_call_is_exercised_before_a_dividend_that_is_worth_more_than_its_time_value() -> None:
    deep = values_with_dividends(100.0, 50.0, 0.1, 0.01, 0.0, 0.2, True, paying((0.0, 2.0)), american=True)
    assert [deep[name][0] for name in VALUES] == [50.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    kept = values_with_dividends(100.0, 50.0, 0.1, 0.01, 0.0, 0.2, True, paying((0.0, 0.001)), american=True)
    assert kept["price"][0] > 50.04  # the interest on the strike is worth more


def test_prices_that_tell_no_volatility() -> None:
    """A call of 90 on the evening before a dividend of 3, the spot at 100: to exercise now brings 10; at 10 there is no time value, and the European bound is no bound."""
    tomorrow = paying((0.0, 3.0))
    prices = [9.0, 10.0, 10.5, 100.0, np.nan]
    found, why = volatilities_with_dividends(prices, 100.0, 90.0, 0.1, 0.01, 0.0, True, tomorrow, american=True)
    assert [REASONS[code] for code in why] == ["below_intrinsic", "no_time_value", "", "above_bound", "bad_number"]
    assert np.isfinite(found).tolist() == [False, False, True, False, False]
    poor = volatilities_with_dividends(1.0, 2.0, 90.0, 0.1, 0.01, 0.0, True, tomorrow, american=True)
    assert REASONS[poor[1][0]] == "bad_number"  # a spot below its dividends
    assert np.isnan(values_with_dividends(2.0, 90.0, 0.1, 0.01, 0.0, 0.3, True, tomorrow)["price"][0])


def test_places_of_dividends_are_checked() -> None:
    with pytest.raises(OptionError, match="outside"):
        CashDividends(years=np.ones(1), amounts=np.ones(1), begin=np.zeros(1, np.int64), end=np.full(1, 2))
    with pytest.raises(OptionError, match="an amount for each time"):
        CashDividends(years=np.ones(2), amounts=np.ones(1), begin=np.zeros(1, np.int64), end=np.ones(1, np.int64))
    three = CashDividends(years=np.ones(1), amounts=np.ones(1), begin=np.zeros(3, np.int64), end=np.ones(3, np.int64))
    with pytest.raises(OptionError, match="as many places"):
        values_with_dividends([1.0, 2.0], 1.0, 1.0, 0.0, 0.0, 0.2, True, three)


def test_the_same_bits_alone_and_beside_others() -> None:
    spots = np.linspace(70.0, 130.0, 13)
    dividends = paying((0.1, 0.7), (0.35, 0.7))
    together = values_with_dividends(spots, 100.0, 0.5, 0.03, 0.0, 0.3, False, dividends, american=True)
    for i in (0, 5, 12):
        alone = values_with_dividends(spots[i], 100.0, 0.5, 0.03, 0.0, 0.3, False, dividends, american=True)
        assert [alone[name][0] for name in VALUES] == [together[name][i] for name in VALUES]

"""What has been published of prices and greeks: Haug's tables, the American tables of approximations (how far each is from the true value is known), and the benchmark of eleven digits.

The numbers are those of Haug, The Complete Guide to Option Pricing Formulas, 1998, of Ju, Journal of Derivatives 7, 1999, and of Andersen, Lake and Offengenden, Journal of Computational Finance 20, 2016, as
the test-suite of QuantLib has them, which counts a year of 360 days; here time is as it is written.
"""

from itertools import product

import numpy as np
import pytest

from ats_assets.options.valuation import VALUES, option_values

# strike, spot, yield, rate, years, volatility, call, price
HAUG = [
    (65.0, 60.0, 0.00, 0.08, 0.25, 0.30, True, 2.1334),
    (95.0, 100.0, 0.05, 0.10, 0.50, 0.20, False, 2.4648),
    (19.0, 19.0, 0.10, 0.10, 0.75, 0.28, False, 1.7011),
    (19.0, 19.0, 0.10, 0.10, 0.75, 0.28, True, 1.7011),
    (1.60, 1.56, 0.08, 0.06, 0.50, 0.12, True, 0.0291),
    (70.0, 75.0, 0.05, 0.10, 0.50, 0.35, False, 4.0870),
    (40.0, 42.0, 0.08, 0.04, 0.75, 0.35, True, 5.0975),
]
OF_PAGE_24 = list(product((True, False), (0.1, 0.5), (0.15, 0.25, 0.35), (90.0, 100.0, 110.0)))
"""Call, years, volatility, spot; strike 100, rate and yield 10%."""
EUROPEAN = (
    *(0.0205, 1.8734, 9.9413, 0.3150, 3.1217, 10.3556, 0.9474, 4.3693, 11.1381, 0.8069, 4.0232, 10.5769, 2.7026, 6.6997, 12.7857),
    *(4.9329, 9.3679, 15.3086, 9.9210, 1.8734, 0.0408, 10.2155, 3.1217, 0.4551, 10.8479, 4.3693, 1.2376, 10.3192, 4.0232, 1.0646),
    *(12.2149, 6.6997, 3.2734, 14.4452, 9.3679, 5.7963),
)
BARONE_ADESI_WHALEY = (
    *(0.0206, 1.8771, 10.0089, 0.3159, 3.1280, 10.3919, 0.9495, 4.3777, 11.1679, 0.8208, 4.0842, 10.8087, 2.7437, 6.8015, 13.0170),
    *(5.0063, 9.5106, 15.5689, 10.0000, 1.8770, 0.0410, 10.2533, 3.1277, 0.4562, 10.8787, 4.3777, 1.2402, 10.5595, 4.0842, 1.0822),
    *(12.4419, 6.8014, 3.3226, 14.6945, 9.5104, 5.8823),
)
BJERKSUND_STENSLAND = [
    (40.0, 42.0, 0.08, 0.04, 0.75, 0.35, True, 5.2704),
    (40.0, 36.0, 0.00, 0.06, 1.00, 0.20, False, 4.4531),
    (100.0, 100.0, 0.05, 0.05, 1.0, 0.0021, True, 0.08032314),
    (100.0, 100.0, 0.05, 0.05, 1.0, 0.0001, True, 0.003860656),
    (100.0, 99.99, 0.05, 0.05, 1.0, 0.0001, True, 0.00081),
    (100.0, 110.0, 0.05, 0.05, 1.0, 0.0001, True, 10.0),
    (110.0, 100.0, 0.05, 0.05, 1.0, 0.0001, False, 10.0),
    (100.0, 110.0, 0.05, 0.05, 1.0, 10.0, False, 94.89543),
]
SHORT_PUTS = list(product((0.2, 0.3, 0.4), (35.0, 40.0, 45.0), (0.0833, 0.3333, 0.5833)))
"""Volatility, strike, years; spot 40, rate 4.88%."""
JU = (
    *(0.006, 0.201, 0.433, 0.851, 1.576, 1.984, 5.000, 5.084, 5.260, 0.078, 0.697, 1.218, 1.309, 2.477, 3.161, 5.059, 5.699, 6.231),
    *(0.247, 1.344, 2.150, 1.767, 3.381, 4.342, 5.288, 6.501, 7.367),
)
TRUE = (
    *(0.0062, 0.2004, 0.4328, 0.8522, 1.5798, 1.9904, 5.0000, 5.0883, 5.2670, 0.0774, 0.6975, 1.2198, 1.3099, 2.4825, 3.1696),
    *(5.0597, 5.7056, 6.2436, 0.2466, 1.3460, 2.1549, 1.7681, 3.3874, 4.3526, 5.2868, 6.5099, 7.3830),
)
"""The same options by a binomial tree of many steps, as the literature on them quotes it beside each approximation."""


def test_haugs_43_european_prices() -> None:
    rows = [row[:7] for row in HAUG] + [(100.0, spot, 0.10, 0.10, years, v, call) for call, years, v, spot in OF_PAGE_24]
    published = [*(row[7] for row in HAUG), *EUROPEAN]
    strike, spot, gain, rate, years, volatility, call = zip(*rows, strict=True)
    found = option_values(spot, strike, years, rate, gain, volatility, call)["price"]
    assert len(found) == 43
    np.testing.assert_allclose(found, published, rtol=0, atol=6e-5)


def test_haugs_11_greeks() -> None:
    """Delta twice, elasticity, gamma twice, vega twice, theta, theta a day, rho, and the derivative by the yield, which is a difference here."""
    futures = [option_values(105.0, 100.0, 0.5, 0.10, 0.10, 0.36, call) for call in (True, False)]
    assert [one["delta"][0].round(4) for one in futures] == [0.5946, -0.3566]
    assert futures[1]["delta"][0] * 105.0 / futures[1]["price"][0] == pytest.approx(-4.8775, abs=5e-5)
    both = option_values(55.0, 60.0, 0.75, 0.10, 0.0, 0.30, [True, False])
    assert both["gamma"].round(4).tolist() == [0.0278, 0.0278]
    assert both["vega"].round(4).tolist() == [18.9358, 18.9358]
    theta = option_values(430.0, 405.0, 1 / 12, 0.07, 0.05, 0.20, call=False)["theta"][0]
    assert theta == pytest.approx(-31.1924, abs=2e-4)
    assert theta / 365 == pytest.approx(-0.0855, abs=5e-5)
    assert option_values(72.0, 75.0, 1.0, 0.09, 0.0, 0.19, call=True)["rho"][0] == pytest.approx(38.7325, abs=5e-5)
    up, down = (option_values(500.0, 490.0, 0.25, 0.08, 0.05 + h, 0.15, call=False)["price"][0] for h in (1e-5, -1e-5))
    assert (up - down) / 2e-5 == pytest.approx(42.2254, abs=1e-4)


def test_barone_adesis_and_whaleys_prices_are_as_far_from_the_true_ones_as_is_known() -> None:
    """Theirs is an approximation that is above the true value by up to 0.04 for these; ours lies between it and what is European."""
    call, years, volatility, spot = zip(*OF_PAGE_24, strict=True)
    found = option_values(spot, 100.0, years, 0.10, 0.10, volatility, call, american=True)["price"]
    difference = np.array(BARONE_ADESI_WHALEY) - found
    assert np.abs(difference).max() < 0.04
    assert (difference > -0.01).all()
    assert (found >= np.array(EUROPEAN) - 5e-5).all()
    none = option_values(100.0, 100.0, 0.5, 0.0, 0.0, 0.15, call=False, american=True)["price"][0]
    assert none == pytest.approx(4.2294, abs=3e-3)


def test_bjerksunds_and_stenslands_prices_are_lower_bounds() -> None:
    """Theirs is the best of some boundaries, so that no true value is below it; volatilities from 0.0001 to 10."""
    strike, spot, gain, rate, years, volatility, call, published = zip(*BJERKSUND_STENSLAND, strict=True)
    found = option_values(spot, strike, years, rate, gain, volatility, call, american=True)["price"]
    assert (found >= np.array(published) - 6e-5).all()
    np.testing.assert_allclose(
        found[:7], published[:7], rtol=1e-2, atol=2e-4
    )  # at a volatility of 10 theirs is no more than the European price


def test_jus_27_short_puts() -> None:
    volatility, strike, years = zip(*SHORT_PUTS, strict=True)
    found = option_values(40.0, strike, years, 0.0488, 0.0, volatility, call=False, american=True)["price"]
    assert len(found) == 27
    np.testing.assert_allclose(found, TRUE, rtol=0, atol=1.5e-4)
    assert np.abs(np.array(JU) - found).max() < 0.017  # his approximation, to three digits, is below the true values


def test_the_american_benchmark_of_eleven_digits() -> None:
    """Andersen, Lake and Offengenden, table 2: what early exercise is worth of an option at 100, one year, rate and yield 5%, 25%: ours has eight of the digits."""
    both = option_values(100.0, 100.0, 1.0, 0.05, 0.05, 0.25, call=[False, True], american=True)
    assert both["price"] - 9.4624925962 == pytest.approx(0.106952702747, abs=2e-7)
    assert both["price"][0] == pytest.approx(both["price"][1], abs=1e-12)  # by symmetry
    higher = option_values(100.0, 100.0, 1.0, 0.075, 0.05, 0.25, call=[False], american=True)
    european = option_values(100.0, 100.0, 1.0, 0.075, 0.05, 0.25, call=[False])
    assert (higher["price"] - european["price"])[0] == pytest.approx(0.367111230, abs=2e-5)
    assert set(both) == set(VALUES)

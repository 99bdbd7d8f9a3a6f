"""Crises, shocks, factor exposures, capacity and rolling forecasts against hand calculations, planted values and published tables."""

import itertools
from datetime import date

import numpy as np
import pytest

from ats_assets.calendar import SessionCalendar
from ats_assets.impact import ImpactInputs, impact_costs, model_named
from ats_assets.risk_analysis.capacity import break_even_capital, capacity_table
from ats_assets.risk_analysis.factor_exposure import BEFORE_SESSIONS, factor_exposures, size_and_momentum
from ats_assets.risk_analysis.rolling_risk import kupiec_probability, rolling_risk
from ats_assets.risk_analysis.stress import CRISES, crises_in, shocks
from ats_assets.settings import BacktestSettings

CALENDAR = SessionCalendar("XNYS", date(2017, 1, 3))
DAYS = CALENDAR.sessions(date(2017, 1, 3), date(2020, 12, 31))


def test_the_crises_of_a_history_are_those_that_lie_wholly_in_it() -> None:
    values = np.linspace(100.0, 50.0, len(DAYS))
    found = crises_in(DAYS, values, values, {"mine": (date(2019, 5, 4), date(2019, 5, 13)), "later": (date(2020, 12, 1), date(2021, 1, 8))})
    assert [one.name for one in found] == ["Volatility funds", "Fourth quarter of 2018", "mine", "COVID-19"]
    own = found[2]
    i, j = DAYS.index(date(2019, 5, 3)), DAYS.index(date(2019, 5, 13))  # the close before a day without one
    assert own.account == pytest.approx(values[j] / values[i] - 1)
    assert own.drawdown == pytest.approx(values[j] / values[i] - 1)


def test_each_crisis_begins_before_it_ends_and_is_there_once() -> None:
    assert all(first < last for first, last in CRISES.values())
    assert len(set(CRISES.values())) == len(CRISES)


def test_shocks_by_hand() -> None:
    benchmark = np.array([0.01, -0.02, 0.03, -0.01, 0.0, -0.015, 0.02, -0.005])
    returns = np.where(benchmark < 0, 1.5, 0.5) * benchmark
    found = {one.name: one.account for one in shocks(returns, benchmark, np.array([0.5, -0.2]), np.array([0.02, 0.05]), (-0.1,))}
    assert found["benchmark falls by 10% (beta of its losing sessions)"] == pytest.approx(-0.15)
    beta = np.cov(returns, benchmark)[0, 1] / np.var(benchmark, ddof=1)
    assert found["benchmark falls by 10% (beta of all sessions)"] == pytest.approx(-0.1 * beta)
    assert found["each position 3 deviations against the account"] == pytest.approx(-3 * (0.5 * 0.02 + 0.2 * 0.05))
    assert found["largest position loses 50%"] == pytest.approx(-0.25)
    alone = shocks(returns, benchmark, np.zeros(0), np.zeros(0), (-0.1,))
    assert len(alone) == 2


def universe(n: int = 900, symbols: int = 30, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    dollars = np.exp(random.normal(0, 0.1, (n, symbols)) + np.linspace(10, 16, symbols))
    small = np.where(np.arange(symbols) < 10, 1.0, 0.0)
    size = random.normal(0.0, 0.01, (n, 1))
    returns = random.normal(0, 0.01, (n, symbols)) + size * small
    return returns, dollars


def test_planted_exposures_are_recovered_with_errors_that_cover_them() -> None:
    returns, dollars = universe()
    factors = size_and_momentum(returns, dollars)
    market = returns.mean(axis=1)
    random = np.random.default_rng(5)
    account = 0.0002 + 0.8 * market + 0.5 * np.nan_to_num(factors["size"]) - 0.3 * np.nan_to_num(factors["momentum"])
    account = account + random.normal(0, 0.002, len(account))
    found, r_squared = factor_exposures(account, {"market": market, **factors})
    planted = {"alpha": 0.0002, "market": 0.8, "size": 0.5, "momentum": -0.3}
    assert [one.factor for one in found] == list(planted)
    for one in found:
        assert abs(one.exposure - planted[one.factor]) < 4 * one.standard_error, one
    assert r_squared is not None
    assert r_squared > 0.8


def test_the_size_factor_is_what_traded_least_less_what_traded_most_and_knows_nothing_of_its_session() -> None:
    returns, dollars = universe()
    found = size_and_momentum(returns, dollars)["size"]
    assert np.isnan(found[:60]).all()
    assert found[500] == pytest.approx(returns[500, :10].mean() - returns[500, -10:].mean())
    other = dollars.copy()
    other[500:] = 1.0
    assert size_and_momentum(returns, other)["size"][500] == found[500]
    later = returns.copy()
    later[600:] *= -3
    for name, values in size_and_momentum(later, dollars).items():
        assert np.array_equal(values[:600], size_and_momentum(returns, dollars)[name][:600], equal_nan=True), name


def test_factors_made_in_blocks_are_those_of_the_whole_history_to_the_bit() -> None:
    returns, dollars = universe(n=420)
    returns[np.random.default_rng(3).random(returns.shape) < 0.01] = np.nan
    whole, cuts = size_and_momentum(returns, dollars), [0, 1, 251, 254, 300, 301, 420]
    for first, last in itertools.pairwise(cuts):
        begins = max(0, first - BEFORE_SESSIONS)
        own = returns[begins:last].copy()
        own[0] = np.nan  # the first close that was read gives no return
        for name, values in size_and_momentum(own, dollars[begins:last]).items():
            assert np.array_equal(values[first - begins :], whole[name][first:last], equal_nan=True), (name, first)
    assert np.isfinite(whole["momentum"]).sum() == 420 - 252


def test_standard_errors_are_those_of_statsmodels_formula_without_lags() -> None:
    """With independent errors of one variance, Newey and West's are those of ordinary least squares, in the mean."""
    ratios = []
    for seed in range(20):
        random = np.random.default_rng(seed)
        market = random.normal(0, 0.01, 500)
        account = 0.5 * market + random.normal(0, 0.01, 500)
        [_, beta], _ = factor_exposures(account, {"market": market})
        ratios.append(beta.standard_error / (0.01 / (0.01 * np.sqrt(500))))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


def test_what_can_not_be_regressed_has_no_exposures() -> None:
    assert factor_exposures(np.zeros(300), {"market": np.ones(300)}) == ([], None)
    assert factor_exposures(np.random.default_rng(1).normal(size=20), {"market": np.random.default_rng(2).normal(size=20)}) == ([], None)
    market = np.random.default_rng(1).normal(size=200)
    found, _ = factor_exposures(market + np.random.default_rng(2).normal(size=200), {"market": market, "again": 2 * market})
    assert [one.factor for one in found] == ["alpha", "market"]


def test_impact_grows_with_the_root_of_the_capital_and_capacity_is_where_it_takes_all() -> None:
    how = {"annual_return": 0.12, "years": 2.0, "capital": 1e6, "model": model_named("square_root"), "multiples": (1.0, 9.0)}
    one, nine = capacity_table(np.array([0.2, 0.1]), np.array([20.0, np.nan]), np.array([0.02, 0.02]), **how)
    assert one.impact_a_year == pytest.approx(0.02 * np.sqrt(0.01) * 0.2 / 2)
    assert nine.impact_a_year == pytest.approx(3 * one.impact_a_year)
    assert (one.large_share, nine.large_share) == (0.0, 0.0)
    capital = break_even_capital([1e6, 9e6], [one.impact_a_year, nine.impact_a_year], 0.12)
    assert capital == pytest.approx(1e6 * (0.12 / one.impact_a_year) ** 2)
    assert break_even_capital([1e6, 9e6], [0.01, 0.03], -0.1) is None
    assert break_even_capital([1e6], [0.01], 0.1) is None


def test_capacity_is_by_the_model_that_the_backtest_paid_and_what_it_has_paid_is_not_taken_twice() -> None:
    """A trade of 20 % of equity and 1 % of the day's volume at 2 % a day: of Almgren's impact, at the capital itself and at a hundred times as much."""
    how = {"annual_return": 0.12, "years": 1.0, "capital": 1e6, "model": model_named("almgren"), "multiples": (1.0, 100.0)}
    one, all_of_it = capacity_table(np.array([0.2]), np.array([20.0]), np.array([0.02]), **how, is_paid=True)
    trades = ImpactInputs.of(side=1, quantity=[1.0, 100.0], price=1.0, day_volume=100.0, volatility=0.02)
    costs = impact_costs(model_named("almgren"), trades, BacktestSettings(spread_bps=0.0, slippage_bps=0.0))
    assert [one.impact_a_year, all_of_it.impact_a_year] == pytest.approx((costs.total * 0.2).tolist())
    assert one.annual_return == pytest.approx(0.12)
    assert all_of_it.annual_return == pytest.approx(0.12 + one.impact_a_year - all_of_it.impact_a_year)
    assert (one.large_share, all_of_it.large_share) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("forecasts", "tail", "few", "many"),
    [(252, 0.05, 6, 20), (510, 0.05, 16, 36), (1000, 0.05, 37, 65), (510, 0.01, 1, 11), (1000, 0.01, 4, 17)],
)
def test_kupiecs_regions_are_the_published_ones(forecasts: int, tail: float, few: int, many: int) -> None:
    """Kupiec (1995), as Jorion's table 6-2 has it: not rejected for few < N < many."""
    accepted = [n for n in range(many + 20) if (kupiec_probability(n, forecasts, tail) or 0.0) > 0.05]
    assert (accepted[0], accepted[-1]) == (few + 1, many - 1)
    assert kupiec_probability(0, 0, tail) is None


def test_rolling_forecasts_are_exceeded_as_often_as_they_say_through_changing_volatility() -> None:
    random = np.random.default_rng(3)
    volatility = 0.01 * np.exp(0.6 * np.sin(np.arange(4000) / 150))
    returns = volatility * random.standard_normal(4000)
    found = rolling_risk(returns, 0.05)
    forecasts = np.isfinite(found.value_at_risk)
    assert forecasts.sum() == 4000 - 272
    assert found.exceeded[forecasts].mean() == pytest.approx(0.05, abs=0.012)
    loud = volatility > 0.013
    assert found.exceeded[forecasts & loud].mean() == pytest.approx(0.05, abs=0.02)
    later = returns.copy()
    later[3000:] *= 5
    assert np.array_equal(rolling_risk(later, 0.05).value_at_risk[:3001], found.value_at_risk[:3001], equal_nan=True)


def test_an_account_that_has_not_traded_yet_has_no_forecasts_and_those_after_are_the_same() -> None:
    returns = np.random.default_rng(5).normal(0, 0.01, 400)
    later = np.concatenate([np.zeros(60), returns])
    assert np.array_equal(rolling_risk(later, 0.05).value_at_risk[60:], rolling_risk(returns, 0.05).value_at_risk, equal_nan=True)
    assert np.isfinite(rolling_risk(later, 0.05).value_at_risk).sum() == 400 - 272


def test_a_short_or_flat_history_has_no_rolling_forecasts() -> None:
    for returns in (np.zeros(0), np.full(10, 0.01), np.zeros(400)):
        assert not rolling_risk(returns, 0.05).exceeded.any()
        assert np.isnan(rolling_risk(returns, 0.05).value_at_risk).all()

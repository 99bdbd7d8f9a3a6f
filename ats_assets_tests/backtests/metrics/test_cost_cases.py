from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import COST_SENSITIVITY_SCHEMA, CostSensitivity, backtest_metrics, run_backtest
from ats_assets.backtests.cost_sensitivity import cost_sensitivity, scaled_costs
from ats_assets.backtests.engine import BacktestResult
from ats_assets.backtests.metrics import break_even_multiple, cost_cases
from ats_assets.settings import BacktestSettings, MarginSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import MONDAY, bars_of, random_market, signals_of

SETTINGS = BacktestSettings(spread_bps=20.0, fractional_shares=True)
BARS, SIGNALS, DAYS = random_market(4, 60, 8, shorts=True)


def run(settings: BacktestSettings, _multiple: float = 1.0) -> BacktestResult:
    return run_backtest(SIGNALS, BARS, DAYS, portfolio=PortfolioSettings(), settings=settings)


def test_each_multiple_is_a_backtest_of_its_own_and_the_first_has_no_costs() -> None:
    result = run(SETTINGS)
    frame = cost_sensitivity(result, SETTINGS, run, (0.0, 3.0))
    CostSensitivity.validate(frame)
    by = {case.multiple: case for case in cost_cases(frame, SETTINGS)}
    assert list(by) == [0.0, 1.0, 3.0]
    assert by[0.0].costs == 0.0
    assert by[1.0].costs == pytest.approx(result.equity["costs"].sum())
    metrics = backtest_metrics(result, SETTINGS, costs=frame)
    assert (by[1.0].total_return, by[1.0].sharpe) == (metrics.total_return, metrics.sharpe)
    assert (metrics.gross_return, metrics.gross_annual_return) == (by[0.0].total_return, by[0.0].annual_return)
    tripled = run(
        SETTINGS.model_copy(
            update={"spread_bps": 60.0, "commission_bps": 3.0, "slippage_bps": 6.0, "margin": scaled_costs(SETTINGS, 3.0).margin}
        )
    )
    np.testing.assert_array_equal(frame.filter(cost_multiple=3.0)["equity"], tripled.equity["equity"])


def test_one_round_trip_by_hand() -> None:
    """The whole account is in at 100 and out at 100: each side costs 1 bp commission, 2 bp half spread and 2 bp slippage, so about 10 bp in all, and nothing at zero."""
    days = [MONDAY + timedelta(days=i) for i in range(4)]
    bars = bars_of([("A", day, 100.0, 100.0) for day in days])
    signals = signals_of([("A", days[0], 1.0), ("A", days[1], 0.0), ("A", days[2], 0.0)])
    settings, portfolio = BacktestSettings(fractional_shares=True), PortfolioSettings(max_weight=1.0, max_turnover=4.0)

    def trip(at: BacktestSettings, _multiple: float = 1.0) -> BacktestResult:
        return run_backtest(signals, bars, days, portfolio=portfolio, settings=at)

    cases = cost_cases(cost_sensitivity(trip(settings), settings, trip, settings.cost_multiples), settings)
    assert [case.multiple for case in cases] == [0.0, 1.0, 2.0, 3.0]
    assert cases[0].total_return == 0.0
    assert [case.total_return for case in cases] == pytest.approx([0.0, -10e-4, -20e-4, -30e-4], abs=6e-6)


def test_all_that_costs_is_scaled_and_what_is_lost_in_the_market_is_not() -> None:
    margin = MarginSettings(borrow_bps_by_symbol={"HARD": 3_000.0})
    twice = scaled_costs(BacktestSettings(min_commission=1.0, delisting_haircut=0.3, margin=margin), 2.0)
    assert (twice.commission_bps, twice.spread_bps, twice.slippage_bps, twice.min_commission) == (2.0, 8.0, 4.0, 2.0)
    assert (twice.margin.borrow_bps_a_year, twice.margin.debit_bps_a_year) == (100.0, 1600.0)
    assert twice.margin.borrow_bps_by_symbol == {"HARD": 6_000.0}
    assert twice.delisting_haircut == 0.3


def test_the_multiple_that_eats_the_return_is_found_between_two() -> None:
    rows = [
        (m, MONDAY + timedelta(days=i), v, 0.0) for m, end in ((0.0, 120.0), (1.0, 110.0), (2.0, 90.0)) for i, v in enumerate((100.0, end))
    ]
    cases = cost_cases(pl.DataFrame(rows, schema=COST_SENSITIVITY_SCHEMA, orient="row"), BacktestSettings(sessions_per_year=1))
    assert break_even_multiple(cases) == pytest.approx(1.5)
    assert break_even_multiple(cases[:2]) is None

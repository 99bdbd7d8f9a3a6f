"""Backtests that pay by a model of impact: each trade what its model says, no more of a session than the bound, larger accounts a larger share."""

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import run_backtest
from ats_assets.backtests.cost_sensitivity import cost_sensitivity
from ats_assets.backtests.engine import BacktestResult
from ats_assets.backtests.impact_parts import PARTS, trades_in_parts
from ats_assets.impact import model_named
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.settings import BacktestSettings, ImpactSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import NO_BORROWING, bars_of, random_impact, random_market, signals_of, weekdays

FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0, max_gross=2, max_net=2)
RATES = BacktestSettings(commission_bps=0, spread_bps=4.0, slippage_bps=3.0, initial_cash=1e6, margin=NO_BORROWING)
DAYS = weekdays(3)


def known(*rows: tuple[str, float | None, float | None, float | None], model: str = "square_root", **settings: float) -> MarketImpact:
    """(symbol, dollar volume, volatility, spread), the same at each close."""
    values = [(symbol, day, *rest) for symbol, *rest in rows for day in DAYS]
    inputs = pl.DataFrame(values, schema=MARKET_SCHEMA, orient="row")
    return MarketImpact(model=model_named(model), settings=ImpactSettings(model=model, **settings), inputs=inputs)


def one_trade(
    impact: MarketImpact, *, engine: str = "orders", cash: float = 1e6, price: float = 100.0, weight: float = 0.4
) -> BacktestResult:
    bars = bars_of([("A", day, price, price) for day in DAYS])
    settings = RATES.model_copy(update={"engine": engine, "initial_cash": cash})
    return run_backtest(signals_of([("A", DAYS[0], weight)]), bars, DAYS, portfolio=FREE, settings=settings, impact=impact)


@pytest.mark.parametrize("engine", ["orders", "weights"])
def test_a_trade_pays_the_square_root_of_its_share_of_the_market(engine: str) -> None:
    """400,000 of ten millions a day at 2 % a day: 200 bp * 0.2 = 40 bp of it, 1,600, and 2 bp of the spread; 4 % of the account's value."""
    trade = one_trade(known(("A", 1e7, 0.02, None)), engine=engine).trades.row(0, named=True)
    assert trade["notional"] == pytest.approx(400_000, rel=2e-3)
    assert trade["slippage_cost"] == pytest.approx(1_600, rel=3e-3)
    assert trade["spread_cost"] == pytest.approx(80, rel=2e-3)


@pytest.mark.parametrize("engine", ["orders", "weights"])
def test_a_hundred_times_the_account_pays_ten_times_the_share(engine: str) -> None:
    small, large = (one_trade(known(("A", 1e9, 0.02, None)), engine=engine, cash=cash).trades for cash in (1e6, 1e8))
    shares = [float((one["slippage_cost"] / one["notional"])[0]) for one in (small, large)]
    assert shares[1] / shares[0] == pytest.approx(10.0, rel=5e-3)


def test_what_is_not_known_of_a_symbol_costs_the_fixed_rates() -> None:
    trade = one_trade(known(("A", None, 0.02, None))).trades.row(0, named=True)
    assert (trade["slippage_cost"], trade["spread_cost"]) == (120.0, 80.0)


def test_no_more_of_a_session_is_traded_than_the_bound_and_the_rest_is_told() -> None:
    """A thousand shares trade a session, and 12.34 % of them may be ours: 123 whole ones."""
    impact = known(("A", 1e7, 0.02, None), max_participation=0.1234)
    result = one_trade(impact)
    assert result.trades["shares"].to_list() == [123.0]
    assert result.unfilled.select("ordered_shares", "filled_shares", "reason").rows() == [(4000.0, 123.0, "participation")]
    fractional = RATES.model_copy(update={"fractional_shares": True})
    bars = bars_of([("A", day, 100.0, 100.0) for day in DAYS])
    part = run_backtest(signals_of([("A", DAYS[0], 0.4)]), bars, DAYS, portfolio=FREE, settings=fractional, impact=impact)
    assert part.trades["shares"].to_list() == [123.4]


def test_a_bound_alone_leaves_the_fixed_rates() -> None:
    impact = MarketImpact(model=model_named("fixed"), settings=ImpactSettings(max_participation=0.5), inputs=MARKET_SCHEMA.to_frame())
    trade = one_trade(impact).trades.row(0, named=True)
    assert (trade["shares"], trade["slippage_cost"], trade["spread_cost"]) == (500.0, 15.0, 10.0)


def test_a_symbol_without_volume_is_not_traded_and_a_price_that_costs_eat_up_is_not_sold() -> None:
    quiet = bars_of([("A", day, 100.0, 100.0) for day in DAYS]).with_columns(volume=pl.lit(0.0))
    found = run_backtest(
        signals_of([("A", DAYS[0], 0.4)]), quiet, DAYS, portfolio=FREE, settings=RATES, impact=known(("A", 0.0, 0.02, None))
    )
    assert found.trades.is_empty()
    assert set(found.unfilled["reason"]) == {"no_volume"}
    ruinous = known(("A", 1.0, 0.5, None))
    bars = bars_of([("A", day, 100.0, 100.0) for day in DAYS])
    held = run_backtest(signals_of([("A", DAYS[0], -0.4)]), bars, DAYS, portfolio=FREE, settings=RATES, impact=ruinous)
    assert held.trades.is_empty()
    assert held.unfilled["reason"].to_list() == ["costs_exceed_value"]


@pytest.mark.parametrize("model", ["square_root", "almgren", "spread"])
def test_the_parts_of_each_trade_are_what_the_account_paid(model: str) -> None:
    """To the half cent of each rounding."""
    compared = 0
    for seed in range(8):
        bars, signals, days = random_market(seed, 20, 8, shorts=True)
        impact = random_impact(seed, bars, model, fitted=seed % 2 == 0)
        result = run_backtest(signals, bars, days, portfolio=FREE, settings=RATES, impact=impact)
        traded = result.trades.filter(reason="rebalance")
        parts = trades_in_parts(result.trades, impact, RATES, days)
        slippage = parts.select(pl.sum_horizontal(*PARTS[1:])).to_series()
        np.testing.assert_allclose(parts["spread"], traded["spread_cost"], atol=0.00501)
        np.testing.assert_allclose(slippage, traded["slippage_cost"], atol=0.00501)
        compared += len(parts)
    assert compared > 200


def test_at_a_multiple_of_all_costs_the_model_says_so_many_times_as_much_too() -> None:
    impact = known(("A", 1e9, 0.02, None))

    def run(at: BacktestSettings, multiple: float) -> BacktestResult:
        bars = bars_of([("A", day, 100.0, 100.0) for day in DAYS])
        scaled = MarketImpact(model=impact.model, settings=impact.settings, inputs=impact.inputs, multiple=multiple)
        return run_backtest(signals_of([("A", DAYS[0], 0.4)]), bars, DAYS, portfolio=FREE, settings=at, impact=scaled)

    costs = (
        cost_sensitivity(run(RATES, 1.0), RATES, run, (0.0, 3.0)).group_by("cost_multiple").agg(pl.col("costs").sum()).sort("cost_multiple")
    )
    assert costs["costs"][0] == 0.0
    assert costs["costs"][2] / costs["costs"][1] == pytest.approx(3.0, rel=2e-3)

"""What judges before there is an order takes the costs of a backtest: by the same rates, the same least commission and the same model, trade by trade."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.priced_trades import PricedTrades, priced_trades
from ats_assets.impact.schema import MARKET, MARKET_SCHEMA
from ats_assets.models.choosing import models
from ats_assets.portfolio.costs import to_cents, trade_costs
from ats_assets.risk import risk_rules
from ats_assets.risk.rules.evidence import EvidenceSettings, decision_edges
from ats_assets.settings import BacktestSettings, ImpactSettings
from ats_assets_tests.small_market import small_market

DAY = date(2024, 1, 2)
ROWS = [("A", DAY, 5e6, 0.02, 0.0004), ("B", DAY, 2e5, 0.05, 0.002), ("C", DAY, None, None, None)]
KNOWN = pl.DataFrame(ROWS, schema=MARKET_SCHEMA, orient="row")


def deployment(folder: Path, model: str = "square_root", **backtest: Any) -> Deployment:
    rates = {"commission_bps": 3.0, "spread_bps": 8.0, "slippage_bps": 1.0, "initial_cash": 4e5} | backtest
    return small_market(folder, backtest=rates, impact={"model": model}, portfolio={"top_k": 4}, risk={"evidence": {}})


@given(
    st.sampled_from(["fixed", "square_root", "almgren"]),
    st.lists(st.floats(1e3, 1e7), min_size=3, max_size=3),
    st.sampled_from([0.0, 1.0, 25.0]),
    st.floats(0, 20),
)
def test_a_trade_costs_what_the_backtest_takes_for_it(model: str, values: list[float], least: float, commission: float) -> None:
    """The oracle is the function that accounts are charged by, in cents, each part rounded; C has no row, and costs the fixed rates."""
    rates = BacktestSettings(commission_bps=commission, spread_bps=8.0, slippage_bps=1.0, min_commission=least)
    trades = PricedTrades(model=model, commission_bps=commission, spread_bps=8.0, slippage_bps=1.0, min_commission=least).prices()
    market = trades.market_of(KNOWN, KNOWN)
    impact = MarketImpact(model=trades.model, settings=ImpactSettings(model=model), inputs=KNOWN)
    terms, _ = impact.terms(impact.inputs_at(DAY, ["A", "B", "C"]), rates, volume=np.full(3, np.inf))
    charged = trade_costs(to_cents(values), rates, terms).total
    assert trades.one_way(np.array(values), market) * np.array(values) * 100 == pytest.approx(charged, abs=2.0)


def test_settings_reach_the_rules_and_the_models_that_take_costs(tmp_path: Path) -> None:
    made = deployment(tmp_path, min_commission=2.0)
    (evidence,) = [one.rule for one in made.of(risk_rules) if one.name == "evidence"]
    assert evidence.settings.trades == made.of(priced_trades)
    assert evidence.settings.capital == 4e5
    assert MARKET in {window.asset for window in evidence.needs()}
    assert MARKET not in {window.asset for window in type(evidence)(evidence.settings.model_copy(update={"costs_bps": 5.0})).needs()}
    fixed = small_market(
        tmp_path / "fixed", backtest={"commission_bps": 3.0, "spread_bps": 8.0, "slippage_bps": 1.0}, risk={"evidence": {}}
    )
    (plain,) = [one.rule for one in fixed.of(risk_rules) if one.name == "evidence"]
    assert MARKET not in {window.asset for window in plain.needs()}
    learnt = small_market(
        tmp_path / "profit",
        backtest={"commission_bps": 3.0, "spread_bps": 8.0, "slippage_bps": 1.0},
        models={"lightgbm": {"objective": "dollar_profit"}, "own": {"kind": "lightgbm", "objective": "dollar_profit", "cost_bps": 4.0}},
    )
    costs = {one.name: one.learner.settings.cost_bps for one in learnt.of(models).values()}
    assert costs == {"lightgbm": 16.0, "own": 4.0}


def test_an_edge_is_net_of_what_its_own_symbols_cost() -> None:
    """By hand: each session the best is another one, bought for the whole capital; B is a hundred times as dear as A."""
    days = [date(2024, 1, 1 + i) for i in range(4)]
    best = ["A", "B", "A"]
    rows = [(s, days[i], 1.0 if s == best[i] else 0.0, 0.03 if s == best[i] else 0.01) for i in range(3) for s in ("A", "B")]
    table = pl.DataFrame(rows, schema=["symbol", "session", "score", "forward_return"], orient="row")
    outcomes = table.select(
        "symbol",
        session=pl.col("session").replace_strict(days[:3], days[1:]),
        decision_session="session",
        horizon_sessions=pl.lit(1, pl.Int32),
        forward_return="forward_return",
    )
    market = pl.concat([KNOWN.with_columns(session=pl.lit(day)) for day in days])
    trades = PricedTrades(model="square_root", commission_bps=0.0, spread_bps=0.0, slippage_bps=0.0)
    settings = EvidenceSettings(top_k=1, horizon_sessions=1, capital=50_000.0, trades=trades)
    edges = decision_edges(table.select("symbol", "session", "score"), outcomes, days, settings, market=market)["edge"].to_list()
    one_way = {"A": 0.02 * (5e4 / 5e6) ** 0.5, "B": 0.05 * (5e4 / 2e5) ** 0.5}
    assert edges == pytest.approx([0.03 - 0.02 - 2 * one_way[symbol] for symbol in best])

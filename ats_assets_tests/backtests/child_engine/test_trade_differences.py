"""What explains a trade: by hand, on random markets traded by a model of an engine, and what must stay unexplained."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import BacktestInputs, BacktestResult
from ats_assets.backtests.child_engine.engine_in_child import weights_at_open
from ats_assets.backtests.child_engine.engine_rules import RULES, CashAndShares, SessionRules
from ats_assets.backtests.child_engine.job_files import ChildAnswer
from ats_assets.backtests.child_engine.rebuilt_account import rebuilt
from ats_assets.backtests.child_engine.trade_differences import trade_differences
from ats_assets.backtests.engines.backtrader import BacktraderEngine
from ats_assets.backtests.engines.orders import OrdersEngine, OrdersEngineSettings
from ats_assets.backtests.engines.vectorbt import VectorbtEngine
from ats_assets.backtests.market import read_market
from ats_assets.errors import EngineError
from ats_assets.portfolio.costs import to_cents, trade_costs
from ats_assets.settings import BacktestSettings
from ats_assets_tests.backtests.child_engine.random_weights import FREE, LENT_FOR_NOTHING, random_weights
from ats_assets_tests.backtests.small_markets import bars_of, signals_of, weekdays
from ats_assets_tests.rounds import rounds


def ours(inputs: BacktestInputs) -> BacktestResult:
    return OrdersEngine(OrdersEngineSettings(compiled=False)).run(inputs)


def answer_by(inputs: BacktestInputs, rules: tuple[str, ...]) -> ChildAnswer:
    """An engine that trades session by session by some rules, in whole cents."""
    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    sessions, n = SessionRules(market, inputs), len(market.instruments)
    shares, cash, rows, account = np.zeros(n), int(to_cents(inputs.settings.initial_cash)), [], []
    for i in range(len(market.sessions)):
        filled = sessions.filled(i, CashAndShares(cash / 100, shares), rules) if i else np.zeros(n)
        for j in np.flatnonzero(filled):
            rows.append((i, int(j), filled[j], filled[j], market.open[i, j], 0.0))
            closing = min(abs(shares[j]), abs(filled[j])) if shares[j] * filled[j] < 0 else 0.0
            for leg in (closing, abs(filled[j]) - closing):
                notional = to_cents([leg * market.open[i, j]])
                cash -= int(np.sign(filled[j])) * int(notional[0]) + int(trade_costs(notional, inputs.settings).total[0])
        shares = np.round(shares + filled, 9)
        value = float(np.where(shares != 0.0, shares * market.last_close[i], 0.0).sum())
        account.append((cash / 100, cash / 100 + value))
    orders = pl.DataFrame(
        rows, schema=["row", "column", "ordered", "filled", "price", "fees"] if not rows else list(ORDERS), orient="row"
    ).cast(ORDERS)
    return ChildAnswer(orders=orders, account=pl.DataFrame(account, schema=["cash", "value"], orient="row"), version="model")


ORDERS = {"row": pl.Int64, "column": pl.Int64, "ordered": pl.Float64, "filled": pl.Float64, "price": pl.Float64, "fees": pl.Float64}


def by(inputs: BacktestInputs, rules: tuple[str, ...]) -> BacktestResult:
    """What such an engine comes to, as the tables of a backtest."""
    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    return rebuilt(market, weights_at_open(market), answer_by(inputs, rules), inputs, "model")


def two_halves(commission_bps: float = 100.0, weight: float = 0.5) -> BacktestInputs:
    """Half of 10,000 in A at 10 and half in B at 20, at a cost of 1%: 10,100 are needed."""
    days = weekdays(2)
    bars = bars_of([(s, day, price, price) for s, price in (("A", 10.0), ("B", 20.0)) for day in days])
    costs = BacktestSettings(commission_bps=commission_bps, spread_bps=0, slippage_bps=0, initial_cash=10_000, margin=LENT_FOR_NOTHING)
    targets = signals_of([("A", days[0], weight), ("B", days[0], 0.5)])
    return BacktestInputs(targets=targets, bars=bars, sessions=days, portfolio=FREE, settings=costs)


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        ("refused_whole", [(495.0, 500.0), (247.0, 0.0)]),  # A costs 5,050, and B 5,050 of the 4,950 that are left
        ("cash_in_order", [(495.0, 500.0), (247.0, 245.0)]),  # 4,950 / 20.20 = 245.05
    ],
)
def test_buys_that_cash_does_not_pay_for(rule: str, theirs: list[tuple[float, float]]) -> None:
    inputs = two_halves()
    engine = BacktraderEngine if rule in BacktraderEngine.rules else VectorbtEngine
    found = trade_differences(inputs, ours(inputs), by(inputs, (rule,)), engine.rules)
    assert found.select("our_shares", "their_shares").rows() == theirs
    assert set(found["rule"]) == {rule}


def test_the_proceeds_of_a_short_sale() -> None:
    """A is sold short for 5,000: ours holds them and buys B of the 10,000 less 5,000 + what A is worth; spent, they pay for more than that."""
    inputs = two_halves(0.0, -1.0)
    inputs = replace(inputs, targets=inputs.targets.with_columns(target_weight=pl.when(symbol="B").then(1.0).otherwise(-0.8)))
    inputs = replace(inputs, bars=inputs.bars.with_columns(open=pl.when(symbol="B").then(pl.col("open") * 1.25).otherwise("open")))
    found = trade_differences(inputs, ours(inputs), by(inputs, ("short_proceeds",)), ["refused_whole", "short_proceeds"])
    assert found.select("instrument", "our_shares", "their_shares", "rule").rows() == [("B", 400.0, 500.0, "short_proceeds")]


def test_what_is_rounded() -> None:
    """75.5 shares held as 75, then a quarter of them is to go: of 18.9 sold ours sells 19, to hold 56, and one that rounds the trade 18."""
    days = weekdays(3)
    bars = bars_of([("A", day, 100.0, 100.0) for day in days])
    settings = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0, initial_cash=10_000)
    inputs = BacktestInputs(
        targets=signals_of([("A", days[0], 0.755), ("A", days[1], 0.561)]), bars=bars, sessions=days, portfolio=FREE, settings=settings
    )
    found = trade_differences(inputs, ours(inputs), by(inputs, ("whole_shares",)), VectorbtEngine.rules)
    assert found.select("our_shares", "their_shares", "rule").rows() == [(-19.0, -18.0, "whole_shares")]


@settings(deadline=None, max_examples=rounds(10, 150))
@given(
    seed=st.integers(0, 2**32 - 1),
    which=st.sets(st.sampled_from(["refused_whole", "short_proceeds", "costs_exceed_value", "limits", "margin"])),
)
def test_a_model_of_an_engine_is_explained_by_its_own_rules_and_ours_by_none(seed: int, which: set[str]) -> None:
    """Without a rule it is our engine: the same tables. With some, what differs has one of them, or was carried from what has."""
    inputs = random_weights(seed)
    inputs = replace(inputs, settings=inputs.settings.model_copy(update={"min_commission": 2.5 if seed % 3 else 0.0}))
    if inputs.targets.is_empty():
        return
    mine, rules = ours(inputs), tuple(sorted(which))
    theirs = by(inputs, rules)
    found = trade_differences(inputs, mine, theirs, rules)
    assert {part for name in found["rule"] for part in name.split(" + ")} <= {*rules, "carried"}, found
    if found.is_empty():
        for table in ("trades", "positions"):
            assert getattr(mine, table).equals(getattr(theirs, table)), table
        assert mine.equity.drop("n_unfilled").equals(theirs.equity.drop("n_unfilled"))
    else:
        assert rules
        assert found["rule"][0] != "carried"


def test_what_no_rule_of_the_engine_makes_stays_unexplained() -> None:
    """A share more, a trade that was not wanted, and a rule that the engine does not have."""
    inputs = two_halves(0.0)
    mine = ours(inputs)
    more = replace(mine, trades=mine.trades.with_columns(pl.col("shares") + pl.when(symbol="A").then(1.0).otherwise(0.0)))
    stranger = replace(mine, trades=mine.trades.filter(symbol="A"))
    for engine in (BacktraderEngine, VectorbtEngine):
        for theirs in (more, stranger):
            assert set(trade_differences(inputs, mine, theirs, engine.rules)["rule"]) == {"unexplained"}
    dear = two_halves()
    assert "unexplained" in set(trade_differences(dear, ours(dear), by(dear, ("cash_in_order",)), BacktraderEngine.rules)["rule"])


def test_an_engine_whose_cash_is_not_what_its_trades_leave_is_an_error() -> None:
    inputs = two_halves(0.0)
    market = read_market(inputs.targets, inputs.bars, inputs.sessions)
    answer = answer_by(inputs, ())
    lost = replace(answer, account=answer.account.with_columns(pl.col("cash") + pl.Series([0.0, 0.10])))
    with pytest.raises(EngineError, match=r"the engine model has 0.10 of cash in session 2020-01-07, but its trades leave 0.00"):
        rebuilt(market, weights_at_open(market), lost, inputs, "model")


def test_engines_name_only_rules_that_are_told() -> None:
    assert {*BacktraderEngine.rules, *VectorbtEngine.rules} == {*RULES}

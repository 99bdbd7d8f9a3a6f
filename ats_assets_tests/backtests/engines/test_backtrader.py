"""Backtrader itself, in its child process, against the engine `orders` on random weights: equal to the cent, or each trade explained."""

from dataclasses import replace

import pytest

from ats_assets.backtests import run_backtest
from ats_assets_tests.backtests.child_engine.comparing import compared
from ats_assets_tests.backtests.child_engine.engine_environments import ENVIRONMENTS, LEFT_OUT, engine_for_tests
from ats_assets_tests.backtests.child_engine.random_weights import random_weights
from ats_assets_tests.backtests.child_engine.test_trade_differences import two_halves
from ats_assets_tests.rounds import rounds


@pytest.mark.slow
def test_random_weights_come_to_the_same_account_or_each_trade_is_explained() -> None:
    """Of 1,000 matrices 720 are equal to the cent at each close: all in which cash pays for what is wanted."""
    found = compared(engine_for_tests("backtrader"), range(rounds(40, 1_000)))
    assert not found.unexplained
    assert found.trades > 10 * found.matrices
    assert found.equal > 0.6 * found.matrices
    assert set(found.rules) > {"carried", "refused_whole"}


def test_a_buy_that_cash_does_not_pay_for_is_refused_and_told_as_unfilled() -> None:
    made = engine_for_tests("backtrader").run(two_halves())
    assert made.trades.select("symbol", "shares", "cash_flow").rows() == [("A", 500.0, -5_050.0)]
    assert made.unfilled.select("symbol", "reason", "ordered_shares", "filled_shares", "target_weight").rows() == [
        ("B", "cash", 250.0, 0.0, 0.5)
    ]
    assert made.equity["cash"].to_list() == [10_000.0, 4_950.0]


def test_minimum_commissions_are_its_own_too() -> None:
    inputs = random_weights(2)
    dear = replace(inputs, settings=inputs.settings.model_copy(update={"min_commission": 400.0}))
    engine = engine_for_tests("backtrader")
    free, paid = (one.result for one in engine.run_all([inputs, dear]))
    assert paid.trades["commission"].min() >= 400.0
    assert paid.equity["costs"].sum() > free.equity["costs"].sum()


def test_it_is_chosen_by_the_settings() -> None:
    engine_for_tests("backtrader")
    inputs = two_halves(0.0)
    options = {"environments": ENVIRONMENTS, "leave_out": LEFT_OUT}
    settings = inputs.settings.model_copy(update={"engine": "backtrader", "options": options})
    made = run_backtest(inputs.targets, inputs.bars, inputs.sessions, portfolio=inputs.portfolio, settings=settings)
    assert made.equity["positions_value"].to_list() == [0.0, 10_000.0]


def test_without_targets_no_child_is_started() -> None:
    inputs = random_weights(0)
    engine = engine_for_tests("backtrader")
    nothing = engine.run(replace(inputs, targets=inputs.targets.clear()))
    assert nothing.equity.is_empty()

"""vectorbt itself, in its child process, against the engine `orders` on random weights: each trade that differs is explained."""

import pytest

from ats_assets_tests.backtests.child_engine.comparing import compared
from ats_assets_tests.backtests.child_engine.engine_environments import engine_for_tests
from ats_assets_tests.backtests.child_engine.test_trade_differences import two_halves
from ats_assets_tests.rounds import rounds


@pytest.mark.slow
def test_each_trade_of_random_weights_that_differs_is_explained() -> None:
    """It rounds no sum to the cent and whole shares otherwise, so that most accounts differ by a little."""
    found = compared(engine_for_tests("vectorbt"), range(rounds(20, 1_000)))
    assert not found.unexplained
    assert found.trades > 10 * found.matrices
    assert found.equal > 0
    assert set(found.rules) > {"carried", "parts_of_a_cent", "whole_shares", "cash_in_order"}


def test_a_buy_that_cash_does_not_pay_for_is_cut_to_it_and_told_as_unfilled() -> None:
    made = engine_for_tests("vectorbt").run(two_halves())
    assert made.trades.select("symbol", "shares", "cash_flow").rows() == [("A", 500.0, -5_050.0), ("B", 245.0, -4_949.0)]
    assert made.unfilled.select("symbol", "reason", "ordered_shares", "filled_shares").rows() == [("B", "cash", 250.0, 245.0)]
    assert made.equity["cash"].to_list() == [10_000.0, 1.0]

"""An engine of others against ours, on random weights: what is the same, and what explains the rest."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from ats_assets.backtests import BacktestPositions, Equity, Trades, Unfilled
from ats_assets.backtests.child_engine.engine_in_child import EngineInChild
from ats_assets.backtests.child_engine.engine_rules import CENTS
from ats_assets.backtests.child_engine.trade_differences import trade_differences
from ats_assets.backtests.engines.orders import OrdersEngine, OrdersEngineSettings
from ats_assets_tests.backtests.child_engine.random_weights import random_weights

CONTRACTS = {"equity": Equity, "positions": BacktestPositions, "trades": Trades, "unfilled": Unfilled}
SAME_TRADES = ["session", "instrument", "side", "effect", "shares", "notional", "cash_flow", "realised_pnl"]
MONEY = ["session", "cash", "positions_value", "equity", "costs", "n_positions"]


@dataclass
class Compared:
    """What came of it."""

    trades: int = 0
    matrices: int = 0
    equal: int = 0
    """Matrices of which equity and cash are equal to the cent at all closes."""
    rules: Counter[str] = field(default_factory=Counter)
    unexplained: list[tuple[int, pl.DataFrame]] = field(default_factory=list)


def compared(engine: EngineInChild, seeds: range) -> Compared:
    """All by one child. The tables must satisfy the contracts, and what has no difference must be the same rows."""
    found, all_inputs = Compared(), [random_weights(seed) for seed in seeds]
    ours = OrdersEngine(OrdersEngineSettings(compiled=False))
    for seed, inputs, theirs in zip(seeds, all_inputs, engine.run_all(all_inputs), strict=True):
        for table, contract in CONTRACTS.items():
            contract.validate(getattr(theirs.result, table))
        mine = ours.run(inputs)
        rows = trade_differences(inputs, mine, theirs.result, engine.rules, theirs.account)
        found.matrices += 1
        found.trades += len(mine.trades)
        found.rules.update(rows["rule"].to_list())
        if "unexplained" in rows["rule"]:
            found.unexplained.append((seed, rows.filter(rule="unexplained")))
        found.equal += mine.equity.select(MONEY).equals(theirs.result.equity.select(MONEY))
        if rows.is_empty() and CENTS not in engine.rules:
            assert mine.trades.select(SAME_TRADES).equals(theirs.result.trades.select(SAME_TRADES)), seed
            assert mine.equity.select(MONEY).equals(theirs.result.equity.select(MONEY)), seed
    return found

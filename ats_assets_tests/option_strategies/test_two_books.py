"""Every strategy through the package's backtest and through the plain book of the kit: the same decisions, the same cash at each session, to the cent."""

from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.session_loop import OptionBacktestInputs, trade_sessions
from ats_assets.option_backtests.strategy_account import OptionTradingRules, TradedStrategy
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA
from ats_assets_tests.kits import option_market as markets
from ats_assets_tests.option_strategies.rules import test_kit as kits

KITS = [
    kits.TestWheel,
    kits.TestCoveredCall,
    kits.TestCashSecuredPut,
    kits.TestVertical,
    kits.TestDebitVertical,
    kits.TestIronCondor,
    kits.TestLongStraddle,
]


def traded(kit: type[kits.OptionStrategyKit], played: markets.OptionMarket) -> dict[str, list[dict[str, Any]]]:
    """The market in the package's backtest."""
    paid = [
        {"symbol": one.underlying, "session": one.ex_session, "kind": "cash_dividend", "cash": float(one.amount)}
        for one in played.dividends
    ]
    told = [
        {"symbol": one.underlying, "session": day, "ex_session": one.ex_session, "cash": float(one.amount)}
        for one in played.dividends
        for day in played.sessions
        if day < one.ex_session
    ]
    actions = pl.DataFrame([dict.fromkeys(CORPORATE_ACTIONS_SCHEMA) | one for one in paid], CORPORATE_ACTIONS_SCHEMA)
    one = TradedStrategy(name="mine", strategy=kit().strategy(), underlyings=("AAA", "BBB"), capital=Decimal(60_000))
    return trade_sessions(
        OptionBacktestInputs(
            strategies=[one],
            sessions=played.sessions,
            chain_of=lambda session: SessionChain(session, played.chains[session], played.spots[session]),
            actions=actions,
            announced=pl.DataFrame([dict.fromkeys(ANNOUNCED_DIVIDENDS_SCHEMA) | one for one in told], ANNOUNCED_DIVIDENDS_SCHEMA),
            calendar=markets.CALENDAR,
            rules=OptionTradingRules(fills=markets.RULES),
        )
    )


@pytest.mark.parametrize("kit", KITS, ids=lambda kit: kit.__name__)
def test_the_backtest_and_a_plain_ledger_come_to_the_same_cent(kit: type[kits.OptionStrategyKit]) -> None:
    played, steps = markets.market(), kit.steps()
    rows = traded(kit, played)
    cash = {row["session"]: row["cash"] for row in rows["equity"]}
    for step in steps:
        assert float(cash[step.view.session]) == pytest.approx(float(step.view.cash), abs=0.005), step.view.session
    told = [(row["session"], row["underlying"], row["action"], row["rule"]) for row in rows["decisions"]]
    mine = [(step.view.session, one.underlying, one.action, one.rule) for step in steps for one in step.decisions]
    assert sorted(told) == sorted(mine)
    ours = sorted((row["session"], row["contract"], row["quantity"]) for row in rows["option_fills"] if row["contract"])
    theirs = sorted((day, what, n) for day, kind, what, n, _ in steps[-1].book.flows if kind == "premium")
    assert ours == theirs

"""Strategies over real chains (AAPL in June 2014 with its split of 7 for 1, GOOG in December 2015): an independent ledger comes to the same cent.

The stored set has no quotes, only closes; settings say how wide they are taken to be, and where they do not, nothing is traded. AAPL has no rows at all at 2014-06-06.
"""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.option_backtests.backtested_tables import option_tables
from ats_assets.option_backtests.option_metrics import option_metrics
from ats_assets.option_backtests.session_chain import OF_GREEKS, SessionChain
from ats_assets.option_backtests.session_loop import OptionBacktestInputs, Rows, trade_sessions
from ats_assets.option_backtests.strategy_account import OptionTradingRules, TradedStrategy
from ats_assets.option_strategies import OptionStrategy, OptionView
from ats_assets.option_strategies.fills import OptionFillRules
from ats_assets.options.chain_greeks import chain_greeks
from ats_assets.options.chain_screening import screen_chains
from ats_assets.options.option_sources.files.chain_files import ChainFiles
from ats_assets.options.option_sources.files.settings import ChainFilesSettings
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets.settings import OptionsSettings
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets_tests.option_backtests.independent_ledger import Costs, Market, add_up
from ats_assets_tests.option_backtests.option_market import Scripted, actions, contract, flows, order, split

STORED = Path("../shared/data/us_options/chains_with_greeks.parquet")
CALENDAR = session_calendar("XNYS", date(2013, 1, 2))
JUNE = (date(2014, 6, 2), date(2014, 6, 16))
DECEMBER = (date(2015, 12, 23), date(2015, 12, 31))
SPLIT = actions(split("AAPL", date(2014, 6, 9), 7.0))
RULES = OptionTradingRules(fills=OptionFillRules(fee_per_contract=Decimal("0.65"), share_cost_bps=Decimal(2)))

pytestmark = pytest.mark.skipif(not STORED.is_file(), reason=f"the stored chains are not at {STORED}")


@cache
def stored_chains(underlying: str, first: date, last: date, half_spread_share: float | None) -> dict[date, SessionChain]:
    """The screened chains with greeks of the sessions that the set has."""
    options = OptionsSettings(chains={"kind": "files"}, unquoted_half_spread_share=half_spread_share, spot="delivered")
    files = ChainFiles(ChainFilesSettings(path=STORED), CALENDAR, (underlying,))
    found = {}
    for day in CALENDAR.sessions(first, last):
        if day not in files.sessions():
            continue
        kept, _ = screen_chains(files.chains(day), BARS_SCHEMA.to_frame(), CALENDAR, options)
        rates = pl.DataFrame({"session": [day], "rate": [options.rate]})
        dividends = ANNOUNCED_DIVIDENDS_SCHEMA.to_frame()
        told = chain_greeks(kept, dividends, rates, dividend_yields={}, symbol_by_underlying={}).select("contract", *OF_GREEKS)
        rows = kept.join(told, on="contract", how="left", maintain_order="left")
        found[day] = SessionChain(day, rows)
    return found


def run(
    strategy: OptionStrategy, underlying: str, span: tuple[date, date], acts: pl.DataFrame | None = None, share: float | None = 0.02
) -> tuple[Rows, Market]:
    chains = stored_chains(underlying, *span, share)
    sessions = CALENDAR.sessions(*span)
    empty = next(iter(chains.values())).rows.clear()
    rows = trade_sessions(
        OptionBacktestInputs(
            strategies=[TradedStrategy(name="s", strategy=strategy, underlyings=(underlying,), capital=Decimal(200_000))],
            sessions=sessions,
            chain_of=lambda session: chains.get(session, SessionChain(session, empty)),
            actions=CORPORATE_ACTIONS_SCHEMA.to_frame() if acts is None else acts,
            announced=ANNOUNCED_DIVIDENDS_SCHEMA.to_frame(),
            calendar=CALENDAR,
            rules=RULES,
        )
    )
    closes = {day: {name: float(spot) for name, spot in chains[day].spots.items()} if day in chains else {} for day in sessions}
    marks = {day: dict(chains[day].rows.select("contract", "mark").iter_rows()) if day in chains else {} for day in sessions}
    told = {} if acts is None else {(underlying, row["session"]): (row["ratio"], 0.0) for row in acts.iter_rows(named=True)}
    market = Market(sessions, CALENDAR.after(sessions[-1]), closes, {day: {} for day in sessions}, told, marks)
    return rows, market


def equal_to_the_cent(rows: Rows, market: Market) -> None:
    trades = [
        (row["session"], row["contract"], row["underlying"], row["quantity"], Fraction(str(row["price"]))) for row in rows["option_fills"]
    ]
    margin = Costs(fee=Fraction(65, 100))
    told = add_up(200_000, market, margin, trades, [])
    held: defaultdict[date, dict[str, float]] = defaultdict(dict)
    for row in rows["positions"]:
        held[row["session"]][row["contract"] or row["underlying"]] = row["quantity"]
    for row in rows["equity"]:
        cash, equity, options, shares = told[row["session"]]
        assert (int(row["cash"] * 100), int(row["equity"] * 100)) == (cash, equity), row["session"]
        assert held[row["session"]] == options | shares, row["session"]


def never_of_another_day(rows: Rows, chains: Mapping[date, SessionChain]) -> None:
    """Each trade of a contract is within the quotes of its own session's chain, which are not zero; and it was decided at the session before."""
    for row in rows["option_fills"]:
        assert row["decision_session"] == CALENDAR.before(row["session"])
        if row["contract"] is None:
            continue
        own = chains[row["session"]].rows.filter(contract=row["contract"])
        mark, half = own["mark"].item(), own["half_spread"].item()
        assert mark > 0
        assert mark - half - 1e-9 <= float(row["price"]) <= mark + half + 1e-9
        assert float(row["price"]) > 0


def scripted_wheel(view: OptionView) -> list[Any]:
    """A put in the money is sold, assigned at 2014-06-13 (in contracts after the split), and a call is written against the shares."""
    put = contract("AAPL", date(2014, 6, 13), "660", "P")
    if view.session == date(2014, 6, 2):
        return [order(view, (put, -1, "open"))]
    if view.session == date(2014, 6, 5):  # nobody quotes it at the next session
        return [order(view, (put, 1, "close"), action="close")]
    if view.session == date(2014, 6, 13) and view.shares:
        return [order(view, (contract("AAPL", date(2014, 6, 21), "95", "C"), -7, "open"))]
    return []


def test_a_wheel_goes_through_a_session_without_quotes_and_a_split_and_its_put_is_assigned_at_the_right_session() -> None:
    rows, market = run(Scripted(scripted_wheel), "AAPL", JUNE, SPLIT)
    equal_to_the_cent(rows, market)
    never_of_another_day(rows, stored_chains("AAPL", *JUNE, 0.02))
    old, new = contract("AAPL", date(2014, 6, 13), "660", "P").symbol, contract("AAPL", date(2014, 6, 13), "94.29", "P").symbol
    found = flows(rows, "split", "assignment", "expiry")
    assert found[:2] == [(date(2014, 6, 9), "split", old, 1, 0.0, 0.0), (date(2014, 6, 9), "split", new, -7, 0.0, 0.0)]
    assert [row["reason"] for row in rows["unfilled"]] == ["no_quote"]
    assert market.closes[date(2014, 6, 13)] == {"AAPL": 93.77}
    assert found[2] == (date(2014, 6, 13), "assignment", new, 7, 700.0, -700 * 94.29)
    assert [(row["contract"], row["quantity"]) for row in rows["option_fills"]][1:] == [("AAPL140621C00095000", -7)]
    unquoted = {row["session"]: row["unquoted_sessions"] for row in rows["positions"]}
    assert unquoted[date(2014, 6, 6)] == 1


@pytest.mark.parametrize(("underlying", "span", "acts"), [("AAPL", JUNE, SPLIT), ("GOOG", DECEMBER, None)], ids=["AAPL", "GOOG"])
@pytest.mark.parametrize("kind", ["wheel", "covered_call", "iron_condor"])
def test_the_strategies_over_stored_chains_add_up_in_an_independent_ledger(
    kind: str, underlying: str, span: tuple[date, date], acts: pl.DataFrame | None
) -> None:
    rows, market = run(OPTION_STRATEGIES.made(kind, {}), underlying, span, acts)
    equal_to_the_cent(rows, market)
    never_of_another_day(rows, stored_chains(underlying, *span, 0.02))
    assert {row["session"] for row in rows["decisions"]} == set(market.sessions)
    assert all(row["reason"] and row["rule"] != "not_told" for row in rows["decisions"])
    tables = option_tables(rows)
    figures = option_metrics(tables, {"s": 200_000.0}, 252)
    assert figures["all"] == figures["s"]
    assert figures["all"]["pnl"] == pytest.approx(
        sum(value for name, value in figures["s"]["attribution"].items() if name != "pnl"), abs=0.02
    )


def test_where_settings_give_no_quotes_nothing_is_traded() -> None:
    rows, market = run(Scripted(scripted_wheel), "AAPL", JUNE, SPLIT, share=None)
    assert flows(rows) == []
    assert {row["reason"] for row in rows["unfilled"]} == {"no_quote", "position_gone"}
    equal_to_the_cent(rows, market)

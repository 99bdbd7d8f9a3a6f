"""A script of covered calls, puts and a spread over AAPL's real chains of June 2014, with the 7 for 1 split of the 9th: backtest, paper account and an independent ledger come to the same cents."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.strategy_account import OptionTradingRules
from ats_assets.option_strategies import Decision, OptionView
from ats_assets.option_strategies.fills import OptionFillRules
from ats_assets.options.chain_screening import screen_chains
from ats_assets.settings import OptionsSettings
from ats_assets_tests.brokers.paper.test_option_books import by_value, on_paper, sorted_flows
from ats_assets_tests.option_backtests import test_random_histories
from ats_assets_tests.option_backtests.independent_ledger import Costs, Market, exact
from ats_assets_tests.option_backtests.option_market import Scripted, actions, contract, order, split, traded
from ats_assets_tests.option_backtests.test_random_histories import History, compare, conserved
from ats_assets_tests.options.test_chain_screening import NO_BARS, STORED, ChainFiles, ChainFilesSettings

FIRST, LAST, SPLIT = date(2014, 6, 2), date(2014, 6, 16), date(2014, 6, 9)
CAPITAL = 200_000
EXPIRY = date(2014, 6, 21)
RULES = OptionTradingRules(fills=OptionFillRules(fee_per_contract=Decimal("0.65")))
ACTIONS = actions(split("AAPL", SPLIT, 7.0))
CALENDAR = session_calendar("XNYS", date(2010, 1, 4))


@cache
def stored_chains() -> tuple[SessionChain, ...]:
    """Screened; quotes 3 % around the vendor's close, since the set has none."""
    source = ChainFiles(ChainFilesSettings(path=STORED), CALENDAR)
    options = OptionsSettings(spot="delivered", unquoted_half_spread_share=0.03)
    days = [day for day in source.sessions() if FIRST <= day <= LAST]
    found = ((day, screen_chains(source.chains(day), NO_BARS, CALENDAR, options)[0].filter(underlying="AAPL")) for day in days)
    return tuple(SessionChain(day, rows) for day, rows in found)


def script(view: OptionView) -> list[Decision]:
    """What is decided at each session; after the split in the contracts that the old ones have become."""
    call, put = contract("AAPL", EXPIRY, "640", "C"), contract("AAPL", EXPIRY, "620", "P")
    new_call, new_put = contract("AAPL", EXPIRY, "91.43", "C"), contract("AAPL", EXPIRY, "88.57", "P")
    low, high = contract("AAPL", EXPIRY, "630", "C"), contract("AAPL", EXPIRY, "650", "C")
    lines: Mapping[date, list[Decision]] = {
        FIRST: [order(view, (None, 200, "open"), (call, -2, "open")), order(view, (put, -1, "open"))],
        date(2014, 6, 3): [order(view, (low, 1, "open"), (high, -1, "open"))],
        date(2014, 6, 4): [order(view, (put, -1, "open"), limit="-99.00")],
        date(2014, 6, 10): [order(view, (new_call, 7, "close"), action="close"), order(view, (new_put, -3, "open"), limit="-0.10")],
        date(2014, 6, 12): [order(view, (new_put, 5, "close"), action="close")],
    }
    return lines.get(view.session, [])


def ledger_market(chains: tuple[SessionChain, ...]) -> Market:
    sessions = CALENDAR.sessions(FIRST, LAST)
    closes: dict[date, dict[str, float]] = {day: {} for day in sessions}
    quotes: dict[date, dict[str, tuple[float | None, float | None]]] = {day: {} for day in sessions}
    for one in chains:
        closes[one.session] = {name: float(spot) for name, spot in one.spots.items()}
        for name, mark in one.rows.filter(pl.col("mark").is_not_null()).select("contract", "mark").iter_rows():
            quotes[one.session][name] = (mark, mark)  # the ledger asks for their middle alone
    return Market(sessions=sessions, after=CALENDAR.after(LAST), closes=closes, quotes=quotes, actions={("AAPL", SPLIT): (7.0, 0.0)})


def test_over_the_split_of_2014_backtest_paper_and_ledger_come_to_the_same_cents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not STORED.is_file():
        pytest.skip("needs ../shared/data/us_options, which a clone does not have")
    monkeypatch.setattr(test_random_histories, "CAPITAL", CAPITAL)
    chains = stored_chains()
    rows = traded(Scripted(script), chains, ACTIONS, rules=RULES, capital=str(CAPITAL), underlyings=("AAPL",))
    costs = Costs(fee=exact(0.65))
    history = History(market=ledger_market(chains), costs=costs, rows=rows)
    compare(history)
    conserved(history)
    desk = on_paper(tmp_path, script, chains, ACTIONS, rules=RULES, capital=CAPITAL, underlyings=("AAPL",))
    assert by_value(desk.stored_flows()) == by_value(sorted_flows(rows))
    book = desk.broker.option_books()["scripted"]
    assert (book.cash, book.equity) == (rows["equity"][-1]["cash"], rows["equity"][-1]["equity"])
    held = {one.symbol: int(one.quantity) for one in desk.broker.positions()}
    assert held == {
        "AAPL": 1400,
        "AAPL140621C00091430": -7,
        "AAPL140621P00088570": -2,
        "AAPL140621C00090000": 7,
        "AAPL140621C00092860": -7,
    }
    assert {row["reason"] for row in rows["unfilled"]} == {"limit"}
    filled = {one.at.date() for one in desk.broker.fills(CALENDAR.closes_at(FIRST))}
    assert filled == {date(2014, 6, 3), date(2014, 6, 4), date(2014, 6, 11), date(2014, 6, 13)}, "each at the session after its decision"
    desk.state.close()

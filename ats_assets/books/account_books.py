"""The books of the strategies behind an account: one function for backtests, paper and live."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import polars as pl

from ats_assets.backtests.market import read_market
from ats_assets.books.account_events import account_events
from ats_assets.books.account_history import AccountHistory
from ats_assets.books.ledger_rows import Tables
from ats_assets.books.strategy_ledger import StrategyLedger
from ats_assets.books.wanted_parts import wanted_parts
from ats_assets.corporate_actions.identity import Identities
from ats_assets.portfolio.allowed_changes import SMALLER, change_codes
from ats_assets.settings import BacktestSettings, PortfolioSettings


@dataclass(frozen=True, kw_only=True)
class BookInputs:
    """What books are made from, beside the account.

    Attributes
    ----------
    capital
        By the name of each strategy that has some: its share of the equity.
    targets
        session, symbol, target_weight, and `allowed_change` where it is known: what was traded.
    averaged, resting
        See `wanted_parts`.
    bars, actions, known
        As the backtest takes them.
    """

    capital: Mapping[str, float]
    targets: pl.DataFrame
    averaged: Callable[[str], pl.DataFrame]
    bars: pl.DataFrame
    actions: pl.DataFrame
    known: Identities
    portfolio: PortfolioSettings
    settings: BacktestSettings
    resting: Mapping[str, Collection[date]] = field(default_factory=dict)


def account_books(history: AccountHistory, inputs: BookInputs, sessions: Sequence[date]) -> Tables:
    """The books of all strategies, from the first of the sessions that has targets; empty tables where there is none, or one only.

    Parameters
    ----------
    sessions
        Those of the account, ascending.
    """
    targets = inputs.targets.filter(pl.col("session").is_in(list(sessions)))
    market = read_market(targets, inputs.bars, sessions, inputs.actions, inputs.known)
    days = [day for day in market.sessions if day in history.rows] if targets.height else []
    opening = history.rows[days[0]].cash if days else 0
    ledger = StrategyLedger(inputs.capital, opening, inputs.portfolio)
    if not days:
        return ledger.tables()
    held = history.held.get(days[0], {})
    ledger.take_over(
        days[0],
        {name: one.units for name, one in held.items()},
        {name: one.value or 0 for name, one in held.items()},
        {name: inputs.known.symbol(name, days[0]) for name in held},
    )
    parts = wanted_parts(inputs.capital, targets, inputs.averaged, inputs.resting)
    smaller = targets.filter(pl.Series(change_codes(targets) == SMALLER, dtype=pl.Boolean)).select("session", "symbol")
    for events in account_events(history, market, parts, inputs.known, inputs.settings, smaller=smaller):
        ledger.pass_session(events)
    return ledger.tables()

"""Strategies of options over history, session after session, each with a book of its own.

Of session D, in this order:

1. Before the open: interest and fees of borrowing, then the corporate actions whose ex-session it is, for what was held over the close before.
2. The decisions of the session before are traded, in the order in which they were made, at the quotes of D's chain and the closes of D, all legs or none. What was decided in old shares,
   on contracts that are not held any more, or beyond the margin, is not; nothing is carried over, the strategy decides again.
3. Contracts that can't be traded any more are exercised, assigned, settled in cash or worthless, by D's closes.
4. The rest is marked, and the strategy decides, told of nothing later than D's close.
5. The night: short contracts whose holders gain by exercising before D+1 are assigned, and what an action of D+1 would adjust is closed at D's quotes. The strategy learns of it at D+1. The
   night after the last session is still to come.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.strategy_account import OptionTradingRules, StrategyAccount, TradedStrategy
from ats_assets.option_strategies.book.contract_actions import ShareAction, coming_actions, root_of, told_actions
from ats_assets.option_strategies.fills import ZERO, decimal_of
from ats_assets.option_strategies.option_strategy import ComingAction, Decision, KnownDividend, OptionView
from ats_assets.scheduled_events import EARNINGS, SCHEDULED_EVENTS_SCHEMA

NOT_TOLD: Final = "not_told"
"""The rule of a row for an underlying, or a position, that a strategy said nothing about."""
Rows = dict[str, list[dict[str, Any]]]
Earnings = Mapping[str, tuple[date, ...]]
"""Underlying -> its days of earnings that are scheduled, ascending."""


@dataclass(frozen=True, kw_only=True)
class OptionBacktestInputs:
    """What is traded, and by what.

    Attributes
    ----------
    sessions
        Consecutive sessions of the calendar.
    chain_of
        The chain of a session; one without rows where there is none.
    actions
        Rows of `corporate_actions` at these sessions.
    announced
        Rows of `raw_announced_dividends` at these sessions: what a strategy is told of dividends to come.
    roots
        Symbol of the bars -> root of its contracts, where it is another one.
    scheduled
        Rows of `scheduled_events` at these sessions: what a strategy is told of earnings to come.
    """

    strategies: Sequence[TradedStrategy]
    sessions: Sequence[date]
    chain_of: Callable[[date], SessionChain]
    actions: pl.DataFrame
    announced: pl.DataFrame
    calendar: SessionCalendar
    rules: OptionTradingRules = field(default_factory=OptionTradingRules)
    roots: Mapping[str, str] = field(default_factory=dict)
    scheduled: pl.DataFrame = field(default_factory=SCHEDULED_EVENTS_SCHEMA.to_frame)


def trade_sessions(inputs: OptionBacktestInputs) -> Rows:
    """Trade the strategies over the sessions.

    Returns
    -------
    dict
        By the name of each table its rows, those of one strategy after those of another.
    """
    by_session = _by_session(inputs.actions, inputs.roots)
    dividends, earnings = _announced(inputs.announced, inputs.roots), earnings_ahead(inputs.scheduled, inputs.roots)
    accounts = [StrategyAccount(one, inputs.rules, inputs.sessions[0]) for one in inputs.strategies]
    for session in inputs.sessions:
        next_session = inputs.calendar.after(session)
        today, tomorrow = by_session.get(session, {}), by_session.get(next_session, {})
        chain = inputs.chain_of(session)
        known = dividends.get(session, ())
        ahead = expiries_ahead(inputs.calendar, session, chain)
        for account in accounts:
            account.begin(session, today)
            account.trade(session, chain, today)
            account.close(session, next_session, chain)
            acts, due = told_actions(tomorrow, next_session), earnings.get(session, {})
            view = account_view(account, session, ahead, chain, dividends=known, actions=acts, earnings=due)
            account.decided(session, complete_decisions(view, account.traded.strategy.decide(view)))
            if session != inputs.sessions[-1]:
                account.night(session, next_session, chain, tomorrow)
            account.end(session, chain)
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for account in accounts:
        for name, rows in account.finished().items():
            found[name] += rows
    return found


def account_view(
    account: StrategyAccount,
    session: date,
    ahead: tuple[date, ...],
    chain: SessionChain,
    *,
    dividends: tuple[KnownDividend, ...],
    actions: tuple[ComingAction, ...],
    earnings: Earnings | None = None,
) -> OptionView:
    """What a strategy is told at the close of `session`: of its own book, and of the underlyings that it trades or holds."""
    book, own = account.book, set(account.traded.underlyings)
    seen = own | set(book.underlyings())
    return OptionView(
        strategy=account.traded.name,
        session=session,
        underlyings=account.traded.underlyings,
        sessions=ahead,
        chain=chain.of(seen),
        spots={name: float(spot) for name, spot in chain.spots.items() if name in seen},
        held=book.held(),
        shares={name: one.quantity for name, one in sorted(book.shares.items())},
        share_prices={name: one.cost / one.quantity for name, one in sorted(book.shares.items())},
        cash=book.cash,
        equity=book.equity,
        dividends=tuple(one for one in dividends if one.underlying in seen),
        actions=tuple(one for one in actions if one.underlying in seen),
        earnings={name: days for name, days in (earnings or {}).items() if name in seen},
    )


def complete_decisions(view: OptionView, decisions: list[Decision]) -> list[Decision]:
    """The decisions, and a row for each position and underlying that they leave out."""
    told = {decision.underlying for decision in decisions}
    legs = {leg.contract for decision in decisions for leg in decision.legs}
    silent = [one.contract.symbol for one in view.held if one.contract not in legs and one.contract.underlying not in told]
    missing = [name for name in view.underlyings if name not in told]
    return [
        *decisions,
        *(_silence(view.strategy, name, "the strategy says nothing about it") for name in missing),
        *(_silence(view.strategy, symbol, "the strategy says nothing about this position") for symbol in silent),
    ]


def _silence(strategy: str, underlying: str, reason: str) -> Decision:
    return Decision(strategy=strategy, underlying=underlying, action="hold", reason=reason, rule=NOT_TOLD)


def expiries_ahead(calendar: SessionCalendar, session: date, chain: SessionChain) -> tuple[date, ...]:
    """The sessions after this one up to the last expiry of the chain, as far as the calendar goes."""
    last = chain.last_expiry
    if last is None or last <= session:
        return (calendar.after(session),)
    return tuple(calendar.sessions(calendar.after(session), min(last, calendar.last)))


def _by_session(actions: pl.DataFrame, roots: Mapping[str, str]) -> dict[date, dict[str, ShareAction]]:
    return {session: coming_actions(rows, roots) for (session,), rows in actions.partition_by("session", as_dict=True).items()}  # pyright: ignore[reportReturnType]


def earnings_ahead(scheduled: pl.DataFrame, roots: Mapping[str, str]) -> dict[date, Earnings]:
    """Session -> the earnings to come that were scheduled at its close.

    Parameters
    ----------
    scheduled
        Rows of `scheduled_events`.
    roots
        Symbol of the bars -> root of its contracts, where it is another one.
    """
    found: defaultdict[date, defaultdict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    ahead = scheduled.filter(pl.col("kind") == EARNINGS, pl.col("date") > pl.col("session"))
    for session, symbol, day in ahead.select("session", "symbol", "date").iter_rows():
        found[session][roots.get(symbol, root_of(symbol))].add(day)
    return {session: {name: tuple(sorted(days)) for name, days in sorted(of.items())} for session, of in found.items()}


def _announced(rows: pl.DataFrame, roots: Mapping[str, str]) -> dict[date, tuple[KnownDividend, ...]]:
    """The dividends that were known at the close of each session."""
    found: defaultdict[date, list[KnownDividend]] = defaultdict(list)
    for session, symbol, ex_session, cash in rows.select("session", "symbol", "ex_session", "cash").iter_rows():
        one = KnownDividend(underlying=roots.get(symbol, root_of(symbol)), ex_session=ex_session, amount=decimal_of(cash) or ZERO)
        found[session].append(one)
    return {session: tuple(known) for session, known in found.items()}

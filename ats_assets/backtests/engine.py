"""The backtest: signals of one session are traded at the open of the next, by the code that plans and fills paper orders.

For each session, in this order:
1. What is borrowed is paid for, for each calendar day since the close before: shares that are short, and cash below zero (`ats_assets.portfolio.margin`).
2. Corporate actions take effect on what was held over the close before (`ats_assets.portfolio.actions`). An order that was decided in old shares is cancelled.
3. A held symbol that has had no bar for more than `max_missing_sessions` is delisted: its position is closed at its last close less the haircut (a short one
   at its last close plus the haircut), at no further cost. So is one whose ticker another takes over, while it is given none. A change of name is nothing: what is held
   is the instrument.
4. The trades that were planned at the previous close are filled at the open (`ats_assets.portfolio.opening`). A symbol without a bar, or with a bar without
   volume, can't be traded: its order is recorded as unfilled and not carried over, since the next signal decides anew.
5. Positions are marked at the close, or at the last close known.
6. The session's signals become the trades for the next open (`ats_assets.portfolio.planning`), sized by the closes and the equity at the close, for nobody
   knows the open before it. A symbol without signal has target zero; a session without any signals is no opinion, and nothing is traded after it. Where the
   account is called for margin, what it holds is cut instead, with or without signals, and nothing is opened.

The signals of the last session have no open to be traded at. All money is in whole cents (int64), so that cash + positions = equity holds exactly.
Where equity at the close is not positive, no weight has a meaning and nothing more is opened. Cash below zero is a debit, which only short positions can cause.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.benchmark import benchmark_values
from ats_assets.backtests.journal import Changes, Journal
from ats_assets.backtests.market import Market, read_market
from ats_assets.bars import Identities
from ats_assets.portfolio import (
    CANCELLED,
    Account,
    TradePlan,
    Unfilled,
    apply_actions,
    called_for_margin,
    close_delisted,
    fill_at_open,
    plan_trades,
    to_cents,
)
from ats_assets.portfolio.limits import Booleans, Floats
from ats_assets.settings import BacktestSettings, OrderLimitSettings, PortfolioSettings


@dataclass(frozen=True, kw_only=True)
class BacktestResult:
    """The frames of a backtest; their contracts are in `ats_assets/backtests/schema.py`."""

    equity: pl.DataFrame
    positions: pl.DataFrame
    trades: pl.DataFrame
    unfilled: pl.DataFrame


def run_backtest(
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    sessions: Sequence[date],
    *,
    portfolio: PortfolioSettings,
    settings: BacktestSettings,
    limits: OrderLimitSettings | None = None,
    actions: pl.DataFrame | None = None,
    instruments: Identities | None = None,
) -> BacktestResult:
    """Trade the signals over the sessions.

    Parameters
    ----------
    signals
        Columns session, symbol, target_weight (the signals contract has them), one row for each symbol of the universe.
    bars
        Columns session, symbol, open, close, volume (the bars contract has them).
    sessions
        The sessions of the calendar to go through; those before the first signal are left out.
    portfolio
        The limits on weights.
    settings
        Cash, costs, delisting, benchmark.
    limits
        Of orders, `orders.limits` of the settings; default none.
    actions
        Rows of the contract `CorporateActions`; default none, for prices that are adjusted.
    instruments
        Who bears which ticker when; default: as the changes of name among the actions tell.

    Raises
    ------
    ContractError
        If signals or bars break their contracts, or a signal lies outside `sessions`.
    """
    market = read_market(signals, bars, sessions, actions, instruments)
    simulation = _Simulation(market, portfolio, settings, limits)
    for i in range(len(market.sessions) if len(signals) else 0):
        simulation.step(i)
    journal = simulation.journal
    return BacktestResult(
        equity=journal.equity_frame(benchmark_values(market, settings.initial_cash, settings.benchmark) if len(signals) else np.zeros(0)),
        positions=journal.positions_frame(),
        trades=journal.trades_frame(),
        unfilled=journal.unfilled_frame(),
    )


class _Simulation:
    """One pass through the sessions: the market, the account, and the journal of what happened."""

    def __init__(self, market: Market, portfolio: PortfolioSettings, settings: BacktestSettings, limits: OrderLimitSettings | None) -> None:
        self.market = market
        self.portfolio = portfolio
        self.settings = settings
        self.limits = limits
        self.account = Account.opened(settings.initial_cash, len(market.instruments))
        self.journal = Journal(market, int(to_cents(settings.initial_cash)))
        self.missing = np.zeros(len(market.instruments), dtype=np.int64)
        self.plan: TradePlan | None = None

    def step(self, i: int) -> None:
        """One session, from its open to its close."""
        account, market = self.account, self.market
        account.fills.clear()
        financing = self._finance(i)
        income = self._take_actions(i)
        quoted, marks = ~np.isnan(market.open[i]), market.marks(i)
        self.missing = np.where(quoted, 0, self.missing + 1)
        gone = self.missing > self.settings.max_missing_sessions
        gone[market.ended[i]] = True
        close_delisted(account, gone, marks, self.settings)
        held = np.flatnonzero(account.shares)
        equity_at_open = account.cash + int(account.values(marks, held).sum())
        if self.plan is not None:
            self._trade(i, self.plan, marks, quoted)
        called = self._called(i)
        changed = Changes(equity_at_open=equity_at_open, income=income, financing=financing, called=called)
        self.journal.close(i, account, market.last_close[i], self.missing, changed)
        self.plan = self._planned(i, quoted, called=called)

    def _finance(self, i: int) -> int:
        """What was borrowed over the close before is paid for; in cents."""
        if i == 0:
            return 0
        days = (self.market.sessions[i] - self.market.sessions[i - 1]).days
        fees, interest = self.account.charge(self.market.last_close[i - 1], self.market.tickers[i], days, self.settings.margin)
        return int(fees.sum()) + interest

    def _called(self, i: int) -> bool:
        """Whether the account is called for margin at the close of session `i`."""
        values = self.account.values(self.market.last_close[i], np.flatnonzero(self.account.shares))
        return called_for_margin(values, self.account.cash + int(values.sum()), self.settings.margin)

    def _take_actions(self, i: int) -> int:
        """The corporate actions of the session's open; what they paid, in cents."""
        ratio, paid = self.market.ratio[i], self.market.paid[i]
        if i == 0 or not ((ratio != 1.0) | (paid != 0.0)).any():
            return 0
        account, fractional, close = self.account, self.settings.fractional_shares, self.market.last_close[i - 1]
        applied = apply_actions(account.shares, account.basis, ratio=ratio, cash=paid, close=close, fractional=fractional)
        account.apply(applied)
        return applied.cash_flow

    def _trade(self, i: int, plan: TradePlan, marks: Floats, quoted: Booleans) -> None:
        """The open of session `i`, with the orders planned at the close before."""
        traded = self.market.traded[i]
        old = np.flatnonzero((self.market.ratio[i] != 1.0) & (plan.shares != 0.0))
        if len(old):
            self.journal.unfilled(i, plan, Unfilled(at=old, reason=CANCELLED, ordered=plan.shares[old], filled=np.zeros(len(old))))
        orders = np.where(self.market.ratio[i] != 1.0, 0.0, plan.shares)
        unfilled = fill_at_open(self.account, orders, marks=marks, quoted=quoted, traded=traded, settings=self.settings)
        planned_away = np.unique(plan.reasons[plan.reasons != ""])
        for reason in planned_away:
            at = np.flatnonzero(plan.reasons == reason)
            self.journal.unfilled(i, plan, Unfilled(at=at, reason=str(reason), ordered=plan.wanted[at], filled=np.zeros(len(at))))
        for one in unfilled:
            self.journal.unfilled(i, plan, one)

    def _planned(self, i: int, quoted: Booleans, *, called: bool) -> TradePlan | None:
        """The trades for the next open; None where there is no opinion and no margin call."""
        targets = self.market.targets[i]
        if targets is None and not called:
            return None
        target = None if targets is None else np.zeros(len(self.market.instruments))
        if target is not None and targets is not None:
            target[targets[0]] = targets[1]
        return plan_trades(
            held=self.account.shares,
            prices=self.market.last_close[i],
            cash_cents=self.account.cash,
            target=target,
            quoted=quoted,
            traded=self.market.traded[i],
            portfolio=self.portfolio,
            limits=self.limits,
            fractional=self.settings.fractional_shares,
            margin=self.settings.margin,
        )

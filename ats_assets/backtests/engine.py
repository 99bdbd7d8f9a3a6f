"""The backtest: signals of one session are traded at the open of the next.

For each session, in this order:
1. A held symbol that has had no bar for more than `max_missing_sessions` is delisted: its position is closed at its last close less the haircut (a short one
   at its last close plus the haircut), at no further cost.
2. Positions are marked at the open (at the last close where there is no bar), which gives the equity at the open and the weights held.
3. The signals of the previous session become desired weights (`ats_assets.portfolio.desired_weights`). A symbol without signal has target zero; a session
   without any signals is no opinion, and nothing is traded after it. A symbol without a bar, or with a bar without volume, can't be traded: its order is
   recorded as unfilled and not carried over, since the next signal decides anew.
4. Shares, rounded toward zero. Sells come first: longs are closed, then shorts opened. Then buys: shorts are covered as far as the cash reaches, then longs
   opened as far as the free cash reaches, all scaled alike. Free cash is cash less the market value of the shorts: what a short sale brings in is held, cash is
   never borrowed, so long positions are never worth more than the equity when they are bought.
5. Trades are made at the open plus or minus costs (`ats_assets.portfolio.costs`).
6. Positions are marked at the close, or at the last close known.

The signals of the last session have no open to be traded at. All money is in whole cents (int64), so that cash + positions = equity holds exactly.
Where equity at the open is not positive, no weight has a meaning and nothing more is bought or sold.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.backtests.account import Account, Floats, Indices
from ats_assets.backtests.benchmark import benchmark_values
from ats_assets.backtests.journal import Journal
from ats_assets.backtests.market import Market, read_market
from ats_assets.portfolio import affordable_shares, desired_weights, notional_cents, shares_to_hold, to_cents, trade_costs, wants_trade
from ats_assets.settings import BacktestSettings, PortfolioSettings


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
        The limits.
    settings
        Cash, costs, delisting, benchmark.

    Raises
    ------
    ContractError
        If signals or bars break their contracts, or a signal lies outside `sessions`.
    """
    market = read_market(signals, bars, sessions)
    simulation = _Simulation(market, portfolio, settings)
    for i in range(len(market.sessions) if len(signals) else 0):
        simulation.step(i)
    journal = simulation.journal
    return BacktestResult(
        equity=journal.equity_frame(benchmark_values(market, settings.initial_cash, settings.benchmark) if len(signals) else np.zeros(0)),
        positions=journal.positions_frame(),
        trades=journal.trades_frame(),
        unfilled=journal.unfilled_frame(),
    )


@dataclass(frozen=True)
class _Book:
    """What the orders of one open are made of; arrays of shape (n_active,), in symbol order."""

    at: Indices
    marks: Floats
    """The open, or the last close without a bar; zero where no price is known yet."""
    held: Floats
    current: Floats
    target: Floats


class _Simulation:
    """One pass through the sessions: the market, the account, and the journal of what happened."""

    def __init__(self, market: Market, portfolio: PortfolioSettings, settings: BacktestSettings) -> None:
        self.market = market
        self.portfolio = portfolio
        self.settings = settings
        self.account = Account.opened(settings.initial_cash, len(market.symbols))
        self.journal = Journal(market, int(to_cents(settings.initial_cash)))
        self.last_close = np.full(len(market.symbols), np.nan)
        self.missing = np.zeros(len(market.symbols), dtype=np.int64)

    def step(self, i: int) -> None:
        """One session, from its open to its close."""
        account, market = self.account, self.market
        account.fills.clear()
        absent = np.isnan(market.open[i])
        self.missing = np.where(absent, self.missing + 1, 0)
        self._close_delisted()
        marks = np.where(absent, self.last_close, market.open[i])
        held = np.flatnonzero(account.shares)
        equity = account.cash + int(account.values(marks, held).sum())
        targets = market.targets[i - 1] if i else None
        if targets is not None:
            target = np.zeros(len(market.symbols))
            target[targets[0]] = targets[1]
            self._rebalance(i, self._book(held, target, marks, equity), equity)
        self.last_close = np.where(absent, self.last_close, market.close[i])
        self.journal.close(i, account, self.last_close, self.missing, equity)

    def _close_delisted(self) -> None:
        at = np.flatnonzero((self.account.shares != 0.0) & (self.missing > self.settings.max_missing_sessions))
        if not len(at):
            return
        sign = -np.sign(self.account.shares[at]).astype(np.int64)
        price = self.last_close[at] * (1.0 + sign * self.settings.delisting_haircut)
        shares = np.abs(self.account.shares[at])
        none = trade_costs(np.zeros(len(at), dtype=np.int64), self.settings)
        self.account.trade(
            at,
            shares,
            sign,
            closing=True,
            notional=notional_cents(shares, price),
            costs=none,
            reference=self.last_close[at],
            delisted=True,
        )

    def _book(self, held: Indices, target: Floats, marks: Floats, equity: int) -> _Book:
        at = np.union1d(held, np.flatnonzero(target))
        marks = np.nan_to_num(marks[at])
        values = to_cents(self.account.shares[at] * marks)
        current = values / equity if equity > 0 else np.full(len(at), np.nan)
        return _Book(at=at, marks=marks, held=self.account.shares[at], current=current, target=target[at])

    def _rebalance(self, i: int, book: _Book, equity: int) -> None:
        if equity <= 0:
            self.journal.unfilled(i, book, np.flatnonzero(book.held != 0.0), "no_equity", ordered=-book.held)
            return
        absent, quiet = np.isnan(self.market.open[i, book.at]), ~self.market.traded[i, book.at]
        blocked = absent | quiet
        desired = desired_weights(book.current, book.target, self.portfolio, tradable=~blocked)
        aim = np.where(blocked, book.target, desired)
        change = aim - book.current
        prices = np.where(book.marks > 0.0, book.marks, np.nan)
        wanted = shares_to_hold(aim, equity / 100.0, prices, fractional=self.settings.fractional_shares)
        delta = np.where(change == 0.0, 0.0, wanted - book.held)
        delta = np.where(delta * change < 0.0, 0.0, delta)  # a held position, priced to the cent, may look a share short of itself
        waiting = blocked & wants_trade(book.current, book.target, self.portfolio)
        self.journal.unfilled(i, book, np.flatnonzero(waiting & absent), "no_bar", ordered=delta)
        self.journal.unfilled(i, book, np.flatnonzero(waiting & ~absent), "no_volume", ordered=delta)
        delta = np.where(blocked, 0.0, delta)
        small = (notional_cents(delta, book.marks) == 0) & (aim != 0.0)
        self.journal.unfilled(i, book, np.flatnonzero(small & ~blocked & (change != 0.0) & (book.held == 0.0)), "too_small", ordered=delta)
        self._execute(i, book, np.where(small, 0.0, delta))

    def _execute(self, i: int, book: _Book, delta: Floats) -> None:
        """Fill the orders: `delta` shares of each symbol of the book, negative for sells."""
        closing = np.where(book.held * delta < 0.0, np.minimum(np.abs(book.held), np.abs(delta)), 0.0)
        opening = np.abs(delta) - closing
        sells, buys = delta < 0.0, delta > 0.0
        sold = self._sell(book, np.where(sells, closing, 0.0), closing=True)
        complete = sold == np.where(sells, closing, 0.0)
        sold = sold + self._sell(book, np.where(sells & complete, opening, 0.0), closing=False)
        self.journal.unfilled(i, book, np.flatnonzero(sells & (sold < -delta)), "costs_exceed_value", ordered=delta, filled=sold)

        covered = self._buy(book, np.where(buys, closing, 0.0), self.account.cash, closing=True)
        complete = covered == np.where(buys, closing, 0.0)
        now = self.account.shares[book.at]
        short = int(-to_cents(np.minimum(now, 0.0) * book.marks).sum())
        bought = covered + self._buy(book, np.where(buys & complete, opening, 0.0), self.account.cash - short, closing=False)
        self.journal.unfilled(i, book, np.flatnonzero(buys & (bought < delta)), "cash", ordered=delta, filled=bought)

    def _sell(self, book: _Book, shares: Floats, *, closing: bool) -> Floats:
        """Sell what brings in more than it costs; what was sold."""
        if not shares.any():
            return shares
        notional = notional_cents(shares, book.marks)
        worth = (trade_costs(notional, self.settings).total < notional) | (notional == 0)
        shares = np.where(worth, shares, 0.0)
        self._fill(book, shares, -1, closing=closing)
        return shares

    def _buy(self, book: _Book, shares: Floats, cash: int, *, closing: bool) -> Floats:
        """Buy what the cash pays for; what was bought."""
        if not shares.any():
            return shares
        wanted = np.flatnonzero(shares)
        bought = np.zeros(len(shares))
        bought[wanted] = affordable_shares(shares[wanted], book.marks[wanted], cash, self.settings)
        self._fill(book, bought, 1, closing=closing)
        return bought

    def _fill(self, book: _Book, shares: Floats, sign: int, *, closing: bool) -> None:
        some = np.flatnonzero(shares)
        notional = notional_cents(shares[some], book.marks[some])
        costs = trade_costs(notional, self.settings)
        self.account.trade(book.at[some], shares[some], sign, closing=closing, notional=notional, costs=costs, reference=book.marks[some])

"""At an open: orders are filled there, at its price plus or minus costs (`ats_assets.portfolio.costs`). Backtests and paper orders use this code.

Sells come first: longs are closed, then shorts opened. Then buys: shorts are covered, then longs opened as far as the free cash reaches, all scaled alike. Free cash is
cash less the market value of the shorts: what a short sale brings in is held, and cash is never borrowed to open a position. A cover takes risk away and is not refused
for want of cash; what it takes beyond is a debit, under the rules of `margin.py`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.account import Account, Indices
from ats_assets.portfolio.costs import notional_cents, trade_costs
from ats_assets.portfolio.limits import Booleans, Floats
from ats_assets.portfolio.sizing import SHARE_DECIMALS, affordable_shares
from ats_assets.settings import BacktestSettings


@dataclass(frozen=True, kw_only=True)
class Unfilled:
    """Orders that were not filled, or only in part, arrays of shape (n,); `ordered` shares are signed, `filled` are not."""

    at: Indices
    reason: str
    ordered: Floats
    filled: Floats


def fill_at_open(
    account: Account, orders: Floats, *, marks: Floats, quoted: Booleans, traded: Booleans, settings: BacktestSettings
) -> list[Unfilled]:
    """Fill `orders` as far as the market and the cash let them; the fills are added to the account's.

    Parameters
    ----------
    orders
        ndarray of shape (n_symbols,): shares, negative for sells.
    marks
        ndarray of shape (n_symbols,): the open, or the last close where there is no bar; what shorts are valued at, too.
    quoted, traded
        ndarrays of shape (n_symbols,): whether there is a bar, and whether it has volume: without any, nobody could trade at its open.
    """
    ordered = np.flatnonzero(orders)
    open_there = quoted & traded
    auction = _Auction(account, np.nan_to_num(marks), settings)
    missed = [
        Unfilled(at=at, reason=reason, ordered=orders[at], filled=np.zeros(len(at)))
        for reason, at in (("no_bar", ordered[~quoted[ordered]]), ("no_volume", ordered[quoted[ordered] & ~traded[ordered]]))
        if len(at)
    ]
    return missed + list(auction.execute(np.where(open_there, orders, 0.0)))


def close_delisted(account: Account, gone: Booleans, last_close: Floats, settings: BacktestSettings) -> None:
    """Close positions whose symbols have ceased to trade: a long at its last close less the haircut, a short at it plus the haircut, at no further cost."""
    at = np.flatnonzero((account.shares != 0.0) & gone)
    if not len(at):
        return
    sign = -np.sign(account.shares[at]).astype(np.int64)
    price = last_close[at] * (1.0 + sign * settings.delisting_haircut)
    shares = np.abs(account.shares[at])
    account.trade(
        at,
        shares,
        sign,
        closing=True,
        notional=notional_cents(shares, price),
        costs=trade_costs(np.zeros(len(at), dtype=np.int64), settings),
        reference=last_close[at],
        delisted=True,
    )


@dataclass(frozen=True)
class _Auction:
    """One open."""

    account: Account
    marks: Floats
    settings: BacktestSettings

    def execute(self, orders: Floats) -> Iterator[Unfilled]:
        """Fill the orders, shares of shape (n_symbols,), all of symbols with an open; what is left over."""
        held = self.account.shares.copy()
        closing = np.where(held * orders < 0.0, np.minimum(np.abs(held), np.abs(orders)), 0.0)
        opening = np.round(np.abs(orders) - closing, SHARE_DECIMALS)
        sells, buys = orders < 0.0, orders > 0.0
        sold = self._sell(np.where(sells, closing, 0.0), closing=True)
        complete = sold == np.where(sells, closing, 0.0)
        sold = np.round(sold + self._sell(np.where(sells & complete, opening, 0.0), closing=False), SHARE_DECIMALS)
        yield from _left(orders, sold, sells & (sold < -orders), "costs_exceed_value")

        covered = np.where(buys, closing, 0.0)
        self._fill(covered, 1, closing=True)
        short = np.flatnonzero(self.account.shares < 0.0)
        held_back = -int(self.account.values(self.marks, short).sum())
        bought = np.round(covered + self._buy(np.where(buys, opening, 0.0), self.account.cash - held_back), SHARE_DECIMALS)
        yield from _left(orders, bought, buys & (bought < orders), "cash")

    def _sell(self, shares: Floats, *, closing: bool) -> Floats:
        """Sell what brings in more than it costs; what was sold."""
        if not shares.any():
            return shares
        notional = notional_cents(shares, self.marks)
        worth = (trade_costs(notional, self.settings).total < notional) | (notional == 0)
        shares = np.where(worth, shares, 0.0)
        self._fill(shares, -1, closing=closing)
        return shares

    def _buy(self, shares: Floats, cash: int) -> Floats:
        """Open longs that the cash pays for; what was bought."""
        if not shares.any():
            return shares
        wanted = np.flatnonzero(shares)
        bought = np.zeros(len(shares))
        bought[wanted] = affordable_shares(shares[wanted], self.marks[wanted], cash, self.settings)
        self._fill(bought, 1, closing=False)
        return bought

    def _fill(self, shares: Floats, sign: int, *, closing: bool) -> None:
        at = np.flatnonzero(shares)
        notional = notional_cents(shares[at], self.marks[at])
        costs = trade_costs(notional, self.settings)
        self.account.trade(at, shares[at], sign, closing=closing, notional=notional, costs=costs, reference=self.marks[at])


def _left(orders: Floats, filled: Floats, which: NDArray[np.bool_], reason: str) -> Iterator[Unfilled]:
    at = np.flatnonzero(which)
    if len(at):
        yield Unfilled(at=at, reason=reason, ordered=orders[at], filled=filled[at])

"""The exits of brackets in a backtest: a take-profit and a stop-loss for each instrument held, for all of it, as `ats_assets.brokers.paper.bracket_exits` has them.

1. A bracket that was filled brings exits for what it has bought, at the prices that were decided with it. What reduces a position has none.
2. At the open the orders of the plan come first: exits are for no more than what these leave, and for nothing that they buy. Then exits are traded whose price the open meets.
3. Within the session limits of the plan come first, then exits whose price the bar touches (`ats_assets.portfolio.exit_prices`): those of earlier brackets before new ones.
4. From the close on, the newest pair alone stands, for the whole position. A split makes new shares of it, and prices on the grid.

The next plan knows nothing of exits: what they have sold it buys back, where the targets still want it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ats_assets.algorithms.order_words import Leg
from ats_assets.algorithms.price_grid import exact
from ats_assets.backtests.ledgers import Ledgers
from ats_assets.backtests.limited_orders import LimitedLeg
from ats_assets.backtests.market import Market
from ats_assets.backtests.simulation import OpenedSession, Prices, State
from ats_assets.impact.impact_terms import free_terms, terms_at
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import trade
from ats_assets.portfolio.costs import cents_of, costs_of
from ats_assets.portfolio.exit_prices import BarRange, ExitPrices, exit_within, price_in_new_shares, stops_at_open
from ats_assets.portfolio.kernel_settings import CostRules
from ats_assets.portfolio.limit_orders import is_within
from ats_assets.portfolio.opening import UnfilledLedger, fill
from ats_assets.portfolio.sizing import rounded_one


@dataclass(kw_only=True)
class ExitPair:
    """The exits of what is held of one instrument; `sign` is -1 where they sell."""

    sign: int
    take_profit: Decimal
    stop_loss: Decimal
    quantity: float
    entered_within: bool = False
    """Whether its bracket was filled within this session, not at its open."""

    @property
    def prices(self) -> ExitPrices:
        """As they are judged."""
        return ExitPrices(sign=self.sign, take_profit=float(self.take_profit), stop_loss=float(self.stop_loss))


@dataclass(kw_only=True)
class PlayedExits:
    """The pairs that stand, by column of the market; and which trades were theirs."""

    market: Market
    prices: Prices
    state: State
    costs: CostRules
    pairs: dict[int, list[ExitPair]] = field(default_factory=dict)
    """The oldest first; of more than one only within a session."""
    rows: list[int] = field(default_factory=list)
    """Of the ledger of trades."""

    def split(self, i: int) -> None:
        """Make new shares of what stands, before session `i` opens."""
        for at, pairs in self.pairs.items():
            ratio = float(self.prices.ratio[i, at])
            for one in pairs if ratio != 1.0 else ():
                name, sells, exactly = str(self.market.tickers[i][at]), one.sign < 0, exact(ratio)
                one.quantity = rounded_one(one.quantity * ratio)
                one.take_profit = price_in_new_shares(name, one.take_profit, exactly, sells=sells)
                one.stop_loss = price_in_new_shares(name, one.stop_loss, exactly, sells=sells)

    def at_open(self, i: int, opened: OpenedSession, ledgers: Ledgers) -> None:
        """Trade those that session `i`'s open meets, once the plan's orders are filled there."""
        if not self.pairs:
            return
        now, before = self.state.holdings.shares, self._held_before(opened, ledgers)
        rest = np.where(now * before > 0.0, np.minimum(np.abs(now), np.abs(before)) * np.sign(now), 0.0)
        self._fit(rest)
        terms, orders = terms_at(self.prices.terms, i), np.zeros(len(now))
        for at, (one,) in self.pairs.items():
            mark = float(opened.marks[at])
            limit = float(one.take_profit), one.sign, one.quantity
            if stops_at_open(one.prices, mark) or is_within(*limit, mark, at, terms):
                orders[at] = one.sign * one.quantity
        if orders.any():
            first, left = int(ledgers.trades.used[0]), UnfilledLedger.with_room(2 * len(now))
            terms = terms._replace(most_shares=np.full(len(now), np.inf))  # an exit leaves nothing behind
            quoted, traded = opened.quoted, self.prices.traded[i]
            fill(self.state.holdings, ledgers.trades, left, orders, opened.marks, quoted, traded, self.costs, terms, i)
            self._traded(range(first, int(ledgers.trades.used[0])), ledgers)

    def within(self, i: int, filled: Iterable[tuple[LimitedLeg, float, bool]], ledgers: Ledgers) -> None:
        """Make the exits of the brackets that were filled in session `i`, with their shares and whether that was at its open, and trade those that its bars touch; from its close on the newest stand alone."""
        self._fit(self.state.holdings.shares)
        for leg, shares, at_open in filled:
            if leg.exits is not None and shares > 0.0:
                profit, loss = leg.exits
                pair = ExitPair(sign=-leg.sign, take_profit=profit, stop_loss=loss, quantity=shares, entered_within=not at_open)
                self.pairs.setdefault(leg.at, []).append(pair)
        self._fit(self.state.holdings.shares)
        for at in sorted(self.pairs):
            self.pairs[at] = [one for one in self.pairs[at] if not self._exited(i, at, one, ledgers)]
        held = self.state.holdings.shares
        self.pairs = {at: kept for at, pairs in self.pairs.items() if (kept := [one for one in pairs if held[at] * one.sign < 0.0][-1:])}
        for at, (one,) in self.pairs.items():
            one.quantity, one.entered_within = float(abs(held[at])), False

    def _exited(self, i: int, at: int, one: ExitPair, ledgers: Ledgers) -> bool:
        """Whether session `i` has touched one of the two, which is traded."""
        if not self.prices.traded[i, at] or np.isnan(self.prices.open[i, at]):
            return False
        assert self.market.high is not None, "bars were read with their ranges"
        assert self.market.low is not None, "bars were read with their ranges"
        bar = BarRange(open=float(self.prices.open[i, at]), low=float(self.market.low[i, at]), high=float(self.market.high[i, at]))
        met = exit_within(one.prices, bar, entered_within=one.entered_within)
        holdings = self.state.holdings
        shares = min(float(abs(holdings.shares[at])), one.quantity) if holdings.shares[at] * one.sign < 0.0 else 0.0
        if met is None or shares <= 0.0:
            return False
        price, stopped = met
        notional = cents_of(shares * price)
        terms = (at, self.costs, terms_at(self.prices.terms, i)) if stopped else (0, self.costs, free_terms(1))
        self.rows.append(int(ledgers.trades.used[0]))
        trade(holdings, ledgers.trades, at, shares, one.sign, notional, costs_of(notional, *terms), price, True, False, i)
        return True

    def _fit(self, rest: Floats) -> None:
        """No more than is there (signed shares), those of the newest bracket first; who has nothing left has ended."""
        fitted: dict[int, list[ExitPair]] = {}
        for at, pairs in self.pairs.items():
            left, kept = abs(float(rest[at])), list[ExitPair]()
            for one in reversed(pairs):
                one.quantity = min(one.quantity, left) if rest[at] * one.sign < 0.0 else 0.0
                left = rounded_one(left - one.quantity)
                kept = [one, *kept] if one.quantity else kept
            if kept:
                fitted[at] = kept
        self.pairs = fitted

    def _traded(self, rows: Iterable[int], ledgers: Ledgers) -> None:
        """These rows of the ledger are exits, whose pairs have ended."""
        for row in rows:
            self.rows.append(row)
            self.pairs.pop(int(ledgers.trades.at[row]), None)

    def _held_before(self, opened: OpenedSession, ledgers: Ledgers) -> Floats:
        """What was held before the open's trades."""
        trades, shares = ledgers.trades, self.state.holdings.shares.copy()
        for row in range(opened.first_trade, int(trades.used[0])):
            if not trades.delisted[row]:
                shares[trades.at[row]] = rounded_one(shares[trades.at[row]] - trades.sign[row] * trades.shares[row])
        return shares


def filled_at_open(legs: Iterable[LimitedLeg], first: int, ledgers: Ledgers) -> Mapping[int, float]:
    """By column, what an order's opening leg has got at the open, of the trades from row `first` on: what has opened, and all where no leg was for the open to close anything."""
    trades, closing = ledgers.trades, {one.at for one in legs if one.leg is Leg.CLOSE}
    found: dict[int, float] = {}
    for row in range(first, int(trades.used[0])):
        at = int(trades.at[row])
        if not trades.delisted[row] and (not trades.closing[row] or at not in closing):
            found[at] = rounded_one(found.get(at, 0.0) + float(trades.shares[row]))
    return found

"""Orders that are worked within a session, on an account: the played session's fills, as far as the account takes them. Backtests and paper orders use this code.

- What closes a position never makes one on the other side, and what opens one waits until there is none on the other side.
- A buy that opens or enlarges a position is filled as far as the free cash reaches: cash less the market value of the shorts at the open. A cover is not refused for want of cash.
- A sell that costs more than it brings in is not made.
- What takes pays half the spread and slippage; what has waited at its own price pays the commission alone.
- Commission is that of each part, which is an order to the broker: the least one (`backtest.min_commission`) is paid once for a part, in however many executions it is filled.
- Impact is that of the order, however it is sent: a part pays what it adds to the impact of the parts before it. Laws of impact are of whole orders; if each part paid for its own
  size, any order would cost nothing in enough parts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np

from ats_assets.algorithms.algorithm import Parent
from ats_assets.algorithms.matching import ChildFill, MatchingRules
from ats_assets.algorithms.order_words import Leg
from ats_assets.algorithms.played_session import PlayedSession, SessionTimes, WorkedOrder
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.simulated_session import play_session
from ats_assets.algorithms.symbol_day import SymbolDay
from ats_assets.impact.impact_terms import ImpactTerms
from ats_assets.kernels.weight_limits import Floats
from ats_assets.portfolio.account import Holdings, TradeLedger, trade, value_of
from ats_assets.portfolio.costs import cents_of, costs_of
from ats_assets.portfolio.kernel_settings import CostRules
from ats_assets.portfolio.sizing import affordable

WORKED_REASONS = ("no_minute_bars", "unfilled_in_session")
"""Why an order that is worked in parts is not filled, or not in full, in a session in which its symbol was traded."""


@dataclass(frozen=True, kw_only=True)
class WorkedTrade:
    """A fill that the account has taken: which row it was of, and its row in a ledger."""

    at: int
    fill: ChildFill
    ledger: TradeLedger


@dataclass
class SessionAccount:
    """The account while a session is played; `holdings` are changed where they stand.

    Parameters
    ----------
    rows
        By symbol, its place in the holdings.
    marks
        ndarray of shape (n_symbols,): what shorts are valued at, for the free cash.
    """

    holdings: Holdings
    rows: Mapping[str, int]
    marks: Floats
    costs: CostRules
    terms: ImpactTerms
    session: int = 0
    trades: list[WorkedTrade] = field(default_factory=list)

    def __post_init__(self) -> None:
        none = np.zeros(len(self.marks))
        self._waited = self.terms._replace(spread_bps=none, fixed_bps=none, permanent_bps=none, temporary_bps=none)
        self._got = none.copy()
        self._taken: dict[str, int] = {}
        """By order, the notional of its parts that have paid impact, in cents."""
        self._charged: dict[str, tuple[int, int]] = {}
        """By part, the notional of its executions so far and the commission that they have paid, in cents."""

    def take(self, parent: Parent, fill: ChildFill) -> Decimal:
        """The shares of a fill that the account takes."""
        at, sign, price = self.rows[parent.symbol], parent.side.sign, float(fill.price)
        terms = self.terms if fill.takes else self._waited
        held, shares = float(self.holdings.shares[at]), float(fill.quantity)
        closing = parent.leg is Leg.CLOSE
        if closing:
            shares = min(shares, max(0.0, -sign * held))
        elif held * sign < 0.0:
            return Decimal(0)
        before = self._taken.get(parent.client_order_id, 0) if fill.takes else 0
        if sign > 0 and not closing:
            rates = self._rates(before, cents_of(shares * price), at, terms)
            shares = float(affordable(np.array([shares]), np.array([price]), np.array([at]), self._free_cash(), self.costs, rates)[0])
        shares = min(shares, float(self.terms.most_shares[at]) - float(self._got[at]))
        shares = float(parent.on_quantity_grid(exact(shares)))
        notional = cents_of(shares * price)
        paid = self._paid(before, notional, at, terms)
        filled, charged = self._charged.get(fill.client_order_id, (0, 0))
        commission = max(0, costs_of(filled + notional, at, self.costs, terms)[0] - charged) if notional else 0
        paid = (commission, *paid[1:])
        if shares <= 0.0 or (sign < 0 and notional and sum(paid) >= notional):
            return Decimal(0)
        self._charged[fill.client_order_id] = filled + notional, charged + commission
        if fill.takes:
            self._taken[parent.client_order_id] = before + notional
        ledger = TradeLedger.with_room(1)
        trade(self.holdings, ledger, at, shares, sign, notional, paid, price, closing, False, self.session)
        self._got[at] += shares
        self.trades.append(WorkedTrade(at=at, fill=fill, ledger=ledger))
        return exact(shares)

    def _paid(self, before: int, notional: int, at: int, terms: ImpactTerms) -> tuple[int, int, int]:
        """Commission, spread and slippage of a part, in cents; `before` is the notional of the parts before it."""
        commission, spread, slippage = costs_of(notional, at, self.costs, terms)
        if before and notional:
            slippage = costs_of(before + notional, at, self.costs, terms)[2] - costs_of(before, at, self.costs, terms)[2]
        return commission, spread, slippage

    def _rates(self, before: int, notional: int, at: int, terms: ImpactTerms) -> ImpactTerms:
        """Terms by which a part of up to `notional` costs at least what `_paid` says: the more of an order is traded, the dearer is its next share."""
        if not before or not notional:
            return terms
        most = self._paid(before, notional, at, terms)[2] + 2  # each of the two that it is the difference of is rounded
        fixed, none = np.full(len(self.marks), 1e4 * most / notional), np.zeros(len(self.marks))
        return terms._replace(fixed_bps=fixed, permanent_bps=none, temporary_bps=none)

    def _free_cash(self) -> int:
        short = np.flatnonzero((self.holdings.shares < 0.0) & ~np.isnan(self.marks))
        return int(self.holdings.cash[0] + value_of(self.holdings, self.marks, short))


def work_session(
    account: SessionAccount,
    orders: Sequence[WorkedOrder],
    days: Mapping[str, SymbolDay],
    times: SessionTimes,
    *,
    volume_share: float,
) -> PlayedSession:
    """Play a session of worked orders on an account, which has the trades afterwards.

    Parameters
    ----------
    volume_share
        Of what a minute trades, that is filled of all orders of a symbol.
    """
    adverse = {symbol: (account.terms.spread_bps[at] / 2.0 + account.terms.fixed_bps[at]) / 1e4 for symbol, at in account.rows.items()}
    rules = MatchingRules(adverse=adverse, volume_share=volume_share)
    return play_session(orders, days, times, rules=rules, room=account.take)

"""An account in whole cents: cash, shares, what they cost, what they are worth.

The basis of a position is the cash paid for it, costs included, negative for what a short sale brought in; a closing trade takes its part of the basis
along (average cost), rounded to the cent, and the last one takes what is left. So at any time, exactly:
    cash + value = initial cash + realised P&L + (value - basis) - charges

Charges are what borrowing costs (`margin.py`).
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import nearest
from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio.actions import ActionsApplied
from ats_assets.portfolio.costs import Cents, TradeCosts, cents_of, to_cents
from ats_assets.portfolio.kernel_settings import MarginRules
from ats_assets.portfolio.margin import borrow_fee, borrow_rates, debit_interest
from ats_assets.portfolio.sizing import rounded_one
from ats_assets.settings import MarginSettings

Indices = NDArray[np.intp]


class Holdings(NamedTuple):
    """An account as kernels have it, who change it where it stands: `cash` of shape (1,), shares and basis of shape (n_symbols,)."""

    cash: Cents
    shares: Floats
    basis: Cents


class TradeLedger(NamedTuple):
    """Trades in the order made, arrays of which the first `used` rows, of shape (1,), are filled; money in cents."""

    used: NDArray[np.int64]
    session: NDArray[np.int64]
    """In which the trade was made, by whatever number the maker counts them."""
    at: Indices
    sign: NDArray[np.int64]
    """+1 for buys, -1 for sells."""
    closing: Booleans
    delisted: Booleans
    shares: Floats
    reference: Floats
    notional: Cents
    commission: Cents
    spread: Cents
    slippage: Cents
    cash_flow: Cents
    realised: Cents

    @classmethod
    def with_room(cls, n: int) -> "TradeLedger":
        """An empty one."""
        return empty_ledger(cls, n, floats=("shares", "reference"), flags=("closing", "delisted"))


_Table = TypeVar("_Table", bound=tuple[Any, ...])


def empty_ledger(kind: type[_Table], n: int, *, floats: Collection[str], flags: Collection[str] = ()) -> _Table:
    """A ledger with room for n rows and none of them used; what is neither a float nor a flag is a whole number."""
    kinds: dict[str, type] = dict.fromkeys(floats, np.float64) | dict.fromkeys(flags, np.bool_)
    table: Any = kind
    return table._make(np.zeros(1 if name == "used" else n, dtype=kinds.get(name, np.int64)) for name in table._fields)


@dataclass(frozen=True, kw_only=True)
class TradeBatch:
    """Trades made in one go, arrays of shape (n_trades,); `sign` is +1 for buys and -1 for sells; money in cents."""

    at: Indices
    sign: NDArray[np.int64]
    closing: bool
    delisted: bool
    shares: Floats
    reference: Floats
    notional: Cents
    costs: TradeCosts
    cash_flow: Cents
    realised: Cents


@dataclass(kw_only=True)
class Account:
    """Cash in cents, and for each symbol of the market its shares and basis. The basis is zero where there are no shares."""

    cash: int
    shares: Floats
    basis: Cents
    fills: list[TradeBatch] = field(default_factory=list)
    """The fills of the current session, in order."""

    @classmethod
    def opened(cls, cash: float, n_symbols: int) -> "Account":
        """An account that holds only cash."""
        return cls(cash=int(to_cents(cash)), shares=np.zeros(n_symbols), basis=np.zeros(n_symbols, dtype=np.int64))

    @property
    def holdings(self) -> Holdings:
        """A copy for kernels."""
        return Holdings(np.array([self.cash], dtype=np.int64), self.shares.copy(), self.basis.copy())

    def take(self, holdings: Holdings, ledger: TradeLedger) -> None:
        """Take over what kernels have made of the account, and their trades."""
        self.cash, self.shares, self.basis = int(holdings.cash[0]), holdings.shares, holdings.basis
        self.fills += _fills_of(ledger)

    def values(self, prices: Floats, at: Indices) -> Cents:
        """Market values of the positions `at`, in cents."""
        return to_cents(self.shares[at] * prices[at])

    def apply(self, applied: ActionsApplied) -> None:
        """Take over what corporate actions have made of the positions."""
        self.shares, self.basis = applied.shares, applied.basis
        self.cash += applied.cash_flow

    def charge(self, closes: Floats, symbols: Sequence[str] | NDArray[np.object_], days: int, margin: MarginSettings) -> tuple[Cents, int]:
        """Pay for what is borrowed, over so many calendar days: the fee of each symbol, ndarray of shape (n_symbols,), and the interest, in cents.

        Parameters
        ----------
        closes
            ndarray of shape (n_symbols,): what the positions were marked at before these days; not looked at where nothing is short.
        symbols
            What the positions are called, of length n_symbols.
        """
        holdings = self.holdings
        fees, interest = charge(holdings, closes, borrow_rates(list(symbols), margin), days, margin)
        self.cash = int(holdings.cash[0])
        return fees, int(interest)

    def trade(
        self,
        at: Indices,
        shares: Floats,
        sign: int | NDArray[np.int64],
        *,
        closing: bool,
        notional: Cents,
        costs: TradeCosts,
        reference: Floats,
        delisted: bool = False,
    ) -> None:
        """Trade `shares` (positive) of the symbols `at`; `closing` trades never go beyond what is held."""
        holdings, ledger = self.holdings, TradeLedger.with_room(len(at))
        signs = np.broadcast_to(sign, at.shape)
        for k, i in enumerate(at):
            paid = (int(costs.commission[k]), int(costs.spread[k]), int(costs.slippage[k]))
            trade(holdings, ledger, i, shares[k], int(signs[k]), int(notional[k]), paid, reference[k], closing, delisted, 0)
        self.take(holdings, ledger)


@kernel
def charge(holdings: Holdings, closes: Floats, rates: Floats, days: int, margin: MarginSettings | MarginRules) -> tuple[Cents, int]:
    """Pay for what is borrowed; see `Account.charge`. `rates` are of shape (n_symbols,), in basis points a year."""
    fees = np.zeros(len(holdings.shares), dtype=np.int64)
    for i in np.flatnonzero(holdings.shares < 0.0):
        fees[i] = borrow_fee(cents_of(holdings.shares[i] * closes[i]), rates[i], days)
    interest = debit_interest(holdings.cash[0], margin, days)
    holdings.cash[0] -= fees.sum() + interest
    return fees, interest


@kernel
def value_of(holdings: Holdings, prices: Floats, held: Indices) -> int:
    """Market value of the positions `held`, in cents."""
    value = 0
    for i in held:
        value += cents_of(holdings.shares[i] * prices[i])
    return value


@kernel
def trade(
    holdings: Holdings,
    ledger: TradeLedger,
    at: int,
    shares: float,
    sign: int,
    notional: int,
    costs: tuple[int, int, int],
    reference: float,
    closing: bool,
    delisted: bool,
    session: int,
) -> None:
    """Trade `shares` (positive) of the symbol `at`; see `Account.trade`. The costs are commission, spread and slippage."""
    commission, spread, slippage = costs
    flow = -sign * notional - (commission + spread + slippage)
    held, basis, realised = holdings.shares[at], holdings.basis[at], 0
    left = rounded_one(held + sign * shares)
    if closing:
        everything = shares >= abs(held)
        part = basis if everything else int(nearest(basis * shares / abs(held)))
        realised = flow - part
        holdings.basis[at] = basis - part
        holdings.shares[at] = 0.0 if everything else left
    else:
        holdings.basis[at] = basis - flow
        holdings.shares[at] = left
    holdings.cash[0] += flow
    row = ledger.used[0]
    ledger.session[row] = session
    ledger.at[row] = at
    ledger.sign[row] = sign
    ledger.closing[row] = closing
    ledger.delisted[row] = delisted
    ledger.shares[row] = shares
    ledger.reference[row] = reference
    ledger.notional[row] = notional
    ledger.commission[row] = commission
    ledger.spread[row] = spread
    ledger.slippage[row] = slippage
    ledger.cash_flow[row] = flow
    ledger.realised[row] = realised
    ledger.used[0] = row + 1


def _fills_of(ledger: TradeLedger) -> list[TradeBatch]:
    """The trades, those that follow each other and are alike in what they do together."""
    n = int(ledger.used[0])
    kinds = ledger.closing[:n] + 2 * ledger.delisted[:n]
    bounds = [0, *(1 + np.flatnonzero(kinds[1:] != kinds[:-1])), n] if n else []
    return [
        TradeBatch(
            at=ledger.at[a:b],
            sign=ledger.sign[a:b],
            closing=bool(ledger.closing[a]),
            delisted=bool(ledger.delisted[a]),
            shares=ledger.shares[a:b],
            reference=ledger.reference[a:b],
            notional=ledger.notional[a:b],
            costs=TradeCosts(ledger.commission[a:b], ledger.spread[a:b], ledger.slippage[a:b]),
            cash_flow=ledger.cash_flow[a:b],
            realised=ledger.realised[a:b],
        )
        for a, b in pairwise(bounds)
    ]

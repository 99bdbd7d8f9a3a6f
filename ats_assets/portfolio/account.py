"""An account in whole cents: cash, shares, what they cost, what they are worth.

The basis of a position is the cash paid for it, costs included, negative for what a short sale brought in; a closing trade takes its part of the basis
along (average cost), rounded to the cent, and the last one takes what is left. So at any time, exactly:
    cash + value = initial cash + realised P&L + (value - basis) - charges

Charges are what borrowing costs (`margin.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.actions import ActionsApplied
from ats_assets.portfolio.costs import Cents, TradeCosts, to_cents
from ats_assets.portfolio.limits import Floats
from ats_assets.portfolio.margin import borrow_fees, borrow_rates, debit_interest
from ats_assets.portfolio.sizing import SHARE_DECIMALS
from ats_assets.settings import MarginSettings

Indices = NDArray[np.intp]


@dataclass(frozen=True, kw_only=True)
class Fills:
    """Trades made in one go, arrays of shape (n_trades,); `sign` is +1 for buys and -1 for sells; money in cents."""

    at: Indices
    sign: int | NDArray[np.int64]
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
    fills: list[Fills] = field(default_factory=list)
    """The fills of the current session, in order."""

    @classmethod
    def opened(cls, cash: float, n_symbols: int) -> "Account":
        """An account that holds only cash."""
        return cls(cash=int(to_cents(cash)), shares=np.zeros(n_symbols), basis=np.zeros(n_symbols, dtype=np.int64))

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
        short = np.flatnonzero(self.shares < 0.0)
        fees = np.zeros(len(self.shares), dtype=np.int64)
        fees[short] = borrow_fees(self.values(closes, short), borrow_rates([symbols[int(i)] for i in short], margin), days)
        interest = debit_interest(self.cash, margin, days)
        self.cash -= int(fees.sum()) + interest
        return fees, interest

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
        if not len(at):
            return
        flow = -sign * notional - costs.total
        realised = np.zeros(len(at), dtype=np.int64)
        if closing:
            held = np.abs(self.shares[at])
            everything = shares >= held
            part = np.where(everything, self.basis[at], np.rint(self.basis[at] * shares / held).astype(np.int64))
            realised = flow - part
            self.basis[at] -= part
            self.shares[at] = np.where(everything, 0.0, np.round(self.shares[at] + sign * shares, SHARE_DECIMALS))
        else:
            self.basis[at] -= flow
            self.shares[at] = np.round(self.shares[at] + sign * shares, SHARE_DECIMALS)
        self.cash += int(flow.sum())
        self.fills.append(
            Fills(
                at=at,
                sign=sign,
                closing=closing,
                delisted=delisted,
                shares=shares,
                reference=reference,
                notional=notional,
                costs=costs,
                cash_flow=flow,
                realised=realised,
            )
        )

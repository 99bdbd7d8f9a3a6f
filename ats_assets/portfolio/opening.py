"""At an open: orders are filled there, at its price plus or minus costs (`ats_assets.portfolio.costs`). Backtests and paper orders use this code.

Sells come first: longs are closed, then shorts opened. Then buys: shorts are covered, then longs opened as far as the free cash reaches, all scaled alike. Free cash is
cash less the market value of the shorts: what a short sale brings in is held, and cash is never borrowed to open a position. A cover takes risk away and is not refused
for want of cash; what it takes beyond is a debit, under the rules of `margin.py`.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ats_assets.impact.impact_terms import ImpactTerms, fixed_terms
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio.account import Account, Holdings, Indices, TradeLedger, empty_ledger, trade, value_of
from ats_assets.portfolio.costs import cents_of, cost_of, costs_of
from ats_assets.portfolio.kernel_settings import CostRules, cost_rules
from ats_assets.portfolio.sizing import affordable, round_one_down, rounded_one
from ats_assets.settings import BacktestSettings

UNFILLED_REASONS = ("no_bar", "no_volume", "costs_exceed_value", "cash", "participation")
"""Why an order is not filled, or not in full."""
NO_BAR, NO_VOLUME, COSTS_EXCEED_VALUE, CASH, PARTICIPATION = range(len(UNFILLED_REASONS))
"""What a kernel calls them."""


@dataclass(frozen=True, kw_only=True)
class UnfilledBatch:
    """Orders that were not filled, or only in part, arrays of shape (n,); `ordered` shares are signed, `filled` are not."""

    at: Indices
    reason: str
    ordered: Floats
    filled: Floats


class UnfilledLedger(NamedTuple):
    """Such orders, arrays of which the first `used` rows, of shape (1,), are filled."""

    used: NDArray[np.int64]
    at: Indices
    reason: NDArray[np.int64]
    """A place in whatever list of reasons the maker has."""
    ordered: Floats
    filled: Floats

    @classmethod
    def with_room(cls, n: int) -> "UnfilledLedger":
        """An empty one."""
        return empty_ledger(cls, n, floats=("ordered", "filled"))


def fill_at_open(
    account: Account,
    orders: Floats,
    *,
    marks: Floats,
    quoted: Booleans,
    traded: Booleans,
    settings: BacktestSettings,
    terms: ImpactTerms | None = None,
) -> list[UnfilledBatch]:
    """Fill `orders` as far as the market and the cash let them; the fills are added to the account's.

    Parameters
    ----------
    orders
        ndarray of shape (n_symbols,): shares, negative for sells.
    marks
        ndarray of shape (n_symbols,): the open, or the last close where there is no bar; what shorts are valued at, too.
    quoted, traded
        ndarrays of shape (n_symbols,): whether there is a bar, and whether it has volume: without any, nobody could trade at its open.
    terms
        What spread and slippage are, and how much of each symbol can be traded; None for the fixed rates, and no bound.
    """
    terms = fixed_terms(settings, len(orders)) if terms is None else terms
    holdings, ledger, left = account.holdings, TradeLedger.with_room(2 * len(orders)), UnfilledLedger.with_room(2 * len(orders))
    fill(holdings, ledger, left, orders, marks, quoted, traded, cost_rules(settings), terms, 0)
    account.take(holdings, ledger)
    found = []
    for reason, name in enumerate(UNFILLED_REASONS):
        rows = np.flatnonzero(left.reason[: left.used[0]] == reason)
        if len(rows):
            found.append(UnfilledBatch(at=left.at[rows], reason=name, ordered=left.ordered[rows], filled=left.filled[rows]))
    return found


def close_delisted(account: Account, gone: Booleans, last_close: Floats, settings: BacktestSettings) -> None:
    """Close positions whose symbols have ceased to trade: a long at its last close less the haircut, a short at it plus the haircut, at no further cost."""
    holdings, ledger = account.holdings, TradeLedger.with_room(len(gone))
    delist(holdings, ledger, gone, last_close, cost_rules(settings), 0)
    account.take(holdings, ledger)


@kernel
def delist(holdings: Holdings, ledger: TradeLedger, gone: Booleans, last_close: Floats, settings: CostRules, session: int) -> None:
    """See `close_delisted`."""
    for i in np.flatnonzero((holdings.shares != 0.0) & gone):
        sign = -1 if holdings.shares[i] > 0.0 else 1
        price = last_close[i] * (1.0 + sign * settings.delisting_haircut)
        shares = abs(holdings.shares[i])
        trade(holdings, ledger, i, shares, sign, cents_of(shares * price), (0, 0, 0), last_close[i], True, True, session)


@kernel
def fill(
    holdings: Holdings,
    ledger: TradeLedger,
    left: UnfilledLedger,
    orders: Floats,
    marks: Floats,
    quoted: Booleans,
    traded: Booleans,
    settings: CostRules,
    terms: ImpactTerms,
    session: int,
) -> None:
    """One opening auction; see `fill_at_open`. Legs that close a position come before those that open one, sells before buys."""
    ordered = np.flatnonzero(orders)
    for i in ordered:
        if not quoted[i]:
            note(left, i, orders[i], 0.0, NO_BAR)
        elif not traded[i]:
            note(left, i, orders[i], 0.0, NO_VOLUME)
    at = ordered[(quoted & traded)[ordered]]
    closing, opening = np.zeros(len(at)), np.zeros(len(at))
    for k, i in enumerate(at):
        held, size = holdings.shares[i], _size_of(orders[i], terms.most_shares[i], settings.fractional_shares)
        closing[k] = min(abs(held), size) if held * orders[i] < 0.0 else 0.0
        opening[k] = rounded_one(size - closing[k])
    _sells(holdings, ledger, left, at, orders, closing, opening, marks, settings, terms, session)
    _buys(holdings, ledger, left, at, orders, closing, opening, marks, settings, terms, session)


@kernel
def _size_of(order: float, most: float, fractional: bool) -> float:
    """The shares of an order that the session has room for."""
    size = abs(order)
    return size if size <= most else round_one_down(most, fractional)


@kernel
def _sells(
    holdings: Holdings,
    ledger: TradeLedger,
    left: UnfilledLedger,
    at: Indices,
    orders: Floats,
    closing: Floats,
    opening: Floats,
    marks: Floats,
    settings: CostRules,
    terms: ImpactTerms,
    session: int,
) -> None:
    """Longs are closed, then shorts opened, each where it brings in more than it costs."""
    sold = np.zeros(len(at))
    for closes in (True, False):
        for k, i in enumerate(at):
            shares = closing[k] if closes else opening[k]
            if orders[i] >= 0.0 or shares == 0.0 or (not closes and sold[k] != closing[k]):
                continue
            notional = cents_of(shares * marks[i])
            if notional == 0 or cost_of(notional, i, settings, terms) < notional:
                trade(holdings, ledger, i, shares, -1, notional, costs_of(notional, i, settings, terms), marks[i], closes, False, session)
                sold[k] = shares if closes else sold[k] + shares
    for k, i in enumerate(at):
        filled = rounded_one(sold[k])
        if orders[i] < 0.0 and filled < -orders[i]:
            bounded = filled >= rounded_one(closing[k] + opening[k])
            note(left, i, orders[i], filled, PARTICIPATION if bounded else COSTS_EXCEED_VALUE)


@kernel
def _buys(
    holdings: Holdings,
    ledger: TradeLedger,
    left: UnfilledLedger,
    at: Indices,
    orders: Floats,
    closing: Floats,
    opening: Floats,
    marks: Floats,
    settings: CostRules,
    terms: ImpactTerms,
    session: int,
) -> None:
    """Shorts are covered, then longs opened with the free cash."""
    bought = np.where(orders[at] > 0.0, closing, 0.0)
    for k, i in enumerate(at):
        if bought[k] > 0.0:
            notional = cents_of(bought[k] * marks[i])
            trade(holdings, ledger, i, bought[k], 1, notional, costs_of(notional, i, settings, terms), marks[i], True, False, session)
    cash = holdings.cash[0] + value_of(holdings, marks, np.flatnonzero((holdings.shares < 0.0) & ~np.isnan(marks)))
    wanted = np.flatnonzero((orders[at] > 0.0) & (opening > 0.0))
    prices = marks[at[wanted]]
    paid_for = affordable(opening[wanted], prices, at[wanted], cash, settings, terms)
    for j, k in enumerate(wanted):
        if paid_for[j] > 0.0:
            notional = cents_of(paid_for[j] * prices[j])
            costs = costs_of(notional, at[k], settings, terms)
            trade(holdings, ledger, at[k], paid_for[j], 1, notional, costs, prices[j], False, False, session)
            bought[k] += paid_for[j]
    for k, i in enumerate(at):
        filled = rounded_one(bought[k])
        if orders[i] > 0.0 and filled < orders[i]:
            bounded = filled >= rounded_one(closing[k] + opening[k])
            note(left, i, orders[i], filled, PARTICIPATION if bounded else CASH)


@kernel
def note(left: UnfilledLedger, at: int, ordered: float, filled: float, reason: int) -> None:
    """Add an order that was not filled, or only in part."""
    row = left.used[0]
    left.at[row] = at
    left.reason[row] = reason
    left.ordered[row] = ordered
    left.filled[row] = filled
    left.used[0] = row + 1

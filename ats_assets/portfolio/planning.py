"""Planning at a session's close: from holdings and target weights to the trades for the next open.

The algorithm, in the order of the code (`plan`):

1. Keep the symbols that are held or wanted, sorted by their numbers alone, so that no result depends on the other symbols or on names (`_held_or_wanted`).
2. Value the holdings at the close, in cents. Equity is cash plus these values; `current` weights are values over equity.
3. Choose the shares to trade, by one of three cases:
   a. Margin is called: every position is reduced in proportion until the initial margin holds again, and nothing is opened (`_cut_trades`).
   b. There are target weights: apply limits, turnover limit and no-trade band to get the weights to hold (`weights_to_hold`), turn these into shares at the
      closing price, rounded toward zero, and subtract the holdings (`_trades`). A trade that rounds to zero cents is `too_small`.
   c. There are none: nothing is traded.
   Of a position that stays, or may only be made smaller, the target is what is held, or less (`allowed_changes`).
4. Apply the order limits to the trades that are left (`limit_trades`): short sales, order size, buying power.
5. Split each trade into the part that closes a position and the part that opens one, and give the reason where a wanted trade is not planned, or not in full.

Backtests and orders use this one function, on what is known at the close: sizes come from closing prices and the equity at the close, because an order for the
opening auction must be sent before there is an opening price. A symbol that had no bar with volume in the session can't be judged, so its position is neither
opened nor enlarged nor reduced; but one that is to leave altogether leaves as soon as it trades again.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

import math
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import order_by
from ats_assets.kernels.weight_limits import Booleans, Floats
from ats_assets.portfolio.allowed_changes import ANY, NONE, weight_allowed
from ats_assets.portfolio.costs import cents, cents_of
from ats_assets.portfolio.kernel_settings import LimitRules, MarginRules, WeightRules, limit_rules
from ats_assets.portfolio.margin import called_for_margin, weights_after_call
from ats_assets.portfolio.order_limits import LIMIT_NAMES, Codes, limit_trades
from ats_assets.portfolio.rebalance import outside_band, weights_to_hold
from ats_assets.portfolio.sizing import round_one_down, rounded_one
from ats_assets.settings import MarginSettings, OrderLimitSettings, PortfolioSettings

TRADE_REASONS = ("no_equity", "margin_call", "no_bar", "no_volume", "not_tradable", "too_small", *(f"limit_{name}" for name in LIMIT_NAMES))
"""Why a trade that is wanted is not planned, or not in full."""
_NO_EQUITY, _MARGIN_CALL, _NO_BAR, _NO_VOLUME, _NOT_TRADABLE, _TOO_SMALL, _LIMITED = range(1, 8)
"""What a kernel calls them: their places in `REASON_NAMES`, those of limits from the last on."""
REASON_NAMES: Final = np.array(["", *TRADE_REASONS])


@dataclass(frozen=True, kw_only=True)
class TradePlan:
    """Arrays of shape (n_symbols,), in the order of the symbols given."""

    shares: Floats
    """To trade at the next open, negative for sells, zero for none."""
    wanted: Floats
    """To trade before the order limits; NaN where there is no price to size it with."""
    closing: Floats
    """The part of each trade, in shares and positive, that closes a position; the rest opens or enlarges one."""
    current: Floats
    """Weights held, as shares of equity; NaN where equity is not positive."""
    target: Floats
    reasons: NDArray[np.str_]
    """Why a symbol that should be traded is not, or not in full, one of `TRADE_REASONS`; else empty."""


def plan_trades(
    *,
    held: Floats,
    prices: Floats,
    cash_cents: int,
    target: Floats | None,
    quoted: Booleans,
    traded: Booleans,
    portfolio: PortfolioSettings,
    limits: OrderLimitSettings | None,
    fractional: bool | Booleans,
    buying_power: float | None = None,
    tradable: Booleans | None = None,
    changes: Codes | None = None,
    shortable: Booleans | None = None,
    openable: Booleans | None = None,
    margin_factors: Floats | None = None,
    margin: MarginSettings | None = None,
) -> TradePlan:
    """The trades for the next open; sums of money as in the account, in whole cents.

    Parameters
    ----------
    held
        ndarray of shape (n_symbols,): shares at the close, negative for short.
    prices
        ndarray of shape (n_symbols,): the close, or the last one known; zero or NaN where there is none.
    cash_cents
        The account's cash.
    target
        ndarray of shape (n_symbols,): weights wanted; zero for a symbol that is to leave. None is no opinion: what is held stays, unless margin is called.
    quoted, traded
        ndarrays of shape (n_symbols,): whether there is a bar of the session, and whether it has volume.
    limits
        Of orders; None for none.
    fractional
        Whether parts of a share can be traded, of all symbols alike or an ndarray of shape (n_symbols,).
    buying_power
        In currency; see `limited_trades`.
    tradable
        ndarray of shape (n_symbols,): what the broker takes orders for; default all.
    changes
        ndarray of shape (n_symbols,): what is allowed of each position (`allowed_changes`); default any change.
    shortable, openable, margin_factors
        ndarrays of shape (n_symbols,); see `limited_trades`.
    margin
        The rules of margin; None for none.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import plan_trades
    >>> from ats_assets.settings import PortfolioSettings
    >>> plan = plan_trades(
    ...     held=np.array([100.0, 0.0, 10.0]),
    ...     prices=np.array([50.0, 20.0, 10.0]),
    ...     cash_cents=490_000,
    ...     target=np.array([0.25, 0.5, 0.0]),
    ...     quoted=np.array([True, True, False]),
    ...     traded=np.array([True, True, False]),
    ...     portfolio=PortfolioSettings(max_weight=0.5, max_turnover=2.0),
    ...     limits=None,
    ...     fractional=False,
    ... )
    >>> plan.shares, plan.reasons
    (array([-50., 250., -10.]), array(['', '', ''], dtype='<U18'))
    """
    n = len(held)
    opinion = target is not None
    book = PlanInputs(
        held=held,
        prices=prices,
        target=np.zeros(n) if target is None else target,
        quoted=quoted,
        traded=traded,
        tradable=_flags(tradable, n),
        shortable=_flags(shortable, n),
        fractional=_flags(fractional, n),
        changes=np.full(n, ANY, dtype=np.int64) if changes is None else changes,
    )
    made = plan(book, cash_cents, opinion, portfolio, limit_rules(limits), margin, openable, buying_power, margin_factors)
    spread = _Spread(made.at, n)
    return TradePlan(
        shares=spread(made.shares),
        wanted=spread(made.wanted),
        closing=spread(made.closing),
        current=spread(made.current),
        target=spread(made.target),
        reasons=REASON_NAMES[spread(made.reasons)],
    )


class PlanInputs(NamedTuple):
    """What is held and wanted, arrays of shape (n_symbols,); see `plan_trades`."""

    held: Floats
    prices: Floats
    target: Floats
    quoted: Booleans
    traded: Booleans
    tradable: Booleans
    shortable: Booleans
    fractional: Booleans
    changes: Codes


class Planned(NamedTuple):
    """The plan for the symbols `at` that are held or wanted, arrays of shape (n,); see `TradePlan`."""

    at: NDArray[np.intp]
    shares: Floats
    wanted: Floats
    closing: Floats
    current: Floats
    target: Floats
    reasons: Codes
    """Places in `REASON_NAMES`."""


@kernel
def plan(
    book: PlanInputs,
    cash_cents: int,
    opinion: bool,
    portfolio: PortfolioSettings | WeightRules,
    limits: LimitRules,
    margin: MarginSettings | MarginRules | None,
    openable: Booleans | None,
    buying_power: float | None,
    margin_factors: Floats | None,
) -> Planned:
    """The trades for the next open; without an `opinion`, those of a margin call. The module's docstring has the steps."""
    some, at = _held_or_wanted(book)
    values = cents(some.held * some.prices)
    equity = cash_cents + int(values.sum())
    current = values / equity if equity > 0 else np.full(len(at), np.nan)
    target = _allowed(current, some) if opinion else np.where(np.isnan(current), 0.0, current)
    if margin is not None and called_for_margin(values, equity, margin):
        shares, wanted, reasons = _cut_trades(some, current, target, equity, margin)
    elif opinion:
        shares, wanted, reasons = _trades(some, current, target, equity, portfolio)
    else:
        shares, wanted, reasons = np.zeros(len(at)), np.zeros(len(at)), np.zeros(len(at), dtype=np.int64)
    if equity > 0:
        cut = np.flatnonzero(shares)
        limited, by = limit_trades(
            shares[cut],
            some.held[cut],
            some.prices[cut],
            equity / 100.0,
            limits,
            some.fractional[cut],
            some.shortable[cut],
            float(np.abs(values).sum() - np.abs(values[cut]).sum()) / 100.0,
            margin,
            None if openable is None else openable[at][cut],
            buying_power,
            None if margin_factors is None else margin_factors[at][cut],
        )
        shares[cut] = limited
        reasons[cut] = np.where(by == 0, reasons[cut], by - 1 + _LIMITED)
    closing = np.zeros(len(at))
    for i in range(len(at)):
        closing[i] = min(abs(some.held[i]), abs(shares[i])) if some.held[i] * shares[i] < 0.0 else 0.0
    return Planned(at=at, shares=shares, wanted=wanted, closing=closing, current=current, target=target, reasons=reasons)


@kernel
def _allowed(current: Floats, some: PlanInputs) -> Floats:
    target = np.empty(len(current))
    for i in range(len(current)):
        target[i] = weight_allowed(current[i], some.target[i], some.changes[i])
    return target


@kernel
def _held_or_wanted(book: PlanInputs) -> tuple[PlanInputs, NDArray[np.intp]]:
    """Those alone, so that no sum depends on how many others there are, and where they are; a price of zero is not known.

    What a symbol is called has no part in their order: sums depend on it, and a share more or less may hang on their last bit.
    """
    at = np.flatnonzero((book.held != 0.0) | (book.target != 0.0))
    keys = np.empty((9, len(at)))
    for k, i in enumerate(at):
        keys[0, k], keys[1, k], keys[2, k] = book.held[i], book.prices[i], book.target[i]
        keys[3, k], keys[4, k], keys[5, k] = book.quoted[i], book.traded[i], book.fractional[i]
        keys[6, k], keys[7, k], keys[8, k] = book.tradable[i], book.shortable[i], book.changes[i]
    order = order_by(keys)
    at, keys = at[order], keys[:, order]
    flags = keys[3:8] != 0.0
    prices = keys[1].copy()
    for k in range(len(at)):
        if not (np.isfinite(prices[k]) and prices[k] > 0.0):
            prices[k] = 0.0
    some = PlanInputs(
        held=keys[0],
        prices=prices,
        target=keys[2],
        quoted=flags[0],
        traded=flags[1],
        fractional=flags[2],
        tradable=flags[3],
        shortable=flags[4],
        changes=keys[8].astype(np.int64),
    )
    return some, at


@kernel
def _to_hold(some: PlanInputs, i: int, weight: float, equity: int) -> float:
    """The shares of the i-th that make up a weight, whole ones where it is short; NaN without a price."""
    if some.prices[i] <= 0.0:
        return np.nan
    return round_one_down(weight * (equity / 100.0) / some.prices[i], some.fractional[i] and weight >= 0.0)


@kernel
def _cut_trades(
    some: PlanInputs, current: Floats, target: Floats, equity: int, margin: MarginSettings | MarginRules
) -> tuple[Floats, Floats, Codes]:
    """Shares to trade when called for margin, shares wanted, and why what the signals want is not traded."""
    n = len(some.held)
    shares, wanted, reasons = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    movable = (some.prices > 0.0) & some.tradable & (some.held != 0.0)
    halted = movable & ~(
        some.quoted & some.traded
    )  # it may trade again or not: its own cut is ordered, and the others' are as if it stayed
    aim, of_halted = np.zeros(n), np.zeros(n)
    if equity > 0:
        aim = weights_after_call(current, target, margin, movable & ~halted)
        of_halted = weights_after_call(current, target, margin, movable)
    for i in range(n):
        aim[i] = of_halted[i] if halted[i] else aim[i]
        if some.held[i] != 0.0 and not some.tradable[i]:
            reasons[i] = _NOT_TRADABLE
        elif some.held[i] != 0.0 and some.prices[i] <= 0.0:
            reasons[i] = _NO_BAR
        elif target[i] != aim[i] and target[i] != 0.0:
            reasons[i] = _MARGIN_CALL if equity > 0 else _NO_EQUITY
        if equity > 0:
            wanted[i] = rounded_one(_to_hold(some, i, target[i], equity) - some.held[i])
        else:
            wanted[i] = -some.held[i] if target[i] == 0.0 else np.nan
        if movable[i]:
            kept = min(abs(_to_hold(some, i, aim[i], equity)), abs(some.held[i])) if equity > 0 else 0.0
            shares[i] = rounded_one(math.copysign(kept, some.held[i]) - some.held[i])
    return shares, wanted, reasons


@kernel
def _trades(
    some: PlanInputs, current: Floats, target: Floats, equity: int, portfolio: PortfolioSettings | WeightRules
) -> tuple[Floats, Floats, Codes]:
    """Shares to trade before the order limits, shares wanted, and why one that is wanted is not traded."""
    n = len(some.held)
    shares, wanted, reasons = np.zeros(n), np.zeros(n), np.zeros(n, dtype=np.int64)
    if equity <= 0:
        reasons[:] = _NO_EQUITY
        for i in range(n):
            wanted[i] = np.nan if some.held[i] == 0.0 else -some.held[i]
        return shares, wanted, reasons
    movable = (some.prices > 0.0) & some.tradable & ((some.quoted & some.traded) | (target == 0.0))
    aims = weights_to_hold(current, target, portfolio, movable)
    for i in range(n):
        aim = aims[i] if movable[i] else target[i]
        change = aim - current[i]
        wanted[i] = 0.0 if change == 0.0 else rounded_one(_to_hold(some, i, aim, equity) - some.held[i])
        if wanted[i] * change < 0.0:
            wanted[i] = 0.0  # a held position, priced to the cent, may look a share short of itself
        leaves = target[i] == 0.0 and some.changes[i] != NONE
        if some.held[i] != 0.0 and some.prices[i] <= 0.0 and leaves:  # what it weighs is not known; that it is to leave is
            wanted[i], reasons[i] = -some.held[i], _NO_BAR if some.tradable[i] else _NOT_TRADABLE
        elif not movable[i]:
            reasons[i] = _why_it_waits(some, i) if outside_band(current[i], target[i], portfolio) else 0
        elif aim == 0.0 or cents_of(abs(wanted[i]) * some.prices[i]) != 0:
            shares[i] = wanted[i]
        elif change != 0.0 and some.held[i] == 0.0:
            reasons[i] = _TOO_SMALL
    return shares, wanted, reasons


@kernel
def _why_it_waits(some: PlanInputs, i: int) -> int:
    if not some.tradable[i]:
        return _NOT_TRADABLE
    if not some.quoted[i]:
        return _NO_BAR
    return 0 if some.traded[i] else _NO_VOLUME


@dataclass(frozen=True)
class _Spread:
    """Arrays of some symbols among all `n`: zero at the others."""

    at: NDArray[np.intp]
    n: int

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        spread = np.zeros(self.n, dtype=values.dtype)
        spread[self.at] = values
        return spread


def _flags(flags: bool | Booleans | None, n: int) -> Booleans:
    """Flags of all symbols, from one for all of them (none: true)."""
    return np.array(np.broadcast_to(True if flags is None else flags, (n,)), dtype=np.bool_)

"""At a session's close: from what is held and the target weights to the trades for the next open.

Backtests and orders use this one function, on what is known at the close: sizes come from closing prices and the equity at the close, for an order for the
opening auction must be sent before there is an opening price. A symbol that had no bar with volume in the session can't be judged, so its position is neither
opened nor enlarged nor reduced; but one that is to leave altogether leaves as soon as it trades again.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.costs import notional_cents, to_cents
from ats_assets.portfolio.limits import Booleans, Floats
from ats_assets.portfolio.margin import called_for_margin, weights_after_call
from ats_assets.portfolio.order_limits import LIMIT_NAMES, limited_trades
from ats_assets.portfolio.rebalance import desired_weights, wants_trade
from ats_assets.portfolio.sizing import SHARE_DECIMALS, shares_to_hold
from ats_assets.settings import MarginSettings, OrderLimitSettings, PortfolioSettings

MARGIN_CALL = "margin_call"
TRADE_REASONS = ("no_equity", MARGIN_CALL, "no_bar", "no_volume", "not_tradable", "too_small", *(f"limit_{name}" for name in LIMIT_NAMES))
"""Why a trade that is wanted is not planned, or not in full."""


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
    shortable, openable, margin_factors
        ndarrays of shape (n_symbols,); see `limited_trades`.
    margin
        The rules of margin; None for none.
    """
    wanted_weights = np.zeros(len(held)) if target is None else target
    at = np.flatnonzero((held != 0.0) | (wanted_weights != 0.0))  # alone, so that no sum depends on how many others there are
    at = at[
        _by_value(
            held[at],
            prices[at],
            wanted_weights[at],
            quoted[at],
            traded[at],
            *(_at(flags, at) for flags in (fractional, tradable, shortable)),
        )
    ]
    known = np.where(np.isfinite(prices[at]) & (prices[at] > 0.0), prices[at], 0.0)
    values = to_cents(held[at] * known)
    equity = cash_cents + int(values.sum())
    current = values / equity if equity > 0 else np.full(len(at), np.nan)
    some = _Symbols(
        held=held[at],
        prices=known,
        current=current,
        target=np.nan_to_num(current) if target is None else target[at],
        quoted=quoted[at],
        traded=traded[at],
        tradable=_at(tradable, at),
        shortable=_at(shortable, at),
        fractional=_at(fractional, at),
    )
    if margin is not None and called_for_margin(values, equity, margin):
        shares, wanted, reasons = _cut_trades(some, equity, margin)
    elif target is None:
        shares, wanted, reasons = np.zeros(len(at)), np.zeros(len(at)), _no_reasons(len(at))
    else:
        shares, wanted, reasons = _trades(some, equity, portfolio)
    if equity > 0:
        cut = np.flatnonzero(shares)
        limited = limited_trades(
            shares[cut],
            held=some.held[cut],
            prices=some.prices[cut],
            equity=equity / 100.0,
            limits=limits,
            fractional=some.fractional[cut],
            buying_power=buying_power,
            others=float(np.abs(values).sum() - np.abs(values[cut]).sum()) / 100.0,
            shortable=some.shortable[cut],
            openable=None if openable is None else openable[at][cut],
            margin_factors=None if margin_factors is None else margin_factors[at][cut],
            margin=margin,
        )
        shares[cut] = limited.shares
        reasons[cut] = np.where(limited.cut_by == "", reasons[cut], np.char.add("limit_", limited.cut_by))
    spread = _Spread(at, len(held))
    return TradePlan(
        shares=spread(shares),
        wanted=spread(wanted),
        closing=spread(np.where(some.held * shares < 0.0, np.minimum(np.abs(some.held), np.abs(shares)), 0.0)),
        current=spread(current),
        target=spread(some.target),
        reasons=spread(reasons),
    )


@dataclass(frozen=True, kw_only=True)
class _Symbols:
    """Those that are held or wanted; arrays of shape (n,). A price of zero is not known."""

    held: Floats
    prices: Floats
    current: Floats
    target: Floats
    quoted: Booleans
    traded: Booleans
    tradable: Booleans
    shortable: Booleans
    fractional: Booleans

    def to_hold(self, weights: Floats, equity: int) -> Floats:
        """The shares of these weights, whole ones where they are short; NaN without a price."""
        prices = np.where(self.prices > 0.0, self.prices, np.nan)
        return shares_to_hold(weights, equity / 100.0, prices, fractional=self.fractional & (weights >= 0.0))


def _cut_trades(some: _Symbols, equity: int, margin: MarginSettings) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Shares to trade when called for margin, shares wanted, and why what the signals want is not traded."""
    reasons, aim, keep = _no_reasons(len(some.held)), np.zeros(len(some.held)), np.zeros(len(some.held))
    movable = (some.prices > 0.0) & some.tradable & (some.held != 0.0)
    if equity > 0:
        halted = movable & ~(
            some.quoted & some.traded
        )  # it may trade again or not: its own cut is ordered, and the others' are as if it stayed
        aim = weights_after_call(some.current, some.target, margin, tradable=movable & ~halted)
        aim = np.where(halted, weights_after_call(some.current, some.target, margin, tradable=movable), aim)
        keep = np.sign(some.held) * np.minimum(np.abs(some.to_hold(aim, equity)), np.abs(some.held))
    reasons[(some.target != aim) & (some.target != 0.0)] = MARGIN_CALL if equity > 0 else "no_equity"
    reasons[(some.held != 0.0) & (some.prices <= 0.0)] = "no_bar"
    reasons[(some.held != 0.0) & ~some.tradable] = "not_tradable"
    to_hold = some.to_hold(some.target, equity) if equity > 0 else np.where(some.target == 0.0, 0.0, np.nan)
    wanted = np.round(to_hold - some.held, SHARE_DECIMALS)
    return np.where(movable, np.round(keep - some.held, SHARE_DECIMALS), 0.0), wanted, reasons


def _trades(some: _Symbols, equity: int, portfolio: PortfolioSettings) -> tuple[Floats, Floats, NDArray[np.str_]]:
    """Shares to trade before the order limits, shares wanted, and why one that is wanted is not traded."""
    reasons, current = _no_reasons(len(some.held)), some.current
    if equity <= 0:
        reasons[:] = "no_equity"
        return np.zeros(len(current)), np.where(some.held == 0.0, np.nan, -some.held), reasons
    movable = (some.prices > 0.0) & some.tradable & ((some.quoted & some.traded) | (some.target == 0.0))
    aim = np.where(movable, desired_weights(current, some.target, portfolio, tradable=movable), some.target)
    change = aim - current
    wanted = np.where(change == 0.0, 0.0, np.round(some.to_hold(aim, equity) - some.held, SHARE_DECIMALS))
    wanted = np.where(wanted * change < 0.0, 0.0, wanted)  # a held position, priced to the cent, may look a share short of itself
    small = movable & (notional_cents(np.where(movable, wanted, 0.0), some.prices) == 0) & (aim != 0.0)
    waiting = ~movable & wants_trade(current, some.target, portfolio)
    reasons[small & (change != 0.0) & (some.held == 0.0)] = "too_small"
    reasons[waiting & some.quoted & ~some.traded] = "no_volume"
    unpriced = (some.held != 0.0) & (some.prices <= 0.0) & (some.target == 0.0)  # what it weighs is not known; that it is to leave is
    reasons[(waiting & ~some.quoted) | unpriced] = "no_bar"
    reasons[(waiting | unpriced) & ~some.tradable] = "not_tradable"
    return np.where(movable & ~small, wanted, 0.0), np.where(unpriced, -some.held, wanted), reasons


@dataclass(frozen=True)
class _Spread:
    """Arrays of some symbols among all `n`: zero, or an empty text, at the others."""

    at: NDArray[np.intp]
    n: int

    def __call__(self, values: NDArray[Any]) -> NDArray[Any]:
        spread = np.zeros(self.n, dtype=values.dtype)
        spread[self.at] = values
        return spread


def _at(flags: bool | Booleans | None, at: NDArray[np.intp]) -> Booleans:
    """Flags of all symbols, or one for all of them (none: true), at some."""
    if isinstance(flags, np.ndarray) and flags.ndim:
        return flags[at]
    return np.full(len(at), True if flags is None else bool(flags))


def _by_value(*keys: NDArray[Any]) -> NDArray[np.intp]:
    """An order in which what a symbol is called has no part: sums depend on their order, and a share more or less may hang on their last bit."""
    return np.lexsort(keys[::-1])


def _no_reasons(n: int) -> NDArray[np.str_]:
    return np.full(n, "", dtype="<U20")

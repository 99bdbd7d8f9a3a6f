"""At a session's close: from what is held and the target weights to the trades for the next open.

Backtests and orders use this one function, on what is known at the close: sizes come from closing prices and the equity at the close, for an order for the
opening auction must be sent before there is an opening price. A symbol that had no bar with volume in the session can't be judged, so its position is neither
opened nor enlarged nor reduced; but one that is to leave altogether leaves as soon as it trades again.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.costs import notional_cents, to_cents
from ats_assets.portfolio.limits import Booleans, Floats
from ats_assets.portfolio.order_limits import LIMIT_NAMES, limited_trades
from ats_assets.portfolio.rebalance import desired_weights, wants_trade
from ats_assets.portfolio.sizing import shares_to_hold
from ats_assets.settings import OrderLimitSettings, PortfolioSettings

TRADE_REASONS = ("no_equity", "no_bar", "no_volume", "not_tradable", "too_small", *(f"limit_{name}" for name in LIMIT_NAMES))
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
    target: Floats,
    quoted: Booleans,
    traded: Booleans,
    portfolio: PortfolioSettings,
    limits: OrderLimitSettings | None,
    fractional: bool,
    buying_power: float | None = None,
    tradable: Booleans | None = None,
    shortable: Booleans | None = None,
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
        ndarray of shape (n_symbols,): weights wanted; zero for a symbol that is to leave.
    quoted, traded
        ndarrays of shape (n_symbols,): whether there is a bar of the session, and whether it has volume.
    limits
        Of orders; None for none.
    fractional
        Whether parts of a share can be traded.
    buying_power
        In currency; see `limited_trades`.
    tradable
        ndarray of shape (n_symbols,): what the broker takes orders for; default all.
    """
    known = np.isfinite(prices) & (prices > 0.0)
    marks = np.where(known, prices, 0.0)
    values = to_cents(held * marks)
    equity = cash_cents + int(values.sum())
    if equity <= 0:
        reasons = np.where(held != 0.0, "no_equity", "").astype("<U20")
        return TradePlan(
            shares=np.zeros_like(held),
            closing=np.zeros_like(held),
            wanted=-held,
            current=np.full(len(held), np.nan),
            target=target,
            reasons=reasons,
        )
    current = values / equity
    accepted = np.ones(len(held), dtype=bool) if tradable is None else tradable
    movable = known & accepted & ((quoted & traded) | (target == 0.0))
    aim = np.where(movable, desired_weights(current, target, portfolio, tradable=movable), target)
    change = aim - current
    wanted = np.where(change == 0.0, 0.0, shares_to_hold(aim, equity / 100.0, np.where(known, marks, np.nan), fractional=fractional) - held)
    wanted = np.where(wanted * change < 0.0, 0.0, wanted)  # a held position, priced to the cent, may look a share short of itself
    waiting = ~movable & wants_trade(current, target, portfolio)
    small = movable & (notional_cents(np.where(movable, wanted, 0.0), marks) == 0) & (aim != 0.0)
    shares = np.where(movable & ~small, wanted, 0.0)
    reasons = np.full(len(held), "", dtype="<U20")
    reasons[small & (change != 0.0) & (held == 0.0)] = "too_small"
    reasons[waiting & quoted & ~traded] = "no_volume"
    reasons[waiting & ~quoted] = "no_bar"
    reasons[waiting & ~accepted] = "not_tradable"
    if limits is not None:
        at = np.flatnonzero(shares)
        limited = limited_trades(
            shares[at],
            held=held[at],
            prices=marks[at],
            equity=equity / 100.0,
            limits=limits,
            fractional=fractional,
            buying_power=buying_power,
            others=float(np.abs(values).sum() - np.abs(values[at]).sum()) / 100.0,
            shortable=None if shortable is None else shortable[at],
        )
        shares[at] = limited.shares
        reasons[at] = np.where(limited.cut_by == "", reasons[at], np.char.add("limit_", limited.cut_by))
    closing = np.where(held * shares < 0.0, np.minimum(np.abs(held), np.abs(shares)), 0.0)
    return TradePlan(shares=shares, wanted=wanted, closing=closing, current=current, target=target, reasons=reasons)

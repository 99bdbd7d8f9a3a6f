"""What orders may not exceed, whatever the targets say: notional of each and of all, positions, gross, shorts, the smallest trade.

A trade has up to two legs: what closes a position, and what opens or enlarges one. Closing legs only take risk away and can't exceed what is held, so only the
smallest trade holds for them (an exit in full is exempt from that, too); they count toward the notional of the day before the opening ones, which share what is
left, all scaled alike.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.limits import TOLERANCE, Floats
from ats_assets.portfolio.sizing import SHARE_DECIMALS, round_down
from ats_assets.settings import MarginSettings, OrderLimitSettings

LIMIT_NAMES = ("short", "opening", "order", "day", "position", "gross", "margin", "buying_power", "min_trade")
"""The limits, in the order in which they are applied."""

_NONE = OrderLimitSettings(
    allow_short=True,
    max_order_share=math.inf,
    max_day_share=math.inf,
    max_position_share=math.inf,
    max_gross_share=math.inf,
    min_trade_notional=0.0,
)


@dataclass(frozen=True, kw_only=True)
class LimitedTrades:
    """Signed shares of shape (n,), and for each the first limit that cut it, or an empty text."""

    shares: Floats
    cut_by: NDArray[np.str_]


def limited_trades(
    shares: Floats,
    *,
    held: Floats,
    prices: Floats,
    equity: float,
    limits: OrderLimitSettings | None,
    fractional: bool | NDArray[np.bool_],
    buying_power: float | None = None,
    others: float = 0.0,
    shortable: NDArray[np.bool_] | None = None,
    openable: NDArray[np.bool_] | None = None,
    margin_factors: Floats | None = None,
    margin: MarginSettings | None = None,
) -> LimitedTrades:
    """The trades as far as the limits let them.

    Parameters
    ----------
    shares, held
        ndarrays of shape (n,): signed shares to trade, and held.
    prices
        ndarray of shape (n,), positive: what the trades and positions are valued at, in currency.
    equity
        In currency, positive.
    limits
        None for none.
    fractional
        Whether parts of a share can be traded; a cut trade is rounded toward zero, and a short sale always to whole shares.
    buying_power
        What the broker lets all opening legs together cost, in currency; None where it judges that itself when they are filled.
    others
        Gross value of positions that are not among these, in currency.
    shortable
        ndarray of shape (n,): which symbols the broker lends; default all.
    openable
        ndarray of shape (n,): in which symbols the broker takes orders that open or enlarge a position; default all.
    margin_factors
        ndarray of shape (n,): how much of the buying power one unit of currency of a symbol takes; default 1.
    margin
        Its initial share holds for all positions after the trades; None for no margin.
    """
    limits = _NONE if limits is None else limits
    sign = np.sign(shares)
    closing = np.where(held * shares < 0.0, np.minimum(np.abs(held), np.abs(shares)), 0.0)
    opening = np.round(np.abs(shares) - closing, SHARE_DECIMALS).astype(np.float64)
    kept = np.abs(held) - closing
    cut = _Cut(opening, prices, fractional=np.asarray(fractional) & (sign > 0.0))
    forbidden = (sign < 0) & (~np.ones(len(shares), dtype=bool) if shortable is None else ~shortable)
    cut.to(np.where(forbidden | ((sign < 0) & (not limits.allow_short)), 0.0, np.inf), "short")
    if openable is not None:
        cut.to(np.where(openable, np.inf, 0.0), "opening")
    cut.to(np.full(len(shares), least(limits.max_order_share * equity, limits.max_order_notional)), "order")
    day = least(limits.max_day_share * equity, limits.max_day_notional)
    cut.scale(day - float((closing * prices).sum()), "day")
    cut.to(np.maximum(0.0, limits.max_position_share * equity - kept * prices), "position")
    stays = others + float((kept * prices).sum())
    cut.scale(limits.max_gross_share * equity - stays, "gross")
    if margin is not None:
        cut.scale(equity / margin.initial_share - stays, "margin")
    if buying_power is not None:
        cut.scale(buying_power, "buying_power", margin_factors)
    traded = np.round(closing + cut.opening, SHARE_DECIMALS)
    leaves = (traded == np.abs(held)) & (closing > 0.0)
    small = (traded * prices < limits.min_trade_notional * (1.0 - TOLERANCE)) & ~leaves & (traded > 0.0)
    cut.mark(small, "min_trade")
    return LimitedTrades(shares=sign * np.where(small, 0.0, traded), cut_by=cut.by)


class _Cut:
    """Opening legs of shape (n,), positive shares, that are cut by one limit after the other."""

    def __init__(self, opening: Floats, prices: Floats, *, fractional: NDArray[np.bool_]) -> None:
        self.opening, self._prices, self._fractional = opening, prices, fractional
        self.by: NDArray[np.str_] = np.full(len(opening), "", dtype="<U12")

    def to(self, notional: Floats, name: str) -> None:
        """At most these notionals, in currency."""
        over = self.opening * self._prices > notional * (1.0 + TOLERANCE)
        if over.any():
            self.opening = np.where(over, round_down(np.minimum(notional, 1e15) / self._prices, fractional=self._fractional), self.opening)
            self.mark(over, name)

    def scale(self, total: float, name: str, factors: Floats | None = None) -> None:
        """At most this much in all, each notional counted times its factor; scaled alike."""
        counted = self.opening * self._prices
        wanted = float((counted if factors is None else counted * factors).sum())
        if wanted > max(0.0, total) * (1.0 + TOLERANCE):
            some = self.opening > 0.0
            self.opening = round_down(self.opening * (max(0.0, total) / wanted), fractional=self._fractional)
            self.mark(some, name)

    def mark(self, which: NDArray[np.bool_], name: str) -> None:
        """Note what has cut them, the first time."""
        self.by = np.where(which & (self.by == ""), name, self.by)


def least(share: float, notional: float | None) -> float:
    """The smaller of two limits in currency, of which the second may be unset."""
    return share if notional is None else min(share, notional)

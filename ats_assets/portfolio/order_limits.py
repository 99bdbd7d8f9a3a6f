"""What orders may not exceed, whatever the targets say: notional of each and of all, positions, gross, shorts, lots, the smallest trade.

A trade has up to two legs: what closes a position, and what opens or enlarges one. Closing legs only take risk away and can't exceed what is held, so only the
smallest trade holds for them (an exit in full is exempt from that, too); they count toward the notional of the day before the opening ones, which share what is
left, all scaled alike.
"""

# ruff: noqa: PLR0917 - kernels take arrays by position

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import total, total_of_products
from ats_assets.kernels.weight_limits import TOLERANCE, Booleans, Floats
from ats_assets.portfolio.kernel_settings import LimitRules, MarginRules, limit_rules
from ats_assets.portfolio.sizing import round_one_down, rounded_one
from ats_assets.settings import MarginSettings, OrderLimitSettings

Codes = NDArray[np.int64]

LIMIT_NAMES = ("short", "opening", "order", "day", "position", "gross", "margin", "buying_power", "lot", "min_trade")
"""The limits, in the order in which they are applied."""

SHORT, OPENING, ORDER, DAY, POSITION, GROSS, MARGIN, BUYING_POWER, LOT, MIN_TRADE = range(1, 1 + len(LIMIT_NAMES))
"""What a kernel calls them; 0 is none."""
_NAMES: Final = np.array(["", *LIMIT_NAMES])


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
    n = len(shares)
    traded, cut_by = limit_trades(
        shares,
        held,
        prices,
        equity,
        limit_rules(limits),
        np.broadcast_to(fractional, (n,)),
        np.ones(n, dtype=np.bool_) if shortable is None else shortable,
        others,
        margin,
        openable,
        buying_power,
        margin_factors,
    )
    return LimitedTrades(shares=traded, cut_by=_NAMES[cut_by])


@kernel
def limit_trades(
    shares: Floats,
    held: Floats,
    prices: Floats,
    equity: float,
    limits: LimitRules,
    fractional: Booleans,
    shortable: Booleans,
    others: float,
    margin: MarginSettings | MarginRules | None,
    openable: Booleans | None,
    buying_power: float | None,
    margin_factors: Floats | None,
) -> tuple[Floats, Codes]:
    """The trades as far as the limits let them, and the first limit that cut each; see `limited_trades`."""
    n = len(shares)
    closing, opening, kept, most = np.zeros(n), np.zeros(n), np.zeros(n), np.full(n, np.inf)
    parts, by = np.zeros(n, dtype=np.bool_), np.zeros(n, dtype=np.int64)
    for i in range(n):
        closing[i] = min(abs(held[i]), abs(shares[i])) if held[i] * shares[i] < 0.0 else 0.0
        opening[i] = rounded_one(abs(shares[i]) - closing[i])
        kept[i] = abs(held[i]) - closing[i]
        parts[i] = fractional[i] and shares[i] > 0.0
        if shares[i] < 0.0 and not (shortable[i] and limits.allow_short):
            most[i] = 0.0
    _cut(opening, most, prices, parts, by, SHORT)
    if openable is not None:
        for i in range(n):
            most[i] = np.inf if openable[i] else 0.0
        _cut(opening, most, prices, parts, by, OPENING)
    most[:] = min(limits.max_order_share * equity, limits.max_order_notional)
    _cut(opening, most, prices, parts, by, ORDER)
    day = min(limits.max_day_share * equity, limits.max_day_notional) - total_of_products(closing, prices)
    _scale(opening, total_of_products(opening, prices), day, parts, by, DAY)
    for i in range(n):
        most[i] = max(0.0, min(limits.max_position_share * equity, limits.max_position_notional) - kept[i] * prices[i])
    _cut(opening, most, prices, parts, by, POSITION)
    stays = others + total_of_products(kept, prices)
    _scale(opening, total_of_products(opening, prices), limits.max_gross_share * equity - stays, parts, by, GROSS)
    if margin is not None:
        _scale(opening, total_of_products(opening, prices), equity / margin.initial_share - stays, parts, by, MARGIN)
    if buying_power is not None:
        counted = total_of_products(opening, prices) if margin_factors is None else total(opening * prices * margin_factors)
        _scale(opening, counted, buying_power, parts, by, BUYING_POWER)
    _to_lots(opening, closing, held, limits.lot_shares, by)
    return _traded(shares, opening, closing, held, prices, limits.min_trade_notional, by), by


@kernel
def _traded(shares: Floats, opening: Floats, closing: Floats, held: Floats, prices: Floats, min_trade_notional: float, by: Codes) -> Floats:
    """Both legs together, signed; none that is too small, unless it leaves the position."""
    traded, least_notional = np.zeros(len(shares)), min_trade_notional * (1.0 - TOLERANCE)
    for i in range(len(shares)):
        size = rounded_one(closing[i] + opening[i])
        leaves = size == abs(held[i]) and closing[i] > 0.0
        if size > 0.0 and size * prices[i] < least_notional and not leaves:
            by[i] = MIN_TRADE if by[i] == 0 else by[i]
        else:
            traded[i] = size if shares[i] > 0.0 else -size
    return traded


@kernel
def _to_lots(opening: Floats, closing: Floats, held: Floats, lot: int, by: Codes) -> None:
    """Round both legs down to whole lots, but not a closing one that leaves the position; lots of one share are no lots."""
    for i in range(len(opening) if lot > 1 else 0):
        opened = np.floor(opening[i] / lot) * lot
        closed = closing[i] if closing[i] == abs(held[i]) else np.floor(closing[i] / lot) * lot
        if opened != opening[i] or closed != closing[i]:
            by[i] = LOT if by[i] == 0 else by[i]
        opening[i], closing[i] = opened, closed


@kernel
def _cut(opening: Floats, most: Floats, prices: Floats, parts: Booleans, by: Codes, limit: int) -> None:
    """Cut opening legs to the notionals that each may have at most, in currency; `by` notes the limit where it is the first that cuts."""
    for i in range(len(opening)):
        if opening[i] * prices[i] > most[i] * (1.0 + TOLERANCE):
            opening[i] = round_one_down(min(most[i], 1e15) / prices[i], parts[i])
            by[i] = limit if by[i] == 0 else by[i]


@kernel
def _scale(opening: Floats, wanted: float, most: float, parts: Booleans, by: Codes, limit: int) -> None:
    """Scale opening legs, all alike, where the currency `wanted` for them is more than there may be at most; `by` notes the limit."""
    if wanted <= max(0.0, most) * (1.0 + TOLERANCE):
        return
    share = max(0.0, most) / wanted
    for i in range(len(opening)):
        if opening[i] > 0.0:
            by[i] = limit if by[i] == 0 else by[i]
            opening[i] = round_one_down(opening[i] * share, parts[i])


def least(share: float, notional: float | None) -> float:
    """The smaller of two limits in currency, of which the second may be unset."""
    return share if notional is None else min(share, notional)

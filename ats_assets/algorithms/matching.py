"""How orders inside a session are filled by its minute bars, in a backtest and at the paper broker.

A bar does not tell what happened within it, so an order that was sent at t meets the bars that begin at t or later:

- at the market: at the bar's open;
- a limit that the open reaches as soon as the order is there: at the open, as an order that takes; else at the limit, where the bar's range touches it, as one that waits;
- for an auction: at its price, where a limit allows it.

An order that takes pays half the spread and slippage beside (`ats_assets.portfolio.costs`); a limit bounds price and these together. In a minute no more is filled than
`volume_share` of what was traded in it, of all orders of the symbol together; the rest of an order goes on. In the auctions that does not hold: what was traded in them is not known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from ats_assets.algorithms.algorithm import ChildRecord, Parent
from ats_assets.algorithms.order_words import OrderKind, Side
from ats_assets.algorithms.price_grid import exact


@dataclass(frozen=True, kw_only=True)
class ChildFill:
    """What an order for a part got. `price` is that of the market; costs are beside it.

    Attributes
    ----------
    takes
        Whether it pays the spread: it did not wait at its own price.
    """

    parent_id: str
    client_order_id: str
    number: int
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    takes: bool
    kind: OrderKind


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A price at which an order can be filled."""

    price: Decimal
    takes: bool


@dataclass(frozen=True, kw_only=True)
class MatchingRules:
    """What the market lets through.

    Attributes
    ----------
    adverse
        By symbol, what an order that takes pays beside the price, as a share of it: half the spread, and slippage whatever the size. A symbol that is not there pays nothing.
    volume_share
        Of what a minute traded.
    """

    adverse: Mapping[str, float] = field(default_factory=dict)
    volume_share: float = 0.25


@dataclass(frozen=True, kw_only=True)
class MinuteBar:
    """One bar, as numbers."""

    starts_at: datetime
    known_at: datetime
    open: float
    high: float
    low: float
    close: float
    volume: float


def offer_in_bar(child: ChildRecord, parent: Parent, bar: MinuteBar, *, is_new: bool, rules: MatchingRules) -> Offer | None:
    """The price at which a bar fills an order; None where it does not.

    Parameters
    ----------
    is_new
        Whether no bar has met it before: what has waited is filled at its own price.
    """
    if child.kind is OrderKind.MARKET:
        return Offer(price=exact(bar.open), takes=True)
    if child.kind is not OrderKind.LIMIT or child.limit_price is None:
        return None
    if is_new and _within(child.limit_price, parent, bar.open, rules):
        return Offer(price=exact(bar.open), takes=True)
    touched = bar.low <= float(child.limit_price) if parent.side is Side.BUY else bar.high >= float(child.limit_price)
    return Offer(price=child.limit_price, takes=False) if touched else None


def offer_in_auction(child: ChildRecord, parent: Parent, price: float, rules: MatchingRules) -> Offer | None:
    """The auction's price, where the order's limit allows it."""
    if child.limit_price is not None and not _within(child.limit_price, parent, price, rules):
        return None
    return Offer(price=exact(price), takes=True)


def room_in_bar(parent: Parent, bar: MinuteBar, used: Decimal, rules: MatchingRules) -> Decimal:
    """Shares that a bar can still fill, on the parent's grid."""
    if not bar.volume > 0.0:
        return Decimal(0)
    return max(Decimal(0), parent.on_quantity_grid(exact(bar.volume * rules.volume_share) - used))


def _within(limit: Decimal, parent: Parent, price: float, rules: MatchingRules) -> bool:
    sign, adverse = parent.side.sign, rules.adverse.get(parent.symbol, 0.0)
    return sign * (price * (1.0 + sign * adverse) - float(limit)) <= 0.0

"""Adaptive limit: pegged to the own side of the quote for a while, then across the spread.

The more urgent the order, the nearer to the other side it is pegged, and the sooner it crosses. When the quote moves away, the order is cancelled, and sent anew at the new
price once it has ended: never are two of them open.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from pydantic import Field

from ats_assets.algorithms.algorithm import Answer, CancelChild, ChildRecord, Done, Parent, SendChild, SessionMarket, Wait, unsent
from ats_assets.algorithms.order_words import OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.schedule import at_market
from ats_assets.plugins import Plugin
from ats_assets.settings import Bps, Positive, Section


class AdaptiveLimitSettings(Section):
    """How long, and how closely, it is pegged."""

    patience_minutes: Positive = Field(
        default=60, description="that an order of urgency 0 is pegged before it crosses; one of urgency 1 crosses at once"
    )
    move_bps: Bps = Field(default=2.0, description="of the peg, from which on the order follows it")
    least_seconds: int = Field(default=60, ge=0, description="that an order stays before it follows the quote")


class AdaptiveLimit:
    """Wait at the own side of the quote, follow it, and cross in the end."""

    needs_bars = True
    before_open = False

    def __init__(self, settings: AdaptiveLimitSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """Peg, follow, or cross."""
        if market.now < parent.starts_at:
            return Wait(until=parent.starts_at, reason="it has not begun")
        crosses_at = self._crosses_at(parent)
        peg = self._peg(parent, market)
        waiting = next((child for child in children if child.pending), None)
        if waiting is not None:
            return self._follow(waiting, peg, market, crosses_at)
        left = parent.on_quantity_grid(unsent(parent, children))
        if left <= 0:
            return Done(reason="all is traded that can be")
        last = children[-1] if children else None
        if last is not None and not last.filled and last.cancel_asked_at is None:  # refused, or ended by the exchange
            again = last.sent_at + timedelta(minutes=1)
            if market.now < again:
                return Wait(until=again, reason="the last order ended by itself")
        if market.now >= crosses_at:
            return at_market(parent, left, "crosses the spread")
        if peg is None:
            return Wait(until=min(crosses_at, market.now + timedelta(minutes=1)), reason="there is no quote to be pegged to")
        return SendChild(quantity=left, kind=OrderKind.LIMIT, limit_price=peg, expires_at=crosses_at, reason=f"pegged at {peg}")

    def _follow(self, waiting: ChildRecord, peg: Decimal | None, market: SessionMarket, crosses_at: datetime) -> Answer:
        """Whether the open order is left where it is. Since `expires_at` ends it, nothing is to be done at the time of crossing."""
        if waiting.cancel_asked_at is not None or waiting.kind is not OrderKind.LIMIT or waiting.limit_price is None or peg is None:
            return Wait(until=None, reason="an order is open")
        movable = waiting.sent_at + timedelta(seconds=self.settings.least_seconds)
        moved = abs(peg - waiting.limit_price) > waiting.limit_price * exact(self.settings.move_bps) / 10_000
        if moved and waiting.expires_at is not None and market.now < crosses_at:
            if market.now < movable:
                return Wait(until=movable, reason="the quote has moved")
            return CancelChild(
                client_order_id=waiting.client_order_id, reason=f"the quote has moved: {peg} instead of {waiting.limit_price}"
            )
        return Wait(until=None, reason=f"pegged at {waiting.limit_price}")

    def _crosses_at(self, parent: Parent) -> datetime:
        patience = timedelta(minutes=self.settings.patience_minutes) * (1.0 - parent.urgency)
        return min(parent.ends_at, parent.starts_at + patience)

    @staticmethod
    def _peg(parent: Parent, market: SessionMarket) -> Decimal | None:
        """Between the own side and the other one by urgency, never at the other one; by the last price where there is no quote."""
        own, other = (market.bid, market.ask) if parent.side is Side.BUY else (market.ask, market.bid)
        price = market.last if own is None or other is None or own <= 0 or other <= 0 else own + (other - own) * exact(parent.urgency) / 2
        return None if price is None or price <= 0 else parent.within_limit(price)


PLUGIN = Plugin(settings=AdaptiveLimitSettings, make=AdaptiveLimit)

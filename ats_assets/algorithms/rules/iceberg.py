"""Iceberg: a limit order of which only a part is shown; once that is filled, the next part is sent."""

from collections.abc import Sequence
from decimal import Decimal

from pydantic import Field

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Done, Parent, SendChild, SessionMarket, Wait, pending, unsent
from ats_assets.algorithms.order_words import OrderKind
from ats_assets.algorithms.price_grid import exact
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class IcebergSettings(Section):
    """How much is shown, and at what price."""

    shown_share: float = Field(default=0.1, gt=0, le=1, description="of the order")
    limit_bps: float = Field(
        default=0.0,
        ge=-10_000,
        le=10_000,
        description="of the limit from the arrival price, on the side that pays more; negative: that pays less",
    )


class Iceberg:
    """Show a part of an order at a time, all parts at one limit."""

    needs_bars = True
    before_open = False

    def __init__(self, settings: IcebergSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """The next part, once nothing is shown."""
        if market.now < parent.starts_at:
            return Wait(until=parent.starts_at, reason="it has not begun")
        if pending(children):
            return Wait(until=None, reason="a part is shown")
        left = parent.on_quantity_grid(unsent(parent, children))
        if left <= 0:
            return Done(reason="all is traded that can be")
        if children and children[-1].status.final and not children[-1].filled:
            return Done(reason="the last part ended without a fill")
        shown = parent.on_quantity_grid(parent.quantity * exact(self.settings.shown_share))
        if parent.arrival_price is None:
            return Wait(until=None, reason="there is no price yet")
        limit = self._limit(parent, parent.arrival_price)
        quantity = min(left, max(shown, parent.increments.least_quantity))
        return SendChild(quantity=quantity, kind=OrderKind.LIMIT, limit_price=limit, reason=f"part {len(children) + 1}, at {limit}")

    def _limit(self, parent: Parent, arrival: Decimal) -> Decimal:
        """From the arrival price, which does not change: all parts have the same."""
        return parent.within_limit(arrival * (1 + parent.side.sign * exact(self.settings.limit_bps) / 10_000))


PLUGIN = Plugin(settings=IcebergSettings, make=Iceberg, quick={"limit_bps": 20.0})

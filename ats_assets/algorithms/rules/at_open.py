"""At the open: the whole order in the opening auction.

As `orders.algorithm`, the default, it is not asked at all: the order itself is sent, in the kind that `orders.kind` says, and there are no parts.
"""

from collections.abc import Sequence

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Done, Parent, SendChild, SessionMarket, Wait, unsent
from ats_assets.algorithms.order_words import OrderKind
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class AtOpenSettings(Section):
    """It has none."""


class AtOpen:
    """One order in the opening auction."""

    needs_bars = False
    before_open = True

    def __init__(self, settings: AtOpenSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """Send it before the open, once."""
        if not children:
            if market.now >= market.opens_at:
                return Done(reason="the opening auction is over")
            quantity = parent.on_quantity_grid(unsent(parent, children))
            return (
                SendChild(quantity=quantity, kind=OrderKind.MARKET_ON_OPEN, reason="the opening auction")
                if quantity
                else Done(reason="too_small")
            )
        if any(child.pending for child in children):
            return Wait(until=None, reason="in the opening auction")
        return Done(reason="the opening auction is over")


PLUGIN = Plugin(settings=AtOpenSettings, make=AtOpen)

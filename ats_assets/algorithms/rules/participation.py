"""Participation: a share of the volume that the session shows, minute by minute."""

from collections.abc import Sequence
from datetime import UTC, timedelta
from decimal import Decimal

import polars as pl
from pydantic import Field

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Done, Parent, SessionMarket, Wait, filled, pending, unsent
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.schedule import at_market
from ats_assets.plugins import Plugin
from ats_assets.settings import Positive, Section


class ParticipationSettings(Section):
    """How much of the volume."""

    rate: float = Field(
        default=0.1,
        gt=0,
        le=1,
        description="share of the volume since the order began that is to have been traded; urgency does not change it",
    )
    look_minutes: Positive = Field(default=1, description="from look to look at the volume")
    least_share: float = Field(
        default=0.01, ge=0, le=1, description="of the order, that one order for a part is for at least; the last one excepted"
    )


class Participation:
    """Work an order along with the market's own volume."""

    needs_bars = True
    before_open = False

    def __init__(self, settings: ParticipationSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """What the volume so far has room for."""
        if market.now < parent.starts_at:
            return Wait(until=parent.starts_at, reason="it has not begun")
        left = parent.on_quantity_grid(unsent(parent, children))
        if left <= 0:
            return Wait(until=None, reason="all is sent") if pending(children) else Done(reason="all is traded that can be")
        volume = float(market.bars.filter(pl.col("starts_at") >= pl.lit(parent.starts_at.astimezone(UTC)))["volume"].fill_nan(0.0).sum())
        due = parent.on_quantity_grid(exact(self.settings.rate * volume) - filled(children) - pending(children))
        least = min(left, parent.quantity * exact(self.settings.least_share))
        what = f"{self.settings.rate:.0%} of the {volume:.0f} traded since it began"
        if due > 0 and due >= least and not self._refused(children, market):
            return at_market(parent, min(due, left), what)
        return Wait(until=market.now + timedelta(minutes=self.settings.look_minutes), reason=f"{what} has no room for more")

    def _refused(self, children: Sequence[ChildRecord], market: SessionMarket) -> bool:
        """Whether the last order was refused since the last look."""
        last = children[-1] if children else None
        since = market.now - timedelta(minutes=self.settings.look_minutes)
        return last is not None and last.status.final and last.filled == Decimal(0) and last.sent_at > since


PLUGIN = Plugin(settings=ParticipationSettings, make=Participation, quick={"look_minutes": 15})

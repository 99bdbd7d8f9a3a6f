"""At the close: the whole order in the closing auction."""

from collections.abc import Sequence

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Done, Parent, SessionMarket, Wait, unsent
from ats_assets.algorithms.schedule import into_close
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class AtCloseSettings(Section):
    """It has none."""


class AtClose:
    """One order in the closing auction; it can be sent before the open."""

    needs_bars = False
    before_open = True

    def __init__(self, settings: AtCloseSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:  # noqa: ARG002 - whatever it shows
        """Send it, once; one that was refused is not sent again."""
        quantity = parent.on_quantity_grid(unsent(parent, children))
        if not children:
            return into_close(parent, quantity, "the closing auction") if quantity else Done(reason="too_small")
        if any(child.pending for child in children):
            return Wait(until=None, reason="in the closing auction")
        return Done(reason="the closing auction is over")


PLUGIN = Plugin(settings=AtCloseSettings, make=AtClose)

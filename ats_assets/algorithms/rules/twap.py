"""TWAP: equal slices over the time of the order."""

from collections.abc import Sequence

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Parent, SessionMarket
from ats_assets.algorithms.schedule import SlicedSettings, by_schedule, even_shares
from ats_assets.plugins import Plugin


class TwapSettings(SlicedSettings):
    """Equal slices."""


class Twap:
    """Work an order evenly in time."""

    needs_bars = True
    before_open = False

    def __init__(self, settings: TwapSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """The next slice."""
        return by_schedule(parent, children, market, self.settings, even_shares)


PLUGIN = Plugin(settings=TwapSettings, make=Twap, quick={"slice_minutes": 30})

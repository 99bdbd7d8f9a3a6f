"""VWAP: slices in proportion to the volume that earlier sessions had in the same minutes.

Where no profile of the volume is stored, or it has none in the time of the order, the slices are equal, as those of TWAP, and each says so.
"""

from collections.abc import Sequence
from datetime import datetime

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Parent, SessionMarket
from ats_assets.algorithms.schedule import Shares, SlicedSettings, by_schedule, even_shares
from ats_assets.algorithms.volume_profile import share_by
from ats_assets.plugins import Plugin


class VwapSettings(SlicedSettings):
    """Slices by the profile of the volume."""


class Vwap:
    """Work an order in proportion to the volume that is to be expected."""

    needs_bars = True
    before_open = False

    def __init__(self, settings: VwapSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """The next slice."""

        def told_by(*times: datetime) -> Shares | None:
            told = share_by(market.volume_profile, market.opens_at, (parent.starts_at, *times, parent.ends_at))
            return None if told is None or told[-1] <= told[0] else (told[1:] - told[0]) / (told[-1] - told[0])

        def shares(times: Sequence[datetime]) -> Shares:
            told = told_by(*times[1:])
            return even_shares(times) if told is None else told

        remark = "" if told_by() is not None else ", of equal size: there is no profile of the volume"
        return by_schedule(parent, children, market, self.settings, shares, remark)


PLUGIN = Plugin(settings=VwapSettings, make=Vwap, quick={"slice_minutes": 30})

"""Implementation shortfall: the schedule of Almgren and Chriss, fast at first, the faster the more urgent.

What trading costs is taken as their paper does where nothing was fitted: each hundredth of the day's volume that is traded in a day costs a spread while it is, and a tenth
of the day's volume moves the price by a spread for good. Volatility and volume are those of sessions before this one. Where one of them is not known, the slices are equal,
and each says so.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import Field

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Parent, SessionMarket
from ats_assets.algorithms.almgren_chriss import TradingCosts, optimal_holdings
from ats_assets.algorithms.schedule import Shares, SlicedSettings, by_schedule, even_shares
from ats_assets.plugins import Plugin
from ats_assets.settings import Bps

SPREADS_OF_VOLUME, SPREADS_FOR_GOOD = 0.01, 0.1
"""Shares of the day's volume that cost, and move the price for good by, a spread."""
DECADES = 4.0
"""Powers of ten between the risk aversions of the least and the most urgent order."""


class ImplementationShortfallSettings(SlicedSettings):
    """What risk is worth, and what trading costs."""

    risk_aversion: float = Field(default=1e-6, ge=0, description="of an order whose urgency is 0.5, per unit of currency")
    spread_bps: Bps = Field(default=5.0, gt=0, description="between bid and ask, of the price")


class ImplementationShortfall:
    """Work an order so that cost and risk against the arrival price are balanced."""

    needs_bars = True
    before_open = False

    def __init__(self, settings: ImplementationShortfallSettings) -> None:
        self.settings = settings

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """The next slice."""
        costs = self._costs(parent, market)
        if costs is None:
            remark = ", of equal size: volatility and volume of earlier sessions are not known"
            return by_schedule(parent, children, market, self.settings, even_shares, remark)
        days = (parent.ends_at - parent.starts_at) / (market.closes_at - market.opens_at)
        aversion = self.settings.risk_aversion * 10.0 ** (DECADES * (parent.urgency - 0.5))

        def shares(times: Sequence[datetime]) -> Shares:
            holdings = optimal_holdings(1.0, days, len(times), costs, aversion)  # its shape is that of any quantity
            return 1.0 - holdings[1:]

        return by_schedule(parent, children, market, self.settings, shares)

    def _costs(self, parent: Parent, market: SessionMarket) -> TradingCosts | None:
        price = float(parent.decision_price)
        if not market.volatility or not market.day_volume or price <= 0:
            return None
        spread = price * self.settings.spread_bps / 1e4
        return TradingCosts(
            volatility=price * market.volatility,
            fixed=spread / 2,
            temporary=spread / (SPREADS_OF_VOLUME * market.day_volume),
            permanent=spread / (SPREADS_FOR_GOOD * market.day_volume),
        )


PLUGIN = Plugin(settings=ImplementationShortfallSettings, make=ImplementationShortfall, quick={"slice_minutes": 30})

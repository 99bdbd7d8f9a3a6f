"""The spread of each symbol in the place of `backtest.spread_bps`, as quotes show it or, where `impact.spread` says so, daily bars let it be estimated; slippage stays fixed."""

import numpy as np
from pydantic import Field, model_validator

from ats_assets.impact.impact_model import ImpactCoefficients, ImpactMarket
from ats_assets.plugins import Plugin
from ats_assets.settings import BacktestSettings, Bps, Section


class SpreadSettings(Section):
    """Bounds of what estimates say: of daily bars they are rough."""

    least_bps: Bps = Field(default=1.0, description="full spread that a symbol has at least")
    most_bps: Bps = Field(default=200.0, description="and at most")

    @model_validator(mode="after")
    def _bounds_in_order(self) -> "SpreadSettings":
        if self.least_bps > self.most_bps:
            raise ValueError(f"least_bps ({self.least_bps:g}) must not be above most_bps ({self.most_bps:g})")
        return self


class SpreadCosts:
    """Half of a symbol's own spread on each trade."""

    needs: tuple[str, ...] = ("half_spread",)

    def __init__(self, settings: SpreadSettings) -> None:
        self.settings = settings

    def coefficients(self, market: ImpactMarket, costs: BacktestSettings) -> ImpactCoefficients:
        """See `ImpactModel.coefficients`."""
        none = np.zeros(market.half_spread.shape)
        spread = np.clip(2e4 * market.half_spread, self.settings.least_bps, self.settings.most_bps)
        return ImpactCoefficients(spread, none + costs.slippage_bps, none, none)


PLUGIN = Plugin(settings=SpreadSettings, make=SpreadCosts)

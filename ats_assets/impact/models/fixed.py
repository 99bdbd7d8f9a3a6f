"""The fixed rates of `[backtest]`, whatever is traded: `spread_bps` and `slippage_bps`."""

import numpy as np

from ats_assets.impact.impact_model import ImpactCoefficients, ImpactMarket
from ats_assets.plugins import Plugin
from ats_assets.settings import BacktestSettings, Section


class FixedCostSettings(Section):
    """None: the rates are those of `[backtest]`."""


class FixedCosts:
    """Costs in proportion to what is traded."""

    needs: tuple[str, ...] = ()

    def __init__(self, settings: FixedCostSettings) -> None:
        self.settings = settings

    def coefficients(self, market: ImpactMarket, costs: BacktestSettings) -> ImpactCoefficients:
        """See `ImpactModel.coefficients`."""
        none = np.zeros(market.dollar_volume.shape)
        return ImpactCoefficients(none + costs.spread_bps, none + costs.slippage_bps, none, none)


PLUGIN = Plugin(settings=FixedCostSettings, make=FixedCosts)

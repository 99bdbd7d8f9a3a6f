"""The square-root law: impact is some daily standard deviations times the root of participation.

    impact = coefficient * volatility * (value / dollar volume) ^ 1/2

R. Grinold and R. Kahn, Active Portfolio Management, 2nd edition, 2000, chapter 16; B. Toth et al., Anomalous price impact and the critical nature of liquidity in financial
markets, Physical Review X 1, 2011: the coefficient is about one, and how long the trade takes does not matter. It stands in the place of `backtest.slippage_bps`.
"""

import numpy as np
from pydantic import Field

from ats_assets.impact.impact_model import ImpactCoefficients, ImpactMarket
from ats_assets.plugins import Plugin
from ats_assets.settings import BacktestSettings, Section


class SquareRootSettings(Section):
    """Of the law."""

    coefficient: float = Field(default=1.0, ge=0, description="daily standard deviations that a trade of a whole day's volume would cost")


class SquareRootImpact:
    """Impact that grows with the root of participation."""

    needs: tuple[str, ...] = ("dollar_volume", "volatility")

    def __init__(self, settings: SquareRootSettings) -> None:
        self.settings = settings

    def coefficients(self, market: ImpactMarket, costs: BacktestSettings) -> ImpactCoefficients:
        """See `ImpactModel.coefficients`."""
        none = np.zeros(market.volatility.shape)
        temporary = 1e4 * self.settings.coefficient * market.volatility
        return ImpactCoefficients(none + costs.spread_bps, none, none, temporary, temporary_power=0.5)


PLUGIN = Plugin(settings=SquareRootSettings, make=SquareRootImpact)

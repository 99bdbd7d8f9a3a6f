"""Permanent and temporary impact as Almgren, Thum, Hauptmann and Li estimated them: Direct estimation of equity market impact, Risk 18, 2005.

With X shares traded evenly over the part T of a day, V the day's volume, S the shares outstanding and v the daily volatility:

    permanent move  I = gamma * v * X / V * (S / V) ^ 1/4
    temporary cost  J = eta * v * (X / (V T)) ^ 3/5

The trade pays I / 2 + J: it makes the permanent move as it goes, and pays half of it on average. It stands in the place of `backtest.slippage_bps`.
"""

import numpy as np
from pydantic import Field

from ats_assets.impact.impact_model import NO_SHARES_OUTSTANDING, ImpactCoefficients, ImpactMarket
from ats_assets.plugins import Plugin
from ats_assets.settings import BacktestSettings, Section


class AlmgrenSettings(Section):
    """The published parameters, and what is taken where a trade or a symbol does not say."""

    gamma: float = Field(default=0.314, ge=0, description="of permanent impact")
    eta: float = Field(default=0.142, ge=0, description="of temporary impact")
    power: float = Field(default=0.6, gt=0, le=1, description="of the rate of trading")
    duration_days: float = Field(
        default=0.1, gt=0, le=1, description="of a session, over which a trade is taken to be made that does not say"
    )
    turnover_days: float = Field(default=200.0, gt=0, description="shares outstanding over a day's volume, where they are not known")


class AlmgrenImpact:
    """Impact that stays, and impact that goes."""

    needs: tuple[str, ...] = ("dollar_volume", "volatility")

    def __init__(self, settings: AlmgrenSettings) -> None:
        self.settings = settings

    def coefficients(self, market: ImpactMarket, costs: BacktestSettings) -> ImpactCoefficients:
        """See `ImpactModel.coefficients`."""
        own, none = self.settings, np.zeros(market.volatility.shape)
        known = np.isfinite(market.turnover_days) & (market.turnover_days > 0.0)
        turnover = np.where(known, market.turnover_days, own.turnover_days)
        days = np.where(np.isfinite(market.duration_days) & (market.duration_days > 0.0), market.duration_days, own.duration_days)
        return ImpactCoefficients(
            none + costs.spread_bps,
            none,
            permanent_bps=1e4 * own.gamma * market.volatility * turnover**0.25 / 2.0,
            temporary_bps=1e4 * own.eta * market.volatility * days**-own.power,
            permanent_power=1.0,
            temporary_power=own.power,
            why=np.where(known, 0, NO_SHARES_OUTSTANDING).astype(np.int64),
        )


PLUGIN = Plugin(settings=AlmgrenSettings, make=AlmgrenImpact)

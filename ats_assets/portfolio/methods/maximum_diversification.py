"""The highest diversification ratio among the best by score (`optimisation.diversification`)."""

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import AverseSettings, CostedMethod
from ats_assets.portfolio.optimisation.diversification import most_diversified_weights
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class MaximumDiversificationSettings(AverseSettings):
    """As all methods by risk with costs."""


class MaximumDiversification(CostedMethod):
    """Hold what is volatile by itself and calm together."""

    def __init__(self, settings: MaximumDiversificationSettings) -> None:
        super().__init__(settings)
        self.settings: MaximumDiversificationSettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The weights of the highest ratio; with costs as far towards them as pays."""
        wanted = most_diversified_weights(risk.matrix, risk.limits)
        return wanted if self.costs(risk) is None else self.towards(wanted, risk, self.settings.aversion)


PLUGIN = Plugin(settings=MaximumDiversificationSettings, make=MaximumDiversification, quick={"lookback_sessions": 20})

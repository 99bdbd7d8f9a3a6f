"""Hierarchical risk parity among the best by score (`optimisation.clusters`); where limits do not allow its weights, those nearest to them by tracking error."""

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import AverseSettings, CostedMethod
from ats_assets.portfolio.optimisation.clusters import hierarchical_weights
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class HierarchicalRiskParitySettings(AverseSettings):
    """As all methods by risk with costs."""


class HierarchicalRiskParity(CostedMethod):
    """Divide risk between clusters, then within them."""

    def __init__(self, settings: HierarchicalRiskParitySettings) -> None:
        super().__init__(settings)
        self.settings: HierarchicalRiskParitySettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The weights, moved as little as the limits ask for; with costs as far towards them as pays."""
        wanted = hierarchical_weights(risk.matrix) * risk.limits.budget
        return self.towards(wanted, risk, self.settings.aversion)


PLUGIN = Plugin(settings=HierarchicalRiskParitySettings, make=HierarchicalRiskParity, quick={"lookback_sessions": 20})

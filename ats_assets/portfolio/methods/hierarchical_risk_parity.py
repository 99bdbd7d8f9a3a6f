"""Hierarchical risk parity among the best by score (`optimisation.clusters`); where limits do not allow its weights, those nearest to them by tracking error."""

from ats_assets.plugins import Plugin
from ats_assets.portfolio.optimisation.best_weights import nearest_weights
from ats_assets.portfolio.optimisation.clusters import hierarchical_weights
from ats_assets.portfolio.optimised_book import Floats, OptimisedMethod, OptimisedSettings, RiskModel


class HierarchicalRiskParitySettings(OptimisedSettings):
    """As all methods by risk."""


class HierarchicalRiskParity(OptimisedMethod):
    """Divide risk between clusters, then within them."""

    def solve(self, risk: RiskModel) -> Floats:
        """The weights, moved as little as the limits ask for."""
        wanted = hierarchical_weights(risk.matrix) * risk.limits.budget
        return nearest_weights(risk.matrix, wanted, risk.limits)


PLUGIN = Plugin(settings=HierarchicalRiskParitySettings, make=HierarchicalRiskParity, quick={"lookback_sessions": 20})

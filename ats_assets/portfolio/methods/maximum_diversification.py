"""The highest diversification ratio among the best by score (`optimisation.diversification`)."""

from ats_assets.plugins import Plugin
from ats_assets.portfolio.optimisation.diversification import most_diversified_weights
from ats_assets.portfolio.optimised_book import Floats, OptimisedMethod, OptimisedSettings, RiskModel


class MaximumDiversificationSettings(OptimisedSettings):
    """As all methods by risk."""


class MaximumDiversification(OptimisedMethod):
    """Hold what is volatile by itself and calm together."""

    def solve(self, risk: RiskModel) -> Floats:
        """The weights of the highest ratio."""
        return most_diversified_weights(risk.matrix, risk.limits)


PLUGIN = Plugin(settings=MaximumDiversificationSettings, make=MaximumDiversification, quick={"lookback_sessions": 20})

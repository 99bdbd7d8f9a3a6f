"""The least variance (Markowitz, Journal of Finance 7, 1952) among the best by score: scores choose, risk weighs."""

from ats_assets.plugins import Plugin
from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimised_book import Floats, OptimisedMethod, OptimisedSettings, RiskModel


class MinimumVarianceSettings(OptimisedSettings):
    """As all methods by risk."""


class MinimumVariance(OptimisedMethod):
    """Hold what moves least together."""

    def solve(self, risk: RiskModel) -> Floats:
        """The weights of least variance."""
        return best_weights(risk.matrix, 0.0 * risk.scores, risk.limits)


PLUGIN = Plugin(settings=MinimumVarianceSettings, make=MinimumVariance, quick={"lookback_sessions": 20})

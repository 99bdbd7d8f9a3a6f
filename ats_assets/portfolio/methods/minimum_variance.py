"""The least variance (Markowitz, Journal of Finance 7, 1952) among the best by score: scores choose, risk weighs."""

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import AverseSettings, CostedMethod
from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class MinimumVarianceSettings(AverseSettings):
    """As all methods by risk with costs."""


class MinimumVariance(CostedMethod):
    """Hold what moves least together."""

    def __init__(self, settings: MinimumVarianceSettings) -> None:
        super().__init__(settings)
        self.settings: MinimumVarianceSettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The weights of least variance."""
        nothing, costs = 0.0 * risk.scores, self.costs(risk)
        if costs is None:
            return best_weights(risk.matrix, nothing, risk.limits)
        matrix = risk.matrix * risk.horizon_sessions
        return best_weights(matrix, nothing, risk.limits, aversion=self.settings.aversion, held=risk.held, costs=costs)


PLUGIN = Plugin(settings=MinimumVarianceSettings, make=MinimumVariance, quick={"lookback_sessions": 20})

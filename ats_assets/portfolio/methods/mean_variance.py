"""Expected return against variance and the cost of trading.

The expected return of a symbol is skill x volatility x score (`optimisation.views.returns_of_scores`): with a skill of 0 it is a book of least variance. What costs do, `costed_book` says.
"""

from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import CostedMethod, CostedSettings
from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimisation.views import returns_of_scores
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class MeanVarianceSettings(CostedSettings):
    """What return counts for against risk and costs."""

    skill: float = Field(default=0.02, ge=0, le=1, description="the rank IC that scores are taken to have")
    aversion: float = Field(
        default=5.0, gt=0, description="to variance: of a relative risk aversion of 5 a volatility of 20 % a year costs 10 % a year"
    )


class MeanVariance(CostedMethod):
    """Hold what pays most for its risk."""

    def __init__(self, settings: MeanVarianceSettings) -> None:
        super().__init__(settings)
        self.settings: MeanVarianceSettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The best weights over the horizon."""
        own, horizon = self.settings, risk.horizon_sessions
        gain = returns_of_scores(risk.scores, risk.deviations * horizon**0.5, own.skill)
        return best_weights(risk.matrix * horizon, gain, risk.limits, aversion=own.aversion, held=risk.held, costs=self.costs(risk))


PLUGIN = Plugin(settings=MeanVarianceSettings, make=MeanVariance, quick={"lookback_sessions": 20})

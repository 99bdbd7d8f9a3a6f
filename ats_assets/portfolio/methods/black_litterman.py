"""Black and Litterman: what an equal-weighted book of the candidates implies, blended with scores as views, then weighed by mean and variance.

A view says that a symbol returns skill x volatility x score more than the equilibrium does. Its variance is the prior's own times (1 - confidence) / confidence: at a confidence of one half both
count the same.
"""

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import CostedMethod, CostedSettings
from ats_assets.portfolio.optimisation.best_weights import best_weights
from ats_assets.portfolio.optimisation.views import blended_returns, implied_returns, returns_of_scores
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class BlackLittermanSettings(CostedSettings):
    """How sure the views are."""

    skill: float = Field(default=0.02, ge=0, le=1, description="the rank IC that scores are taken to have")
    confidence: float = Field(default=0.5, gt=0, lt=1, description="in a view against the equilibrium")
    aversion: float = Field(default=2.5, gt=0, description="to variance, of the equilibrium and of the book")
    tau: float = Field(default=0.05, gt=0, le=1, description="how uncertain the equilibrium's returns are, as a share of the covariance")


class BlackLitterman(CostedMethod):
    """Depart from an even book as far as scores are sure."""

    def __init__(self, settings: BlackLittermanSettings) -> None:
        super().__init__(settings)
        self.settings: BlackLittermanSettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The best weights by the blended returns over the horizon."""
        own, n = self.settings, len(risk.scores)
        matrix = risk.matrix * risk.horizon_sessions
        prior = implied_returns(matrix, np.full(n, 1.0 / n), own.aversion)
        views = prior + returns_of_scores(risk.scores, np.sqrt(matrix.diagonal()), own.skill)
        doubt = own.tau * matrix.diagonal() * (1.0 - own.confidence) / own.confidence
        gain = blended_returns(matrix, prior, views, doubt, own.tau)
        return best_weights(matrix, gain, risk.limits, aversion=own.aversion, held=risk.held, costs=self.costs(risk))


PLUGIN = Plugin(settings=BlackLittermanSettings, make=BlackLitterman, quick={"lookback_sessions": 20})

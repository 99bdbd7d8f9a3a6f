"""Books by risk that are left only as far as is worth what trading costs.

With costs each book starts from the one of the session before, as it has drifted since, and trades only what pays within the horizon; the chain begins anew, without costs, at the first session of
a month, so that a session can be made alone (decision 81). What pays is what the method itself wants least or most:

1. Methods whose aim is money or variance (mean and variance, Black-Litterman, the least variance) add the costs to it: aversion / 2 w' S w - m' w + sum c |w - held|.
2. The least tail risk is a loss in money, and the costs are part of the loss: sum c |w - held| is added to it.
3. Methods that have weights and no aim in money (risk parity, hierarchical risk parity, the most diversified book) go towards their weights w* by how much the distance counts: of a mean-variance
   investor who holds w* for good reason, w instead costs aversion / 2 (w - w*)' S (w - w*), the variance of the tracking error (Grinold and Kahn, Active Portfolio Management, 2nd edition, 1999,
   chapter 16). Of the least variance with no limit but the sum it is the same as the first.
"""

import numpy as np
from pydantic import Field

from ats_assets.portfolio.optimisation.best_weights import nearest_weights
from ats_assets.portfolio.optimised_book import Floats, OptimisedMethod, OptimisedSettings, RiskModel
from ats_assets.settings import Bps


class CostedSettings(OptimisedSettings):
    """What trading costs."""

    costs_bps: Bps = Field(default=0.0, description="of what is bought or sold; 0: every session's book is the best one by itself")


class AverseSettings(CostedSettings):
    """Of methods that know no expected return: what variance counts for against costs."""

    aversion: float = Field(
        default=5.0,
        gt=0,
        description="to variance, against costs_bps: at 5 a volatility of 20 % a year costs 10 % a year; without costs it does nothing",
    )


class CostedMethod(OptimisedMethod):
    """A method that starts from what is held where trading costs."""

    def __init__(self, settings: CostedSettings) -> None:
        super().__init__(settings)
        self._share = settings.costs_bps / 1e4
        self.follows = settings.costs_bps > 0.0

    def costs(self, risk: RiskModel) -> Floats | None:
        """Of buying or selling each symbol, as a share of what is traded, of shape (n,); None where trading is free or a book begins."""
        return np.full(len(risk.scores), self._share) if risk.held is not None and self._share else None

    def towards(self, wanted: Floats, risk: RiskModel, aversion: float) -> Floats:
        """The method's own weights within the limits; where trading costs, as far towards them as pays."""
        costs = self.costs(risk)
        if costs is None:
            return nearest_weights(risk.matrix, wanted, risk.limits)
        return nearest_weights(risk.matrix * risk.horizon_sessions, wanted, risk.limits, aversion=aversion, held=risk.held, costs=costs)

"""Each of the best by score contributes as much to the volatility of the book, or as much as its rank says (`optimisation.risk_budgeting`)."""

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import AverseSettings, CostedMethod
from ats_assets.portfolio.optimisation.risk_budgeting import risk_budget_weights
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class RiskParitySettings(AverseSettings):
    """Whose risk may be how large."""

    by_rank: bool = Field(default=False, description="the budget of the best is n times that of the last of n; default: all are equal")


class RiskParity(CostedMethod):
    """Equal contributions to risk; where limits do not allow them, the weights nearest to these by tracking error."""

    def __init__(self, settings: RiskParitySettings) -> None:
        super().__init__(settings)
        self.settings: RiskParitySettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The weights, moved as little as the limits ask for; with costs as far towards them as pays."""
        budgets = np.argsort(np.argsort(risk.scores, kind="stable"), kind="stable") + np.float64(1.0) if self.settings.by_rank else None
        wanted = risk_budget_weights(risk.matrix, budgets) * risk.limits.budget
        return self.towards(wanted, risk, self.settings.aversion)


PLUGIN = Plugin(settings=RiskParitySettings, make=RiskParity, quick={"lookback_sessions": 20})

"""The least conditional value at risk among the best by score, over the returns of the look-back themselves (`optimisation.tail`)."""

from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.optimisation.tail import least_tail_weights
from ats_assets.portfolio.optimised_book import Floats, OptimisedMethod, OptimisedSettings, RiskModel


class MinimumTailRiskSettings(OptimisedSettings):
    """How far out the tail is."""

    level: float = Field(default=0.95, gt=0.5, lt=1, description="0.95: the mean loss over the worst 5 % of sessions")


class MinimumTailRisk(OptimisedMethod):
    """Hold what loses least in the worst sessions."""

    def __init__(self, settings: MinimumTailRiskSettings) -> None:
        super().__init__(settings)
        self.settings: MinimumTailRiskSettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The weights of least tail risk."""
        return least_tail_weights(risk.returns, risk.limits, self.settings.level)


PLUGIN = Plugin(settings=MinimumTailRiskSettings, make=MinimumTailRisk, quick={"lookback_sessions": 20})

"""The least conditional value at risk among the best by score, over the returns of the look-back themselves (`optimisation.tail`)."""

from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.costed_book import CostedMethod, CostedSettings
from ats_assets.portfolio.optimisation.tail import least_tail_weights
from ats_assets.portfolio.optimised_book import Floats, RiskModel


class MinimumTailRiskSettings(CostedSettings):
    """How far out the tail is."""

    level: float = Field(default=0.95, gt=0.5, lt=1, description="0.95: the mean loss over the worst 5 % of sessions")


class MinimumTailRisk(CostedMethod):
    """Hold what loses least in the worst sessions."""

    def __init__(self, settings: MinimumTailRiskSettings) -> None:
        super().__init__(settings)
        self.settings: MinimumTailRiskSettings = settings

    def solve(self, risk: RiskModel) -> Floats:
        """The weights of least tail risk over the horizon, of which each tail is the root of its sessions times that of a session; the costs of getting there are part of the loss."""
        costs = self.costs(risk)
        spread = None if costs is None else costs / risk.horizon_sessions**0.5
        return least_tail_weights(risk.returns, risk.limits, self.settings.level, held=risk.held, costs=spread)


PLUGIN = Plugin(settings=MinimumTailRiskSettings, make=MinimumTailRisk, quick={"lookback_sessions": 20})

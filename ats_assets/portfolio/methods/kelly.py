"""Fractional Kelly: bets as large as their calibrated probability says, and no larger (Kelly, Bell System Technical Journal 35, 1956; of normal returns, Thorp, 2006).

A symbol that beats the session's median with probability p over the horizon has, of normal returns, an expected advantage of volatility x N^-1(p). The bet that makes wealth grow fastest is that
advantage over its variance; a fraction of it is taken, since p is an estimate. A symbol without a probability, or with one half or less, gets nothing. Where no symbol has a probability nothing is known, and there is no book.
The book need not be invested in full.
"""

from dataclasses import replace

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.method import Candidates, WeighedBook
from ats_assets.portfolio.optimisation.cholesky import solution
from ats_assets.portfolio.optimisation.views import returns_of_probabilities
from ats_assets.portfolio.optimised_book import Floats, OptimisedMethod, OptimisedSettings, RiskModel, cut_to_limits
from ats_assets.settings import Share


class KellySettings(OptimisedSettings):
    """How much of the full bet is taken."""

    fraction: Share = Field(default=0.25, description="of the full bet")
    together: bool = Field(
        default=False, description="bets by the covariance of all, not each by its own variance; what would be short is left out"
    )


class Kelly(OptimisedMethod):
    """Bet by probability."""

    def __init__(self, settings: KellySettings) -> None:
        super().__init__(settings)
        self.settings: KellySettings = settings

    def book(self, candidates: Candidates) -> WeighedBook:
        """The bets; none where no probability is known, and what is to be said where none is above one half."""
        known = np.isfinite(candidates.probabilities)
        if not known.any():
            remark = f"none of {len(known)} symbols has a probability"
            return WeighedBook(weights=np.zeros(len(known)), remark=remark, has_opinion=False)
        made = super().book(candidates)
        if made.has_opinion and not made.remark and not made.weights.any():
            return replace(made, remark=f"no probability of {int(known.sum())} candidates is above one half: the book is cash")
        return made

    def solve(self, risk: RiskModel) -> Floats:
        """The bets, in proportion where they add up to more than there is; limits of groups cut them."""
        matrix = risk.matrix * risk.horizon_sessions
        odds = np.where(np.isfinite(risk.probabilities), np.clip(risk.probabilities, 0.5, 1.0 - 1e-9), 0.5)
        gain = returns_of_probabilities(odds, np.sqrt(matrix.diagonal()))
        bets = solution(matrix, gain) if self.settings.together else gain / matrix.diagonal()
        bets = self.settings.fraction * np.maximum(bets, 0.0)
        return cut_to_limits(bets * min(1.0, 1.0 / max(float(bets.sum()), 1e-300)), risk.limits)


PLUGIN = Plugin(settings=KellySettings, make=Kelly, quick={"lookback_sessions": 20})

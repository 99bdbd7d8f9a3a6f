"""Fixed risk: each of the best by score may lose the same share of equity before its stop is reached (Tharp, Trade Your Way to Financial Freedom, 1998).

The stop is so many average true ranges (Wilder's, of `ats_assets.risk.average_range`) below the close, so a weight is `risk_share` / (`stop_atr` x ATR / close): a calm symbol gets more. All of them
get less, in proportion, where they would need more than there is. The risk rule `stops` with the same `stop_atr` and `atr_sessions` ends a position at that very stop; so does `peak_exits` with
`range_of = "entry"`. `orders.limits.max_position_notional` is the most that a position may be in currency.
"""

from collections.abc import Mapping

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.method import Candidates, WeighedBook, nothing_chosen, places
from ats_assets.risk.average_range import average_true_range
from ats_assets.settings import Positive, Section, Share

ATR = "atr"


class FixedRiskSettings(Section):
    """What a position may lose."""

    top_k: Positive = Field(default=10, description="positions, of the best by score")
    risk_share: float = Field(default=0.02, gt=0, le=1, description="of equity, that a position loses at its stop")
    stop_atr: float = Field(default=2.0, gt=0, description="average true ranges from the close to the stop")
    atr_sessions: Positive = Field(default=14, description="of the average true range (Wilder's)")
    max_weight: Share = Field(default=1.0, description="of one symbol; default: portfolio.max_weight")
    max_gross: float = Field(default=1.0, ge=0, le=10, description="which the shape is scaled to; default: portfolio.max_gross")


class FixedRisk:
    """Size by the distance to the stop."""

    lookback_sessions = 1
    follows = False

    def __init__(self, settings: FixedRiskSettings) -> None:
        self.settings = settings

    def expressions(self) -> Mapping[str, str]:
        """The average true range over the close, of a symbol with as many sessions of history."""
        sessions = self.settings.atr_sessions
        return {ATR: f"{average_true_range(sessions)} / $close + 0 * Ref($close, {sessions})"}

    def book(self, candidates: Candidates) -> WeighedBook:
        """The weights of the best; the shape is of size one at most, so that `portfolio.max_gross` is the most that all have."""
        ranges = candidates.values[ATR][-1]
        scores = np.where(np.isfinite(ranges) & (ranges > 0.0), candidates.scores, np.nan)
        known = scores[np.isfinite(scores)]
        if not len(known):
            few = int(np.isfinite(candidates.scores).sum())
            remark = (
                f"of {len(scores)} symbols {len(scores) - few} have no score, and {few} no range over {self.settings.atr_sessions} sessions"
            )
            return WeighedBook(weights=np.zeros(len(scores)), remark=remark, has_opinion=False)
        if len(known) > self.settings.top_k and known.min() == known.max():
            return WeighedBook(weights=np.zeros(len(scores)), remark=nothing_chosen(len(known), self.settings.top_k))
        if not self.settings.max_gross:
            return WeighedBook(weights=np.zeros(len(scores)))
        order = np.argsort(scores, kind="stable")
        shares = np.zeros(len(scores))
        shares[order] = places(scores[order], self.settings.top_k)
        own = self.settings
        sizes = np.divide(own.risk_share, own.stop_atr * ranges, out=np.zeros(len(ranges)), where=shares > 0.0)
        wanted = shares * np.minimum(sizes, own.max_weight) / own.max_gross
        return WeighedBook(weights=wanted / max(1.0, float(wanted.sum())))


PLUGIN = Plugin(settings=FixedRiskSettings, make=FixedRisk, quick={"atr_sessions": 5})

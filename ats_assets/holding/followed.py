"""The holding periods that targets follow, where settings say so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.holding.holding_rows import followed_holding
from ats_assets.settings import HoldingPeriodSettings


@dataclass(frozen=True, kw_only=True)
class FollowedPeriods:
    """How recommendations are followed; `default` counts where there is none."""

    settings: HoldingPeriodSettings
    default: int

    def of(
        self, recommended: pl.DataFrame, strategies: Sequence[str], days: Sequence[date], sessions: Sequence[date]
    ) -> dict[str, dict[date, int]]:
        """See `followed_holding`."""
        return followed_holding(recommended, strategies, days, sessions, default=self.default, followed=self.settings.followed_sessions)


def followed_periods(deployment: Deployment) -> FollowedPeriods | None:
    """None where the holding period is fixed; use it as `deployment.of(followed_periods)`."""
    settings = deployment.settings
    if settings.portfolio.holding_sessions != "optimised" or settings.holding_period is None:
        return None
    return FollowedPeriods(settings=settings.holding_period, default=settings.training.horizon_sessions)

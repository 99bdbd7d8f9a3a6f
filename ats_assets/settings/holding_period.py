"""For how long positions are best held."""

from collections.abc import Sequence
from typing import Self

from pydantic import Field

from ats_assets.settings.section import Positive, Section


class HoldingPeriodSettings(Section):
    """One table `[holding_period]`, which may be empty; without it there is no such asset. `portfolio.holding_sessions = "optimised"` follows it."""

    longest_sessions: int = Field(default=20, ge=2, le=250, description="the longest holding period that may be recommended")
    sessions: int = Field(default=252, ge=40, description="of known outcomes that the decay of skill is estimated on")
    min_sessions: int = Field(default=120, ge=20, description="fewer outcomes: no recommendation")
    confidence: float = Field(
        default=0.95,
        gt=0.5,
        lt=1,
        description="one-sided: what is left after costs must be above zero with this, or nothing is recommended",
    )
    followed_sessions: Positive = Field(
        default=20, description="targets follow the mean of so many recommendations, which bounds how fast their holding period changes"
    )

    def of_results(self) -> Self:
        """What recommendations depend on: not how they are followed."""
        return self.model_copy(update={"followed_sessions": type(self).model_fields["followed_sessions"].default})


def longest_holding(asked: int | str | None, table: HoldingPeriodSettings | None, horizon: int) -> int:
    """The longest holding period that targets may have, of `portfolio.holding_sessions`, `[holding_period]` and `training.horizon_sessions`.

    Examples
    --------
    >>> longest_holding(None, None, 5), longest_holding(1, None, 5), longest_holding("optimised", HoldingPeriodSettings(), 5)
    (5, 1, 20)
    """
    if asked == "optimised" and table is not None:
        return max(table.longest_sessions, horizon)
    return asked if isinstance(asked, int) else horizon


def require_holding(asked: int | str | None, table: HoldingPeriodSettings | None, horizons: Sequence[int]) -> None:
    """Refuse settings by which a holding period can't be told.

    Raises
    ------
    ValueError
    """
    if asked == "optimised" and table is None:
        raise ValueError('portfolio.holding_sessions is "optimised", but there is no table [holding_period]: add it, it may be empty')
    if table is not None and 1 not in horizons:
        raise ValueError(
            f"[holding_period] looks at the returns of single sessions, but labels.horizons_sessions has only {list(horizons)}: add 1 there"
        )

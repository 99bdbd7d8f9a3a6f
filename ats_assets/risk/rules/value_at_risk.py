"""Value at risk: the whole book shrinks until the loss of a bad session, as its own past tells it, is at most a share of equity.

The past is that of today's book (`risk.book_history`), without any distribution being assumed. `measure = "var"` is the loss that is exceeded in 1 - `level` of the sessions, `"cvar"` the mean loss
over those worst ones.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.evaluation.worst_losses import mean_of_worst
from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.book_history import book_returns, closes_before, needs_of_closes
from ats_assets.risk.rule import all_allowed, all_scaled, session_by_session
from ats_assets.settings import Positive, Section


class ValueAtRiskSettings(Section):
    """What a bad session may cost."""

    max_loss: float = Field(default=0.02, gt=0, le=1, description="of a session, as a share of equity")
    level: float = Field(default=0.95, gt=0.5, lt=1)
    measure: Literal["var", "cvar"] = "cvar"
    lookback_sessions: int = Field(default=252, ge=2, description="returns of the book that are looked at")
    min_sessions: Positive = Field(default=20, description="fewer known returns than this: nothing is held")


class ValueAtRisk:
    """Shrink the book to a loss that can be borne."""

    def __init__(self, settings: ValueAtRiskSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """The bars of the window, one more for its first return, and the corporate actions."""
        return needs_of_closes(self.settings.lookback_sessions)

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, those of each session times one factor."""
        own = self.settings

        def judge(rows: pl.DataFrame, session: date) -> pl.DataFrame:
            held = rows.filter(pl.col("weight") != 0.0)
            if held.is_empty():
                return all_allowed(rows)
            returns = book_returns(held["weight"].to_numpy(), closes_before(session, held["symbol"], frames, days, own.lookback_sessions))
            if len(returns) < own.min_sessions:
                return all_scaled(
                    rows, 0.0, f"only {len(returns)} returns of the book are known, fewer than min_sessions ({own.min_sessions})"
                )
            loss = bad_loss(returns, own.level, own.measure)
            if loss <= own.max_loss:
                return all_allowed(rows)
            factor = own.max_loss / loss
            return all_scaled(
                rows, factor, f"{own.measure} at {own.level:.0%} of {loss:.2%} a session is above {own.max_loss:.2%}: times {factor:.4f}"
            )

        return session_by_session(proposed, judge)


def bad_loss(returns: NDArray[np.float64], level: float, measure: str) -> float:
    """The value at risk of returns of shape (n,), or the mean of the losses beyond it: the worst (1 - level) n sessions, one of them in part.

    Examples
    --------
    >>> returns = np.array([0.01, -0.02, 0.03, -0.04])
    >>> bad_loss(returns, 0.5, "var"), round(bad_loss(returns, 0.5, "cvar"), 4)
    (0.02, 0.03)
    """
    if measure != "var":
        return mean_of_worst(-returns, 1.0 - level)
    many = (1.0 - level) * len(returns)
    return float(np.sort(-returns)[::-1][max(int(np.ceil(many - 1e-9)) - 1, 0)])


PLUGIN = Plugin(settings=ValueAtRiskSettings, make=ValueAtRisk, quick={"lookback_sessions": 5, "min_sessions": 2})

"""Correlation: symbols that move as one count as one, and together have no more than a position of their own kind may.

Two positions belong together where their returns, each times the side of its position, have a correlation of at least `threshold` over the window: then they win and lose together, two longs as well
as a long and a short of opposite shares. What is connected by such pairs is a cluster; the sizes of a cluster add up to `max_cluster` at most, all cut alike.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.book_history import closes_before, needs_of_closes
from ats_assets.risk.rule import all_allowed, session_by_session, weighed_anew
from ats_assets.settings import Section

Floats = NDArray[np.float64]


class CorrelationSettings(Section):
    """What counts as one."""

    threshold: float = Field(default=0.8, gt=0, lt=1, description="correlation from which on two positions belong together")
    max_cluster: float = Field(default=0.25, gt=0, description="sum of the sizes of a cluster, as a share of equity")
    lookback_sessions: int = Field(default=63, ge=3, description="returns that correlations are estimated from")
    min_sessions: int = Field(default=20, ge=3, description="that two symbols must have in common")


class Correlation:
    """Limit what moves together."""

    def __init__(self, settings: CorrelationSettings) -> None:
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
        """The weights, those of each cluster times one factor."""
        own = self.settings

        def judge(rows: pl.DataFrame, session: date) -> pl.DataFrame:
            weights = rows["weight"].to_numpy().copy()
            held = np.flatnonzero(weights)
            if len(held) < 2:
                return all_allowed(rows)
            symbols = rows["symbol"].gather(held)
            closes = closes_before(session, symbols, frames, days, own.lookback_sessions)
            reasons: list[str | None] = [None] * len(weights)
            for cluster in clusters(closes[1:] / closes[:-1] - 1.0, np.sign(weights[held]), own.threshold, own.min_sessions):
                size = float(np.abs(weights[held[cluster]]).sum())
                if len(cluster) < 2 or size <= own.max_cluster:
                    continue
                factor = own.max_cluster / size
                others = ", ".join(symbols.gather(cluster[:5])) + (f" and {len(cluster) - 5} more" if len(cluster) > 5 else "")
                for i in held[cluster]:
                    weights[i] *= factor
                    reasons[i] = (
                        f"{others} move together (correlation {own.threshold:g} and above) and have {size:.2%} of equity, above {own.max_cluster:.2%}: times {factor:.4f}"
                    )
            return weighed_anew(rows, weights, reasons)

        return session_by_session(proposed, judge)


def clusters(returns: Floats, sides: Floats, threshold: float, min_sessions: int) -> list[NDArray[np.int64]]:
    """The places of positions that are connected by correlations, each ascending, by their first.

    Parameters
    ----------
    returns
        Of shape (n_sessions, n_positions), NaN where there is none.
    sides
        1 or -1 of each.

    Examples
    --------
    >>> up = np.array([0.01, -0.02, 0.03, 0.0])
    >>> [group.tolist() for group in clusters(np.column_stack([up, [0.0, 0.01, 0.0, 0.02], -up]), np.array([1.0, 1.0, -1.0]), 0.9, 3)]
    [[0, 2], [1]]
    """
    known = np.isfinite(returns).astype(np.float64)
    values = np.where(known > 0.0, returns, 0.0)

    def over_both(x: Floats, y: Floats) -> Floats:
        return np.einsum("ti,tj->ij", x, y, optimize=False)  # in the order of the sessions, on one thread

    many = np.maximum(over_both(known, known), 1.0)
    mean, squares = over_both(values, known) / many, over_both(values * values, known) / many
    spread = np.maximum(squares - mean * mean, 0.0)
    scale = np.sqrt(spread * spread.T)
    together = over_both(values, values) / many - mean * mean.T
    alike = (many >= min_sessions) & (scale > 0.0) & (sides[:, None] * sides * together >= threshold * scale)
    group = np.arange(returns.shape[1])
    for a, b in np.argwhere(np.tril(alike, -1)):
        if group[a] != group[b]:
            group[group == max(group[a], group[b])] = min(group[a], group[b])
    return [np.flatnonzero(group == one) for one in np.unique(group)]


PLUGIN = Plugin(settings=CorrelationSettings, make=Correlation, quick={"lookback_sessions": 8, "min_sessions": 4})

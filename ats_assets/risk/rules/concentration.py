"""Concentration: the book is spread over enough positions, or is smaller.

The effective number of positions is one over the sum of squared shares of the book (Herfindahl and Hirschman). Where it is below `min_positions` the largest weights are cut to a common size, the
largest at which it is not; what is cut is cash. A book that has fewer positions than that can't be spread: it is held to (positions / `min_positions`) of its size.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.plugins import Needs, Plugin
from ats_assets.risk.rule import all_allowed, all_scaled, session_by_session, weighed_anew
from ats_assets.settings import Section

Floats = NDArray[np.float64]


class ConcentrationSettings(Section):
    """How spread a book must be."""

    min_positions: float = Field(default=5.0, ge=1, description="effective number of positions")


class Concentration:
    """Spread the book."""

    def __init__(self, settings: ConcentrationSettings) -> None:
        self.settings = settings

    def needs(self) -> tuple[Needs, ...]:
        """None: it looks at the weights alone."""
        return ()

    def apply(
        self,
        proposed: pl.DataFrame,
        frames: Mapping[str, pl.DataFrame],  # noqa: ARG002
        days: Sequence[date],  # noqa: ARG002
        sessions: Sequence[date],  # noqa: ARG002
    ) -> pl.DataFrame:
        """The weights, the largest ones cut."""
        least = self.settings.min_positions

        def judge(rows: pl.DataFrame, _session: date) -> pl.DataFrame:
            weights = rows["weight"].to_numpy()
            sizes = np.abs(weights)
            held, found = int((sizes > 0.0).sum()), effective_positions(sizes)
            if not held or found >= least - 1e-9:
                return all_allowed(rows)
            if held < least:
                return all_scaled(rows, held / least, f"{held} positions can't be spread over {least:g}: times {held / least:.4f}")
            cap = spread_cap(sizes, least)
            why = f"the book is spread over {found:.1f} positions, fewer than {least:g}: at most {cap:.2%} each"
            return weighed_anew(rows, np.sign(weights) * np.minimum(sizes, cap), [why] * len(sizes))

        return session_by_session(proposed, judge)


def effective_positions(sizes: Floats) -> float:
    """One over the sum of squared shares; 0 of an empty book.

    Examples
    --------
    >>> effective_positions(np.array([0.2, 0.2, 0.0])), round(effective_positions(np.array([0.8, 0.1, 0.1])), 2)
    (2.0, 1.52)
    """
    total = float(sizes.sum())
    return total * total / float((sizes * sizes).sum()) if total else 0.0


def spread_cap(sizes: Floats, least: float) -> float:
    """The largest size of a position at which the book is spread over `least` positions, of shape (n,) with as many above 0.

    Examples
    --------
    >>> cap = spread_cap(np.array([0.8, 0.1, 0.1]), 2.5)
    >>> round(effective_positions(np.minimum([0.8, 0.1, 0.1], cap)), 9)
    2.5
    """
    low, high = 0.0, float(sizes.max())
    for _ in range(100):
        middle = 0.5 * (low + high)
        if middle > 0.0 and effective_positions(np.minimum(sizes, middle)) >= least:
            low = middle
        else:
            high = middle
    return low or float(sizes[sizes > 0.0].min())


PLUGIN = Plugin(settings=ConcentrationSettings, make=Concentration)

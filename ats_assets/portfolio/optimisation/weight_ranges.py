"""WeightRanges on weights that have names, and which of them conflict.

"The solver failed" helps nobody: where no weights keep all limits, the smallest set of them that can't be kept together is found and named. Sets are tried by size; of very many limits, one
after the other is left out instead as long as the rest still conflict, which ends with a set of which each is needed.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError

Floats = NDArray[np.float64]
MOST_SETS: Final = 500
"""That are tried by size: each is a linear programme."""


class LimitsConflictError(PortfolioError):
    """No weights keep all limits; `names` are those of the smallest set that can't be kept together."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"no weights keep all limits; these can't be kept together: {'; '.join(names)}")
        self.names = tuple(names)


@dataclass(frozen=True, kw_only=True)
class WeightLimit:
    """A range of a sum of weights, each times its coefficient: of a sector 1 for its members, of the beta each symbol's own.

    Parameters
    ----------
    name
        What people call it, with its number: "technology at most 25 %".
    coefficients
        Of shape (n_symbols,).
    """

    name: str
    coefficients: Floats
    low: float = -np.inf
    high: float = np.inf


@dataclass(frozen=True, kw_only=True)
class WeightRanges:
    """What weights must keep.

    Parameters
    ----------
    lower, upper
        The range of each weight, of shape (n_symbols,).
    budget
        What they add up to.
    rows
        Further limits.
    """

    lower: Floats
    upper: Floats
    budget: float = 1.0
    rows: Sequence[WeightLimit] = field(default_factory=tuple)

    def names(self) -> list[str]:
        """What people call each limit: those of all single weights together, the sum, then the rows."""
        lowest, highest = self.lower.min(initial=0.0), self.upper.max(initial=0.0)
        each = [f"each of {len(self.lower)} weights at least {lowest:.4g}", f"each of {len(self.upper)} weights at most {highest:.4g}"]
        return [*each, f"weights add up to {self.budget:.4g}", *(row.name for row in self.rows)]

    def keeps(self, weights: Floats, tolerance: float = 1e-7) -> bool:
        """Whether weights keep all of them."""
        sums = [(weights @ row.coefficients, row) for row in self.rows]
        return bool(
            (weights >= self.lower - tolerance).all()
            and (weights <= self.upper + tolerance).all()
            and abs(weights.sum() - self.budget) <= tolerance
            and all(row.low - tolerance <= found <= row.high + tolerance for found, row in sums)
        )

    def broken(self, weights: Floats, tolerance: float = 1e-7) -> list[str]:
        """The names of the rows that weights break, whatever they add up to.

        Examples
        --------
        >>> few = WeightLimit(name="few at least 0.5", coefficients=np.array([1.0, 0.0]), low=0.5)
        >>> WeightRanges(lower=np.zeros(2), upper=np.ones(2), rows=(few,)).broken(np.array([0.2, 0.8]))
        ['few at least 0.5']
        """
        sums = [(weights @ row.coefficients, row) for row in self.rows]
        return [row.name for found, row in sums if not row.low - tolerance <= found <= row.high + tolerance]

    def can_be_kept(self, which: Collection[int]) -> bool:
        """Whether some weights keep those limits whose places in `names` are given."""
        from scipy.optimize import linprog  # noqa: PLC0415 - a third of a second, where limits conflict

        low = self.lower if 0 in which else np.full(len(self.lower), -np.inf)
        high = self.upper if 1 in which else np.full(len(self.upper), np.inf)
        if (low > high).any():
            return False
        rows = [row for i, row in enumerate(self.rows, start=3) if i in which]
        above = [(row.coefficients, row.high) for row in rows if row.high < np.inf] + [
            (-row.coefficients, -row.low) for row in rows if row.low > -np.inf
        ]
        exactly = {"A_eq": np.ones((1, len(low))), "b_eq": [self.budget]} if 2 in which else {}
        atmost = {"A_ub": np.array([a for a, _ in above]), "b_ub": [b for _, b in above]} if above else {}
        return linprog(np.zeros(len(low)), bounds=np.column_stack([low, high]), method="highs", **exactly, **atmost).status == 0

    def conflict(self) -> list[str]:
        """The smallest set of limits that no weights keep together, by name; empty where all can be kept.

        Examples
        --------
        >>> held = WeightRanges(lower=np.zeros(3), upper=np.full(3, 0.2), rows=(WeightLimit(name="tech at most 10 %", coefficients=np.array([1.0, 0, 0]), high=0.1),))
        >>> held.conflict()
        ['each of 3 weights at most 0.2', 'weights add up to 1']
        """
        names = self.names()
        places = range(len(names))
        if self.can_be_kept(places):
            return []
        tried = 0
        for size in range(1, len(names)):
            tried += comb(len(names), size)
            if tried > MOST_SETS:
                break
            for which in combinations(places, size):
                if not self.can_be_kept(which):
                    return [names[i] for i in which]
        needed = list(places)
        for i in places:
            rest = [one for one in needed if one != i]
            if not self.can_be_kept(rest):
                needed = rest
        return [names[i] for i in needed]

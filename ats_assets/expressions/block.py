"""A block: a stretch of the session grid for a few symbols, on which the steps of a plan are evaluated."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ats_assets.expressions.arrays import Floats


@dataclass(frozen=True, kw_only=True)
class Block:
    """Rows of a few symbols, one after another, with at least the plan's look-back of rows before each symbol's first row of interest.

    The rows in between are either earlier rows of that symbol or absent, so that no window reaches into another symbol's rows.

    Attributes
    ----------
    columns
        Field name to float32 array of shape (n_rows,), NaN = missing.
    present
        Boolean array of shape (n_rows,): is there a row in the panel, if only with missing values?
    """

    columns: Mapping[str, np.ndarray]
    present: np.ndarray
    _reaches: dict[int, Floats] = field(default_factory=dict)

    def reach(self, window: int) -> Floats:
        """How many rows back the first present row of each row's window lies; negative if the window has none.

        The rule that makes windows independent of where the data begins: a window starts at its first present row. Rows that are absent after
        that count as rows with missing values, as qlib counts suspended days; rows that are absent before it do not count.
        """
        if window not in self._reaches:
            rows = np.arange(self.present.size, dtype=np.float64)
            following = np.minimum.accumulate(np.where(self.present, rows, np.inf)[::-1])[::-1]
            reach = np.full(rows.size, -1.0)
            reach[window - 1 :] = rows[window - 1 :] - following[: rows.size - window + 1]
            self._reaches[window] = reach
        return self._reaches[window]

    def known(self, lookback: int) -> np.ndarray:
        """Is a row present among the last `lookback` rows or at this one? If not, whatever is computed from them is missing."""
        return self.reach(lookback + 1) >= 0.0

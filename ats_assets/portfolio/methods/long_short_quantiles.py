"""Long the best quantile, short the worst, each side equally weighted with half of the gross.

A side has floor(quantile * n) places, at least one; fewer than two finite scores give no weights.
"""

import numpy as np
from pydantic import Field

from ats_assets.plugins import Plugin
from ats_assets.portfolio.method import Floats, places
from ats_assets.settings import Section


class LongShortQuantilesSettings(Section):
    """How large a side is."""

    quantile: float = Field(default=0.2, gt=0, le=0.5, description="share of the symbols on each side")


class LongShortQuantiles:
    """Long the best, short the worst.

    Examples
    --------
    >>> LongShortQuantiles(LongShortQuantilesSettings(quantile=0.25)).weights(np.array([-0.1, 0.1, 0.2, 0.3])).tolist()
    [-0.5, 0.0, 0.0, 0.5]
    """

    def __init__(self, settings: LongShortQuantilesSettings) -> None:
        self.settings = settings

    def weights(self, scores: Floats) -> Floats:
        """Half of the gross on each side."""
        n = int(np.isfinite(scores).sum())
        if n < 2:
            return np.zeros(len(scores))
        side = max(1, int(n * self.settings.quantile + 1e-9))  # the nudge: 100 * 0.29 is 28.999…
        return 0.5 / side * (places(scores, side) - places(-scores, side))


PLUGIN = Plugin(settings=LongShortQuantilesSettings, make=LongShortQuantiles)

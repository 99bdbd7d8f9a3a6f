"""Weights proportional to the score's distance from the cross-section's mean: dollar-neutral.

w_i = (s_i - mean(s)) / sum_j |s_j - mean(s)|, the "demeaned factor weights" of Quantopian's alphalens. Equal scores give no weights.
"""

import numpy as np

from ats_assets.plugins import Plugin
from ats_assets.portfolio.method import Floats
from ats_assets.settings import Section


class ScoreProportionalSettings(Section):
    """It has none."""


class ScoreProportional:
    """The further from the mean, the larger.

    Examples
    --------
    >>> ScoreProportional(ScoreProportionalSettings()).weights(np.array([1.0, 2.0, 3.0])).round(3).tolist()
    [-0.5, 0.0, 0.5]
    """

    def __init__(self, settings: ScoreProportionalSettings) -> None:
        self.settings = settings

    def weights(self, scores: Floats) -> Floats:
        """The distances from the mean, as shares of their sum."""
        weights = np.zeros(len(scores))
        finite = np.isfinite(scores)
        known = scores[finite]
        if len(known) < 2 or known.min() == known.max():
            return weights
        known = known / np.abs(known).max()  # no overflow, whatever the unit
        centred = known - known.mean()
        total = np.abs(centred).sum()
        if total > 0.0:
            weights[finite] = centred / total
        return weights


PLUGIN = Plugin(settings=ScoreProportionalSettings, make=ScoreProportional)

"""Whether a model's skill has left it: a cumulative sum of how far its rank ICs fall short of what they were (Page, Continuous inspection schemes, Biometrika 41, 1954).

    S = max(0, S before + (mean - allowance - rank IC) / deviation)

Mean and deviation are those of the past. The allowance is half of the mean, which is quickest where all skill is lost, and at least a tenth of a deviation. The sum begins anew with the past that it is
compared with, so it is a function of a bounded window.

Rank ICs of neighbouring decisions share sessions of their outcomes, and one bad month is nothing unusual. So the threshold is found on the model's own past: pasts and paths are drawn from it in blocks
of neighbouring sessions (the circular block bootstrap of Politis and Romano, 1992), the past's mean and deviation estimated from each drawn past as from the true one, and the threshold is what the sum passes with the wanted chance.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ats_assets.evaluation.feature_drift import DriftFinding

Floats = NDArray[np.float64]
DRAWN = 2_000
SEED = 1954
FEWEST = 60
"""Rank ICs of the past; fewer say nothing about how they vary."""


class SkillCusum:
    """The sum against one past.

    Parameters
    ----------
    past
        Rank ICs in the order of their decisions, shape (n,); NaN is left out.
    block
        Neighbouring decisions that are drawn together: more than share an outcome.
    until, watched
        Sessions from the past to the first at which an alarm is looked for, and sessions for which it is.
    chance
        Of an alarm within `watched` sessions, were nothing to change.
    """

    def __init__(self, past: Floats, *, block: int, until: int, watched: int, chance: float) -> None:
        self.past = past[~np.isnan(past)]
        self._block, self._until, self._watched, self._chance = block, until, watched, chance

    def finding(self, now: Floats) -> DriftFinding:
        """What the sum says of the rank ICs since then, in the order of their decisions."""
        past, now = self.past, now[~np.isnan(now)]
        if len(past) < FEWEST or not len(now):
            return DriftFinding(test="cusum", figure=float("nan"), threshold=float("inf"), about=f"{len(past)} rank ICs of the past")
        path = skill_sums(past.mean(), _deviation(past), now)
        about = f"mean rank IC {past.mean():+.4f} before, {now[-21:].mean():+.4f} of the newest {min(21, len(now))}"
        return DriftFinding(test="cusum", figure=float(path[-1]), threshold=self.threshold, about=about)

    @cached_property
    def threshold(self) -> float:
        """What the sum passes with the chance `chance` at any of the watched sessions."""
        rng = np.random.Generator(np.random.Philox(SEED))
        n, length = len(self.past), self._until + self._watched
        blocks = -(-(n + length) // self._block)
        starts = rng.integers(0, n, (DRAWN, blocks))
        places = (starts[:, :, None] + np.arange(self._block)).reshape(DRAWN, -1)[:, : n + length] % n
        drawn = self.past[places]
        mean, deviation = drawn[:, :n].mean(axis=1), _deviation(drawn[:, :n])
        highest = skill_sums(mean, deviation, drawn[:, n:])[..., self._until :].max(axis=-1)
        return float(np.quantile(highest, 1.0 - self._chance))


def skill_sums(mean: float | Floats, deviation: float | Floats, now: Floats) -> Floats:
    """The sum after each rank IC, shape (..., n) as `now`.

    Examples
    --------
    >>> skill_sums(0.2, 0.1, np.array([0.2, 0.0, 0.0, 0.4]))
    array([0., 1., 2., 0.])
    """
    mean, deviation = np.asarray(mean), np.asarray(deviation)
    allowance = np.maximum(mean / 2.0, 0.1 * deviation)
    reference, scale = mean - allowance, np.where(deviation > 0, deviation, 1.0)
    sums = np.zeros(now.shape)
    total = np.zeros(now.shape[:-1])
    for i in range(now.shape[-1]):
        total = np.maximum(0.0, total + (reference - now[..., i]) / scale)
        sums[..., i] = total
    return sums


def _deviation(ics: Floats) -> Floats:
    return ics.std(axis=-1, ddof=1)

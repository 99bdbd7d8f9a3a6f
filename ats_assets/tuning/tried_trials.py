"""A trial that is asked for, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import sqrt
from statistics import fmean, median, stdev
from typing import Final, Literal

from ats_assets.settings import ParameterValue

State = Literal["complete", "pruned", "failed"]
LEAST_BEFORE: Final = 4
"""Trials whose folds must be known before another one is ended for being worse."""


@dataclass(frozen=True, kw_only=True)
class AskedTrial:
    """A set of parameters to try.

    Attributes
    ----------
    limits
        Of each fold but the last, what the mean over the folds so far must reach for the trial to go on; None: anything.
    """

    number: int
    generation: int
    parameters: Mapping[str, ParameterValue]
    limits: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TriedTrial:
    """What came of one.

    Attributes
    ----------
    folds
        Mean rank IC of each fold that was judged, in their order.
    ics
        Rank IC of each session of these folds; empty where that is not known any more.
    """

    number: int
    generation: int
    parameters: Mapping[str, ParameterValue]
    state: State
    folds: tuple[float, ...] = ()
    fits: int = 0
    reason: str | None = None
    ics: Mapping[date, float] = field(default_factory=dict)

    @property
    def rank_ic(self) -> float | None:
        """Mean over the folds that were judged."""
        return fmean(self.folds) if self.folds else None

    @property
    def standard_error(self) -> float | None:
        """Of that mean, from how the folds differ."""
        return stdev(self.folds) / sqrt(len(self.folds)) if len(self.folds) > 1 else None

    def value(self, penalty: float) -> float | None:
        """What is made as large as can be: the mean less some standard errors; None of what is not complete."""
        if self.state != "complete":
            return None
        return fmean(self.folds) - penalty * (self.standard_error or 0.0)


def limits_after(trials: Sequence[TriedTrial], folds: int) -> tuple[float | None, ...]:
    """What later trials must reach to go on: the median of the means over the same folds; None of folds that fewer than four trials have.

    Examples
    --------
    >>> one = TriedTrial(number=0, generation=0, parameters={}, state="complete", folds=(0.1, 0.3))
    >>> limits_after([one] * 4, folds=3)
    (0.1, 0.2)
    """
    found: list[float | None] = []
    for judged in range(1, folds):
        means = [fmean(one.folds[:judged]) for one in trials if len(one.folds) >= judged and one.state != "failed"]
        found.append(median(means) if len(means) >= LEAST_BEFORE else None)
    return tuple(found)


def chosen_trial(trials: Sequence[TriedTrial], *, penalty: float, margin: float) -> tuple[int, str]:
    """The number of the trial whose parameters are taken, and why: the best one, if it beats the model's own settings (trial 0) on the same folds by the margin.

    Examples
    --------
    >>> own = TriedTrial(number=0, generation=0, parameters={}, state="complete", folds=(0.02, 0.03))
    >>> best = TriedTrial(number=1, generation=0, parameters={"leaves": 7}, state="complete", folds=(0.05, 0.07))
    >>> chosen_trial([own, best], penalty=0.0, margin=1.0)
    (1, 'the best of 2: rank IC +0.0350 ± 0.0050 above that of the own settings')
    >>> chosen_trial([own], penalty=0.0, margin=1.0)
    (0, 'own settings: none of 0 others has a larger value')
    """
    values = {one.number: value for one in trials if (value := one.value(penalty)) is not None}
    by_number = {one.number: one for one in trials}
    if not values:
        return 0, f"own settings: no trial was complete; the first says: {by_number[0].reason}"
    best = max(values, key=lambda number: (values[number], -number))
    if best == 0:
        return 0, f"own settings: none of {len(trials) - 1} others has a larger value"
    if 0 not in values:
        return best, f"the best of {len(trials)}; the own settings failed: {by_number[0].reason}"
    gains = [a - b for a, b in zip(by_number[best].folds, by_number[0].folds, strict=True)]
    gain, error = fmean(gains), stdev(gains) / sqrt(len(gains)) if len(gains) > 1 else 0.0
    told = f"rank IC {gain:+.4f} ± {error:.4f}"
    if gain <= margin * error:
        return 0, f"own settings: trial {best} is the best, but with {told} not above them by {margin:g} standard errors"
    return best, f"the best of {len(trials)}: {told} above that of the own settings"

"""Whether the features of the newest sessions come from where those came from that a model has learnt of.

1. Count the values of the window that was learnt from by session and bin (`session_counts`); the same bins are used for the newest sessions.
2. Of each feature take how far the newest window's distribution lies from the past's: the population stability index and the Kolmogorov-Smirnov distance.
3. Divide by what windows of the past show of the same feature on average, so that one that wanders much counts no more than one that never does, and take the mean of the largest tenth: a shift of
   few features is not lost among many, and a single odd one is no alarm.
4. Features may rise or fall at once, by less than they wander in a year: `level_steps` looks for that.
5. A classifier that learns to tell the newest rows from the past's looks at all features at once (`two_sample_classifier`).
6. Each of the figures is compared with those of every window of the past (`own_past`).

A window of the past is compared with the rest of it less `APART` sessions on either side: what autocorrelation shares with the window would make it look closer than a later one can be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.evaluation.level_steps import LevelSteps, farthest
from ats_assets.evaluation.own_past import unusual_above
from ats_assets.evaluation.session_counts import counts_by_session, kolmogorov_smirnov
from ats_assets.evaluation.two_sample_classifier import TwoSampleClassifier
from ats_assets.features.value_bins import Counts, bin_edges, population_stability

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
DISTANCES: Final[dict[str, Callable[[Counts, Counts], Floats]]] = {"psi": population_stability, "ks": kolmogorov_smirnov}
NAMED = 3
"""Features that a finding names."""
APART = 63
"""Sessions left out on either side of a window of the past, but no more than a sixth of it."""


@dataclass(frozen=True, kw_only=True)
class DriftFinding:
    """What one test found.

    Attributes
    ----------
    test
        psi, ks, step, classifier, cusum, regime.
    figure
        What is compared; NaN where it can't be made.
    threshold
        Above which it is an alarm; infinity where the past is too short to say.
    about
        What the figure is of, in words: the features that moved most, the regime.
    """

    test: str
    figure: float
    threshold: float
    about: str = ""

    @property
    def alarm(self) -> bool:
        """Whether the figure is unusual."""
        return self.figure > self.threshold


class SoundPast:
    """What a model has learnt from, as that which the newest sessions are compared with.

    Parameters
    ----------
    names
        Of the features.
    x, sizes
        The rows of the past by session, float32 of shape (n_rows, n_features), NaN = missing; and how many each session has.
    recent
        Sessions of the window that is compared.
    chance
        Of an alarm of one test in as many sessions as `recent`, were nothing to change.
    breaks
        Positions of the sessions of the past that the next one does not follow in the calendar.

    Notes
    -----
    Steps and the classifier are of several features; of a single column they say no more than the distances.
    """

    def __init__(
        self, names: Sequence[str], x: Rows, sizes: NDArray[np.int64], *, recent: int, chance: float, breaks: Sequence[int] = ()
    ) -> None:
        self._names, self._recent, self._gap, self._chance = names, recent, min(APART, len(sizes) // 6), chance
        self._edges = bin_edges(x)
        self._counts = counts_by_session(x, sizes, self._edges)
        self._total: Counts = self._counts.sum(axis=0)
        several = x.shape[1] > 1 and len(x) > 0
        self._steps = LevelSteps(self._counts, recent=recent, breaks=breaks) if several else None
        self._classifier = TwoSampleClassifier(x, sizes, recent=recent, gap=self._gap) if several else None

    def findings(self, x: Rows, sizes: NDArray[np.int64]) -> list[DriftFinding]:
        """What each test says of the rows of the newest `recent` sessions, given as those of the past are."""
        by_session = counts_by_session(x, sizes, self._edges)
        window = by_session.sum(axis=0)
        found = []
        for test, distance in DISTANCES.items():
            typical, threshold = self._past[test]
            apart = distance(self._total, window) / typical
            figure = float(farthest(apart))
            found.append(DriftFinding(test=test, figure=figure, threshold=threshold, about=f"times the usual: {self._largest(apart)}"))
        if self._steps is not None:
            figure, squares = self._steps.of(by_session)
            threshold = unusual_above(self._steps.of_the_past, self._recent, self._chance)
            about = f"deviations from how they go on: {self._largest(np.sqrt(squares))}"
            found.append(DriftFinding(test="step", figure=figure, threshold=threshold, about=about))
        if self._classifier is not None:
            threshold = unusual_above(self._classifier.of_the_past, max(1, self._recent // self._classifier.stride), self._chance)
            figure = self._classifier.of(x, sizes)
            about = f"it tells newest from older rows with an AUC of {1.0 / (1.0 + np.exp(-figure)):.3f}"
            found.append(DriftFinding(test="classifier", figure=figure, threshold=threshold, about=about))
        return found

    def _largest(self, of: Floats) -> str:
        return ", ".join(f"{self._names[i]} {of[i]:.1f}" for i in np.argsort(-of, kind="stable")[:NAMED])

    @cached_property
    def _past(self) -> dict[str, tuple[Floats, float]]:
        """Of each distance what it usually is, by feature, and the threshold of the mean of the farthest."""
        n, w, g = len(self._counts), self._recent, self._gap
        if n < 2 * w:
            return {test: (np.ones(len(self._names)), float("inf")) for test in DISTANCES}
        until = np.concatenate([np.zeros((1, *self._counts.shape[1:]), np.int64), self._counts.cumsum(axis=0)])
        starts = np.arange(n - w + 1)
        windows = until[starts + w] - until[starts]
        rest = self._total - (until[np.minimum(starts + w + g, n)] - until[np.maximum(starts - g, 0)])
        found = {}
        for test, distance in DISTANCES.items():
            apart = distance(rest, windows)
            mean = apart.mean(axis=0)
            typical = np.where(mean > 0, mean, 1.0)
            found[test] = (typical, unusual_above(farthest(apart / typical), w, self._chance))
        return found

"""Whether the levels of features have stepped: a likelihood ratio for a change of mean at some session of the newest window, where levels are autocorrelated.

A level is the mean of a feature's bins over the symbols of a session. Levels wander slowly, and a shift of half a deviation that lasts is small beside what a slow one wanders in a year; but it comes at
once, which wandering does not. So each level is taken for a first-order autoregression with the coefficient of its own past,

    e(t) = level(t) - mean - rho * (level(t - 1) - mean),

whose innovations a step changes by 1 at its first session and by 1 - rho at each later one. For a step k sessions ago the statistic of a feature is the square of their regression on that shape, over its variance:
the likelihood ratio of generalised least squares (R. S. Tsay, Outliers, level shifts, and variance changes in time series, Journal of Forecasting 7, 1988). The mean of the largest tenth is taken, as of the
distances, and the largest over all k from `LEAST` on: what lasted a session or two is an odd session, not a step.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ats_assets.features.value_bins import Counts

Floats = NDArray[np.float64]
LEAST = 3
"""Sessions that a step has lasted."""
HIGHEST = 0.98
"""Of the coefficients: the estimate of a level that hardly returns is of no use."""


class LevelSteps:
    """The steps of windows, against one past.

    Parameters
    ----------
    counts
        Of the past by session and bin, from `session_counts.counts_by_session`.
    recent
        Sessions of a window: more than `LEAST`, or there is nothing to say.
    breaks
        Positions of the sessions of the past that the next one does not follow in the calendar.
    """

    def __init__(self, counts: Counts, *, recent: int, breaks: Sequence[int] = ()) -> None:
        self._recent = recent
        levels, self._mean = _centred(counts, None)
        follows = np.ones(max(0, len(levels) - 1), np.bool_)
        follows[list(breaks)] = False
        before, after = levels[:-1][follows], levels[1:][follows]
        size = (levels * levels).sum(axis=0)
        self._rho = np.clip((before * after).sum(axis=0) / np.where(size > 0, size, 1.0), 0.0, HIGHEST)
        own = after - self._rho * before
        deviation = own.std(axis=0) if len(own) else np.zeros(levels.shape[1])
        self._over = np.where(deviation > 1e-9, 1.0 / np.where(deviation > 1e-9, deviation, 1.0), 0.0)
        self.of_the_past = self._of_windows(levels, follows)
        """The figure of each window of the past, one a session of its end; NaN where it has a break."""

    def of(self, counts: Counts) -> tuple[float, Floats]:
        """The figure of a window's counts by session, and the statistic of each feature; NaN and zeros where it is too short."""
        levels, _ = _centred(counts, self._mean)
        each = self._squares(levels)
        if not each.size:
            return float("nan"), np.zeros(levels.shape[1])
        figures = farthest(each)[:, 0]
        return float(figures.max()), each[int(np.argmax(figures)), 0]

    def _of_windows(self, levels: Floats, follows: NDArray[np.bool_]) -> Floats:
        each = self._squares(levels)
        if not each.size:
            return np.empty(0)
        broken = np.concatenate([[0], np.cumsum(~follows)])
        ends = np.arange(self._recent - 1, len(levels))
        return np.where(broken[ends] > broken[ends - self._recent + 1], np.nan, farthest(each).max(axis=0))

    def _squares(self, levels: Floats) -> Floats:
        """Of each length of a step, each window and each feature: shape (lengths, n - recent + 1, n_features)."""
        w, n = self._recent, len(levels)
        if n < w or w <= LEAST:
            return np.empty((0, 0, levels.shape[1]))
        own = (levels[1:] - self._rho * levels[:-1]) * self._over
        until = np.concatenate([np.zeros((1, own.shape[1])), own.cumsum(axis=0)])
        ends, kept = np.arange(w - 1, n), 1.0 - self._rho
        found = []
        for k in range(LEAST, w):
            along = own[ends - k] + kept * (until[ends] - until[ends - k + 1])
            found.append(along * along / (1.0 + (k - 1) * kept * kept))
        return np.stack(found)


def farthest(apart: Floats, share: float = 0.1) -> Floats:
    """The logarithm of the mean of the largest `share`, over the last axis.

    Examples
    --------
    >>> farthest(np.array([1.0, 1.0, 1.0, np.e]), 0.25).tolist()
    1.0
    """
    k = max(1, round(apart.shape[-1] * share))
    largest = np.sort(apart, axis=-1)[..., -k:].mean(axis=-1)
    return np.log(np.maximum(largest, 1e-12))


def _centred(counts: Counts, mean: Floats | None) -> tuple[Floats, Floats]:
    """The levels by session less their mean, and the mean; 0 where no symbol has a value."""
    values = counts[..., :-1]
    there = values.sum(axis=-1)
    places = (np.arange(values.shape[-1]) + 0.5) / values.shape[-1] - 0.5
    levels = (values * places).sum(axis=-1) / np.maximum(there, 1)
    own = np.where(there > 0, levels, 0.0).sum(axis=0) / np.maximum((there > 0).sum(axis=0), 1) if mean is None else mean
    return np.where(there > 0, levels - own, 0.0), own

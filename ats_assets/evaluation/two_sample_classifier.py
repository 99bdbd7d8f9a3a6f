"""A classifier two-sample test: whether a classifier that has seen some of the newest rows and some of the past's tells others of them apart.

The classifier is Fisher's linear discriminant with a ridge, since one is made for each window of the past; it learns from every other symbol of a session and is judged on the rest, so what it tells apart is no
accident of single rows. Its figure is the area under the ROC curve, as log-odds (D. Lopez-Paz and M. Oquab, Revisiting classifier two-sample tests, 2017; they judge by accuracy). What all symbols of a session share
it does tell apart, change or not: that is why its figure is compared with those of windows of the past, and not with one half.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
RIDGE = 0.1
"""Added to the variance of each standardised feature."""
ROWS_OF_A_SESSION = 100
"""Of more every k-th is looked at."""
JUDGED_ROWS = 2_000
"""Of the past."""
WINDOWS = 120
"""Of the past that are looked at, at most about."""


class TwoSampleClassifier:
    """The test against one past.

    Parameters
    ----------
    x, sizes, recent, gap
        As `feature_drift.SoundPast`.
    """

    def __init__(self, x: Rows, sizes: NDArray[np.int64], *, recent: int, gap: int) -> None:
        self._recent, self._gap = recent, gap
        x, sizes = _thinned(x, sizes)
        self._centre, self._scale = _centre_and_scale(x)
        self._z, self._sizes = self._standardised(x), sizes
        self._taught = _is_taught(sizes)
        session = np.repeat(np.arange(len(sizes)), sizes)
        self._session = session
        own = self._z[self._taught].astype(np.float64)
        self._sums = np.zeros((len(sizes), x.shape[1]))
        np.add.at(self._sums, session[self._taught], own)
        self._rows = np.bincount(session[self._taught], minlength=len(sizes)).astype(np.float64)
        mean = own.mean(axis=0) if len(own) else np.zeros(x.shape[1])
        covariance = own.T @ own / max(1, len(own)) - np.outer(mean, mean)
        self._inverse = np.linalg.inv(covariance + RIDGE * np.eye(x.shape[1]))
        others = np.flatnonzero(~self._taught)
        self._others = others[:: max(1, len(others) // JUDGED_ROWS)]
        self.stride = max(1, len(sizes) // WINDOWS)
        """Sessions from one window of the past that is looked at to the next."""
        self.of_the_past = self._of_windows()

    def of(self, x: Rows, sizes: NDArray[np.int64]) -> float:
        """The figure of the newest sessions' rows."""
        x, sizes = _thinned(x, sizes)
        z, taught = self._standardised(x), _is_taught(sizes)
        if not taught.any() or taught.all() or not len(self._others) or not self._rows.sum():
            return float("nan")
        direction = self._inverse @ (z[taught].mean(axis=0, dtype=np.float64) - self._sums.sum(axis=0) / self._rows.sum())
        return _log_odds(roc_area(z[~taught] @ direction, self._z[self._others] @ direction))

    def _of_windows(self) -> Floats:
        n, w, g = len(self._sizes), self._recent, self._gap
        starts = np.arange(0, n - w + 1, self.stride)
        if n < 2 * w:
            return np.empty(0)
        sums, rows = (np.concatenate([np.zeros_like(of[:1]), of.cumsum(axis=0)]) for of in (self._sums, self._rows))
        low, high = np.maximum(starts - g, 0), np.minimum(starts + w + g, n)
        there, rest = rows[starts + w] - rows[starts], rows[-1] - (rows[high] - rows[low])
        means = (sums[starts + w] - sums[starts]) / np.maximum(there, 1.0)[:, None]
        means -= (sums[-1] - (sums[high] - sums[low])) / np.maximum(rest, 1.0)[:, None]
        directions = means @ self._inverse.T
        of_others = self._z[self._others] @ directions.T
        session = self._session[self._others]
        ends = np.concatenate([[0], np.cumsum(self._sizes)])
        found = np.full(len(starts), np.nan)
        for i, start in enumerate(starts):
            inside = slice(ends[start], ends[start + w])
            own = self._z[inside][~self._taught[inside]] @ directions[i]
            apart = of_others[(session < low[i]) | (session >= high[i]), i]
            found[i] = _log_odds(roc_area(own, apart))
        return found

    def _standardised(self, x: Rows) -> Rows:
        return np.nan_to_num((x - self._centre) / self._scale, nan=0.0, posinf=0.0, neginf=0.0)


def roc_area(of_one: Floats, of_other: Floats) -> float:
    """The chance that a score of one sample is above one of the other, ties counting half: the area under the ROC curve; NaN where one is empty.

    Examples
    --------
    >>> roc_area(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    n, m = len(of_one), len(of_other)
    if not n or not m:
        return float("nan")
    other = np.sort(of_other)
    below = np.searchsorted(other, of_one, side="left") + np.searchsorted(other, of_one, side="right")
    return float(below.sum() / (2.0 * n * m))


def _log_odds(area: float) -> float:
    bounded = min(max(area, 1e-4), 1.0 - 1e-4)
    return float(np.log(bounded / (1.0 - bounded)))


def _thinned(x: Rows, sizes: NDArray[np.int64]) -> tuple[Rows, NDArray[np.int64]]:
    """Every k-th row of each session."""
    if not len(sizes) or sizes.max() <= ROWS_OF_A_SESSION:
        return x, sizes
    step = -(-int(sizes.max()) // ROWS_OF_A_SESSION)
    kept = _place(sizes) % step == 0
    return x[kept], -(-sizes // step)


def _is_taught(sizes: NDArray[np.int64]) -> NDArray[np.bool_]:
    return _place(sizes) % 2 == 0


def _place(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each row in its session, from 0."""
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _centre_and_scale(x: Rows) -> tuple[Rows, Rows]:
    """Mean and deviation of what is there, between the first and the last hundredth: an outlier scales nothing."""
    if not len(x):
        return np.zeros(x.shape[1], np.float32), np.ones(x.shape[1], np.float32)
    some = np.sort(x[:: max(1, len(x) // 20_000)], axis=0).astype(np.float64)
    there = (~np.isnan(some)).sum(axis=0)
    last = np.maximum(there - 1, 0)
    low, middle, high = (np.take_along_axis(some, (share * last).astype(np.int64)[None], axis=0)[0] for share in (0.16, 0.5, 0.84))
    scale = (high - low) / 2.0
    return np.where(there > 0, middle, 0.0).astype(np.float32), np.where((there > 0) & (scale > 0), scale, np.inf).astype(np.float32)

"""The rank IC of decisions whose outcome is not known yet, estimated from what is: shorter horizons are known sooner, and how far scores lie apart says how sure a model is.

Of decisions that have matured a ridge regression of the rank IC on the rank IC of the longest shorter horizon that is known at the same age, and on the logarithm of the deviation of the scores, is fitted; the newest
decisions are put into it. How good that is, is told with it: the same is done for each decision that has matured, with what was known when it was as old, and its estimate compared with what came
of it, and so is the plain mean of what was known then. An estimate that is no better than the mean has learnt nothing, and says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
RIDGE = 0.1
"""Of the variance of each regressor, times the decisions that are learnt from."""
FEWEST = 20
"""Decisions to learn from, and to judge by."""


@dataclass(frozen=True, kw_only=True)
class MaturingEstimate:
    """What is thought of one decision.

    Attributes
    ----------
    decision
        Its place among the sessions.
    known_horizon
        The longest shorter horizon whose outcome is known; 0 for none.
    estimate, standard_error, error_of_mean
        None where too few decisions have matured.
    judged
        Decisions that the errors are of.
    """

    decision: int
    known_horizon: int
    estimate: float | None = None
    standard_error: float | None = None
    error_of_mean: float | None = None
    judged: int = 0


def maturing_skill(
    rank_ics: Mapping[int, Floats], spread: Floats, now: int, *, horizon: int, learnt_sessions: int
) -> list[MaturingEstimate]:
    """The decisions up to the session in place `now` that have scores and whose outcome is not known there, in their order.

    Parameters
    ----------
    rank_ics
        Horizon -> rank IC of the decision of each session, shape (n_sessions,), NaN where there is none. One of place p is known at p + horizon + 1: later ones are not looked at.
    spread
        Deviation of the scores of each session, shape (n_sessions,); NaN where there are none.
    learnt_sessions
        Matured decisions that are learnt from, and judged by, at most.
    """
    shorter = sorted(h for h in rank_ics if h < horizon)
    logged = np.log(np.where(spread > 0, spread, np.nan))
    found = []
    for decision in range(max(0, now - horizon), now + 1):
        if np.isnan(spread[decision]):
            continue
        age = now - decision
        known = max((h for h in shorter if h + 1 <= age), default=0)
        columns = [np.ones(len(spread)), np.nan_to_num(logged)] + ([np.nan_to_num(rank_ics[known])] if known else [])
        there = ~np.isnan(logged) & (~np.isnan(rank_ics[known]) if known else True)
        regression = _Regression(np.stack(columns, axis=1), np.where(there, rank_ics[horizon], np.nan))
        found.append(_estimated(regression, decision, known, now, age=age, lasts=horizon + 1, window=learnt_sessions))
    return found


def _estimated(regression: "_Regression", decision: int, known: int, now: int, *, age: int, lasts: int, window: int) -> MaturingEstimate:
    mature = np.arange(max(0, now - lasts - window + 1), now - lasts + 1)
    estimate, _ = regression.at([decision], [now - lasts + 1], window)
    judged = mature[~np.isnan(regression.y[mature])]
    estimates, means = regression.at(judged, judged + age - lasts + 1, window)
    there = ~np.isnan(estimates)
    n = int(there.sum())
    value = float(np.clip(estimate[0], -1.0, 1.0)) if not np.isnan(estimate[0]) else None
    if n < FEWEST:
        return MaturingEstimate(decision=decision, known_horizon=known, estimate=value, judged=n)
    came = regression.y[judged][there]
    errors = [float(np.sqrt(np.mean((np.clip(of[there], -1.0, 1.0) - came) ** 2))) for of in (estimates, means)]
    return MaturingEstimate(
        decision=decision, known_horizon=known, estimate=value, standard_error=errors[0], error_of_mean=errors[1], judged=n
    )


class _Regression:
    """Ridge regressions on windows of one series of rows: sums by row make each a small system of equations."""

    def __init__(self, x: Floats, y: Floats) -> None:
        self._x, self.y = x, y
        there = ~np.isnan(y)
        kept, target = np.where(there[:, None], x, 0.0), np.where(there, y, 0.0)
        self._count, self._xx, self._xy = (
            _sums(of) for of in (there.astype(np.float64), kept[:, :, None] * kept[:, None, :], kept * target[:, None])
        )

    def at(self, rows: Sequence[int] | NDArray[np.int64], ends: Sequence[int] | NDArray[np.int64], window: int) -> tuple[Floats, Floats]:
        """Of each row the estimate by the rows of the window before its end, and their mean; NaN of fewer than `FEWEST`."""
        ends = np.maximum(np.asarray(ends, np.int64), 0)
        begins = np.maximum(ends - window, 0)
        n = self._count[ends] - self._count[begins]
        enough = n >= FEWEST
        size = np.where(enough, n, 1.0)
        xx = (self._xx[ends] - self._xx[begins]) / size[:, None, None]
        xy = (self._xy[ends] - self._xy[begins]) / size[:, None]
        mean_x, mean_y = xx[:, 0, 1:], xy[:, 0]  # the first column is 1
        covariance = xx[:, 1:, 1:] - mean_x[:, :, None] * mean_x[:, None, :]
        with_y = xy[:, 1:] - mean_x * mean_y[:, None]
        variance = np.maximum(np.diagonal(covariance, axis1=1, axis2=2), 0.0)
        padded = covariance + (RIDGE * variance + 1e-12)[:, :, None] * np.eye(variance.shape[1])
        slopes = np.linalg.solve(padded, with_y[:, :, None])[:, :, 0]
        estimates = mean_y + ((self._x[np.asarray(rows, np.int64), 1:] - mean_x) * slopes).sum(axis=1)
        return np.where(enough, estimates, np.nan), np.where(enough, mean_y, np.nan)


def _sums(rows: Floats) -> Floats:
    return np.concatenate([np.zeros_like(rows[:1]), rows.cumsum(axis=0)])

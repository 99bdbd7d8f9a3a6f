"""Curves from a score's place in its session to a probability, each fitted through counts: how often such a place lost and won.

- Platt (Probabilistic outputs for support vector machines, 1999, without his priors): log-odds = a + b x. Two numbers, which little data suffice for.
- Beta (Kull, Silva Filho and Flach, AISTATS 2017): log-odds = c + a ln s - b ln(1 - s) with s = x + 1/2 and a, b >= 0. Its ends may be steeper than its middle, or flatter.
- Isotonic (Zadrozny and Elkan, KDD 2002): the steps that never fall and are nearest to the shares of wins, by pooling neighbours. No shape is assumed, so it takes most data.

x = (average rank - 1/2) / n - 1/2 of the score in its session. For the fit it is rounded to the middle of one of 100 equal bins: a fit then depends on counts alone, which are
whole numbers, and takes microseconds.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

BINS = 100
MIDDLES = (np.arange(BINS) + 0.5) / BINS - 0.5
_LOGS = np.stack([np.log(MIDDLES + 0.5), -np.log(0.5 - MIDDLES)], axis=1)

CurveKind = Literal["platt", "beta", "isotonic"]
CURVES: tuple[CurveKind, ...] = ("platt", "beta", "isotonic")
"""From the one with the fewest parameters to the one with the most."""
FOLDS = 4
"""Parts of the newer half of a window that curves are judged on, each by the outcomes known before it."""


class Curve(Protocol):
    """A fitted curve."""

    @property
    def rows(self) -> int:
        """How many outcomes it was fitted through."""
        ...

    def probability(self, x: np.ndarray) -> np.ndarray:
        """The probability at centred percentiles `x` of shape (n,), in (-1/2, 1/2)."""
        ...


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Platt's curve: log-odds = intercept + slope * x, from `rows` outcomes."""

    intercept: float
    slope: float
    rows: int

    def probability(self, x: np.ndarray) -> np.ndarray:
        """The probability at centred percentiles `x` of shape (n,), in (-1/2, 1/2)."""
        return 1.0 / (1.0 + np.exp(-(self.intercept + self.slope * x)))


@dataclass(frozen=True, kw_only=True)
class BetaCurve:
    """Log-odds = intercept + low * ln s - high * ln(1 - s), s = x + 1/2, from `rows` outcomes; neither `low` nor `high` is negative."""

    intercept: float
    low: float
    high: float
    rows: int

    def probability(self, x: np.ndarray) -> np.ndarray:
        """The probability at centred percentiles `x` of shape (n,), in (-1/2, 1/2)."""
        return 1.0 / (1.0 + np.exp(-(self.intercept + self.low * np.log(x + 0.5) - self.high * np.log(0.5 - x))))


@dataclass(frozen=True, kw_only=True)
class IsotonicCurve:
    """Straight lines between the points (`places`, `levels`), level beyond the first and the last, from `rows` outcomes.

    No level is nearer to 0 or to 1 than 1 / (rows + 2): so many outcomes make nothing certain (Laplace's rule of succession).
    """

    places: tuple[float, ...]
    levels: tuple[float, ...]
    rows: int

    def probability(self, x: np.ndarray) -> np.ndarray:
        """The probability at centred percentiles `x` of shape (n,), in (-1/2, 1/2)."""
        return np.interp(x, self.places, self.levels)


def fit_calibration(losses: np.ndarray, wins: np.ndarray, *, min_rows: int) -> Calibration | None:
    """Platt's curve: that of largest likelihood through counts by bin of x, by Newton's method from zero.

    Parameters
    ----------
    losses, wins
        Integers of shape (100,): outcomes not above, and above, the median of their session, by bin.
    min_rows
        With fewer outcomes, with wins or losses only, or where they are parted perfectly, there is no curve: None.
    """
    n = losses + wins
    rows = int(n.sum())
    if rows < min_rows or not wins.any() or not losses.any():
        return None
    a = b = 0.0
    for _ in range(50):
        p = 1.0 / (1.0 + np.exp(-(a + b * MIDDLES)))
        weight, residual = n * p * (1.0 - p), wins - n * p
        h_aa, h_ab, h_bb = weight.sum(), (weight * MIDDLES).sum(), (weight * MIDDLES * MIDDLES).sum()
        g_a, g_b = residual.sum(), (residual * MIDDLES).sum()
        determinant = h_aa * h_bb - h_ab * h_ab
        if not determinant > 1e-9:
            return None
        step_a, step_b = (h_bb * g_a - h_ab * g_b) / determinant, (h_aa * g_b - h_ab * g_a) / determinant
        a, b = float(a + step_a), float(b + step_b)
        if abs(b) > 100.0:
            return None
        if abs(step_a) + abs(step_b) < 1e-12:
            break
    return Calibration(intercept=a, slope=b, rows=rows)


def fit_beta(losses: np.ndarray, wins: np.ndarray, *, min_rows: int) -> BetaCurve | None:
    """The beta curve of largest likelihood; where one of its shapes came out negative it is 0, and the other is fitted again without it, as the authors do.

    Parameters are those of `fit_calibration`.
    """
    rows = int(losses.sum() + wins.sum())
    if rows < min_rows or not wins.any() or not losses.any():
        return None
    taken = [0, 1]
    while True:
        found = _most_likely(_LOGS[:, taken], losses, wins)
        if found is None:
            return None
        if (found[1:] >= 0.0).all():
            break
        taken.pop(int(np.argmin(found[1:])))
    shapes = dict(zip(taken, found[1:].tolist(), strict=True))
    return BetaCurve(intercept=float(found[0]), low=shapes.get(0, 0.0), high=shapes.get(1, 0.0), rows=rows)


def _most_likely(columns: np.ndarray, losses: np.ndarray, wins: np.ndarray) -> np.ndarray | None:
    """Intercept and weights of a logistic regression on columns of shape (100, k), by Newton's method whose steps are halved while they lose likelihood; None if it has no end."""
    design = np.concatenate([np.ones((BINS, 1)), columns], axis=1)
    n = losses + wins
    found = np.zeros(design.shape[1])
    best = _log_likelihood(design @ found, losses, wins)
    for _ in range(100):
        p = 1.0 / (1.0 + np.exp(-(design @ found)))
        hessian = (design * (n * p * (1.0 - p))[:, None]).T @ design
        if not np.linalg.det(hessian) > 1e-9:
            return None
        gained = best
        step = np.linalg.solve(hessian, design.T @ (wins - n * p))
        for _halved in range(30):
            gained = _log_likelihood(design @ (found + step), losses, wins)
            if gained >= best:
                break
            step = step / 2.0
        found, best = found + step, gained
        if np.abs(found).max() > 100.0:
            return None
        if np.abs(step).sum() < 1e-10:
            break
    return found


def _log_likelihood(log_odds: np.ndarray, losses: np.ndarray, wins: np.ndarray) -> float:
    return -float((wins * np.logaddexp(0.0, -log_odds) + losses * np.logaddexp(0.0, log_odds)).sum())


def fit_isotonic(losses: np.ndarray, wins: np.ndarray, *, min_rows: int) -> IsotonicCurve | None:
    """The isotonic curve, by pooling neighbours whose shares of wins fall; counts are whole, so that its levels are exact.

    Parameters are those of `fit_calibration`; where wins and losses are parted perfectly it has two levels.
    """
    n = (losses + wins).tolist()
    rows = sum(n)
    if rows < min_rows or not wins.any() or not losses.any():
        return None
    pools: list[tuple[int, int, int]] = []  # wins, outcomes, bins
    for won, of in zip(wins.tolist(), n, strict=True):
        if not of:
            continue
        pool = (won, of, 1)
        while pools and pools[-1][0] * pool[1] >= pool[0] * pools[-1][1]:
            before = pools.pop()
            pool = (before[0] + pool[0], before[1] + pool[1], before[2] + pool[2])
        pools.append(pool)
    least = 1.0 / (rows + 2)
    levels = [min(max(won / of, least), 1.0 - least) for won, of, bins in pools for _ in range(bins)]
    return IsotonicCurve(places=tuple(MIDDLES[np.array(n) > 0].tolist()), levels=tuple(levels), rows=rows)


_FITS = {"platt": fit_calibration, "beta": fit_beta, "isotonic": fit_isotonic}


def fit_curve(kind: CurveKind, losses: np.ndarray, wins: np.ndarray, *, min_rows: int) -> Curve | None:
    """The curve of a kind; see `fit_calibration`."""
    return _FITS[kind](losses, wins, min_rows=min_rows)


def out_of_sample_losses(counts: np.ndarray, *, delay: int, min_rows: int) -> dict[CurveKind, float]:
    """The mean log loss of each kind of curve on the newer half of a window, in the order of `CURVES`.

    That half is cut into parts; the outcomes of each are judged by the curves that were known when they were decided, so of no outcome of the part itself, nor of one that
    overlaps it.

    Parameters
    ----------
    counts
        Integers of shape (n_sessions, 2, 100): losses and wins by bin of the sessions at which they became known, the oldest first.
    delay
        Sessions from a decision to the session at which its outcome is known.
    min_rows
        Outcomes that a curve is fitted through at least.

    Returns
    -------
    dict
        Empty where no part could be judged. A kind that has no curve for one of the parts that another kind has one for is left out.
    """
    total = np.concatenate([np.zeros((1, 2, BINS), np.int64), counts.cumsum(axis=0)])
    cuts = np.linspace(len(counts) // 2, len(counts), FOLDS + 1).astype(int).tolist()
    losses: dict[CurveKind, list[float | None]] = {kind: [] for kind in CURVES}
    rows = 0
    for start, end in itertools.pairwise(cuts):
        known, judged = total[max(0, start - delay + 1)], total[end] - total[start]
        fitted = {kind: fit_curve(kind, *known, min_rows=min_rows) for kind in CURVES}
        if judged.sum() and any(fitted.values()):
            rows += int(judged.sum())
            for kind in CURVES:
                curve = fitted[kind]
                losses[kind].append(_log_loss(curve, *judged) if curve else None)
    return {
        kind: sum(parts) / rows for kind, of in losses.items() if of and len(parts := [one for one in of if one is not None]) == len(of)
    }


def _log_loss(curve: Curve, losses: np.ndarray, wins: np.ndarray) -> float:
    p = curve.probability(MIDDLES)
    return -float((wins * np.log(p) + losses * np.log1p(-p)).sum())


def best_kind(losses: dict[CurveKind, float], among: Sequence[CurveKind] = CURVES) -> CurveKind:
    """The kind with the smallest loss; of equal ones that with fewer parameters, which it is without any judged one, too.

    Examples
    --------
    >>> best_kind({"platt": 0.69, "beta": 0.68, "isotonic": 0.70})
    'beta'
    >>> best_kind({})
    'platt'
    """
    return min(among, key=lambda kind: losses.get(kind, np.inf))

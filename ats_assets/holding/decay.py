"""The decay of skill, and what it leaves of each holding period after costs.

A score of session s is traded at the next open. r[s, k] is the return of the k-th session from there on, that of the label of one session decided at s + k - 1, known at s + k + 1; so the skill k sessions
after a decision,

    IC[k] = mean over s of the rank correlation of score[s] and r[s, k],

needs no return that was not known, and nothing has to be purged. With a holding period of h sessions the weights are the mean of those wanted in the last h, so that in each session a share 1/h was decided 1, 2, ... h
sessions before (Jegadeesh and Titman, Journal of Finance 48, 1993):

    gross[h] = sigma c mean(IC[1..h])        turnover[h] = mean over s of sum |w[s] - w[s - h]| / h        net[h] = gross[h] - cost turnover[h]

with sigma the dispersion of returns over symbols, and c = sum w z the weights' exposure to the standardised ranks of the scores: a score of one deviation stands for IC sigma of return (Grinold and Kahn,
Active Portfolio Management, 2nd ed. 2000, chapter 6). The more slowly skill decays and the dearer trading is, the longer is the best h.
Where a unit of a trade costs more or less by its size (a model of impact, a least commission), the mean over s of what these trades cost stands for cost turnover[h].

The ICs are estimates: all are shrunk towards zero by 1 - (H - 2) mean(error^2) / mean-square, at least 0 (James and Stein). The error of gross[h] is that of the mean over sessions (Newey and West).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.evaluation.edge_test import mean_error
from ats_assets.evaluation.skill import average_ranks, correlation
from ats_assets.kernels.weight_limits import Floats

LEAST_SYMBOLS = 3


@dataclass(frozen=True, kw_only=True)
class SessionDecay:
    """What each session says; arrays of shape (n_days, longest) or (n_days,), NaN where it says nothing.

    Attributes
    ----------
    rank_ic
        Of the return decided at a session and the scores of 0, 1, ... sessions before.
    turnover
        Between the weights of a session and those of 1, 2, ... sessions before, over their distance.
    dispersion, exposure
        Of returns over symbols; of weights to standardised ranks.
    spent
        What that turnover costs, as a share of the capital, where that depends on the size of its trades; of the shape of turnover.
    """

    rank_ic: Floats
    turnover: Floats
    dispersion: Floats
    exposure: Floats
    spent: Floats | None = None


@dataclass(frozen=True, kw_only=True)
class HoldingCurve:
    """Arrays of shape (longest,), of holding periods 1, 2, ...; the last four are a session, as shares of the capital. `best` is the place of the best, None for no recommendation."""

    judged: int
    rank_ic: Floats
    standard_error: Floats
    shrunk_ic: Floats
    gross: Floats
    turnover: Floats
    cost: Floats
    net: Floats
    lower: Floats
    best: int | None


Price = Callable[[int, NDArray[np.int64], Floats], Floats]
"""Session, places of instruments, and what is traded of each as a share of the capital -> what a unit of each of these trades costs."""


def session_decay(scores: Floats, weights: Floats, returns: Floats, longest: int, price: Price | None = None) -> SessionDecay:
    """Look at each session.

    Parameters
    ----------
    scores, weights, returns
        float64 of shape (n_days, n_instruments): by session of the decision; returns are those of the session from the next open on. NaN where there is none.
    price
        Of trades whose cost depends on their size; None where a unit of each costs the same.
    """
    n = len(scores)
    ranks = [_standardised(row) for row in scores]
    rank_ic, turnover = np.full((n, longest), np.nan), np.full((n, longest), np.nan)
    spent = None if price is None else np.full((n, longest), np.nan)
    dispersion, exposure = np.full(n, np.nan), np.full(n, np.nan)
    held = np.where(np.isfinite(weights), weights, 0.0)
    scored, traded = _finite(scores), _finite(returns)
    opinion = scored.sum(axis=1) > 0
    whole = [average_ranks(row[there]) if there.any() else row[there] for row, there in zip(scores, scored, strict=True)]

    def ranks_among(s: int, there: NDArray[np.bool_]) -> Floats:
        """Of the scores of a session among some symbols; mostly these are all that it has."""
        return whole[s] if len(whole[s]) == there.sum() else average_ranks(scores[s, there])

    for t in range(n):
        known, ranked = np.flatnonzero(traded[t]), dict[bytes, Floats]()
        if len(known) >= LEAST_SYMBOLS:
            dispersion[t] = float(returns[t, known].std())
        if opinion[t]:
            own = np.flatnonzero(scored[t])  # sums of these alone: who else there is must not matter
            exposure[t] = float((held[t, own] * ranks[t][own]).sum())
        for k in range(min(longest, t + 1)):
            there = scored[t - k] & traded[t]
            key = there.tobytes()
            both = np.flatnonzero(there)
            if len(both) >= LEAST_SYMBOLS:
                ranked[key] = ranked[key] if key in ranked else average_ranks(returns[t, both])
                found = correlation(ranks_among(t - k, there), ranked[key])
                rank_ic[t, k] = np.nan if found is None else found
            if t - k - 1 >= 0 and opinion[t] and opinion[t - k - 1]:
                moved = held[t] - held[t - k - 1]
                turnover[t, k] = float(np.abs(moved[moved != 0.0]).sum()) / (k + 1)
                if price is not None and spent is not None:
                    places = np.flatnonzero(moved)
                    traded_of = np.abs(moved[places]) / (k + 1)
                    spent[t, k] = float((price(t, places, traded_of) * traded_of).sum())
    return SessionDecay(rank_ic=rank_ic, turnover=turnover, dispersion=dispersion, exposure=exposure, spent=spent)


def _finite(values: Floats) -> NDArray[np.bool_]:
    there = np.zeros(values.shape, dtype=np.bool_)
    there[np.isfinite(values)] = True
    return there


def _standardised(scores: Floats) -> Floats:
    """Ranks with a mean of 0 and a deviation of 1; 0 where there is no score."""
    found = np.zeros(len(scores))
    known = np.flatnonzero(np.isfinite(scores))
    if len(known) >= LEAST_SYMBOLS:
        ranks = average_ranks(scores[known])
        apart = ranks - ranks.mean()
        deviation = float(np.sqrt((apart * apart).mean()))
        found[known] = apart / deviation if deviation > 0.0 else 0.0
    return found


def holding_curve(window: SessionDecay, *, cost: float, bound: float, least: int) -> HoldingCurve | None:
    """The curve of a window of sessions whose returns are known; None with fewer than `least` that have the ICs of all distances.

    Parameters
    ----------
    cost
        Of a unit of turnover, as a share; of a window that says what its turnover costs, that is taken.
    bound
        Errors below the estimate at which its lower bound lies.
    """
    full = np.isfinite(window.rank_ic).all(axis=1) & np.isfinite(window.dispersion)
    ics = window.rank_ic[full]
    judged, longest = ics.shape
    complete = np.isfinite(window.turnover).all(axis=1)
    moved = window.turnover[complete]
    exposure = window.exposure[np.isfinite(window.exposure)]
    if judged < max(least, 2) or not len(moved) or not len(exposure):
        return None
    mean = ics.mean(axis=0)
    errors = np.array([mean_error(np.ascontiguousarray(column), 1) or 0.0 for column in ics.T])
    square, noise = float((mean * mean).mean()), float((errors * errors).mean())
    kept = max(0.0, 1.0 - max(longest - 2, 0) / longest * noise / square) if square > 0.0 else 0.0
    scale = float(window.dispersion[full].mean() * exposure.mean())
    until = np.arange(1, longest + 1)
    gross = scale * kept * np.cumsum(mean) / until
    of_sessions = np.cumsum(ics, axis=1) / until
    spread = abs(scale) * np.array([mean_error(np.ascontiguousarray(column), 1) or 0.0 for column in of_sessions.T])
    turnover = moved.mean(axis=0)
    spent = cost * turnover if window.spent is None else window.spent[complete].mean(axis=0)
    net = gross - spent
    lower = net - bound * spread
    best = int(np.argmax(net))
    return HoldingCurve(
        judged=judged,
        rank_ic=mean,
        standard_error=errors,
        shrunk_ic=kept * mean,
        gross=gross,
        turnover=turnover,
        cost=spent,
        net=net,
        lower=lower,
        best=best if lower[best] > 0.0 else None,
    )

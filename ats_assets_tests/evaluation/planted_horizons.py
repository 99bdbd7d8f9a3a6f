"""Scores and returns by hand, of which it is known over which horizons they belong together: matrices of shape (n_sessions, n_symbols)."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import polars as pl

from ats_assets.evaluation.session_statistics import Matrix, centred, session_ranks

DAYS = [date(2015, 1, 1) + timedelta(i) for i in range(3000)]


def slow_noise(rng: np.random.Generator, shape: tuple[int, int], persistence: float) -> Matrix:
    """Noise with this correlation from session to session."""
    found = rng.standard_normal(shape)
    for t in range(1, len(found)):
        found[t] = persistence * found[t - 1] + np.sqrt(1.0 - persistence**2) * found[t]
    return found


def sums_ahead(returns: Matrix, horizon: int) -> Matrix:
    """The return of the `horizon` sessions after each decision, of shape (n_sessions - horizon, n_symbols)."""
    sums = np.cumsum(np.vstack([np.zeros(returns.shape[1]), returns]), axis=0)
    return sums[1 + horizon :] - sums[1 : len(returns) - horizon + 1]


def rank_ics(scores: Matrix, returns: Matrix, horizon: int) -> Matrix:
    """Of each decision whose outcome is there."""
    outcomes = sums_ahead(returns, horizon)
    return centred(session_ranks(scores[: len(outcomes)])).correlation(centred(session_ranks(outcomes)))


def skill_of(scores: Matrix, returns: Matrix, horizons: Sequence[int]) -> pl.DataFrame:
    """decision_session, horizon_sessions, rank_ic."""
    found = {horizon: rank_ics(scores, returns, horizon) for horizon in horizons}
    parts = [pl.DataFrame({"decision_session": DAYS[: len(ics)], "horizon_sessions": h, "rank_ic": ics}) for h, ics in found.items()]
    return pl.concat(parts)


def mined_noise(
    seed: int, *, horizon: int, tries: int = 25, persistence: float = 0.0, shape: tuple[int, int] = (400, 40)
) -> tuple[Matrix, Matrix]:
    """The best of so many noises by its rank IC over one horizon, and the returns of which it knows nothing."""
    rng = np.random.default_rng(seed)
    returns = rng.standard_t(4, shape)
    noises = [slow_noise(rng, shape, persistence) for _ in range(tries)]
    return max(noises, key=lambda scores: rank_ics(scores, returns, horizon).mean()), returns


def decaying_signal(
    seed: int, *, half_life: float, strength: float, persistence: float = 0.0, shape: tuple[int, int] = (400, 40)
) -> tuple[Matrix, Matrix]:
    """Scores, and returns that owe something to the scores of the sessions before, the less the longer ago."""
    rng = np.random.default_rng(seed)
    scores, returns = slow_noise(rng, shape, persistence), rng.standard_t(4, shape)
    for lag in range(1, 40):
        returns[lag:] += strength * 0.5 ** ((lag - 1) / half_life) * scores[:-lag]
    return scores, returns

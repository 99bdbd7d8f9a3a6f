"""What scores are worth in each symbol, shrunk towards what they are worth in all.

The rank IC of a decision is a mean over symbols: with centred ranks x of the scores and y of the outcomes, each symbol's part is

    c[i] = n x[i] y[i] / sqrt(sum x^2 sum y^2),    and    mean c = rank IC,

so the mean of a symbol's parts over time says whether the scores order it rightly among the others, and the mean of these means is the skill of all. Outcomes of neighbouring decisions overlap: the error of
a mean is that of Newey and West with twice the horizon of lags. Most of what single symbols show is chance. If their skill differs with variance v about its mean m, then of n symbols with errors s

    v = max(0, (sum (c - m)^2 - sum s^2) / (n - 1)),    kept = v / (v + s^2),    skill = m + kept (c - m)

(empirical Bayes; James and Stein; Efron and Morris, Journal of the American Statistical Association 70, 1975), with the error sqrt(kept s^2 + (1 - kept)^2 e^2), e that of m.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.kernels.weight_limits import Floats

LEAST_SYMBOLS = 3
"""Of a decision: fewer have no order worth the name."""
LAGS_PER_HORIZON = 2


@dataclass(frozen=True, kw_only=True)
class SkillParts:
    """Parts of rank ICs: horizon -> float64 of shape (n_instruments, n_days), at the session at which the outcome was known; NaN where there is none."""

    instruments: list[str]
    parts: dict[int, Floats]


@dataclass(frozen=True, kw_only=True)
class SymbolSkill:
    """The skill of one horizon as of one session; arrays of shape (n_instruments,).

    Attributes
    ----------
    judged
        Outcomes of each.
    rank_ic, standard_error
        Its own mean and its error; NaN where there are too few outcomes.
    pooled, pooled_error, variance
        The mean of all, its error, and the variance of skill from symbol to symbol.
    kept
        Share of its distance from the mean of all that each keeps.
    skill, error
        What is left, and its error.
    """

    judged: Floats
    rank_ic: Floats
    standard_error: Floats
    pooled: float
    pooled_error: float
    variance: float
    kept: Floats
    skill: Floats
    error: Floats


def skill_parts(predictions: pl.DataFrame, forward_returns: pl.DataFrame, days: Sequence[date], known: Identities) -> SkillParts:
    """The parts of every decision whose outcome is known at one of the days.

    Parameters
    ----------
    predictions, forward_returns
        Rows of the contracts of these names; outcomes are found by the symbol of the decision.
    """
    outcomes = forward_returns.filter(pl.col("session").is_in(list(days))).select(
        "symbol", "decision_session", "horizon_sessions", "forward_return", known_at="session"
    )
    scores = predictions.select("symbol", "score", decision_session="session")
    rows = outcomes.join(scores, on=["symbol", "decision_session"], how="inner").filter(
        pl.col("score").is_finite() & pl.col("forward_return").is_finite()
    )
    keys = ["decision_session", "horizon_sessions"]
    rows = rows.with_columns(n=pl.len().over(keys)).filter(pl.col("n") >= LEAST_SYMBOLS)
    half = (pl.col("n") + 1) / 2
    rows = rows.with_columns(
        x=pl.col("score").rank("average").over(keys) - half, y=pl.col("forward_return").rank("average").over(keys) - half
    )
    scale = ((pl.col("x") ** 2).sum().over(keys) * (pl.col("y") ** 2).sum().over(keys)).sqrt()  # sums of quarters: exact in any order
    rows = rows.with_columns(part=pl.when(scale > 0).then(pl.col("n") * pl.col("x") * pl.col("y") / scale))
    named = known.named(rows.rename({"decision_session": "session"})).filter(pl.col("part").is_not_null())
    instruments = named[INSTRUMENT].unique().sort()
    place = {day: i for i, day in enumerate(days)}
    found: dict[int, Floats] = {}
    for horizon in sorted(forward_returns["horizon_sessions"].unique()):
        own = named.filter(pl.col("horizon_sessions") == horizon)
        values = np.full((len(instruments), len(days)), np.nan)
        at = instruments.search_sorted(own[INSTRUMENT]).to_numpy(), own["known_at"].replace_strict(place, return_dtype=pl.Int64).to_numpy()
        values[at] = own["part"].to_numpy()
        found[horizon] = values
    return SkillParts(instruments=instruments.to_list(), parts=found)


def symbol_skill(parts: Floats, horizon: int, least: int) -> SymbolSkill:
    """The shrunk skill of each symbol.

    Parameters
    ----------
    parts
        float64 of shape (n_instruments, n_sessions): those of a window; NaN where there is none. Rows are judged apart, so that it does not matter who else is there beyond their means.
    horizon
        Sessions of the outcomes.
    least
        Outcomes of a symbol without which its own mean does not count.

    Examples
    --------
    >>> random = np.random.default_rng(0)
    >>> parts = random.normal(0.05, 1.0, (50, 400))  # all alike: no symbol is thought better than another
    >>> found = symbol_skill(parts, 1, 60)
    >>> round(found.pooled, 2), bool(found.kept.max() < 0.2)
    (0.05, True)
    """
    there = np.isfinite(parts)
    judged = there.sum(axis=1).astype(np.float64)
    filled = np.where(there, parts, 0.0)
    mean = filled.sum(axis=1) / np.maximum(judged, 1.0)
    error = _errors(np.where(there, parts - mean[:, None], 0.0), judged, horizon)
    counted = (judged >= least) & np.isfinite(error)
    own, noise = np.where(counted, mean, np.nan), np.where(counted, error, np.nan)
    n = int(counted.sum())
    if not n:
        nothing = np.full(len(parts), np.nan)
        return SymbolSkill(
            judged=judged,
            rank_ic=own,
            standard_error=noise,
            pooled=float("nan"),
            pooled_error=float("nan"),
            variance=float("nan"),
            kept=np.zeros(len(parts)),
            skill=nothing,
            error=nothing,
        )
    means, errors = own[counted], noise[counted]
    pooled, pooled_error = float(means.mean()), _pooled_error(parts[counted], horizon)
    apart = means - pooled
    variance = max(0.0, float((apart * apart).sum() - (errors * errors).sum()) / (n - 1)) if n > 1 else 0.0
    kept = np.where(counted, variance / (variance + np.where(counted, error, 1.0) ** 2), 0.0)
    skill = pooled + kept * np.where(counted, mean - pooled, 0.0)
    left = np.where(counted, kept * np.where(counted, error, 0.0) ** 2, variance)
    spread = np.sqrt(left + (1.0 - kept) ** 2 * pooled_error**2)
    return SymbolSkill(
        judged=judged,
        rank_ic=own,
        standard_error=noise,
        pooled=pooled,
        pooled_error=pooled_error,
        variance=variance,
        kept=kept,
        skill=skill,
        error=spread,
    )


def _pooled_error(parts: Floats, horizon: int) -> float:
    """Of the mean of all: from the rank ICs of the sessions, so that what all symbols share is in it."""
    there = np.isfinite(parts)
    count = there.sum(axis=0)
    series = np.where(there, parts, 0.0).sum(axis=0)[count > 0] / count[count > 0]
    centred = (series - series.mean())[None, :]
    error = float(_errors(centred, np.array([float(len(series))]), horizon)[0])
    return error if np.isfinite(error) else 0.0


def _errors(centred: Floats, judged: Floats, horizon: int) -> Floats:
    """The error of each row's mean, by Newey and West; NaN where it can't be told."""
    count = np.maximum(judged, 1.0)
    variance = (centred * centred).sum(axis=1) / count
    lags = min(LAGS_PER_HORIZON * horizon, centred.shape[1] - 1)
    for lag in range(1, lags + 1):
        variance = variance + 2.0 * (1.0 - lag / (lags + 1.0)) * (centred[:, lag:] * centred[:, :-lag]).sum(axis=1) / count
    return np.where((judged > lags + 1) & (variance > 0.0), np.sqrt(np.maximum(variance, 0.0) / np.maximum(judged - lags, 1.0)), np.nan)

"""Whether intervals held what they said: the share of the returns that lay inside, by session, and whether that differs from the level by more than chance."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from ats_assets.evaluation.edge_test import newey_west_t

LEAST_SESSIONS = 20
"""Fewer judged sessions say nothing."""
MOST_DEVIATIONS = 3.0
"""Standard errors of the mean coverage that are chance."""
COVERAGE_SCHEMA = pl.Schema({"session": pl.Date, "intervals": pl.UInt32, "coverage": pl.Float64, "level": pl.Float64, "width": pl.Float64})


def session_coverage(intervals: pl.DataFrame, forward_returns: pl.DataFrame, horizon_sessions: int) -> pl.DataFrame:
    """The share of the intervals of each session that held the return, of those that have an outcome.

    Parameters
    ----------
    intervals
        The contract `PredictionIntervals`. One without bounds at an adapted level of 1 or more is unbounded and holds everything; one at a level of 0 or less holds nothing.
    forward_returns
        Of the contract `ForwardReturns`: symbol, decision_session, horizon_sessions, forward_return.

    Returns
    -------
    polars.DataFrame
        `COVERAGE_SCHEMA`, sorted by session (of the decision): intervals with an outcome, the share that held it, the level, the median width of the bounded ones.

    Examples
    --------
    >>> from datetime import date
    >>> day = date(2024, 1, 2)
    >>> made = {"symbol": ["A", "B"], "session": day, "lower": -0.1, "upper": 0.1, "level": 0.9, "adapted_level": 0.9, "width": 0.2}
    >>> came = {"symbol": ["A", "B"], "decision_session": day, "horizon_sessions": 5, "forward_return": [0.05, 0.2]}
    >>> session_coverage(pl.DataFrame(made), pl.DataFrame(came), 5)["coverage"].to_list()
    [0.5]
    """
    known = forward_returns.filter(pl.col("horizon_sessions") == horizon_sessions, pl.col("forward_return").is_finite())
    outcomes = known.select("symbol", "forward_return", session="decision_session")
    judged = intervals.filter(pl.col("adapted_level").is_not_null()).join(outcomes, on=["symbol", "session"], how="inner")
    inside = pl.col("forward_return").is_between("lower", "upper").fill_null(value=True) & (pl.col("adapted_level") > 0.0)
    found = judged.group_by("session").agg(
        intervals=pl.len(), coverage=inside.mean(), level=pl.col("level").first(), width=pl.col("width").median()
    )
    return found.sort("session").select(pl.col(name).cast(dtype) for name, dtype in COVERAGE_SCHEMA.items())


@dataclass(frozen=True, kw_only=True)
class CoverageVerdict:
    """What coverage came to over some sessions; figures are None where none was judged."""

    sessions: int
    coverage: float | None
    level: float | None
    deviations: float | None
    """How many standard errors the coverage is above the level; None where it has none."""
    is_sound: bool
    text: str


def coverage_verdict(covered: pl.DataFrame, horizon_sessions: int, *, tolerance: float) -> CoverageVerdict:
    """Whether the mean coverage is the level, but for `tolerance` or chance.

    Parameters
    ----------
    covered
        `COVERAGE_SCHEMA`, in the order of its sessions.
    horizon_sessions
        Over which outcomes of neighbouring sessions overlap: the standard error allows for it (`evaluation.edge_test`), and for what the symbols of a session have in
        common, since a session is one figure.
    tolerance
        A smaller difference is sound, however small its standard error.
    """
    n = covered.height
    if not n:
        return CoverageVerdict(sessions=0, coverage=None, level=None, deviations=None, is_sound=True, text="no interval has an outcome yet")
    shares, level = covered["coverage"].to_numpy(), float(covered["level"][-1])
    mean = float(shares.mean())
    deviations = newey_west_t(shares - covered["level"].to_numpy(), horizon_sessions)
    apart = mean - float(np.mean(covered["level"].to_numpy()))
    is_sound = n < LEAST_SESSIONS or abs(apart) <= tolerance or (deviations is not None and abs(deviations) <= MOST_DEVIATIONS)
    chance = "" if deviations is None else f", {deviations:+.1f} standard errors from it"
    few = f"; fewer than {LEAST_SESSIONS} sessions say nothing" if n < LEAST_SESSIONS else ""
    wrong = "" if is_sound else f": intervals are too {'narrow' if apart < 0 else 'wide'}"
    text = f"{mean:.1%} of the returns of {n} sessions were inside, the level is {level:.0%}{chance}{few}{wrong}"
    return CoverageVerdict(sessions=n, coverage=mean, level=level, deviations=deviations, is_sound=is_sound, text=text)

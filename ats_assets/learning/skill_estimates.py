"""The rows of `skill_estimate`: what the newest predictions are thought to be worth before their outcome is known."""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.evaluation.maturing_skill import maturing_skill
from ats_assets.evaluation.schema import SKILL_ESTIMATE_SCHEMA
from ats_assets.evaluation.skill import skill

LEARNT_SESSIONS = 126
"""Matured decisions that an estimate learns from, and is judged by."""


def estimates_lookback(horizon: int) -> int:
    """Sessions before its own that an estimate reads predictions of: those that are judged, and those that their estimates have learnt from."""
    return 2 * LEARNT_SESSIONS + 2 * (horizon + 1)


def skill_estimate_rows(
    predictions: pl.DataFrame, forward_returns: pl.DataFrame, days: Sequence[date], sessions: Sequence[date], *, horizon: int
) -> pl.DataFrame:
    """The rows of the contract `SkillEstimate`.

    Parameters
    ----------
    predictions, forward_returns
        The contracts of that name, of `days`.
    days
        Consecutive sessions, from `estimates_lookback` before the first of `sessions` to the last.
    sessions
        Those to make.
    """
    place = {day: i for i, day in enumerate(days)}
    judged = skill(predictions, forward_returns.filter(pl.col("horizon_sessions") <= horizon), days)
    ics = {h: np.full(len(days), np.nan) for h in {*judged["horizon_sessions"].to_list(), horizon}}
    for decision, h, ic in judged.select("decision_session", "horizon_sessions", "rank_ic").iter_rows():
        if decision in place and ic is not None:
            ics[h][place[decision]] = ic
    spread = np.full(len(days), np.nan)
    for day, deviation in predictions.group_by("session", maintain_order=True).agg(pl.col("score").std(ddof=0)).iter_rows():
        spread[place[day]] = deviation
    back = estimates_lookback(horizon)
    rows = []
    for session in sessions:
        now = place[session]
        window = slice(max(0, now - back), now + 1)
        own = {h: np.where(np.arange(len(of)) + h + 1 <= now, of, np.nan)[window] for h, of in ics.items()}
        for one in maturing_skill(own, spread[window], now - window.start, horizon=horizon, learnt_sessions=LEARNT_SESSIONS):
            errors = (one.standard_error, one.error_of_mean, one.judged)
            rows.append((session, days[window.start + one.decision], horizon, one.known_horizon, one.estimate, *errors))
    return pl.DataFrame(rows, schema=SKILL_ESTIMATE_SCHEMA, orient="row")

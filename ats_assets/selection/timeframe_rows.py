"""The rows of `timeframe_selection`: of each symbol, over which horizon the scores are worth something in it, if over any."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import NormalDist

import numpy as np
import polars as pl

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.selection.schema import TIMEFRAMES_SCHEMA
from ats_assets.selection.skill_by_symbol import SkillParts, SymbolSkill, skill_parts, symbol_skill
from ats_assets.settings import TimeframeSelectionSettings


@dataclass(frozen=True, kw_only=True)
class TimeframeFrames:
    """Rows of the windows of the sessions that are made: the contracts of these names."""

    predictions: pl.DataFrame
    forward_returns: pl.DataFrame
    universe: pl.DataFrame
    known: Identities


def timeframe_lookback(settings: TimeframeSelectionSettings, longest: int) -> int:
    """Sessions before its own of which predictions are read: the decision of the oldest outcome over the longest horizon."""
    return settings.sessions + longest


def timeframe_rows(
    frames: TimeframeFrames, days: Sequence[date], sessions: Sequence[date], settings: TimeframeSelectionSettings
) -> pl.DataFrame:
    """The rows of the contract `TimeframeSelection`.

    Parameters
    ----------
    days
        Consecutive sessions, from `timeframe_lookback` before the first of `sessions` to the last; fewer at the start of history.
    sessions
        Those to make.
    """
    place = {day: i for i, day in enumerate(days)}
    parts = skill_parts(frames.predictions, frames.forward_returns, days, frames.known)
    bound = NormalDist().inv_cdf(settings.confidence)
    made = [TIMEFRAMES_SCHEMA.to_frame()]
    members = frames.known.named(frames.universe.filter(pl.col("session").is_in(list(sessions))))
    for (session,), of_session in members.group_by("session", maintain_order=True):
        now = place[session]  # pyright: ignore[reportArgumentType] - a session
        window = slice(max(0, now - settings.sessions + 1), now + 1)
        made.append(_of_session(of_session.sort("symbol"), parts, window, settings.min_sessions, bound))
    return pl.concat(made).sort("session", "symbol", "horizon_sessions")


def _of_session(members: pl.DataFrame, parts: SkillParts, window: slice, least: int, bound: float) -> pl.DataFrame:
    position = {name: i for i, name in enumerate(parts.instruments)}
    rows, skills = [], {}
    for horizon, values in parts.parts.items():
        own = values[:, window]
        seen = np.flatnonzero(np.isfinite(own).any(axis=1))
        skills[horizon] = (
            dict(zip(seen.tolist(), range(len(seen)), strict=True)),
            symbol_skill(np.ascontiguousarray(own[seen]), horizon, least),
        )
    for symbol, session, instrument in members.select("symbol", "session", INSTRUMENT).iter_rows():
        at = position.get(instrument, -1)
        found = [(horizon, *_figures(one, places.get(at), bound)) for horizon, (places, one) in skills.items()]
        worth = {horizon: lower / sqrt(horizon) for horizon, *_, lower in found if lower is not None and lower > 0.0}
        best = max(worth, key=lambda horizon: (worth[horizon], -horizon)) if worth else None
        rows += [(symbol, session, *figures, figures[0] == best, best) for figures in found]
    return pl.DataFrame(rows, schema=TIMEFRAMES_SCHEMA, orient="row")


def _figures(skill: SymbolSkill, place: int | None, bound: float) -> tuple[float | int | None, ...]:
    """Judged sessions, own rank IC and error, that of all, what is kept, what is left with its error, and its lower bound; one that was never judged has what all have."""
    if place is None:
        judged, own, error, kept, left, spread = 0, None, None, 0.0, skill.pooled, sqrt(skill.variance + skill.pooled_error**2)
    else:
        judged = int(skill.judged[place])
        own, error, kept, left, spread = (
            float(values[place]) for values in (skill.rank_ic, skill.standard_error, skill.kept, skill.skill, skill.error)
        )
    figures = (own, error, skill.pooled, kept, left, spread, left - bound * spread)
    return (judged, *(None if value is None or not np.isfinite(value) else value for value in figures))

"""The rows of `ticker_selection`: each member of the universe ranked by what it costs to trade and what there is to gain, and whether it is in focus, active or out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.identity import INSTRUMENT, Identities
from ats_assets.kernels.weight_limits import Floats
from ats_assets.selection.schema import TICKERS_SCHEMA
from ats_assets.selection.skill_by_symbol import SkillParts, skill_parts, symbol_skill
from ats_assets.selection.ticker_states import NOT_IN, entered_since
from ats_assets.selection.traded_panel import TradedPanel, TradedRows, traded_panel
from ats_assets.settings import Adjust, TickerSelectionSettings

LEAST_JUDGED = 20
NEUTRAL = 0.5
"""The percentile of a skill that is not known."""


@dataclass(frozen=True, kw_only=True)
class TickerFrames:
    """Rows of the windows of the sessions that are made; predictions and forward returns are None where skill does not count, quoted spreads where there are no quotes."""

    bars: pl.DataFrame
    corporate_actions: pl.DataFrame
    universe: pl.DataFrame
    known: Identities
    adjust: Adjust
    horizon_sessions: int
    predictions: pl.DataFrame | None = None
    forward_returns: pl.DataFrame | None = None
    quoted: pl.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class TickerWindows:
    """Sessions before its own that a session reads of each asset."""

    bars: int
    universe: int
    forward_returns: int
    predictions: int


def ticker_windows(settings: TickerSelectionSettings, horizon: int) -> TickerWindows:
    """The windows: those of a rank, for each session that is remembered."""
    outcomes = settings.memory_sessions + settings.skill_sessions - 1
    return TickerWindows(
        bars=settings.memory_sessions + settings.lookback_sessions,
        universe=settings.memory_sessions,
        forward_returns=outcomes,
        predictions=outcomes + horizon + 1,
    )


@dataclass(frozen=True)
class _Ranking:
    """Of a session: instruments that are members, figures and percentiles by name, score and rank (NaN for none)."""

    names: list[str]
    figures: Mapping[str, Floats] = field(repr=False)
    scores: Mapping[str, Floats] = field(repr=False)
    score: Floats
    rank: Floats


class _Ranker:
    """Ranks of sessions, each from its own windows alone, made once."""

    def __init__(self, frames: TickerFrames, days: Sequence[date], settings: TickerSelectionSettings) -> None:
        self._settings, self._horizon = settings, frames.horizon_sessions
        given = TradedRows(
            bars=frames.bars, actions=frames.corporate_actions, known=frames.known, adjust=frames.adjust, quoted=frames.quoted
        )
        self._panel: TradedPanel = traded_panel(given, days, settings.spread)
        self._place = {name: i for i, name in enumerate(self._panel.instruments)}
        self._skill: SkillParts | None = None
        if frames.predictions is not None and frames.forward_returns is not None:
            outcomes = frames.forward_returns.filter(pl.col("horizon_sessions") == frames.horizon_sessions)
            self._skill = skill_parts(frames.predictions, outcomes, days, frames.known)
        members = frames.known.named(frames.universe).sort("session", INSTRUMENT)
        self._members = {key[0]: rows[INSTRUMENT].to_list() for key, rows in members.group_by("session", maintain_order=True)}
        self._days, self._made = days, dict[int, _Ranking]()

    def at(self, now: int) -> _Ranking:
        """The ranking of the session at a place."""
        if now not in self._made:
            self._made[now] = self._ranking(now, self._members.get(self._days[now], []))
        return self._made[now]

    def _ranking(self, now: int, names: list[str]) -> _Ranking:
        own, how = self._settings, (now, self._settings.lookback_sessions, self._settings.min_sessions)
        at = np.array([self._place.get(name, -1) for name in names], dtype=np.int64)

        def of_members(values: Floats) -> Floats:
            return np.where(at >= 0, np.append(values, np.nan)[at], np.nan)

        figures = {
            "dollar_volume": of_members(self._panel.dollar_volume(*how)),
            "spread": of_members(self._panel.spread(*how)),
            "volatility": of_members(self._panel.volatility(*how)),
            "skill": self._skill_of(now, names),
        }
        known = np.isfinite(figures["dollar_volume"]) & np.isfinite(figures["spread"]) & np.isfinite(figures["volatility"])
        scores = {
            "liquidity": _percentiles(np.where(known, figures["dollar_volume"], np.nan)),
            "spread": _percentiles(np.where(known, -figures["spread"], np.nan)),
            "volatility": _percentiles(np.where(known, figures["volatility"], np.nan)),
        }
        scores["skill"] = np.where(known, np.nan_to_num(_percentiles(np.where(known, figures["skill"], np.nan)), nan=NEUTRAL), np.nan)
        weights = {
            "liquidity": own.liquidity_weight,
            "spread": own.spread_weight,
            "volatility": own.volatility_weight,
            "skill": own.skill_weight if self._skill is not None else 0.0,
        }
        total = sum(weights.values()) or 1.0
        score = sum((weights[name] / total * scores[name] for name in weights), start=np.zeros(len(names)))
        order = np.lexsort((np.arange(len(names)), np.where(known, -score, np.inf)))
        rank = np.full(len(names), np.nan)
        rank[order] = np.arange(1, len(names) + 1)
        return _Ranking(names, figures, scores, np.where(known, score, np.nan), np.where(known, rank, np.nan))

    def _skill_of(self, now: int, names: list[str]) -> Floats:
        """The shrunk skill of members."""
        found = np.full(len(names), np.nan)
        if self._skill is None or self._horizon not in self._skill.parts:
            return found
        window = self._skill.parts[self._horizon][:, max(0, now - self._settings.skill_sessions + 1) : now + 1]
        seen = np.flatnonzero(np.isfinite(window).any(axis=1))
        if not len(seen):
            return found
        skill = symbol_skill(np.ascontiguousarray(window[seen]), self._horizon, min(LEAST_JUDGED, self._settings.skill_sessions)).skill
        of_name = dict(zip((self._skill.instruments[i] for i in seen), skill, strict=True))
        return np.array([of_name.get(name, np.nan) for name in names])


def ticker_rows(frames: TickerFrames, days: Sequence[date], sessions: Sequence[date], settings: TickerSelectionSettings) -> pl.DataFrame:
    """The rows of the contract `TickerSelection`.

    Parameters
    ----------
    days
        Consecutive sessions, from the widest of `ticker_windows` before the first of `sessions` to the last; fewer at the start of history.
    sessions
        Those to make.
    """
    ranker, place = _Ranker(frames, days, settings), {day: i for i, day in enumerate(days)}
    rows: list[tuple[object, ...]] = []
    for session in sessions:
        now = place[session]
        newest = ranker.at(now)
        if not newest.names:
            continue
        remembered = [ranker.at(i) for i in range(max(0, now - settings.memory_sessions), now + 1)]
        ranks = np.stack([_ranks_of(newest.names, one) for one in remembered])
        active = entered_since(ranks, settings.active - settings.band, settings.active)
        focus = entered_since(ranks, settings.focus - settings.focus_band, settings.focus)
        told = _told(newest, active, focus, settings)
        rows += [(frames.known.symbol(name, session), session, *row) for name, row in zip(newest.names, told, strict=True)]
    return pl.DataFrame(rows, schema=TICKERS_SCHEMA, orient="row").sort("session", "symbol")


def _ranks_of(names: Sequence[str], ranking: _Ranking) -> Floats:
    ranks = dict(zip(ranking.names, ranking.rank.tolist(), strict=True))
    return np.array([ranks.get(name, np.nan) for name in names])


def _told(
    made: _Ranking, active: NDArray[np.int64], focus: NDArray[np.int64], settings: TickerSelectionSettings
) -> list[tuple[object, ...]]:
    """The rows of a session, without ticker and session."""
    rows = []
    for i in range(len(made.names)):
        state = "focus" if focus[i] != NOT_IN else "active" if active[i] != NOT_IN else "out"
        since = int(focus[i] if state == "focus" else active[i])
        rank = int(made.rank[i]) if np.isfinite(made.rank[i]) else None
        figures = [
            _known(made.figures[one][i], 1e4 if one == "spread" else 1.0) for one in ("dollar_volume", "spread", "volatility", "skill")
        ]
        scores = [_known(made.scores[one][i]) for one in ("liquidity", "spread", "volatility", "skill")]
        entered = since if state != "out" else None
        rows.append((rank, _known(made.score[i]), state, *figures, *scores, entered, _reason(state, rank, since, settings)))
    return rows


def _reason(state: str, rank: int | None, since: int, settings: TickerSelectionSettings) -> str:
    """Why a ticker is in its state, in a sentence."""
    if rank is None:
        return f"no rank: fewer than {settings.min_sessions} of the last {settings.lookback_sessions} sessions can be judged"
    places, band = (settings.focus, settings.focus_band) if state == "focus" else (settings.active, settings.band)
    if state == "out":
        if rank <= places:
            return f"rank {rank} is within the band, but enters only at {places - band}"
        return f"rank {rank} is below {places}"
    if rank <= places - band:
        return f"rank {rank} of {places - band} that enter" + (f", in for {since} sessions" if since else ", new")
    return f"rank {rank} keeps its place down to {places}, entered {since} sessions ago"


def _percentiles(values: Floats) -> Floats:
    """Between 0 and 1, equal values alike, the highest the best; NaN where there is no value."""
    known = np.isfinite(values)
    found = np.full(len(values), np.nan)
    if known.any():
        ranks = pl.Series(values[known] + 0.0).rank("average").to_numpy()
        found[known] = (ranks - 0.5) / known.sum()
    return found


def _known(value: float, scale: float = 1.0) -> float | None:
    return float(value) * scale if np.isfinite(value) else None

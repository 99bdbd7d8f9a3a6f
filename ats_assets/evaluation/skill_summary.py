"""What the skill of many sessions adds up to, and whether it can be told from chance.

The mean rank IC is judged by `newey_west_t` (`ats_assets/evaluation/edge_test.py`), which allows for the overlap of the outcomes and for the length of the history.

The bar is t >= 3, not 2: several horizons are looked at, and models were tried before this one (Harvey, Liu and Zhu, Review of Financial Studies 29, 2016). On pure chance
it is passed by 0.1% to 0.6% of simulated histories of at least 10 h sessions (decision 7 has the table; benchmarks/edge_test_size.py makes it); below max(60, 10 h) sessions
there is no verdict but "no edge".
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from ats_assets.evaluation.edge_test import newey_west_t
from ats_assets.evaluation.schema import QUANTILES

EDGE_T_STATISTIC = 3.0
MIN_SESSIONS = 60
MIN_SESSIONS_PER_HORIZON = 10


@dataclass(frozen=True, kw_only=True)
class HorizonSkill:
    """The skill over one horizon. Undefined figures are None; returns are for the whole horizon, in shares of one."""

    horizon_sessions: int
    sessions: int
    mean_ic: float | None
    mean_rank_ic: float | None
    icir: float | None
    """Mean of the rank IC over its standard deviation, for one session (not annualised)."""
    t_statistic: float | None
    """Of the mean rank IC, by `newey_west_t`: in standard errors of a normal distribution."""
    positive_share: float | None
    """Sessions with a rank IC above zero."""
    turnover: float | None
    quantile_returns: tuple[float | None, ...]
    spread: float | None
    """Mean return of the top quantile less that of the bottom one."""
    verdict: Literal["edge", "no edge"]
    why: str


@dataclass(frozen=True, kw_only=True)
class SkillSummary:
    """The skill over each horizon; that is the decay. `verdict` is that of the model's horizon, where it is given, else the best of all."""

    horizons: tuple[HorizonSkill, ...]
    verdict: Literal["edge", "no edge"]
    text: str

    def horizon(self, sessions: int) -> HorizonSkill | None:
        """The skill over one horizon; None where nothing was judged over it."""
        return next((item for item in self.horizons if item.horizon_sessions == sessions), None)


def skill_summary(skill: pl.DataFrame, horizon_sessions: int | None = None) -> SkillSummary:
    """Sum up rows of the contract `Skill`.

    Parameters
    ----------
    skill
        Rows of any sessions, in any order.
    horizon_sessions
        The model's own horizon: the verdict is passed on it alone, so that nobody picks the best of several.
    """
    ordered = skill.sort("session", "horizon_sessions")
    horizons = tuple(_horizon(int(h), ordered.filter(horizon_sessions=h)) for h in sorted(ordered["horizon_sessions"].unique()))
    judged = [item for item in horizons if horizon_sessions in {None, item.horizon_sessions}]
    if not judged:
        what = (
            "no predictions have outcomes yet"
            if horizon_sessions is None
            else f"no predictions have outcomes over {horizon_sessions} sessions yet"
        )
        return SkillSummary(horizons=horizons, verdict="no edge", text=f"No edge: {what}.")
    best = max(judged, key=lambda item: (item.verdict == "edge", item.t_statistic if item.t_statistic is not None else -np.inf))
    figures = "" if best.mean_rank_ic is None else f" (mean rank IC {best.mean_rank_ic:+.4f} over {best.sessions} sessions)"
    text = f"{best.verdict.capitalize()} at a horizon of {best.horizon_sessions} sessions: {best.why}{figures}."
    return SkillSummary(horizons=horizons, verdict=best.verdict, text=text)


def _horizon(horizon: int, rows: pl.DataFrame) -> HorizonSkill:
    rank_ics = rows["rank_ic"].drop_nulls().to_numpy()
    quantiles = tuple(_mean(rows["quantile_returns"].list.get(q, null_on_oob=True)) for q in range(QUANTILES))
    bottom, top = quantiles[0], quantiles[-1]
    deviation = float(rank_ics.std(ddof=1)) if len(rank_ics) > 1 else 0.0
    mean, t = _mean(rows["rank_ic"]), newey_west_t(rank_ics, horizon)
    verdict, why = _verdict(len(rank_ics), horizon, mean, t)
    return HorizonSkill(
        horizon_sessions=horizon,
        sessions=len(rank_ics),
        mean_ic=_mean(rows["ic"]),
        mean_rank_ic=mean,
        icir=mean / deviation if mean is not None and deviation > 0 else None,
        t_statistic=t,
        positive_share=float((rank_ics > 0).mean()) if len(rank_ics) else None,
        turnover=_mean(rows["turnover"]),
        quantile_returns=quantiles,
        spread=top - bottom if top is not None and bottom is not None else None,
        verdict=verdict,
        why=why,
    )


def _verdict(sessions: int, horizon: int, mean: float | None, t: float | None) -> tuple[Literal["edge", "no edge"], str]:
    needed = max(MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON * horizon)
    if sessions < needed:
        return "no edge", f"{sessions} sessions with an outcome are too few to judge, {needed} are needed"
    if mean is None or t is None:
        return "no edge", "the rank IC does not vary"
    if mean <= 0:
        return "no edge", f"the scores order the returns no better than chance, t = {t:.1f}"
    if t < EDGE_T_STATISTIC:
        return "no edge", f"t = {t:.1f} is below {EDGE_T_STATISTIC:.1f}, so chance can't be ruled out"
    return "edge", f"t = {t:.1f} is at least {EDGE_T_STATISTIC:.1f}"


def _mean(values: pl.Series) -> float | None:
    """The mean in the order of the rows; None without values."""
    found = values.drop_nulls().to_numpy()
    return float(found.mean()) if len(found) else None

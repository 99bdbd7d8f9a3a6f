"""Whether a model's skill over its own horizon is there over neighbouring ones, too, or is luck that lives at one horizon.

Luck at one horizon is seen at the others as well. Whoever searches for scores whose ICs over h sessions are high tilts the return of session u towards what is held then, the
sum of the scores of the h decisions before it. With the autocorrelation a(k) of scores, the return k sessions after a decision is then tilted by

    p(k) = sum_{l=1..h} a(|k - l|),    so that an IC over g sessions has the share    c = (sum_{k<=g} p(k) / sqrt(g)) / (sum_{k<=h} p(k) / sqrt(h))

of the IC over h; for scores without persistence that is the correlation of the overlapping outcomes, sqrt(min(g, h) / max(g, h)). A rank IC over g sessions is judged by what it has
beyond that, decision by decision:

    beyond[t] = IC_g[t] - c IC_h[t]

Of luck that was found at h, by whatever search, the mean of `beyond` is 0. A real signal that is soon used up has some at shorter horizons, one that goes on after h sessions at longer
ones; only one that spreads just as luck does can't be told from it by this. A model holds where its rank IC over its own and each neighbouring horizon is above zero, and `beyond` of
at least one neighbour is more than chance makes of so many (5%, one-sided, after Newey and West: `newey_west_t`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import polars as pl

from ats_assets.evaluation.edge_test import newey_west_t
from ats_assets.evaluation.skill_summary import MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON

CHANCE = 0.05
"""With which luck at one horizon is taken for skill."""


@dataclass(frozen=True, kw_only=True)
class HorizonEvidence:
    """What is known of one horizon; what the data do not define is None.

    Attributes
    ----------
    sessions, rank_ic, t_statistic
        Decisions with a rank IC, its mean, and its t by `newey_west_t`.
    by_luck
        What it would be if the skill over the model's own horizon were luck: None for that horizon, as the following.
    beyond, beyond_t
        Mean of what is left, and its t.
    """

    horizon_sessions: int
    is_own: bool
    is_neighbour: bool
    sessions: int
    rank_ic: float
    t_statistic: float | None
    by_luck: float | None
    beyond: float | None
    beyond_t: float | None


@dataclass(frozen=True, kw_only=True)
class HorizonVerdict:
    """Whether the model holds, why or why not with the numbers, and what is known of each horizon, ascending."""

    holds: bool
    text: str
    horizons: tuple[HorizonEvidence, ...]


def luck_share(horizon: int, own: int, persistence: Sequence[float] = ()) -> float:
    """The share c of an IC over `own` sessions that luck has over another horizon, too.

    Parameters
    ----------
    persistence
        Autocorrelation of scores, from lag 0 on; it ends with the last that is above zero. Default: none.

    Examples
    --------
    >>> [round(luck_share(h, 5), 3) for h in (1, 5, 20)]
    [0.447, 1.0, 0.5]
    >>> [round(luck_share(h, 5, [0.9**k for k in range(20)]), 3) for h in (1, 5, 20)]
    [0.43, 1.0, 1.187]
    """
    known = [1.0, *persistence[1:]]
    ends = next((lag for lag, value in enumerate(known) if not value > 0), len(known))
    tilt = [sum(known[abs(k - before)] for before in range(1, own + 1) if abs(k - before) < ends) for k in range(1, max(horizon, own) + 1)]
    return sum(tilt[:horizon]) / sqrt(horizon) / (sum(tilt[:own]) / sqrt(own))


def neighbours_of(horizon_sessions: int, horizons: Sequence[int], on_each_side: int = 1) -> tuple[int, ...]:
    """The nearest horizons that are shorter, and the nearest that are longer.

    Examples
    --------
    >>> neighbours_of(5, [1, 3, 5, 8, 20])
    (3, 8)
    """
    shorter, longer = (sorted({h for h in horizons if side * (h - horizon_sessions) > 0}) for side in (-1, 1))
    return (*shorter[-on_each_side:], *longer[:on_each_side])


def holds_on_neighbours(
    skill: pl.DataFrame, horizon_sessions: int, on_each_side: int = 1, persistence: Sequence[float] = ()
) -> HorizonVerdict:
    """Judge one model by what was known of it.

    Parameters
    ----------
    skill
        decision_session, horizon_sessions, rank_ic (null where it is undefined), of all horizons that there are: such as rows of the contract `Skill`.
    horizon_sessions
        The model's own.
    on_each_side
        Neighbouring horizons that count.
    persistence
        Of the model's scores, as `luck_share` takes it. Without it scores count as new at each session, and luck of slow ones may pass.
    """
    ics = skill.select("decision_session", "horizon_sessions", "rank_ic").drop_nulls()
    found = sorted(map(int, ics["horizon_sessions"].unique()))
    near = neighbours_of(horizon_sessions, found, on_each_side)
    own = ics.filter(horizon_sessions=horizon_sessions).select("decision_session", own="rank_ic")
    shares = {h: luck_share(h, horizon_sessions, persistence) for h in found}
    horizons = tuple(
        _evidence(ics.filter(horizon_sessions=h), own, h, horizon_sessions, share=shares[h], is_neighbour=h in near) for h in found
    )
    holds, text = _verdict({one.horizon_sessions: one for one in horizons}, horizon_sessions, near)
    return HorizonVerdict(holds=holds, text=text, horizons=horizons)


def _evidence(
    rows: pl.DataFrame, own: pl.DataFrame, horizon: int, own_horizon: int, *, share: float, is_neighbour: bool
) -> HorizonEvidence:
    ics = rows.sort("decision_session")["rank_ic"].to_numpy()
    both = rows.join(own, on="decision_session", how="inner").sort("decision_session")
    by_luck = share * both["own"].to_numpy()
    beyond = both["rank_ic"].to_numpy() - by_luck
    told = len(beyond) > 0 and horizon != own_horizon
    return HorizonEvidence(
        horizon_sessions=horizon,
        is_own=horizon == own_horizon,
        is_neighbour=is_neighbour,
        sessions=len(ics),
        rank_ic=float(ics.mean()),
        t_statistic=newey_west_t(ics, horizon),
        by_luck=float(by_luck.mean()) if told else None,
        beyond=float(beyond.mean()) if told else None,
        beyond_t=newey_west_t(beyond, max(horizon, own_horizon)) if told else None,
    )


def _verdict(found: dict[int, HorizonEvidence], horizon: int, near: Sequence[int]) -> tuple[bool, str]:
    if horizon not in found:
        return False, f"does not hold: no outcomes over its {horizon} sessions are known yet"
    if not near:
        return (
            False,
            f"does not hold: no outcomes over other horizons than its {horizon} sessions are known: add some to labels.horizons_sessions",
        )
    own, beside = found[horizon], [found[h] for h in near]
    needed = max(MIN_SESSIONS, MIN_SESSIONS_PER_HORIZON * max(horizon, *near))
    if (fewest := min(one.sessions for one in (own, *beside))) < needed:
        return False, f"does not hold: {fewest} sessions with an outcome are too few to judge, {needed} are needed"
    if below := [one for one in (own, *beside) if one.rank_ic <= 0]:
        return False, f"does not hold: over {below[0].horizon_sessions} sessions its mean rank IC is {below[0].rank_ic:+.4f}"
    bar = NormalDist().inv_cdf((1.0 - CHANCE) ** (1.0 / len(beside)))
    best = max(beside, key=lambda one: one.beyond_t if one.beyond_t is not None else float("-inf"))
    t = best.beyond_t if best.beyond_t is not None else 0.0
    told = f"over {best.horizon_sessions} sessions its mean rank IC is {best.rank_ic:+.4f}, where luck over {horizon} would make {best.by_luck:+.4f}"
    if t < bar:
        return False, f"does not hold: {told}; the difference is within chance (t = {t:.1f}, {bar:.1f} is needed)"
    return True, f"holds: {told}; the difference is more than chance (t = {t:.1f}, {bar:.1f} is needed)"

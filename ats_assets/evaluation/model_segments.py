"""Walk-forward, segment by segment: how each fit did out of sample, and what the account came to while it was the newest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.evaluation.edge_test import newey_west_t


@dataclass(frozen=True, kw_only=True)
class ModelSegment:
    """The decisions of one fit.

    Attributes
    ----------
    model_session
        At which the model was fitted: it had seen nothing of what is judged here.
    first, last
        Decision sessions that are judged.
    rank_ic, t_statistic
        Mean over them at the horizon, and its t allowing for overlap; None where they are not defined.
    account_return
        From the close of the first decision to that of the next segment's first, or to the last; a fraction, None without a backtest there.
    """

    model_session: date
    first: date
    last: date
    sessions: int
    rank_ic: float | None
    t_statistic: float | None
    positive_share: float | None
    account_return: float | None


def model_segments(skill: pl.DataFrame, equity: pl.DataFrame, horizon_sessions: int) -> Sequence[ModelSegment]:
    """The segments in the order of their fits.

    Parameters
    ----------
    skill
        Rows of the contract `Skill`.
    equity
        Columns session, equity; sorted by session.

    Examples
    --------
    >>> days = [date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 4)]
    >>> skill = pl.DataFrame({"decision_session": days, "horizon_sessions": 5, "model_session": [date(2024, 1, 1)] * 2 + [date(2024, 1, 3)], "rank_ic": [0.1, 0.3, -0.1]})
    >>> equity = pl.DataFrame({"session": days, "equity": [100.0, 90.0, 110.0]})
    >>> [(str(one.model_session), one.sessions, one.rank_ic, round(one.account_return, 2)) for one in model_segments(skill, equity, 5)]
    [('2024-01-01', 2, 0.2, 0.1), ('2024-01-03', 1, -0.1, 0.0)]
    """
    judged = skill.filter(pl.col("horizon_sessions") == horizon_sessions).sort("decision_session")
    parts = [(key[0], rows) for key, rows in judged.group_by("model_session", maintain_order=True)]
    firsts = [rows["decision_session"][0] for _, rows in parts]
    ends = [*firsts[1:], equity["session"][-1] if equity.height else None] if firsts else []
    found = []
    for (fitted, rows), first, end in zip(parts, firsts, ends, strict=True):
        ics = rows["rank_ic"].drop_nulls().to_numpy()
        found.append(
            ModelSegment(
                model_session=fitted,
                first=first,
                last=rows["decision_session"][-1],
                sessions=rows.height,
                rank_ic=float(ics.mean()) if len(ics) else None,
                t_statistic=newey_west_t(ics, horizon_sessions),
                positive_share=float((ics > 0).mean()) if len(ics) else None,
                account_return=_between(equity, first, end),
            )
        )
    return found


def _between(equity: pl.DataFrame, first: date, end: date | None) -> float | None:
    span = equity.filter(pl.col("session").is_between(first, end if end is not None else first))["equity"]
    return float(span[-1] / span[0] - 1.0) if span.len() and span[0] > 0 else None

"""What is shown of each partition of signals and of targets."""

from collections.abc import Sequence
from datetime import date

import polars as pl


def weight_figures(weights: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Positions, exposures, and the turnover, one-way, that the weights ask for against those of the session before.

    Turnover is half the sum of absolute changes, before the turnover limit and the band of trading. After a session without rows, in which nothing was wanted, there is none.

    Parameters
    ----------
    weights
        Rows with `symbol`, `session` and `target_weight`.
    days
        Their sessions, one after the other without a gap.

    Examples
    --------
    >>> days = [date(2024, 1, 9), date(2024, 1, 10)]
    >>> held = {"session": [*days, *days], "symbol": ["A", "B", "B", "C"], "target_weight": [0.5, 0.5, 0.5, -0.25]}
    >>> weight_figures(pl.DataFrame(held), days).rows()
    [(datetime.date(2024, 1, 9), 2, 0, 1.0, 1.0, None), (datetime.date(2024, 1, 10), 1, 1, 0.75, 0.25, 0.375)]
    """
    weight = pl.col("target_weight")
    made = weights.group_by("session").agg(
        longs=(weight > 0).sum(), shorts=(weight < 0).sum(), gross_exposure=weight.abs().sum(), net_exposure=weight.sum()
    )
    after = pl.DataFrame({"session": days[:-1], "next": days[1:]}, schema={"session": pl.Date, "next": pl.Date})
    rows = weights.select("session", "symbol", "target_weight")
    then = rows.join(after, on="session").select(pl.col("next").alias("session"), "symbol", -weight)
    both = sorted({*then["session"]} & {*rows["session"]})
    changes = pl.concat([rows, then]).group_by("session", "symbol").agg(weight.sum())
    turnover = changes.filter(pl.col("session").is_in(both)).group_by("session").agg(turnover=weight.abs().sum() / 2)
    return made.join(turnover, on="session", how="left").sort("session")


def target_figures(targets: pl.DataFrame, days: Sequence[date]) -> pl.DataFrame:
    """Those of the weights, and how many of them a risk rule has changed."""
    changed = targets.group_by("session").agg(changed_by_rules=(pl.col("reasons").list.len() > 0).sum())
    return weight_figures(targets, days).join(changed, on="session", how="left").sort("session")

"""How the skill of the scores changed over time: by month, and as curves of what each quantile would have returned."""

import numpy as np
import polars as pl

from ats_assets.evaluation.schema import QUANTILES


def ic_by_month(skill: pl.DataFrame, horizon_sessions: int) -> pl.DataFrame:
    """The mean rank IC of the decisions of each month, over one horizon, as alphalens' `mean_information_coefficient(by_time="M")`.

    Parameters
    ----------
    skill
        Rows of the contract `Skill`.

    Returns
    -------
    DataFrame
        month (its first day), rank_ic (null where no session has one), sessions (that have one); sorted by month.
    """
    rows = skill.filter(horizon_sessions=horizon_sessions).sort("decision_session")
    months = rows.group_by(pl.col("decision_session").dt.truncate("1mo").alias("month"), maintain_order=True)
    return months.agg(pl.col("rank_ic").mean(), sessions=pl.col("rank_ic").count())


def quantile_curves(skill: pl.DataFrame, horizon_sessions: int) -> pl.DataFrame:
    """The compounded return of each quantile of the score, before costs, over the decisions of one horizon.

    For a horizon of h sessions a decision is held by one of h books, each with a share 1 / h of the capital, so that one book is renewed a session: each decision adds r / h, and
    the sums compound (as alphalens' `cumulative_returns`). An empty quantile adds nothing.

    Parameters
    ----------
    skill
        Rows of the contract `Skill`.

    Returns
    -------
    DataFrame
        session (of the decision), q1 (worst) … q5 (best), spread (best less worst, compounded likewise): fractions; sorted by session.

    Examples
    --------
    >>> from datetime import date
    >>> rows = {"decision_session": [date(2024, 1, 2)], "horizon_sessions": [2], "quantile_returns": [[-0.02, 0.0, 0.0, 0.0, 0.04]]}
    >>> [(name, round(value, 3)) for name, value in quantile_curves(pl.DataFrame(rows), 2).drop("session").row(0, named=True).items()]
    [('q1', -0.01), ('q2', 0.0), ('q3', 0.0), ('q4', 0.0), ('q5', 0.02), ('spread', 0.03)]
    """
    rows = skill.filter(horizon_sessions=horizon_sessions).sort("decision_session")
    each = {f"q{q + 1}": _share(rows, q, horizon_sessions) for q in range(QUANTILES)}
    each["spread"] = each[f"q{QUANTILES}"] - each["q1"]
    curves = {name: np.cumprod(1.0 + values) - 1.0 for name, values in each.items()}
    return pl.DataFrame({"session": rows["decision_session"], **curves})


def _share(rows: pl.DataFrame, quantile: int, horizon_sessions: int) -> np.ndarray:
    returns = rows["quantile_returns"].list.get(quantile, null_on_oob=True).cast(pl.Float64).fill_null(0.0)
    return returns.to_numpy() / horizon_sessions

"""The skill of several models on the same sessions and symbols, so that a difference between them is one of skill and not of what they were asked."""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from ats_assets.evaluation.skill import skill
from ats_assets.predictions.schema import MODEL_SKILL_SCHEMA


def candidate_skill(
    predictions: Mapping[str, pl.DataFrame], forward_returns: pl.DataFrame, calendar_sessions: Sequence[date]
) -> pl.DataFrame:
    """The rank IC of each model on the symbols that all models scored which scored any at the decision session.

    Parameters
    ----------
    predictions
        By the name of each model, its rows of the contract `Predictions`.
    forward_returns
        The contract `ForwardReturns`, of one horizon and of the sessions to make.
    calendar_sessions
        Consecutive sessions of the calendar that cover the predictions.

    Returns
    -------
    polars.DataFrame
        The contract `ModelSkill`, sorted by session, decision session and model as given.

    Raises
    ------
    LookAheadError
        If a prediction was made by a model that was fitted at its session or after.
    """
    whole = pl.concat([frame.select("session", "symbol", model=pl.lit(name)) for name, frame in predictions.items()])
    models = whole.group_by("session").agg(models=pl.col("model").n_unique())
    shared = whole.group_by("session", "symbol").len().join(models, on="session").filter(pl.col("len") == pl.col("models"))
    parts = [MODEL_SKILL_SCHEMA.to_frame()]
    for name, frame in predictions.items():
        of_all = frame.join(shared, on=["session", "symbol"], how="semi", maintain_order="left")
        judged = skill(of_all, forward_returns, calendar_sessions)
        parts.append(judged.select(pl.lit(name).alias("model"), pl.col(*_TAKEN)).select(*MODEL_SKILL_SCHEMA))
    order = pl.Enum(list(predictions))
    return pl.concat(parts).sort("session", "decision_session", pl.col("model").cast(order), maintain_order=True)


_TAKEN = [name for name in MODEL_SKILL_SCHEMA if name != "model"]


def decided_ics(skills: pl.DataFrame) -> dict[str, dict[date, float | None]]:
    """Model -> decision session -> rank IC."""
    return {
        key[0]: dict(rows.select("decision_session", "rank_ic").iter_rows()) for key, rows in skills.group_by("model", maintain_order=True)
    }

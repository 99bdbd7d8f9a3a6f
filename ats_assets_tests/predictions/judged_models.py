"""Scores and outcomes of models by hand: matrices of shape (n_sessions, n_symbols) as the frames that the graph has."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA

DAYS = [date(2020, 1, 1) + timedelta(i) for i in range(1200)]


def predictions_of(scores: np.ndarray, *, fitted: int = 0) -> pl.DataFrame:
    """The contract `Predictions`: a row for each score that is no NaN, of the sessions after that of the fit."""
    sessions, symbols = np.nonzero(~np.isnan(scores))
    rows = pl.DataFrame(
        {
            "symbol": [f"S{i:03d}" for i in symbols],
            "session": [DAYS[i] for i in sessions],
            "score": scores[sessions, symbols],
            "model_session": [DAYS[fitted]] * len(sessions),
        },
        schema=PREDICTIONS_SCHEMA,
    )
    return rows.filter(pl.col("session") > pl.col("model_session"))


def outcomes_of(returns: np.ndarray, horizon: int = 1) -> pl.DataFrame:
    """The contract `ForwardReturns`: the return of a decision is known `horizon` + 1 sessions after it; decisions whose outcome lies beyond the last session have none."""
    known = returns[: len(returns) - horizon - 1]
    sessions, symbols = np.nonzero(~np.isnan(known))
    return pl.DataFrame(
        {
            "symbol": [f"S{i:03d}" for i in symbols],
            "session": [DAYS[i + horizon + 1] for i in sessions],
            "decision_session": [DAYS[i] for i in sessions],
            "horizon_sessions": [horizon] * len(sessions),
            "forward_return": np.expm1(known[sessions, symbols]),
            "rank": [0.5] * len(sessions),
            "exit": ["open"] * len(sessions),
        },
        schema=FORWARD_RETURNS_SCHEMA,
    )

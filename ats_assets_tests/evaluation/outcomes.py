"""Predictions with outcomes of a known relation."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA

FIRST = date(2024, 1, 1)


def days(n: int) -> list[date]:
    """Consecutive sessions; every day is one."""
    return [FIRST + timedelta(days=i) for i in range(n)]


def outcomes(
    sessions: int, symbols: int, strength: float, *, horizons: tuple[int, ...] = (1, 3), ties: bool = False, seed: int = 0
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Predictions and forward returns; the score correlates with a return of one session by `strength`. Some symbols are missing here and there."""
    random = np.random.default_rng(seed)
    calendar = days(sessions)
    scores = random.standard_normal((sessions, symbols))
    if ties:
        scores = np.round(scores)
    news = random.standard_normal((sessions, symbols))
    daily = 0.01 * (strength * scores + np.sqrt(1 - strength**2) * news)
    there = random.random((sessions, symbols)) > 0.1
    made, came = [], []
    for i, day in enumerate(calendar):
        made += [(f"S{j:03d}", day, scores[i, j], day - timedelta(days=1)) for j in range(symbols) if there[i, j]]
        for h in horizons:
            if i + h + 1 < sessions:
                came += [
                    (f"S{j:03d}", calendar[i + h + 1], day, h, daily[i : i + h, j].sum(), 0.5, "open")
                    for j in range(symbols)
                    if there[i - 1, j]
                ]
    predictions = pl.DataFrame(made, schema=PREDICTIONS_SCHEMA, orient="row")
    return predictions, pl.DataFrame(came, schema=FORWARD_RETURNS_SCHEMA, orient="row").sort("session", "horizon_sessions", "symbol")

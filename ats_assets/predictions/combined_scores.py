"""The scores of an ensemble: weighted means of the models' percentiles. What predicts loads this, and not what weights are learnt with."""

from collections.abc import Mapping

import numpy as np
import polars as pl


def combined(weights: pl.DataFrame, predictions: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The scores of the ensemble, sorted by session and symbol.

    Parameters
    ----------
    weights
        The contract `EnsembleWeights`, of the sessions to make.
    predictions
        By the name of each model, its rows of the contract `Predictions`.

    Returns
    -------
    DataFrame
        The contract `Predictions`: for each symbol that a model with a weight has a score of, the weighted mean over those that have one. `model_session` is that of the
        newest fit among the models that count at the session.
    """
    keys, parts = ["session", "symbol"], []
    for i, (name, frame) in enumerate(predictions.items()):
        own = weights.filter((pl.col("model") == name) & (pl.col("weight") > 0)).select("session", pl.col("weight").alias(f"weight_{i}"))
        rank, count = pl.col("score").rank("average").over("session"), pl.len().over("session")
        part = frame.select(*keys, rank.alias(f"rank_{i}"), count.alias(f"count_{i}"), pl.col("model_session").alias(f"fitted_{i}"))
        parts.append(part.join(own, on="session", how="inner"))
    rows = pl.concat([part.select(keys) for part in parts]).unique().sort(keys)
    for part in parts:
        rows = rows.join(part, on=keys, how="left", maintain_order="left")
    newest = pl.max_horizontal(f"fitted_{i}" for i in range(len(parts))).max().over("session")
    return rows.select("symbol", "session", score=_weighted_means(rows, len(parts)), model_session=newest)


def _weighted_means(rows: pl.DataFrame, n: int) -> pl.Series:
    """Sums in the order of the models, by NumPy: Polars multiplies by the reciprocal where what it divides by is the same in all rows, so that a session alone had other bits."""
    total = summed = np.zeros(rows.height)
    for i in range(n):
        rank, count, weight = (rows[f"{name}_{i}"].cast(pl.Float64).fill_null(0.0).to_numpy() for name in ("rank", "count", "weight"))
        percentile = (rank - 0.5) / np.maximum(count, 1.0) - 0.5
        total, summed = total + weight, summed + weight * percentile
    return pl.Series(summed / total, dtype=pl.Float64)

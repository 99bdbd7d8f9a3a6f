"""Predictions to signals: what to hold after each session's close, from that session's scores alone.

The target weight is ideal: the turnover limit and the no-trade band need the positions held, so they are applied when trading
(`ats_assets.portfolio.desired_weights`), by backtests and orders alike.
"""

import numpy as np
import polars as pl

from ats_assets.errors import ContractError
from ats_assets.portfolio import score_ranks, target_weights
from ats_assets.settings import PortfolioSettings
from ats_assets.signals.schema import SIGNALS_SCHEMA


def signals_from_predictions(
    predictions: pl.DataFrame, settings: PortfolioSettings, probabilities: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Rank, direction and target weight of each prediction; every session on its own.

    Parameters
    ----------
    predictions
        Rows of the predictions contract, of one or several sessions, in any order.
    settings
        Method and limits.
    probabilities
        Columns session, symbol, probability (calibrated on out-of-sample predictions); a missing row or frame gives null.

    Returns
    -------
    DataFrame
        The signals contract, sorted by (session, symbol). Rank 1 is the highest score; equal scores share a rank and a weight.

    Raises
    ------
    ContractError
        If a (session, symbol) has several predictions or probabilities.
    """
    predictions = predictions.sort("session", "symbol")
    _require_unique(predictions, "predictions")
    if probabilities is None:
        predictions = predictions.with_columns(pl.lit(None, pl.Float64).alias("probability"))
    else:
        _require_unique(probabilities, "probabilities")
        wanted = probabilities.select("session", "symbol", "probability")
        predictions = predictions.drop("probability", strict=False).join(
            wanted, on=["session", "symbol"], how="left", maintain_order="left"
        )
    parts = [_of_one_session(part, settings) for part in predictions.partition_by("session", maintain_order=True)]
    return pl.concat(parts) if parts else pl.DataFrame(schema=SIGNALS_SCHEMA)


def _of_one_session(predictions: pl.DataFrame, settings: PortfolioSettings) -> pl.DataFrame:
    scores = predictions["score"].fill_null(float("nan")).to_numpy()
    weights = target_weights(scores, settings) + 0.0  # no negative zeros
    return predictions.with_columns(
        pl.Series("rank", score_ranks(scores)),
        pl.Series("target_weight", weights),
        pl.Series("direction", np.where(weights > 0, "long", np.where(weights < 0, "short", "flat")), dtype=pl.String),
    ).select(pl.col(name).cast(dtype) for name, dtype in SIGNALS_SCHEMA.items())


def _require_unique(frame: pl.DataFrame, name: str) -> None:
    doubled = frame.filter(frame.select("session", "symbol").is_duplicated())
    if len(doubled):
        row = doubled.row(0, named=True)
        raise ContractError(f"{name}: {row['symbol']} has several rows in session {row['session']}: give one for each symbol and session")

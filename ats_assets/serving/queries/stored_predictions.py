"""The predictions of each model, with the intervals of their returns."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intervals.schema import INTERVALS
from ats_assets.predictions.candidates import candidates

_INTERVALS = ("expected_return", "lower", "upper", "level", "confidence")
TRADED = "traded"
"""The name of the predictions that signals are made of: the only model's, or the champion's."""


def prediction_assets(deployment: Deployment) -> Mapping[str, str]:
    """Name of what predicts -> the asset of its predictions."""
    several = deployment.of(candidates)
    return {TRADED: "predictions", **several} if several else {TRADED: "predictions", next(iter(deployment.settings.models)): "predictions"}


def predictions_of(deployment: Deployment, asset: str, session: date) -> list[dict[str, Any]]:
    """The scores of a session, the best first; of those that are traded with the interval of the return, where there is one.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    warehouse = deployment.warehouse
    frame = warehouse.read(asset, [session]).drop("session").sort(pl.col("score"), "symbol", descending=[True, False], nulls_last=True)
    if asset == "predictions" and warehouse.exists(INTERVALS, session):
        intervals = warehouse.read(INTERVALS, [session], ["symbol", *_INTERVALS])
        frame = frame.join(intervals, on="symbol", how="left", maintain_order="left")
    lacking = [name for name in _INTERVALS if name not in frame.columns]
    return frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in lacking).to_dicts()

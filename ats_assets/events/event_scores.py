"""What a fitted model says of events."""

import numpy as np
import polars as pl

from ats_assets.errors import ModelError
from ats_assets.events.choosing import EventModel
from ats_assets.events.schema import EVENT_PREDICTIONS_SCHEMA
from ats_assets.models import Scorer
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.models.learner import says_log_odds
from ats_assets.storage.model_record import ModelRecord

KEYS = 5
"""The columns of `event_features` before the features."""


def event_predictions(model: EventModel, features: pl.DataFrame, record: ModelRecord, scorer: Scorer, *, threads: int = 1) -> pl.DataFrame:
    """The predictions for events, each of its own row alone.

    Parameters
    ----------
    features
        From `event_features`.
    record, scorer
        The fitted model.
    threads
        Changes the time, not the result.

    Returns
    -------
    DataFrame
        The contract `EventPredictions`. The score of a model that judges no side is the probability of a rise, and its side is the likelier one.

    Raises
    ------
    ModelError
        If the features are not those of the model, in its order.
    """
    names = features.columns[KEYS:]
    if tuple(names) != record.features:
        lacking = [name for name in record.features if name not in names]
        strange = [name for name in names if name not in record.features]
        raise ModelError(
            f"{record.name} of {record.fitted_session} expects {len(record.features)} features, found {len(names)}: lacking {lacking[:5]}, not of the model "
            f"{strange[:5]}, or in another order. Fit the model again on these features: ats run --select {record.name}"
        )
    if features.is_empty():
        return EVENT_PREDICTIONS_SCHEMA.to_frame()
    x = feature_matrix(features, names)
    scores = pl.Series("score", np.asarray(scorer.predict(x, threads=threads)), dtype=pl.Float64)
    chance = pl.Series(1.0 / (1.0 + np.exp(-scores.to_numpy()))) if says_log_odds(model.model.learner) else scores.clip(0.0, 1.0)
    if model.judges is None:
        rises = chance >= 0.5
        side = pl.select(pl.when(rises).then(1).otherwise(-1)).to_series()
        chance = pl.select(pl.when(rises).then(chance).otherwise(1.0 - chance)).to_series()
    else:
        side = features["side"]
    made = features.select("symbol", "session", "known_at", "bar").with_columns(
        side=side, score=scores, probability=chance, model_session=pl.lit(record.fitted_session, pl.Date)
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in EVENT_PREDICTIONS_SCHEMA.items())

"""Predictions: the score that the active model gives each symbol of the universe."""

from datetime import date

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import ModelError
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.models.learner import Scorer
from ats_assets.models.sequences import SequenceWindow, sequences_of
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.settings import TrainingSettings
from ats_assets.storage.model_record import ModelRecord


def check_age(record: ModelRecord, session: date, calendar: SessionCalendar, settings: TrainingSettings) -> int:
    """How many sessions before `session` the model was fitted.

    Raises
    ------
    ModelError
        If that is more than `max_age_sessions`, or the model was not fitted before `session`.
    """
    if record.fitted_session is None:
        raise ModelError(f"{record.name} of {record.session} is not available ({record.reason}): there is nothing to predict with")
    age = calendar.count(record.fitted_session, session)
    if age <= 0:
        raise ModelError(
            f"{record.name} was fitted at {record.fitted_session}: predictions of {session} need a model of the session before or earlier"
        )
    if age > settings.max_age_sessions:
        raise ModelError(
            f"{record.name}, active at {session}, was fitted at {record.fitted_session}, {age} sessions ago; training.max_age_sessions is "
            f"{settings.max_age_sessions}. Materialise {record.name} of a newer refit session, or raise the setting"
        )
    return age


def predict(
    features: pl.DataFrame,
    universe: pl.DataFrame,
    record: ModelRecord,
    scorer: Scorer,
    *,
    threads: int = 1,
    sequences: SequenceWindow | None = None,
) -> pl.DataFrame:
    """The scores of one model, for one session or several.

    Parameters
    ----------
    features
        symbol, session, then the features that the model was chosen or fitted from, in its order; of a model of sequences those of the sessions before, too.
    universe
        symbol, session: who gets a score.
    record, scorer
        The fitted model, from `ModelStore.active` and `Learner.load`.
    threads
        Changes the time, not the result.
    sequences
        Of a model of sequences how long they are, and the sessions in which they lie: those of the universe, and what is before them.

    Returns
    -------
    polars.DataFrame
        The contract `Predictions`, sorted by (session, symbol).

    Raises
    ------
    ModelError
        If the features are not those of the model, in its order, or a symbol of the universe has none.
    """
    names = [column for column in features.columns if column not in {"symbol", "session"}]
    _check_features(names, record)
    names = list(record.features)  # fewer, where some were selected
    wanted = universe.select("session", "symbol").sort("session", "symbol")
    rows = wanted.join(features, on=["session", "symbol"], how="inner", maintain_order="left")
    if rows.height != wanted.height:
        lost = wanted.join(features, on=["session", "symbol"], how="anti")
        where = f", such as {lost['symbol'][0]} at {lost['session'][0]}" if lost.height else ""
        raise ModelError(f"{wanted.height} rows of the universe have {rows.height} rows of features{where}: materialise the features again")
    if rows.is_empty():
        return pl.DataFrame(schema=PREDICTIONS_SCHEMA)
    if sequences is None:
        scores = scorer.predict(feature_matrix(rows, names), threads=threads)
    else:
        scores = scorer.predict(*sequences_of([wanted], features, names, sequences), threads=threads)
    return rows.select("symbol", "session").with_columns(
        score=pl.Series(np.asarray(scores), dtype=pl.Float64), model_session=pl.lit(record.fitted_session, pl.Date)
    )


def _check_features(names: list[str], record: ModelRecord) -> None:
    expected = list(record.selected.offered if record.selected else record.features)
    if names == expected:
        return
    lacking, strange = [n for n in expected if n not in names], [n for n in names if n not in expected]
    if lacking or strange:
        difference = f"lacking {lacking[:5]}, not of the model {strange[:5]}"
    else:
        i = next(i for i, (a, b) in enumerate(zip(names, expected, strict=True)) if a != b)
        difference = f"in another order, from column {i} on: {names[i]!r} where the model has {expected[i]!r}"
    raise ModelError(
        f"{record.name} of {record.fitted_session} expects {len(expected)} features, found {len(names)}: {difference}. "
        "Fit the model again on these features, or materialise the features that it was fitted on"
    )

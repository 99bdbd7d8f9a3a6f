"""What a saved model says: of a stored session with the bits of its asset, or of rows in a file; with the versions of all that it was made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, ModelError, SettingsError
from ats_assets.events.choosing import EventModel, event_models, traded_model
from ats_assets.events.event_fits import active_event_model
from ats_assets.events.event_lane import event_lane
from ats_assets.events.event_scores import event_predictions
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.models import Model, models
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.models.learner import Scorer
from ats_assets.models.sequences import Sequences, sequences_of
from ats_assets.predictions.active_models import active_model
from ats_assets.predictions.inference import check_age, predict
from ats_assets.serving.queries.saved_scorer import CHAMPION, champion_name
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.model_record import ModelRecord


@dataclass(frozen=True, kw_only=True)
class SavedModelPredictions:
    """Predictions, and what made them.

    Attributes
    ----------
    rows
        Of a session as its asset has them; of a file its rows with the column `score`.
    record
        Of the fit: its session, the SHA-256 of the model, the versions of code, settings, libraries and of the data that it learnt from.
    data
        Asset -> session (ISO) -> data version of what was read to predict; of a file its path alone.
    """

    rows: pl.DataFrame
    record: ModelRecord
    data: Mapping[str, Mapping[str, str]]


LoadScorer = Callable[[Model, ModelRecord, ModelStore], Scorer]
"""Gives what scores, of a fitted record: read anew, or kept by a process that lives long."""


def load_scorer(model: Model, record: ModelRecord, store: ModelStore) -> Scorer:
    """Read it from the store.

    Raises
    ------
    ModelError, CorruptPartitionError
        If it is of another kind of learner, or damaged.
    """
    return model.scorer(record, store.content(record))


def predictions_of_session(
    deployment: Deployment, name: str | None, session: date | None, *, load: LoadScorer = load_scorer
) -> SavedModelPredictions:
    """What the model says of a stored session, as its asset does: by the active model of the session before.

    Parameters
    ----------
    name
        Of the model in the settings, one of sessions or one of events; default: that of events which is traded, or the first.
    session
        Default: the newest one for which there are features, or events.

    Raises
    ------
    SettingsError
        If there is no such model.
    MissingPartitionError, CorruptPartitionError
        If what it reads is not stored.
    ModelError
        If no model was there yet, or the active one is too old or of other features.
    """
    found = _model(deployment, name, session)
    return _of_events(deployment, found, session, load) if isinstance(found, EventModel) else _of_universe(deployment, found, session, load)


def predictions_of_file(deployment: Deployment, name: str | None, file: Path, session: date | None) -> SavedModelPredictions:
    """What the model says of the rows of a Parquet or CSV file that has a column for each of its features; other columns are kept.

    Of a model of sequences the columns symbol and session say which rows are before each: those of the file, no others.

    Parameters
    ----------
    session
        The model that is active from this session on; default: the newest one.

    Raises
    ------
    SettingsError
        If there is no such model, or the file can't be read.
    ModelError
        If the file lacks a feature, or there is no fitted model.
    """
    return predictions_of_rows(deployment, name, _table(file), session, of=str(file))


def predictions_of_rows(
    deployment: Deployment, name: str | None, rows: pl.DataFrame, session: date | None, *, of: str, load: LoadScorer = load_scorer
) -> SavedModelPredictions:
    """What the model says of rows that have a column for each of its features. Parameters and errors as `predictions_of_file`.

    Parameters
    ----------
    of
        What the rows are called in messages.
    """
    found = _model(deployment, name, session)
    model = found.model if isinstance(found, EventModel) else found
    store = deployment.model_store(model.asset)
    stored = [day for day in store.stored_sessions() if session is None or day <= session]
    if not stored:
        raise MissingPartitionError(
            f"{model.asset} has no model{f' up to {session}' if session else ''}: fit it with ats run --select '+{model.asset}'"
        )
    store, record = active_model(deployment, model, stored[-1])
    if record.status != "fitted":
        raise ModelError(f"{model.asset} of {stored[-1]} is not available: {record.reason}")
    if lacking := [feature for feature in record.features if feature not in rows.columns]:
        raise ModelError(
            f"{of} lacks {len(lacking)} of the {len(record.features)} features of {model.asset}: {', '.join(lacking[:10])}. Name a column after each"
        )
    try:
        values = rows.with_columns(pl.col(*record.features).cast(pl.Float32).fill_null(float("nan")))
    except pl.exceptions.PolarsError as error:
        raise ModelError(f"{of} has features that are no numbers: {error}") from None
    x = (
        feature_matrix(values, record.features)
        if model.sequence_sessions == 1
        else _sequences(deployment, model, values, record.features, of)
    )
    scores = load(model, record, store).predict(x)
    kept = [column for column in rows.columns if column not in record.features]
    return SavedModelPredictions(
        rows=rows.select(kept).with_columns(score=pl.Series(scores, dtype=pl.Float64)), record=record, data={of: {}}
    )


def _sequences(deployment: Deployment, model: Model, rows: pl.DataFrame, names: Sequence[str], of: str) -> Sequences:
    """The sequences of the rows of a file, among themselves."""
    try:
        keys = rows.select("symbol", pl.col("session").cast(pl.Date))
    except pl.exceptions.PolarsError as error:
        raise ModelError(
            f"{model.asset} looks at sequences of {model.sequence_sessions} sessions, so {of} needs the columns symbol and session (dates): {error}"
        ) from None
    days = keys["session"].drop_nulls()
    for day in days.unique().sort().to_list():
        deployment.calendar.position(day)
    window = model.sequences_in(deployment.calendar.sessions(days.min(), days.max()))  # pyright: ignore[reportArgumentType] - dates
    if window is None or days.len() < keys.height:
        raise ModelError(f"{of} has rows without a session: {model.asset} can't tell what is before them")
    (found,) = sequences_of([keys], rows.with_columns(keys), names, window)
    return found


def _model(deployment: Deployment, name: str | None, session: date | None) -> EventModel | Model:
    of_events = deployment.of(event_models)
    of_sessions = {model.name: model for model in deployment.of(models).values()}
    if name == CHAMPION:
        name, _ = champion_name(deployment, session or deployment.calendar.last)
        if name not in of_sessions:
            raise ModelError(f"the champion is {name!r}, which is no single saved model: name one of {', '.join(of_sessions)}")
    if name is None:
        return traded_model(deployment) or next(iter(of_sessions.values()))
    if name in of_events:
        return of_events[name]
    if name not in of_sessions:
        raise SettingsError(f"there is no model {name!r} in the settings: choose one of {', '.join([*of_sessions, *of_events])}")
    return of_sessions[name]


def _of_events(deployment: Deployment, model: EventModel, session: date | None, load: LoadScorer) -> SavedModelPredictions:
    lane = event_lane(deployment, model)
    day = _chosen(deployment, lane.decided_by[-1], session)
    record = active_event_model(deployment, lane, day)
    if record is None:
        raise ModelError(f"no {model.model.asset} was there before {day}: choose a later session")
    window = deployment.calendar.window(day, lane.settings.align_sessions + 1)
    before = [one for one in window if one == day or all(deployment.warehouse.exists(name, one) for name in lane.features_of)]
    read = {**dict.fromkeys(lane.features_of, before), **{name: [day] for name in lane.decided_by}}
    features = lane.features({name: deployment.warehouse.read(name, days) for name, days in read.items()}, before)
    scorer = load(model.model, record, deployment.model_store(model.model.asset))
    rows = event_predictions(model, features, record, scorer, threads=lane.settings.threads)
    return SavedModelPredictions(rows=rows, record=record, data={name: deployment.data_versions(name, days) for name, days in read.items()})


def _of_universe(deployment: Deployment, model: Model, session: date | None, load: LoadScorer) -> SavedModelPredictions:
    day = _chosen(deployment, "universe", session)
    store, settings = deployment.model_store(model.asset), deployment.settings.training
    if day == deployment.calendar.first or not store.exists(before := deployment.calendar.offset(day, -1)):
        raise ModelError(f"no {model.asset} was there before {day}: choose a later session, or fit it with ats run")
    store, record = active_model(deployment, model, before)
    check_age(record, day, deployment.calendar, settings)
    families = list(deployment.of(model_families))
    window = deployment.known(deployment.calendar.window(day, model.sequence_sessions))
    features = joined({name: deployment.warehouse.read(name, window) for name in families})
    universe = deployment.warehouse.read("universe", [day])
    how = {"threads": settings.threads, "sequences": model.sequences_in(window)}
    rows = predict(features, universe, record, load(model, record, store), **how)
    read = {**dict.fromkeys(families, window), "universe": [day]}
    return SavedModelPredictions(rows=rows, record=record, data={name: deployment.data_versions(name, days) for name, days in read.items()})


def _chosen(deployment: Deployment, asset: str, session: date | None) -> date:
    if session is not None:
        deployment.calendar.position(session)
        deployment.warehouse.require(asset, [session])
        return session
    stored = deployment.valid_sessions(asset)
    if not stored:
        raise MissingPartitionError(f"there is no partition of {asset}: make it with ats run --select '+{asset}'")
    return stored[-1]


def _table(file: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, infer_schema_length=None)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise SettingsError(f"{file} can't be read as a {'Parquet' if file.suffix == '.parquet' else 'CSV'} file: {error}") from None
